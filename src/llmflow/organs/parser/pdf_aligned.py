"""Tables without ruling lines: rows whose pieces stand under each other, with white strips between the columns."""

from __future__ import annotations

import itertools
import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmflow.organs.parser.draft import Box, union
from llmflow.organs.parser.pdf_layout import Table, Word, pieces_of, rows_of
from llmflow.organs.parser.tables import Cell, Rows

_NUMBER = re.compile(r"[\s$€₩£%(\[+\-–−~<>]*\d[\d,.\s%)\]*†‡a-z]*$|[-–—.*]+$|n/?a$", re.I)
_MARKER = re.compile(
    r"(?:[•●○■□◦▪▸▶►◆◇※·∙‣–—*\-\uf0a7\uf0b7\uf0d8]|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,4}|[가-하])[.)]|\d{1,2})$"
)
_LEADER = re.compile(r"(?:\s*[.·…]){3,}$")
_PROSE_WORDS = 9  # a piece with more is a line of running text
_MIN_ROWS = 3


@dataclass(slots=True)
class _Row:
    pieces: list[list[Word]]

    @property
    def words(self) -> list[Word]:
        return [word for piece in self.pieces for word in piece]

    @property
    def box(self) -> Box:
        return _box(self.words)

    @property
    def size(self) -> float:
        return float(max(word["size"] for word in self.words))


def _box(words: Sequence[Word]) -> Box:
    return union([(w["x0"], w["top"], w["x1"], w["bottom"]) for w in words])


def find(
    words: Sequence[Word], *, gutter: float | None = None, rules: Sequence[Box] = ()
) -> tuple[list[Table], list[Word]]:
    """The tables, and the words that stand in none of them. `gutter`: between two columns of running text; then
    tables over the page's width are looked for first, and those within a column after that. `rules`: the page's
    level lines; rows between such lines need not be numbers to be a table."""
    tables, rest = _find(words, _PROSE_WORDS if gutter is None else _PROSE_WORDS // 2, rules)
    if gutter is None:
        return tables, rest
    left, words_left = _find([word for word in rest if word["x0"] < gutter], _PROSE_WORDS, rules)
    right, words_right = _find([word for word in rest if word["x0"] >= gutter], _PROSE_WORDS, rules)
    return [*tables, *left, *right], [*words_left, *words_right]


def _find(words: Sequence[Word], prose_words: int, rules: Sequence[Box]) -> tuple[list[Table], list[Word]]:
    tables: list[Table] = []
    taken: set[int] = set()
    for run in _runs([_Row(pieces_of(row)) for row in rows_of(words)], prose_words):
        strips = _strips(run)
        rows = _grid(run, strips)
        if not strips:
            continue
        inside = [word for row in run for word in row.words]
        box = _box(inside)
        if _is_table(rows, len(strips) + 1, ruled=_is_ruled(box, rules, len(run))):
            tables.append(Table(_joined(run, rows), *box))
            taken |= {id(word) for word in inside}
    return tables, [word for word in words if id(word) not in taken]


def _runs(rows: list[_Row], prose_words: int) -> Iterator[list[_Row]]:
    """Neighbouring rows without running text between them, from the first to the last that has several pieces."""
    rows = sorted(rows, key=lambda row: row.box[1])
    run: list[_Row] = []
    for row in rows:
        far = bool(run) and row.box[1] - run[-1].box[3] > 2.2 * row.size
        if far or _is_prose(row, prose_words):
            yield from _trimmed(run)
            run = []
        if not _is_prose(row, prose_words):
            run.append(row)
    yield from _trimmed(run)


def _is_prose(row: _Row, prose_words: int) -> bool:
    longest = max(len(piece) for piece in row.pieces)
    if len(row.pieces) == 1 or prose_words < _PROSE_WORDS:
        return longest > prose_words
    return len(row.pieces) == 2 and longest > prose_words and not _NUMBER.match(_text(row.pieces[-1]))


def _trimmed(run: list[_Row]) -> Iterator[list[_Row]]:
    several = [index for index, row in enumerate(run) if len(row.pieces) > 1]
    if several:
        end = several[-1] + 1
        while end < len(run) and _goes_on(run[end - 1], run[end], run[several[-1]]):
            end += 1
        yield run[several[0] : end]


def _goes_on(above: _Row, row: _Row, full: _Row) -> bool:
    """The last row's last lines: close under it, beginning where one of its later pieces begins."""
    near = row.box[1] - above.box[3] < 0.9 * row.size
    return near and any(abs(row.box[0] - piece[0]["x0"]) < 3 for piece in full.pieces[1:])


def _strips(run: Sequence[_Row]) -> list[tuple[float, float]]:
    """White strips that nearly all rows of several pieces leave free, as (left, right)."""
    rows = [row for row in run if len(row.pieces) > 1]
    left = min(row.box[0] for row in rows)
    width = int(max(row.box[2] for row in rows) - left) + 2
    cover = [0] * width
    for row in rows:
        for piece in row.pieces:
            for x in range(max(0, int(piece[0]["x0"] - left)), min(width, int(piece[-1]["x1"] - left) + 1)):
                cover[x] += 1
    few = max(0.12 * len(rows), 0.9 if len(rows) >= 4 else 0.0)
    size = statistics.median(row.size for row in rows)
    strips: list[tuple[float, float]] = []
    start = None
    for x, count in enumerate([*cover, len(rows)]):
        if count <= few:
            start = x if start is None else start
        elif start is not None:
            if start > 0 and x - start >= 0.3 * size:
                strips.append((left + start, left + x))
            start = None
    return _worthwhile(strips, rows)


def _worthwhile(strips: list[tuple[float, float]], rows: Sequence[_Row]) -> list[tuple[float, float]]:
    """Strips that have text on both sides in several rows; of two strips with nothing between, one."""
    kept: list[tuple[float, float]] = []
    for strip in strips:
        since = kept[-1][1] if kept else float("-inf")
        middle = (strip[0] + strip[1]) / 2
        between = sum(any(since - 1 <= (w["x0"] + w["x1"]) / 2 <= middle for w in row.words) for row in rows)
        if between >= max(2, 0.2 * len(rows)):
            kept.append(strip)
    return kept


def _grid(run: Sequence[_Row], strips: list[tuple[float, float]]) -> list[list[tuple[int, int, str]]]:
    """Each row's cells: (first column, last column, text). A piece that crosses a strip's middle spans columns."""
    middles = [(left + right) / 2 for left, right in strips]
    rows = []
    for row in run:
        cells: list[tuple[int, int, list[Word]]] = []
        for piece in row.pieces:
            for index, word in enumerate(piece):
                first = sum(word["x0"] > middle for middle in middles)
                last = max(first, sum(word["x1"] > middle for middle in middles))
                if (
                    cells
                    and (index or first <= cells[-1][1])
                    and (first <= cells[-1][1] or not _gap_at(strips, cells[-1][2][-1], word))
                ):
                    cells[-1] = (cells[-1][0], max(last, cells[-1][1]), [*cells[-1][2], word])
                else:
                    cells.append((first, last, [word]))
        rows.append([(first, last, _LEADER.sub("", _text(held))) for first, last, held in cells])
    return rows


def _gap_at(strips: Sequence[tuple[float, float]], before: Word, word: Word) -> bool:
    """Whether the gap between two words of a piece is where a strip is."""
    return any(
        before["x1"] <= (left + right) / 2 <= word["x0"] and word["x0"] - before["x1"] > 0.25 * word["size"]
        for left, right in strips
    )


def _text(words: Sequence[Word]) -> str:
    text = str(words[0]["text"])
    for index in range(1, len(words)):
        gap = words[index]["x0"] - words[index - 1]["x1"]
        text += (" " if gap > 0.08 * words[index]["size"] else "") + words[index]["text"]
    return text


def _is_ruled(box: Box, rules: Sequence[Box], rows: int) -> bool:
    """Level lines over the width, about one for every two rows or more."""
    width = box[2] - box[0]
    over = {
        round(rule[1] / 4)
        for rule in rules
        if box[1] - 15 < rule[1] < box[3] + 15 and min(rule[2], box[2]) - max(rule[0], box[0]) > 0.7 * width
    }
    return len(over) >= max(3, rows // 2)


def _is_table(rows: Sequence[Sequence[tuple[int, int, str]]], columns: int, *, ruled: bool) -> bool:
    several = [row for row in rows if len(row) > 1]
    if len(several) < _MIN_ROWS or len(several) * 2 < len(rows):
        return False
    cells = [cell for row in several for cell in row]
    if sum(first < last for first, last, _ in cells) > 0.2 * len(cells):
        return False
    texts = [text for first, _, text in cells if first > 0]
    numbers = sum(bool(_NUMBER.match(text)) for text in texts)
    if columns == 2:
        firsts = [row[0][2] for row in several]
        if sum(bool(_MARKER.match(text)) for text in firsts) * 2 > len(firsts):
            return False  # a list: marks on the left, items on the right
        return ruled or numbers * 10 >= 6 * len(texts)
    words = statistics.mean(text.count(" ") + 1 for _, _, text in cells)
    filled = sum(len(row) for row in several) / (len(several) * columns)
    return filled >= 0.4 and (ruled or numbers * 10 >= 3 * len(texts) or (words <= 4 and len(several) >= 4))


def _joined(run: Sequence[_Row], rows: Sequence[Sequence[tuple[int, int, str]]]) -> Rows:
    """Rows as cells with their spans; lines of one heading cell, and continued lines, are put together."""
    gaps = [below.box[1] - above.box[3] for above, below in itertools.pairwise(run)]
    usual = statistics.median(gaps) if gaps else 0.0
    merged: list[list[tuple[int, int, str]]] = []
    heading = any(_is_numeric(row) for row in rows)  # without numbers nothing tells where the heading ends
    for index, row in enumerate(rows):
        heading = heading and not _is_numeric(row)
        if merged and _continues(merged[-1], row, gaps[index - 1], usual, run[index].size, heading=heading):
            merged[-1] = _put_together(merged[-1], row)
        else:
            merged.append(list(row))
    return [_cells(row) for row in merged]


def _is_numeric(row: Sequence[tuple[int, int, str]]) -> bool:
    texts = [text for first, _, text in row if first > 0]
    return sum(bool(_NUMBER.match(text)) for text in texts) * 2 >= max(1, len(texts))


def _continues(
    above: Sequence[tuple[int, int, str]],
    row: Sequence[tuple[int, int, str]],
    gap: float,
    usual: float,
    size: float,
    *,
    heading: bool,
) -> bool:
    if any(first < last for first, last, _ in (*above, *row)):
        return False
    if heading:
        return gap < 0.6 * size
    tight = gap < usual - 0.2 * size
    return tight and row[0][0] > 0 and {first for first, _, _ in row} <= {first for first, _, _ in above}


def _put_together(
    above: Sequence[tuple[int, int, str]], row: Sequence[tuple[int, int, str]]
) -> list[tuple[int, int, str]]:
    cells = {first: (first, last, text) for first, last, text in above}
    for first, last, text in row:
        before = cells.get(first)
        cells[first] = (first, last, f"{before[2]} {text}" if before else text)
    return [cells[first] for first in sorted(cells)]


def _cells(row: Sequence[tuple[int, int, str]]) -> list[Cell]:
    out: list[Cell] = []
    column = 0
    for first, last, text in row:
        out += [Cell("")] * (first - column)
        out.append(Cell(text, columns=last - first + 1))
        column = last + 1
    return out
