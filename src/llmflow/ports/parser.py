"""Parser: a file's bytes to typed elements, in reading order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from llmflow.ports.health import Health

#: Unstructured's element types that LLMFlow uses; a reader yields no other.
KINDS = (
    "Title",
    "NarrativeText",
    "ListItem",
    "Table",
    "Header",
    "Footer",
    "Image",
    "FigureCaption",
    "Formula",
    "CodeSnippet",
    "Address",
    "EmailAddress",
    "UncategorizedText",
    "PageBreak",
)

Progress = Callable[[int, int], None]  # (pages done, pages in all); may be called from another thread


class Element(msgspec.Struct, frozen=True, omit_defaults=True):
    """One piece of a document. `text` of a Table is Markdown (GitHub pipe table) and `html` its spans."""

    kind: str
    text: str
    page: int | None = None  # from 1
    heading_path: tuple[str, ...] = ()  # titles above it, outermost first; a Title's own text is not in its path
    level: int | None = None  # of a Title: 1 is the outermost
    html: str | None = None
    bbox: tuple[float, float, float, float] | None = None  # x0, top, x1, bottom in points, origin top left
    language: str | None = None  # "ko", "en" or None
    ocr: bool = False  # read from pixels


class ParsedDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    elements: tuple[Element, ...]
    media_type: str  # what the bytes really are
    pages: int | None = None
    title: str | None = None
    warnings: tuple[str, ...] = ()  # whole sentences for people: what could not be read and what to do


#: A word of a page and its box: x0, top, x1, bottom in points, origin top left.
Word = tuple[str, float, float, float, float]


@dataclass(frozen=True, slots=True)
class PageWords:
    """A page as it is looked at: its size in points and its words in the order of the file; none of a scan."""

    width: float
    height: float
    words: tuple[Word, ...]


class Parser(Protocol):
    """Reads files. CPU-heavy and fragile libraries run in child processes with time and memory limits."""

    @property
    def suffixes(self) -> Sequence[str]:
        """File name endings it reads, lower case with the dot."""

    async def parse(self, path: Path, *, name: str, progress: Progress | None = None) -> ParsedDocument:
        """`path`: the bytes on disk (any name); `name`: the file's own name, which decides nothing when it lies.

        Raises DocumentError (document_empty, document_locked, document_mislabelled, document_unreadable,
        document_timeout, document_crashed_reader, document_too_large, ocr_missing) and Unsupported. Never
        hangs, never takes the process down, reaches no network, follows no reference to another file.
        """

    async def page_image(self, path: Path, page: int, *, width: int) -> bytes:
        """A page (from 1) of a PDF or a picture as WebP, `width` pixels wide. Within the limits of time and memory that
        `parse` keeps, and apart from it: who looks does not wait for what is being read.

        Raises NotFound (no such page), Unsupported (a kind of file without pages) and what `parse` raises."""

    async def page_words(self, path: Path, page: int) -> PageWords:
        """The size and the words of a page, in the coordinates of `Element.bbox`. Raises what `page_image` raises."""

    async def health(self) -> Health: ...

    async def close(self) -> None: ...
