"""Two passages' texts as one, and one as two. A table keeps its header, and no sentence stands twice."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from functools import reduce

from llmflow.errors import UsageError
from llmflow.knowledge.types import Passage

_LEAST_SHARED = 8  # characters; less than a sentence shares by chance
_RULE = frozenset("|-: ")  # of the line under a pipe table's header


def merged(passages: Sequence[Passage]) -> Passage:
    """The first of neighbours with the words, places and headings of all."""
    return reduce(_merged, passages)


def _merged(one: Passage, other: Passage) -> Passage:
    path = _common(one.heading_path, other.heading_path)
    answers = [answer for answer in (one.answer, other.answer) if answer is not None]
    pages = [p for p in (one.page, one.page_end, other.page, other.page_end) if p is not None]
    return dataclasses.replace(
        one,
        text=joined(_under(one, path), _under(other, path)),
        answer="\n".join(answers) if answers else None,
        keywords=list(dict.fromkeys((*one.keywords, *other.keywords))),
        heading_path=path,
        page=min(pages, default=None),
        page_end=max(pages, default=None),
        kind=one.kind if one.kind == other.kind else "text",
        boxes=[*one.boxes, *(box for box in other.boxes if box not in one.boxes)],
    )


def _common(one: Sequence[str], other: Sequence[str]) -> list[str]:
    """The headings that both stand under."""
    return [a for a, b in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))]


def _under(passage: Passage, path: Sequence[str]) -> str:
    """The text, led by those of its headings that are not in `path`."""
    return "\n\n".join((*passage.heading_path[len(path) :], passage.text))


def joined(first: str, second: str) -> str:
    """What follows in the document what: overlap is written once, and so is the header of one table's two parts."""
    head, rows = headed(second)
    if head and headed(first)[0] == head:
        return f"{first}\n{rows}"
    shared = _shared(first, second)
    return first + second[shared:] if shared else f"{first}\n\n{second}"


def cut(text: str, at: int, *, kind: str) -> tuple[str, str]:
    """The text before character `at` and the one from there. A table is cut before the row that `at` stands in, and
    both have its header. Raises UsageError where one would be empty."""
    if kind == "table":
        head, rows = headed(text)
        body = len(text) - len(rows)
        at = text.rfind("\n", 0, at + 1) + 1
        if head and at > body:
            return text[:at].rstrip(), f"{head}\n{text[at:]}"
        at = at if not head else 0
    first, second = text[: max(at, 0)].strip(), text[max(at, 0) :].strip()
    if not first or not second:
        raise UsageError("Cut it somewhere inside: both parts need text.", param="at")
    return first, second


def headed(text: str) -> tuple[str, str]:
    """A pipe table's caption and header as they stand, and its rows; "" and the text where it has none."""
    lines = text.split("\n")
    for number in range(1, len(lines)):
        if "-" in lines[number] and set(lines[number]) <= _RULE and "|" in lines[number - 1]:
            return "\n".join(lines[: number + 1]), "\n".join(lines[number + 1 :])
    return "", text


def _shared(first: str, second: str) -> int:
    """How many characters `second` begins with that `first` ends with, whole words."""
    for length in range(min(len(first), len(second)), _LEAST_SHARED - 1, -1):
        if second[length : length + 1].strip() == "" and first.endswith(second[:length]):
            return length
    return 0
