"""A page's words to lines, columns and paragraphs in reading order."""

from __future__ import annotations

import itertools
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from llmflow.organs.parser.draft import Box, union
from llmflow.organs.parser.tables import Rows

_BOLD = re.compile(r"bold|black|heavy|demi|headline|견고딕|-b$|,b$|medi(?:um)?$|[a-z]bd$|^[a-z+]*cmb", re.I)
_BULLET = re.compile(
    r"[•●○■□◦▪▸▶►◆◇※·∙‣–—*\-][ \u00a0]|[\uf0a7\uf0b7\uf0d8]|[①-⑳]"
    r"|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,4}|[가-하])[.)][ \u00a0]"
)
_HYPHENATED = re.compile(r"[A-Za-z]-$")
_HANGUL_END = re.compile(r"[\uac00-\ud7a3]$")
_HANGUL_START = re.compile(r"[\uac00-\ud7a3]")
_ENDS = (".", "!", "?", ":", ";", "。", ")", "”", '"')


@dataclass(slots=True)
class Line:
    """Words on one baseline within one column. `space_after`: the file has a space glyph after the last word."""

    text: str
    x0: float
    top: float
    x1: float
    bottom: float
    size: float
    bold: bool
    space_after: bool = False
    words: int = 1
    role: str = "body"  # "body", "header" or "footer"

    @property
    def box(self) -> Box:
        return (self.x0, self.top, self.x1, self.bottom)


@dataclass(slots=True)
class Table:
    """`row_tops`: where each row begins, where that is known."""

    rows: Rows
    x0: float
    top: float
    x1: float
    bottom: float
    row_tops: Sequence[float] = ()

    @property
    def box(self) -> Box:
        return (self.x0, self.top, self.x1, self.bottom)


Item = Line | Table
Word = dict[str, Any]  # pdfplumber's: text, x0, top, x1, bottom, size, fontname
Column = list[Item]


@dataclass(slots=True)
class Paragraph:
    lines: list[Line] = field(default_factory=list)

    @property
    def size(self) -> float:
        return statistics.median(line.size for line in self.lines)

    @property
    def bold(self) -> bool:
        return all(line.bold for line in self.lines)

    @property
    def box(self) -> Box:
        return union([line.box for line in self.lines])

    def text(self, *, spaces_are_written: bool) -> str:
        return join_lines(self.lines, spaces_are_written=spaces_are_written)

    @property
    def is_item(self) -> bool:
        return bool(_BULLET.match(self.lines[0].text))


def rows_of(words: Sequence[Word]) -> list[list[Word]]:
    """Words on one baseline, from left to right; rows downwards."""
    rows: list[_Row] = []
    for word in sorted(words, key=lambda w: (w["top"] + w["bottom"], w["x0"])):
        row = min((row for row in rows[-6:] if row.takes(word)), key=lambda row: row.distance(word), default=None)
        if row is None:
            rows.append(_Row([word]))
        else:
            row.words.append(word)
    return [sorted(row.words, key=lambda w: float(w["x0"])) for row in rows]


def pieces_of(row: Sequence[Word]) -> list[list[Word]]:
    """A row cut at its wide gaps."""
    pieces = [[row[0]]]
    for word in row[1:]:
        last = pieces[-1][-1]
        if word["x0"] - last["x1"] > 0.85 * max(word["size"], last["size"]):
            pieces.append([])
        pieces[-1].append(word)
    return pieces


def lines_of(words: Sequence[Word], blanks: Sequence[Word]) -> list[Line]:
    """pdfplumber's words (with fontname and size) to line pieces: a wide gap ends a piece, as it may be a gutter."""
    ends = _BlankEnds(blanks)
    return [_line(piece, ends) for row in rows_of(words) for piece in pieces_of(row)]


@dataclass(slots=True)
class _Row:
    """Words at one height that do not overlap sideways."""

    words: list[Word]

    def distance(self, word: Word) -> float:
        """From the row's middle, in points; the largest word of the row stands for it."""
        largest = max(self.words, key=lambda w: float(w["size"]))
        return abs(float(word["top"] + word["bottom"] - largest["top"] - largest["bottom"])) / 2

    def takes(self, word: Word) -> bool:
        size = max(word["size"], max(w["size"] for w in self.words))
        distance = self.distance(word)
        if distance > 0.5 * size:
            return False
        if distance < 0.2 * size:  # accents and marks may stand over their letter
            return True
        slack = 0.1 * size
        return not any(w["x0"] + slack < word["x1"] and word["x0"] + slack < w["x1"] for w in self.words)


class _BlankEnds:
    """Where space glyphs stand, to be asked whether one follows a word."""

    def __init__(self, blanks: Sequence[Word]) -> None:
        self._rows: dict[int, list[float]] = {}
        for blank in blanks:
            self._rows.setdefault(int(blank["bottom"]) // 4, []).append(float(blank["x0"]))

    def follows(self, word: Word) -> bool:
        near = int(word["bottom"]) // 4
        reach = 0.4 * word["size"]
        return any(
            -1.0 <= x - word["x1"] <= reach for row in (near - 1, near, near + 1) for x in self._rows.get(row, ())
        )


def _line(words: list[Word], ends: _BlankEnds) -> Line:
    parts = [words[0]["text"]]
    for before, word in itertools.pairwise(words):
        parts.append(" " if word["x0"] - before["x1"] > 0.08 * word["size"] else "")
        parts.append(word["text"])
    text = "".join(parts)
    letters = sum(len(word["text"]) for word in words)
    bold = sum(len(w["text"]) for w in words if _BOLD.search(w["fontname"])) * 2 > letters
    return Line(
        text,
        min(w["x0"] for w in words),
        min(w["top"] for w in words),
        max(w["x1"] for w in words),
        max(w["bottom"] for w in words),
        max((w["size"] * len(w["text"]), w["size"]) for w in words)[1],
        bold,
        ends.follows(words[-1]),
        text.count(" ") + 1,
    )


def columns(items: Sequence[Item], *, depth: int = 0) -> list[Column]:
    """Reading order: what spans the page, then the left column before the right one, and so on downwards."""
    gutter = gutter_of(items) if depth < 4 else None
    if gutter is None:
        return [_rows(items)] if items else []
    crossing = sorted((i for i in items if i.x0 < gutter - 1 and i.x1 > gutter + 1), key=lambda i: i.top)
    sides = [i for i in items if not (i.x0 < gutter - 1 and i.x1 > gutter + 1)]
    ordered: list[Column] = []
    at = 0
    while True:
        until = crossing[at].top if at < len(crossing) else float("inf")
        band = [i for i in sides if (i.top + i.bottom) / 2 < until]
        sides = [i for i in sides if (i.top + i.bottom) / 2 >= until]
        ordered += columns([i for i in band if i.x1 <= gutter + 1], depth=depth + 1)
        ordered += columns([i for i in band if i.x1 > gutter + 1], depth=depth + 1)
        if at == len(crossing):
            return [column for column in ordered if column]
        spanning = [crossing[at]]
        at += 1
        while at < len(crossing) and not any(
            spanning[-1].bottom < (i.top + i.bottom) / 2 < crossing[at].top for i in sides
        ):
            spanning.append(crossing[at])
            at += 1
        row_end = spanning[-1].bottom
        beside = [i for i in sides if (i.top + i.bottom) / 2 < row_end]  # on the same lines as what spans
        sides = [i for i in sides if (i.top + i.bottom) / 2 >= row_end]
        ordered.append(_rows([*spanning, *beside]))


def gutter_of(items: Sequence[Item]) -> float | None:
    """The middle of an upright white strip with running text on both sides, None where there is one column."""
    texts = [i for i in items if isinstance(i, Line)]
    if len(texts) < 8:
        return None
    left, right = min(i.x0 for i in items), max(i.x1 for i in items)
    size = statistics.median(line.size for line in texts)
    cover = [0.0] * (int(right - left) + 2)
    for item in items:
        for x in range(max(0, int(item.x0 - left)), min(len(cover), int(item.x1 - left) + 1)):
            cover[x] += item.bottom - item.top
    usual = statistics.median(cover)
    best: tuple[float, float] | None = None
    start = None
    for x, height in enumerate([*cover, float("inf")]):
        if height <= 0.25 * usual:
            start = x if start is None else start
        elif start is not None:
            if x - start >= 0.5 * size and 0.12 < (start + x) / 2 / len(cover) < 0.88:
                middle = left + (start + x) / 2
                score = sum(cover[start:x]) / (x - start)
                if (best is None or score < best[0]) and _two_columns(texts, middle, right - left):
                    best = (score, middle)
            start = None
    return best[1] if best else None


def _two_columns(lines: Sequence[Line], gutter: float, width: float) -> bool:
    """Running text on both sides: several lines of some words that fill their side, at the same heights."""
    extents = []
    for side in ([i for i in lines if i.x1 <= gutter + 1], [i for i in lines if i.x0 >= gutter - 1]):
        rows = [row for row in _rows(side) if isinstance(row, Line)]
        if len(rows) < 4:
            return False
        side_width = max(row.x1 for row in rows) - min(row.x0 for row in rows)
        filled = statistics.median(row.x1 - row.x0 for row in rows) / max(side_width, 1.0)
        words = statistics.mean(row.words for row in rows)
        if side_width < 0.15 * width or filled < 0.5 or words < 2.5:
            return False
        extents.append((min(row.top for row in rows), max(row.bottom for row in rows)))
    overlap = min(extents[0][1], extents[1][1]) - max(extents[0][0], extents[1][0])
    return overlap > 0.4 * min(bottom - top for top, bottom in extents)


def _rows(items: Sequence[Item]) -> Column:
    """One column, downwards; pieces on one baseline become one line again."""
    column: Column = []
    for item in sorted(items, key=lambda i: (i.top, i.x0)):
        last = column[-1] if column else None
        if isinstance(item, Line) and isinstance(last, Line) and _same_row(last, item):
            column[-1] = _joined_row(last, item)
        else:
            column.append(item)
    return column


def _same_row(a: Line, b: Line) -> bool:
    overlap = min(a.bottom, b.bottom) - max(a.top, b.top)
    return overlap > 0.5 * min(a.bottom - a.top, b.bottom - b.top)


def _joined_row(a: Line, b: Line) -> Line:
    first, second = (a, b) if a.x0 <= b.x0 else (b, a)
    joint = "" if second.x0 - first.x1 < 0.08 * first.size else " "
    x0, top, x1, bottom = union([a.box, b.box])
    bigger = a if a.x1 - a.x0 >= b.x1 - b.x0 else b
    return Line(
        first.text + joint + second.text,
        x0,
        top,
        x1,
        bottom,
        bigger.size,
        a.bold and b.bold,
        second.space_after,
        a.words + b.words,
        bigger.role,
    )


def paragraphs(column: Column) -> list[Paragraph | Table]:
    """Lines joined to paragraphs by distance, size, weight, indent and marks of lists."""
    lines = [item for item in column if isinstance(item, Line)]
    right = max((line.x1 for line in lines), default=0.0)
    left = min((line.x0 for line in lines), default=0.0)
    gaps = [b.top - a.bottom for a, b in itertools.pairwise(lines) if abs(a.size - b.size) < 0.1 * a.size]
    usual = statistics.median(gaps) if gaps else 0.0
    out: list[Paragraph | Table] = []
    for item in column:
        last = out[-1] if out else None
        if isinstance(item, Table):
            out.append(item)
        elif isinstance(last, Paragraph) and not _breaks(last, item, usual, left, right):
            last.lines.append(item)
        else:
            out.append(Paragraph([item]))
    return out


def _breaks(paragraph: Paragraph, line: Line, usual: float, left: float, right: float) -> bool:
    last = paragraph.lines[-1]
    size = max(last.size, line.size)
    gap = line.top - last.bottom
    if line.role != last.role or abs(line.size - last.size) > 0.09 * size or line.bold != last.bold:
        return True
    if gap > max(usual, 0.0) + 0.35 * size or gap < -0.8 * size:
        return True
    if _BULLET.match(line.text):
        return True
    short = last.x1 < right - 0.15 * (right - left)
    if short and last.text.rstrip().endswith(_ENDS):
        return True
    if paragraph.is_item:
        return line.x0 < paragraph.lines[0].x0 - 0.5 * size
    indented = 0.8 * size < line.x0 - last.x0 < 5 * size
    return indented and last.text.rstrip().endswith(_ENDS)


def join_lines(lines: Sequence[Line], *, spaces_are_written: bool) -> str:
    """One text. A hyphen that splits a word goes; Hangul lines join without a space where the file writes its spaces
    and wrote none there."""
    text = lines[0].text
    for before, line in itertools.pairwise(lines):
        if text.endswith("\u00ad") or (_HYPHENATED.search(text) and line.text[:1].islower()):
            text = text[:-1] + line.text
        elif (
            spaces_are_written
            and not before.space_after
            and _HANGUL_END.search(before.text)
            and _HANGUL_START.match(line.text)
        ):
            text += line.text
        else:
            text += " " + line.text
    return text
