"""Rows of words and the columns they stand in, for tables that no ruling lines divide."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from llmflow.organs.parser.draft import Box, union
from llmflow.organs.parser.pdf_layout import Word

_NUMBER = re.compile(
    r"[\s$€₩£¥%(\[+\-–−~<>≤≥±*]*\d[\d,.\s%)\]*†‡±–−~\-/:a-z]*$|[-–—.*†‡]+$|\(x\)$|n/?a\.?$|\([\d.,\s%–\-]+\)$", re.I
)
_YEAR = re.compile(r"(?:19|20)\d\d(?:[-–/]\d{2,4})?[a-z*]?년?(?:도)?$")
_LEADER = re.compile(r"(?:\s*[.·…]){3,}$")
_TOUCH = 3.0  # points: level lines nearer than this are one
_NARROW_ROWS = 4  # fewer rows may leave a narrow strip by chance


@dataclass(slots=True)
class Row:
    """Words at one height, cut at their wide gaps."""

    pieces: list[list[Word]]
    words: list[Word] = field(init=False)
    box: Box = field(init=False)
    size: float = field(init=False)

    def __post_init__(self) -> None:
        self.words = [word for piece in self.pieces for word in piece]
        self.box = box_of(self.words)
        self.size = float(max(word["size"] for word in self.words))


@dataclass(frozen=True, slots=True)
class Column:
    """From the middle of the white strip on its left to that on its right; `middle`: of its words."""

    left: float
    right: float
    middle: float


@dataclass(frozen=True, slots=True)
class Placed:
    """A cell of one row: its first and last column and its words."""

    first: int
    last: int
    text: str
    box: Box
    size: float
    words: tuple[Word, ...]

    def followed_by(self, other: Placed) -> Placed:
        text = f"{self.text} {other.text}" if self.text else other.text
        first, last = min(self.first, other.first), max(self.last, other.last)
        return Placed(first, last, text, union([self.box, other.box]), self.size, (*self.words, *other.words))


def box_of(words: Sequence[Word]) -> Box:
    return union([(w["x0"], w["top"], w["x1"], w["bottom"]) for w in words])


def united(rules: Sequence[Box]) -> list[Box]:
    """Level lines that go on in each other, as one."""
    out: list[Box] = []
    for rule in sorted(rules, key=lambda r: (round(r[1]), r[0])):
        last = out[-1] if out else None
        if last is not None and abs(last[1] - rule[1]) < _TOUCH and rule[0] - last[2] < _TOUCH:
            out[-1] = union([last, rule])
        else:
            out.append(rule)
    return out


def is_number(text: str) -> bool:
    return bool(_NUMBER.match(text))


def is_year(text: str) -> bool:
    return bool(_YEAR.match(text))


def number_of(row: Sequence[Placed]) -> int:
    """How many of its cells behind the first column are numbers, years not counted where all are."""
    texts = [cell.text for cell in row if cell.first > 0]
    if texts and all(is_year(text) for text in texts):
        return 0
    return sum(is_number(text) for text in texts)


def text_of(words: Sequence[Word]) -> str:
    text = str(words[0]["text"])
    for index in range(1, len(words)):
        gap = words[index]["x0"] - words[index - 1]["x1"]
        text += (" " if gap > 0.08 * words[index]["size"] else "") + words[index]["text"]
    return _LEADER.sub("", text)


def columns(run: Sequence[Row]) -> tuple[Column, ...]:
    """What the strips divide that nearly all rows of several pieces leave white; one column where there are none."""
    rows = [row for row in run if len(row.pieces) > 1]
    body = [row for row in rows if _numbers_in(row) * 2 >= len(row.pieces) - 1]
    if len(body) < max(_NARROW_ROWS, 0.4 * len(rows)):
        body = []
    strips = _wide_strips(rows)
    if body:
        strips = _merged(strips, _wide_strips(body))
        strips = _merged(strips, [strip for strip in _narrow_strips(body) if _has_numbers_beside(strip, body)])
    strips = _worthwhile(strips, body or rows)
    words = [word for row in body or rows for word in row.words]
    left, right = min(row.box[0] for row in rows), max(row.box[2] for row in rows)
    edges = [left, *((a + b) / 2 for a, b in strips), right]
    found = []
    for index in range(len(edges) - 1):
        inside = [w for w in words if edges[index] <= (w["x0"] + w["x1"]) / 2 <= edges[index + 1]]
        if inside and index:
            middle = statistics.median((w["x0"] + w["x1"]) / 2 for w in inside)
        else:
            middle = (edges[index] + edges[index + 1]) / 2
        found.append(Column(edges[index], edges[index + 1], middle))
    return tuple(found)


def _numbers_in(row: Row) -> int:
    texts = [text_of(piece) for piece in row.pieces[1:]]
    return 0 if all(is_year(text) for text in texts) else sum(all(is_number(w) for w in t.split()) for t in texts)


def _cover(rows: Sequence[Row], *, by_word: bool) -> tuple[float, list[int]]:
    left = min(row.box[0] for row in rows)
    width = int(max(row.box[2] for row in rows) - left) + 2
    cover = [0] * width
    for row in rows:
        filled: set[int] = set()
        for piece in [[word] for word in row.words] if by_word else row.pieces:
            filled |= set(range(max(0, int(piece[0]["x0"] - left)), min(width, int(piece[-1]["x1"] - left) + 1)))
        for x in filled:
            cover[x] += 1
    return left, cover


def _white(left: float, cover: Sequence[int], most: float, least_width: float) -> list[tuple[float, float]]:
    strips: list[tuple[float, float]] = []
    start = None
    for x, count in enumerate([*cover, 1 << 30]):
        if count <= most:
            start = x if start is None else start
        elif start is not None:
            if start > 0 and x - start >= least_width:
                strips.append((left + start, left + x))
            start = None
    return strips


def _wide_strips(rows: Sequence[Row]) -> list[tuple[float, float]]:
    few = max(0.12 * len(rows), 0.9 if len(rows) >= 4 else 0.0)
    size = statistics.median(row.size for row in rows)
    return _white(*_cover(rows, by_word=False), few, 0.3 * size)


def _narrow_strips(body: Sequence[Row]) -> list[tuple[float, float]]:
    few = 0.05 * len(body)
    return _white(*_cover(body, by_word=True), few, 1.0)


def _has_numbers_beside(strip: tuple[float, float], body: Sequence[Row]) -> bool:
    """Whether nearly each row that has words on both sides has numbers there, two of them and not one in two parts."""
    both = good = 0
    middle = (strip[0] + strip[1]) / 2
    for row in body:
        before = [word for word in row.words if (word["x0"] + word["x1"]) / 2 < middle]
        after = [word for word in row.words if (word["x0"] + word["x1"]) / 2 >= middle]
        if not before or not after:
            continue
        if after[0]["x0"] - before[-1]["x1"] > 6 * row.size:
            continue
        both += 1
        good += (
            is_number(before[-1]["text"])
            and is_number(after[0]["text"])
            and any(letter.isdigit() for letter in before[-1]["text"] + after[0]["text"])
            and len(before[-1]["text"]) > 0
        )
    return both >= max(_NARROW_ROWS, 0.5 * len(body)) and good >= 0.85 * both


def _merged(wide: list[tuple[float, float]], narrow: list[tuple[float, float]]) -> list[tuple[float, float]]:
    kept = list(wide)
    for strip in narrow:
        if not any(strip[0] < b + 1 and a - 1 < strip[1] for a, b in kept):
            kept.append(strip)
    return sorted(kept)


def _worthwhile(strips: list[tuple[float, float]], rows: Sequence[Row]) -> list[tuple[float, float]]:
    """Strips that have text on both sides in several rows; of two strips with nothing between, one."""
    kept: list[tuple[float, float]] = []
    for strip in strips:
        since = kept[-1][1] if kept else float("-inf")
        middle = (strip[0] + strip[1]) / 2
        between = sum(any(since - 1 <= (w["x0"] + w["x1"]) / 2 <= middle for w in row.words) for row in rows)
        if between >= max(2, 0.2 * len(rows)):
            kept.append(strip)
    return kept
