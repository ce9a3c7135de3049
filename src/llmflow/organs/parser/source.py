"""What a reader gets: every reader is a function of a Source that fills its draft and returns the pages it found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from llmflow.organs.parser.draft import Draft
from llmflow.ports.parser import ParsedDocument, Progress


class Request(msgspec.Struct, frozen=True):
    """What the adapter asks of its child process."""

    path: str
    name: str
    ocr_languages: str
    max_pages: int


class View(msgspec.Struct, frozen=True):
    """A page to look at, asked of the child process that shows pages. `width`: of the image, in pixels."""

    path: str
    page: int
    what: Literal["image", "words"]
    width: int = 0


#: Reads an attachment: (bytes, name) to a document. Raises LLMFlowError.
ReadPart = Callable[[bytes, str], ParsedDocument]
ReadHtml = Callable[[str, Draft], None]


@dataclass(frozen=True, slots=True)
class Source:
    """`text`: the decoded text of a kind of text, else "". `read_part` None: nested too deep to be read."""

    request: Request
    path: Path
    name: str
    media_type: str
    text: str
    draft: Draft
    progress: Progress
    read_part: ReadPart | None
    read_html: ReadHtml


Reader = Callable[[Source], int | None]
