"""The cells of a table's rows, and its heads: which columns each names, over which others it stands."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from llmflow.organs.parser.draft import Box
from llmflow.organs.parser.pdf_grid import Column, Placed, Row, box_of, is_number, text_of, united
from llmflow.organs.parser.pdf_layout import Word
from llmflow.organs.parser.tables import Cell, Rows

_WIDE_SPACE = 0.3  # of the size: what is wider is more than the space between two words
_NEAR = 0.6  # of the size: lines nearer than this are of one cell


@dataclass(slots=True)
class _Block:
    """Lines of one head. `level`: the head row it begins in."""

    cell: Placed
    size: float
    level: int = 0
    parent: _Block | None = None

    @property
    def span(self) -> tuple[int, int]:
        return (self.cell.first, self.cell.last)


def place(row: Row, columns: Sequence[Column]) -> list[Placed]:
    """A row's cells. A piece that runs over the edge of a column spans it, unless it has a gap there or goes over from
    words to a number."""
    edges = [column.right for column in columns[:-1]]
    found: list[tuple[int, int, list[Word]]] = []
    for piece in row.pieces:
        for index, word in enumerate(piece):
            first = sum(word["x0"] > edge for edge in edges)
            last = max(first, sum(word["x1"] > edge for edge in edges))
            if found and (index or first <= found[-1][1]) and _belongs(found[-1], word, first, edges):
                before = found[-1]
                found[-1] = (before[0], max(last, before[1]), [*before[2], word])
                continue
            if found and found[-1][1] >= first > found[-1][0]:
                found[-1] = (found[-1][0], first - 1, found[-1][2])
            found.append((first, last, [word]))
    if len(found) == 1 and found[0][0] == 0:
        found = [(0, 0, found[0][2])]  # a line that only begins at the left is a heading between the rows
    return [Placed(first, last, text_of(words), box_of(words), row.size, tuple(words)) for first, last, words in found]


def _belongs(cell: tuple[int, int, list[Word]], word: Word, first: int, edges: Sequence[float]) -> bool:
    """Whether a word goes on with the cell before it."""
    before = cell[2][-1]
    if first <= cell[1]:
        if cell[0] == cell[1] or first < cell[1]:
            return True
        # the cell came to lie in this column only by its last word
        starts_here = sum(before["x0"] > edge for edge in edges) >= first
        return starts_here or not (is_number(word["text"]) and not is_number(before["text"]))
    gap = word["x0"] - before["x1"]
    at_edge = any(before["x1"] <= edge <= word["x0"] for edge in edges)
    both = is_number(word["text"]) and is_number(before["text"])
    return not (at_edge and gap > (0.1 if both else 0.22) * word["size"])


def cells(row: Sequence[Placed]) -> list[Cell]:
    out: list[Cell] = []
    column = 0
    for cell in row:
        out += [Cell("")] * (cell.first - column)
        out.append(Cell(cell.text, columns=cell.last - cell.first + 1))
        column = cell.last + 1
    return out


def read(rows: Sequence[Sequence[Placed]], columns: Sequence[Column], rules: Sequence[Box]) -> Rows | None:
    """The head rows with their spans; None where the heads overlap in no sensible way."""
    lines = united(rules)
    blocks: list[_Block] = []
    for index, row in enumerate(rows):
        spread = _spread(_apart(row, columns), rows[index + 1 :], columns, lines)
        for cell in spread:
            above = [block for block in blocks if block.cell.box[3] < cell.box[3] and _overlap(block.span, cell)]
            nearest = max(above, key=lambda block: block.cell.box[3], default=None)
            if nearest is not None and _same_head(nearest, cell, lines):
                nearest.cell = replace(nearest.cell.followed_by(cell), first=nearest.cell.first, last=nearest.cell.last)
            else:
                blocks.append(_Block(cell, cell.size))
    return _laid_out(blocks, len(columns))


def _apart(row: Sequence[Placed], columns: Sequence[Column]) -> list[Placed]:
    """The row's cells, cut where words with more than a space between them stand nearest to different columns."""
    gaps = [b["x0"] - a["x1"] for cell in row for a, b in itertools.pairwise(cell.words)]
    space = min((gap for gap in gaps if gap > 0), default=0.0)
    out: list[Placed] = []
    for cell in row:
        part: list[Word] = []
        for word in cell.words:
            if part:
                gap = word["x0"] - part[-1]["x1"]
                wide = gap > max(_WIDE_SPACE * word["size"], 1.25 * space)
                if wide and _nearest(part, columns) != _nearest([word], columns):
                    out.append(replace(cell, text=text_of(part), box=box_of(part), words=tuple(part)))
                    part = []
            part.append(word)
        out.append(replace(cell, text=text_of(part), box=box_of(part), words=tuple(part)))
    return out


def _nearest(words: Sequence[Word], columns: Sequence[Column]) -> int:
    x0, _, x1, _ = box_of(words)
    return min(range(len(columns)), key=lambda i: abs(columns[i].middle - (x0 + x1) / 2))


def _overlap(span: tuple[int, int], cell: Placed) -> bool:
    return span[0] <= cell.last and cell.first <= span[1]


def _same_head(block: _Block, cell: Placed, lines: Sequence[Box]) -> bool:
    if block.span != (cell.first, cell.last) or cell.box[1] - block.cell.box[3] > _NEAR * cell.size:
        return False
    middle = (cell.box[0] + cell.box[2]) / 2
    return not any(
        line[0] <= middle <= line[2] and block.cell.box[3] - 2 <= line[1] <= cell.box[1] + 2 for line in lines
    )


def _spread(
    row: Sequence[Placed], below: Sequence[Sequence[Placed]], columns: Sequence[Column], lines: Sequence[Box]
) -> list[Placed]:
    """The row's cells over all the columns that each of them names."""
    own = [_over(cell, columns) for cell in row]
    own = [_freed(own, index) for index in range(len(own))]
    out = []
    for index, cell in enumerate(own):
        low = own[index - 1].last + 1 if index else 0
        high = own[index + 1].first - 1 if index + 1 < len(own) else len(columns) - 1
        out.append(_by_line(cell, columns, lines, low, high) or _by_middle(cell, below, columns, low, high))
    return out


def _over(cell: Placed, columns: Sequence[Column]) -> Placed:
    """Over the columns whose middles it covers; else over the one it is most in."""
    x0, _, x1, _ = cell.box
    covered = [index for index, column in enumerate(columns) if x0 - 1 <= column.middle <= x1 + 1]
    if not covered:
        covered = [max(range(len(columns)), key=lambda i: min(x1, columns[i].right) - max(x0, columns[i].left))]
    return replace(cell, first=covered[0], last=covered[-1])


def _freed(row: Sequence[Placed], index: int) -> Placed:
    """A cell without what its neighbours cover as well."""
    cell = row[index]
    if index and row[index - 1].last >= cell.first:
        cell = replace(cell, first=min(cell.last, row[index - 1].last + 1))
    return cell


def _by_line(cell: Placed, columns: Sequence[Column], lines: Sequence[Box], low: int, high: int) -> Placed | None:
    """Over what the line under it covers, where that is not the whole table."""
    whole = columns[-1].right - columns[0].left
    for line in lines:
        near = cell.box[3] - 2 <= line[1] <= cell.box[3] + 1.2 * cell.size
        if near and line[0] - 3 <= cell.box[0] and cell.box[2] <= line[2] + 3 and line[2] - line[0] < 0.9 * whole:
            covered = [index for index in range(low, high + 1) if line[0] - 1 <= columns[index].middle <= line[2] + 1]
            if covered and covered[0] <= cell.first and cell.last <= covered[-1]:
                return replace(cell, first=covered[0], last=covered[-1])
    return None


def _by_middle(
    cell: Placed, below: Sequence[Sequence[Placed]], columns: Sequence[Column], low: int, high: int
) -> Placed:
    """Over columns that have heads of their own below, where it stands in the middle of them and not of its own."""
    named = {column for row in below for one in row for column in range(one.first, one.last + 1)}
    middle = (cell.box[0] + cell.box[2]) / 2
    best, least = cell, abs(middle - _middle(columns, cell.first, cell.last)) - 0.8 * cell.size
    for first in range(low, cell.first + 1):
        for last in range(cell.last, high + 1):
            if last == first or (first, last) == (cell.first, cell.last):
                continue
            distance = abs(middle - _middle(columns, first, last))
            if set(range(first, last + 1)) <= named and distance < min(least, 1.2 * cell.size):
                best, least = replace(cell, first=first, last=last), distance
    return best


def _middle(columns: Sequence[Column], first: int, last: int) -> float:
    if first == last:
        return columns[first].middle
    return (columns[first].left + columns[last].right) / 2


def _laid_out(blocks: Sequence[_Block], columns: int) -> Rows | None:
    for block in blocks:
        over = [
            other
            for other in blocks
            if other is not block
            and other.cell.box[3] <= block.cell.box[1] + 0.3 * block.size
            and _overlap(other.span, block.cell)
        ]
        block.parent = max(over, key=lambda other: other.cell.box[3], default=None)
    for block in sorted(blocks, key=lambda block: block.cell.box[1]):
        block.level = block.parent.level + 1 if block.parent else 0
        if block.parent and not (block.parent.span[0] <= block.span[0] and block.span[1] <= block.parent.span[1]):
            return None
    depth = max(block.level for block in blocks) + 1
    grid: dict[tuple[int, int], Cell | None] = {}
    for block in blocks:
        children = [other.level for other in blocks if other.parent is block]
        deep = (min(children) if children else depth) - block.level
        first, last = block.span
        places = list(itertools.product(range(block.level, block.level + deep), range(first, last + 1)))
        if any(place in grid for place in places):
            return None
        grid |= dict.fromkeys(places)
        grid[block.level, first] = Cell(block.cell.text, rows=deep, columns=last - first + 1)
    out: Rows = []
    for level in range(depth):
        line = [grid.get((level, column), Cell("")) for column in range(columns)]
        out.append([cell for cell in line if cell is not None])
    return out
