"""What a rule strips from a document before it is cut."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from llmflow.ports.chunker import Cleaning
from llmflow.ports.parser import Element

_SPACES = re.compile(r"[^\S\n]{2,}")
_LINES = re.compile(r"\n{3,}")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_URL = re.compile(r"https?://[^\s<>|)\]]+")


def cleaned(elements: Sequence[Element], cleanings: Sequence[Cleaning]) -> Sequence[Element]:
    if not cleanings:
        return elements
    return [msgspec.structs.replace(element, text=_cleaned(element.text, cleanings)) for element in elements]


def _cleaned(text: str, cleanings: Sequence[Cleaning]) -> str:
    if "remove_urls_emails" in cleanings:
        text = _URL.sub("", _MAIL.sub("", text))
    if "remove_extra_spaces" in cleanings:
        text = _LINES.sub("\n\n", _SPACES.sub(" ", text))
    return text
