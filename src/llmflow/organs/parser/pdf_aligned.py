"""Tables without ruling lines: rows whose pieces stand under each other, with white strips between the columns."""

from __future__ import annotations

import itertools
import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmflow.organs.parser import pdf_heads
from llmflow.organs.parser.draft import Box
from llmflow.organs.parser.pdf_grid import Column, Placed, Row, box_of, is_number, is_year, number_of, text_of
from llmflow.organs.parser.pdf_grid import columns as find_columns
from llmflow.organs.parser.pdf_layout import Table, Word, pieces_of, rows_of
from llmflow.organs.parser.tables import Rows

_MARKER = re.compile(
    r"(?:[•●○■□◦▪▸▶►◆◇※·∙‣–—*\-\uf0a7\uf0b7\uf0d8]|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,4}|[가-하])[.)]|\d{1,2})$"
)
_PROSE_WORDS = 9  # a piece with more is a line of running text
_MIN_ROWS = 3
_MOST_HEADS = 12  # lines over the first row of numbers; more are rows of words themselves
_DECIMAL = re.compile(r"\d[\d,]*(?:\.\d+)?")
_DOTS = re.compile(r"[.·…]{3,}$|^[.·…]+$")
_CHAPTER = re.compile(r"(?:\d+(?:\.\d+)*[.)]?|제\s?\d+\s?[장절조편관부]|[IVX]+\.|부록|chapter\s|appendix\s)\s*\S", re.I)
_NOTE = re.compile(r"(?:\*|†|‡|※|note|source|abbreviation|자료|출처|주\s*[:)]|주\d)", re.I)


@dataclass(frozen=True, slots=True)
class _Run:
    """Rows `start` to `end` of the page, which may be a table."""

    start: int
    end: int
    columns: tuple[Column, ...]


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
    rows = sorted((Row(pieces_of(row)) for row in rows_of(words)), key=lambda row: row.box[1])
    tables: list[Table] = []
    taken: set[int] = set()
    runs = [_Run(start, end, find_columns(rows[start:end])) for start, end in _runs(rows, prose_words)]
    for run in _put_together_runs(rows, runs, prose_words):
        if len(run.columns) < 2:
            continue
        held = rows[_with_heads_above(rows, run) : run.end]
        placed = [pdf_heads.place(row, run.columns) for row in held]
        inside = [word for row in held for word in row.words]
        box = box_of(inside)
        if _is_table(placed, len(run.columns), ruled=_is_ruled(box, rules, len(held))):
            tables.append(Table(_joined(held, placed, run.columns, rules), *box))
            taken |= {id(word) for word in inside}
    return tables, [word for word in words if id(word) not in taken]


def _runs(rows: Sequence[Row], prose_words: int) -> Iterator[tuple[int, int]]:
    """Neighbouring rows without running text between them, from the first to the last that has several pieces."""
    start = 0
    for index, row in enumerate(rows):
        far = index > start and row.box[1] - rows[index - 1].box[3] > 2.2 * row.size
        prose = _is_prose(row, prose_words)
        if far or prose:
            yield from _trimmed(rows, start, index)
            start = index + 1 if prose else index
    yield from _trimmed(rows, start, len(rows))


def _is_prose(row: Row, prose_words: int) -> bool:
    longest = max(len(piece) for piece in row.pieces)
    if len(row.pieces) == 1 or prose_words < _PROSE_WORDS:
        return longest > prose_words
    if len(row.pieces) != 2 or is_number(text_of(row.pieces[-1])):
        return False
    return longest > prose_words or min(len(piece) for piece in row.pieces) > _PROSE_WORDS // 2


def _trimmed(rows: Sequence[Row], start: int, end: int) -> Iterator[tuple[int, int]]:
    several = [index for index in range(start, end) if len(rows[index].pieces) > 1]
    if several:
        last = several[-1] + 1
        while last < end and _goes_on(rows[last - 1], rows[last], rows[several[-1]]):
            last += 1
        yield several[0], last


def _goes_on(above: Row, row: Row, full: Row) -> bool:
    """The last row's last lines: close under it, beginning where one of its later pieces begins."""
    near = row.box[1] - above.box[3] < 0.9 * row.size
    return near and any(abs(row.box[0] - piece[0]["x0"]) < 3 for piece in full.pieces[1:])


def _put_together_runs(rows: Sequence[Row], runs: Sequence[_Run], prose_words: int) -> Iterator[_Run]:
    """Runs with the same columns, where only short lines of one piece stand between them, are one table."""
    held: _Run | None = None
    for run in runs:
        if held is not None and _go_together(rows, held, run, prose_words):
            both = rows[held.start : run.end]
            held = _Run(held.start, run.end, find_columns(both))
            continue
        if held is not None:
            yield held
        held = run
    if held is not None:
        yield held


def _go_together(rows: Sequence[Row], above: _Run, below: _Run, prose_words: int) -> bool:
    between = rows[above.end : below.start]
    if len(between) > 2 or any(len(row.pieces) > 1 or _is_prose(row, prose_words) for row in between):
        return False
    first, last = rows[below.start], rows[above.end - 1]
    if first.box[1] - last.box[3] > (4 + 2 * len(between)) * first.size:
        return False
    few, many = sorted((above.columns, below.columns), key=len)
    if len(few) < 3 or len(many) - len(few) > 1:
        return False
    return all(any(abs(a.right - b.right) < 4 or abs(a.left - b.left) < 4 for b in many) for a in few[1:])


def _with_heads_above(rows: Sequence[Row], run: _Run) -> int:
    """Where the table begins, with the lines over it that name several of its columns but not its first one."""
    start = run.start
    left, right = run.columns[1].left, run.columns[-1].right
    while start and len(rows[start - 1].pieces) == 1:
        row, below = rows[start - 1], rows[start]
        x0, _, x1, bottom = row.box
        middle = (x0 + x1) / 2
        over_rest = abs(middle - (left + right) / 2)
        over_all = abs(middle - (run.columns[0].left + right) / 2)
        near = below.box[1] - bottom < 0.9 * row.size
        if not (near and x0 > left - 2 and x1 < right + 2 and over_rest < min(over_all, 1.5 * row.size)):
            break
        start -= 1
    return start


def _is_ruled(box: Box, rules: Sequence[Box], rows: int) -> bool:
    """Level lines over the width, about one for every two rows or more."""
    width = box[2] - box[0]
    over = {
        round(rule[1] / 4)
        for rule in rules
        if box[1] - 15 < rule[1] < box[3] + 15 and min(rule[2], box[2]) - max(rule[0], box[0]) > 0.7 * width
    }
    return len(over) >= max(3, rows // 2)


def _is_table(rows: Sequence[Sequence[Placed]], columns: int, *, ruled: bool) -> bool:
    several = [row for row in rows if len(row) > 1]
    if len(several) < _MIN_ROWS or len(several) * 2 < len(rows):
        return False
    cells = [cell for row in several for cell in row]
    if sum(cell.first < cell.last for cell in cells) > 0.2 * len(cells):
        return False
    texts = [cell.text for cell in cells if cell.first > 0]
    numbers = sum(is_number(text) for text in texts)
    if columns == 2:
        firsts = [row[0].text for row in several]
        if sum(bool(_MARKER.match(text)) for text in firsts) * 2 > len(firsts):
            return False  # a list: marks on the left, items on the right
        if _is_contents(several):
            return False
        return ruled or numbers * 10 >= 6 * len(texts)
    words = statistics.mean(text.count(" ") + 1 for text in texts)
    filled = sum(len(row) for row in several) / (len(several) * columns)
    if filled < 0.4 or _is_drawing(rows, columns, ruled=ruled):
        return False
    return ruled or numbers * 10 >= 3 * len(texts) or (words <= 4 and len(several) >= 4)


def _is_contents(rows: Sequence[Sequence[Placed]]) -> bool:
    """Titles and pages that rise, with dots that lead to them or the numbers of chapters before them."""
    pages = [row[-1].text for row in rows]
    if not all(page.isdecimal() for page in pages) or any(int(a) > int(b) for a, b in itertools.pairwise(pages)):
        return False
    titles = [row[0] for row in rows]
    led = sum(bool(_DOTS.search(cell.words[-1]["text"])) or _CHAPTER.match(cell.text) is not None for cell in titles)
    return led * 2 > len(titles)


def _is_drawing(rows: Sequence[Sequence[Placed]], columns: int, *, ruled: bool) -> bool:
    """The words of a chart: scattered, so that hardly a row has them all, and no line of heads over them."""
    full = sum(len(row) * 10 >= 7 * columns for row in rows)
    if not ruled and full < max(2, 0.25 * len(rows)):
        return True
    return full < 0.75 * len(rows) and any(_is_scale(rows, column) for column in (0, columns - 1))


def _is_scale(rows: Sequence[Sequence[Placed]], column: int) -> bool:
    """Numbers that fall by equal steps, as at the side of a chart."""
    texts = [cell.text for row in rows for cell in row if cell.first == column and is_number(cell.text)]
    numbers = [float(found[0].replace(",", "")) for text in texts if (found := _DECIMAL.search(text))]
    steps = {round(a - b, 6) for a, b in itertools.pairwise(numbers)}
    return len(numbers) >= 3 and len(steps) == 1 and steps.pop() > 0 and not all(is_year(text) for text in texts)


def _joined(
    run: Sequence[Row], rows: Sequence[Sequence[Placed]], columns: Sequence[Column], rules: Sequence[Box]
) -> Rows:
    """Rows as cells with their spans; lines of one heading cell, and continued lines, are put together."""
    heads = number_of_heads(rows)
    head = pdf_heads.read(rows[:heads], columns, rules) if heads else []
    if heads and head is None:
        head = [pdf_heads.cells(row) for row in rows[:heads]]
    gaps = [below.box[1] - above.box[3] for above, below in itertools.pairwise(run)]
    usual = statistics.median(gaps) if gaps else 0.0
    merged: list[list[Placed]] = []
    for index in range(heads, len(rows)):
        row = list(rows[index])
        if merged and _continues(merged[-1], row, gaps[index - 1], usual, run[index].size):
            merged[-1] = _put_together(merged[-1], row)
        else:
            merged.append(row)
    return [*(head or []), *(pdf_heads.cells(row) for row in merged)]


def number_of_heads(rows: Sequence[Sequence[Placed]]) -> int:
    """How many rows stand over the first row of numbers; 0 where there are none. Years alone are heads."""
    for index, row in enumerate(rows[: _MOST_HEADS + 1]):
        if len(row) > 1 and number_of(row) * 2 >= len(row) - (row[0].first == 0):
            return index
    return 0


def _continues(above: Sequence[Placed], row: Sequence[Placed], gap: float, usual: float, size: float) -> bool:
    if any(cell.first < cell.last for cell in (*above, *row)):
        return False
    places = {cell.first for cell in row}
    if places == {0} and gap < usual + 0.5 * size:  # the label goes on in the next line, or did not end in the last one
        return row[0].text[:1].islower() and not _NOTE.match(row[0].text) and above[0].first == 0
    if row[0].first == 0 and {cell.first for cell in above} == {0}:
        return row[0].text[:1].islower() and gap < usual + 0.5 * size
    tight = gap < usual - 0.2 * size
    return tight and row[0].first > 0 and places <= {cell.first for cell in above}


def _put_together(above: Sequence[Placed], row: Sequence[Placed]) -> list[Placed]:
    found = {cell.first: cell for cell in above}
    for cell in row:
        before = found.get(cell.first)
        found[cell.first] = before.followed_by(cell) if before else cell
    return [found[first] for first in sorted(found)]
