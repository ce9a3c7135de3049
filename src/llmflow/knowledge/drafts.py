"""What people write of a passage, and how much it may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmflow.errors import UsageError

_MOST_CHARACTERS = 40_000
_MOST_AT_ONCE = 1_000
_MOST_KEYWORDS = 100


@dataclass(frozen=True, slots=True)
class Draft:
    """A passage that somebody writes. `answer`: where `text` is a question. `keywords`: it is found by them too."""

    text: str
    answer: str | None = None
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Edit:
    """What is None stays as it is. `recut`: the parts of a parent follow its text."""

    text: str | None = None
    answer: str | None = None
    keywords: tuple[str, ...] | None = None
    enabled: bool | None = None
    recut: bool = True


def check(drafts: Sequence[Draft]) -> None:
    """Raises UsageError for a draft without text, or for too much of it."""
    if not drafts or len(drafts) > _MOST_AT_ONCE:
        raise UsageError(f"From 1 to {_MOST_AT_ONCE} passages can be added at once.")
    for draft in drafts:
        if not draft.text.strip():
            raise UsageError("A passage needs text.", param="text")
        if len(draft.text) + len(draft.answer or "") > _MOST_CHARACTERS:
            raise UsageError(f"A passage has at most {_MOST_CHARACTERS} characters.", param="text")
        if len(draft.keywords) > _MOST_KEYWORDS or any(len(word) > 255 for word in draft.keywords):
            raise UsageError(f"At most {_MOST_KEYWORDS} keywords of 255 characters each.", param="keywords")
