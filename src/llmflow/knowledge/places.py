"""Where in its document a text stands that somebody else cut out of what was read of it.

Only letters and digits are compared, so that marks of headings and tables, blanks and line ends, which chunkers change,
do not matter. A text that is no longer whole, since an address was taken out of it or a sentence was put before it, is
known by its pieces.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmflow.ports.boxes import boxes_of
from llmflow.ports.chunker import PageBox
from llmflow.ports.parser import Element

_NO_LETTER = re.compile(r"[\W_]+")
_PIECE = 8  # letters
_TRIES = 8  # pieces that are looked for everywhere; the others around them
_AROUND = 2_000  # letters


@dataclass(frozen=True, slots=True)
class Place:
    """`begin`, `end`: among the document's letters. `heading_path`: the headings above all of it that it does not
    repeat."""

    begin: int
    end: int
    page: int | None = None
    page_end: int | None = None
    heading_path: tuple[str, ...] = ()
    boxes: tuple[PageBox, ...] = ()


class Places:
    """Of a document. Texts are asked for in its order: of two places that say the same, the second is the second's."""

    def __init__(self, elements: Sequence[Element]) -> None:
        self._elements = [element for element in elements if element.kind not in ("PageBreak", "Header", "Footer")]
        texts = [_letters(element.text) for element in self._elements]
        self._letters = "".join(texts)
        self._begins = [0]
        for text in texts:
            self._begins.append(self._begins[-1] + len(text))
        self._next = 0

    def of(self, text: str, *, within: Place | None = None) -> Place | None:
        """None: it does not stand there. `within`: what it was cut from."""
        letters = _letters(text)
        if not letters:
            return None
        if within is not None:
            spans = self._spans(letters, within.begin, within.end)
        elif len(letters) < _PIECE:  # words that may stand anywhere
            spans = self._whole(letters, self._next, self._next + _AROUND)
        else:
            ahead = self._whole(letters, self._next, len(self._letters))
            spans = ahead or self._spans(letters, 0, len(self._letters))
        if not spans:
            return None
        if within is None:
            self._next = spans[0][0] + 1
        return self._place(spans)

    def _spans(self, letters: str, begin: int, end: int) -> list[tuple[int, int]]:
        return self._whole(letters, begin, end) or self._in_pieces(letters, begin, end)

    def _whole(self, letters: str, begin: int, end: int) -> list[tuple[int, int]]:
        at = self._letters.find(letters, begin, end)
        return [(at, at + len(letters))] if at >= 0 else []

    def _in_pieces(self, letters: str, begin: int, end: int) -> list[tuple[int, int]]:
        """Where most of its pieces stand together; none where less than half of them do."""
        pieces = _pieces(letters)
        best: list[tuple[int, int]] = []
        for piece in pieces[:: max(1, len(pieces) // _TRIES)]:
            at = self._letters.find(piece, begin, end)
            if at >= 0 and not any(low <= at < high for low, high in best):
                low, high = max(begin, at - len(letters) - _AROUND), min(end, at + len(letters) + _AROUND)
                best = max(best, list(self._following(pieces, low, high)), key=len)
        return best if 2 * len(best) >= len(pieces) > 0 else []

    def _following(self, pieces: Sequence[str], low: int, high: int) -> Iterator[tuple[int, int]]:
        """Where those stand that are there, one after the other."""
        for piece in pieces:
            at = self._letters.find(piece, low, high)
            if at >= 0:
                yield at, at + len(piece)
                low = at

    def _place(self, spans: Sequence[tuple[int, int]]) -> Place:
        touched = sorted({index for begin, end in spans for index in self._indexes(begin, end)})
        elements = [self._elements[index] for index in touched]
        pages = [element.page for element in elements if element.page is not None]
        return Place(
            spans[0][0],
            max(end for _, end in spans),
            page=min(pages, default=None),
            page_end=max(pages, default=None),
            heading_path=_common([element.heading_path for element in elements]),
            boxes=boxes_of(elements),
        )

    def _indexes(self, begin: int, end: int) -> range:
        """Of the elements between two letters."""
        return range(bisect.bisect_right(self._begins, begin) - 1, bisect.bisect_left(self._begins, end))


def _pieces(letters: str) -> list[str]:
    """As long as each other; the last may share letters with the one before it. None of what is too short."""
    starts = range(0, len(letters) - _PIECE + 1, _PIECE)
    rest = [letters[-_PIECE:]] if starts and len(letters) % _PIECE else []
    return [*(letters[start : start + _PIECE] for start in starts), *rest]


def _letters(text: str) -> str:
    return _NO_LETTER.sub("", text)


def _common(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    shortest = min(paths, key=len)
    for depth, heading in enumerate(shortest):
        if any(path[depth] != heading for path in paths):
            return shortest[:depth]
    return shortest
