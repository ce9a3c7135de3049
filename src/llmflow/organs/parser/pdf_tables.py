"""Tables on a PDF page: by their ruling lines (pdfplumber), with the cells that span rows and columns."""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llmflow.organs.parser.draft import Box
from llmflow.organs.parser.pdf_grid import is_number, united
from llmflow.organs.parser.pdf_layout import Table, Word, pieces_of, rows_of
from llmflow.organs.parser.tables import Cell, Rows

_SNAP = 3.0  # points: edges nearer than this are one
_THIN = 3.0  # points: a rectangle under this is a line
_MAX_EDGES = 4000  # a drawing, not a table
_CAPTION_END = re.compile(r"(?:source|notes?|자료|출처|주\s*\d*)\s*[:.)]|[※*†]", re.I)


@dataclass(frozen=True, slots=True)
class _Place:
    """A cell of the grid and the words in it."""

    rows: int
    columns: int
    box: Box
    words: list[Word]


_Grid = dict[tuple[int, int], _Place]


def find(page: Any, words: Sequence[Word]) -> tuple[list[Table], list[Word]]:
    """The page's tables, and the words that stand in none of them."""
    if not (page.rects or page.lines or page.curves) or len(page.rects) + len(page.lines) > _MAX_EDGES:
        return [], list(words)
    seen = page.filter(_is_seen)
    tables: list[Table] = []
    rest = list(words)
    for found in _closed(seen, _found(seen, words)):
        inside = [word for word in rest if _holds(found.bbox, word)]
        read = _read([cell for cell in found.cells if cell], inside, found.bbox, page)
        if read is not None:
            table, used = read
            outside = [word for word in rest if id(word) not in used]
            if _goes_on_beside(table, outside):
                continue
            table, beside = _with_labels(table, outside)
            tables.append(table)
            rest = [word for word in rest if id(word) not in used and id(word) not in beside]
    return tables, rest


def rules_of(page: Any) -> list[Box]:
    """The level lines: drawn ones, thin rectangles and the edges of others, as (x0, top, x1, bottom)."""
    return [(edge["x0"], edge["top"], edge["x1"], edge["bottom"]) for edge in page.horizontal_edges[:_MAX_EDGES]]


def _is_seen(item: dict[str, Any]) -> bool:
    """Not white paint, which lies under words without showing where a cell ends."""
    if item.get("object_type") != "rect" or item.get("stroke") or not item.get("fill"):
        return True
    colour = item.get("non_stroking_color")
    parts = colour if isinstance(colour, (tuple, list)) else (colour,)
    if len(parts) == 4:
        return any(parts)
    return any(not isinstance(part, (int, float)) or part < 0.995 for part in parts)


def _is_line(item: dict[str, Any]) -> bool:
    if item.get("object_type") != "rect" or item.get("stroke"):
        return True
    return bool(min(item["x1"] - item["x0"], item["bottom"] - item["top"]) < _THIN)


def _found(page: Any, words: Sequence[Word]) -> list[Any]:
    """pdfplumber's tables, from the top. Where drawn lines alone give one that holds the same words as lines and
    coloured boxes together do, the boxes only colour words."""
    tables = page.find_tables()
    if any(not _is_line(rect) for rect in page.rects):
        for drawn in page.filter(_is_line).find_tables():
            over = [table for table in tables if _meet(table.bbox, drawn.bbox)]
            held = sum(_holds(drawn.bbox, word) for word in words)
            if sum(any(_holds(table.bbox, word) for table in over) for word in words) <= held:
                tables = [*(table for table in tables if table not in over), drawn]
    return sorted(tables, key=lambda table: (table.bbox[1], table.bbox[0]))


def _closed(page: Any, tables: Sequence[Any]) -> list[Any]:
    """The tables; where level lines of one length have upright ones between them but none at their ends, with the
    columns up to those ends."""
    turned = united([(e["top"], e["x0"], e["bottom"], e["x1"]) for e in page.vertical_edges[:_MAX_EDGES]])
    upright = [(x0, top, x1, bottom) for top, x0, bottom, x1 in turned]
    sides = [side for group in _same_length(united(rules_of(page))) for side in _open_sides(group, upright)]
    if not sides:
        return list(tables)
    again = page.find_tables({"explicit_vertical_lines": [_upright(*side) for side in sides]})
    again = [table for table in again if any(abs(x - edge) < _SNAP for x, *_ in sides for edge in table.bbox[::2])]
    kept = [table for table in tables if not any(_meet(table.bbox, one.bbox) for one in again)]
    return sorted([*kept, *again], key=lambda table: (table.bbox[1], table.bbox[0]))


def _same_length(rules: Sequence[Box]) -> list[list[Box]]:
    """Three or more level lines from and to the same places, downwards."""
    groups: list[list[Box]] = []
    for rule in rules:
        group = next((g for g in groups if abs(g[0][0] - rule[0]) < 4 and abs(g[0][2] - rule[2]) < 4), None)
        if group is None:
            groups.append([rule])
        else:
            group.append(rule)
    return [group for group in groups if len(group) >= 3]


def _open_sides(group: Sequence[Box], upright: Sequence[Box]) -> list[tuple[float, float, float]]:
    """Where upright lines are missing: (x, top, bottom)."""
    left, right = group[0][0], group[0][2]
    sides: list[tuple[float, float, float]] = []
    start: float | None = None
    bands = [(a[1], b[1]) for a, b in itertools.pairwise(group)]
    for top, bottom in [*bands, (group[-1][1], group[-1][1])]:
        through = [x for x, y0, _, y1 in upright if y0 - _SNAP < top and bottom < y1 + _SNAP and bottom > top]
        if any(left + 10 < x < right - 10 for x in through):
            start = top if start is None else start
            sides += [(end, top, bottom) for end in (left, right) if not any(abs(x - end) < 10 for x in through)]
        elif start is not None:
            if top - start < 3 * _SNAP or sum(start <= y0 < top for y0, _ in bands) < 2:
                sides = [side for side in sides if side[1] < start]
            start = None
    return sides


def _upright(x: float, top: float, bottom: float) -> dict[str, Any]:
    return {"object_type": "line", "x0": x, "x1": x, "top": top, "bottom": bottom, "width": 0.0, "height": bottom - top}


def _meet(a: Box, b: Box) -> bool:
    return min(a[2], b[2]) - max(a[0], b[0]) > 1 and min(a[3], b[3]) - max(a[1], b[1]) > 1


def _holds(box: Box, word: Word) -> bool:
    x, y = (word["x0"] + word["x1"]) / 2, (word["top"] + word["bottom"]) / 2
    return bool(box[0] - 1 <= x <= box[2] + 1 and box[1] - 1 <= y <= box[3] + 1)


def _edges(values: list[float]) -> list[float]:
    """Distinct edges, those nearer than _SNAP taken for one."""
    edges: list[float] = []
    for value in sorted(values):
        if not edges or value - edges[-1] > _SNAP:
            edges.append(value)
    return edges


def _index(edges: list[float], value: float) -> int:
    at = bisect.bisect_left(edges, value)
    near = [i for i in (at - 1, at) if 0 <= i < len(edges)]
    return min(near, key=lambda i: abs(edges[i] - value))


def _read(cells: list[Box], words: Sequence[Word], box: Box, page: Any) -> tuple[Table, set[int]] | None:
    """The table and the words that are in it, which leaves out a caption inside its frame. None: it is none."""
    xs = _edges([x for cell in cells for x in (cell[0], cell[2])])
    ys = _edges([y for cell in cells for y in (cell[1], cell[3])])
    grid = _grid(cells, words, xs, ys)
    top, bottom = _captions(grid, len(xs) - 1, len(ys) - 1)
    lines: list[dict[int, _Place]] = []
    for row in range(top, bottom):
        here = {column: place for (r, column), place in grid.items() if r == row}
        lines += _lines(_split_wide(here, xs))
    if any(_is_stacked(line) for line in lines):
        return None
    rows = [[Cell(text_of(p.words), rows=p.rows, columns=p.columns) for _, p in sorted(line.items())] for line in lines]
    if not _is_table(rows, box, page):
        return None
    used = {id(word) for line in lines for place in line.values() for word in place.words}
    tops = [min(place.box[1] for place in line.values()) if line else box[1] for line in lines]
    return Table(rows, box[0], ys[top], box[2], ys[bottom], row_tops=tops), used


def _grid(cells: list[Box], words: Sequence[Word], xs: list[float], ys: list[float]) -> _Grid:
    """Cells by row and column, each with its spans; words go to the smallest cell that holds them."""
    grid: _Grid = {}
    for cell in sorted(cells, key=_area):
        column, row = _index(xs, cell[0]), _index(ys, cell[1])
        spans = (max(1, _index(ys, cell[3]) - row), max(1, _index(xs, cell[2]) - column))
        grid.setdefault((row, column), _Place(*spans, cell, []))
    by_size = sorted(grid.values(), key=lambda place: _area(place.box))
    for word in words:
        place = next((place for place in by_size if _holds(place.box, word)), None)
        if place is not None:
            place.words.append(word)
    return grid


def _captions(grid: _Grid, columns: int, rows: int) -> tuple[int, int]:
    """The first and the last row that are the table's: one cell over all columns at its top is a caption, and one at
    its end a note, where the rest has columns."""
    top, bottom = 0, rows
    while top + 2 < bottom and (whole := _whole(grid, top, columns)) and whole.words:
        top += 1
    while top + 2 < bottom and (whole := _whole(grid, bottom - 1, columns)):
        if whole.words and not _CAPTION_END.match(text_of(whole.words)):
            break
        bottom -= 1
    return top, bottom


def _whole(grid: _Grid, row: int, columns: int) -> _Place | None:
    """The only cell of a row, where it has one row and all columns."""
    here = [place for (r, _), place in grid.items() if r == row]
    if columns > 1 and len(here) == 1 and here[0].columns == columns and here[0].rows == 1:
        return here[0]
    return None


def _split_wide(row: dict[int, _Place], xs: list[float]) -> dict[int, _Place]:
    """A row whose wide cell holds pieces that stand in the columns of other rows, as where a line was left out."""
    out: dict[int, _Place] = {}
    for column, place in row.items():
        parts = _parts(place, column, xs) if place.columns > 1 and place.words else []
        for number, part in enumerate(parts):
            at = column + number
            out[at] = _Place(place.rows, 1, (xs[at], place.box[1], xs[at + 1], place.box[3]), part)
        if not parts:
            out[column] = place
    return out


def _parts(place: _Place, column: int, xs: list[float]) -> list[list[Word]]:
    """Its words by column; none where they do not stand apart in most of its columns."""
    inner = xs[column + 1 : column + place.columns]
    if any(word["x0"] + 1 < x < word["x1"] - 1 for word in place.words for x in inner):
        return []
    for line in rows_of(place.words):
        for a, b in itertools.pairwise(line):
            parted = any(a["x1"] <= x + 1 and x - 1 <= b["x0"] for x in inner)
            if parted and b["x0"] - a["x1"] < 0.5 * b["size"] and not (is_number(a["text"]) and is_number(b["text"])):
                return []
    parts: list[list[Word]] = [[] for _ in range(place.columns)]
    for word in place.words:
        parts[sum((word["x0"] + word["x1"]) / 2 > x for x in inner)].append(word)
    return parts if sum(bool(part) for part in parts) > max(1, place.columns // 2) else []


def _lines(row: dict[int, _Place]) -> list[dict[int, _Place]]:
    """A row, or its lines as rows where columns of numbers stand in it with no line drawn between them."""
    held = {column: _text_lines(place.words) for column, place in row.items() if place.words}
    if len(held) < 3 or any(place.rows > 1 or place.columns > 1 for place in row.values()):
        return [row]
    numbers = [lines for column, lines in held.items() if column > min(held) and _are_numbers(lines)]
    most = max((len(lines) for lines in numbers), default=0)
    if len(numbers) < 2 or len(numbers) * 3 < 2 * (len(held) - 1) or most < 2:
        return [row]
    if most == 2 and {len(lines) for lines in held.values()} != {2}:
        return [row]
    every = rows_of([word for place in row.values() for word in place.words])
    if len(every) > 1.4 * most:
        return [row]
    number_of = {id(word): number for number, line in enumerate(every) for word in line}
    out = []
    for number in range(len(every)):
        out.append(
            {
                c: _Place(1, 1, p.box, [word for word in p.words if number_of[id(word)] == number])
                for c, p in row.items()
            }
        )
    return out


def _are_numbers(lines: Sequence[list[Word]]) -> bool:
    return sum(is_number(_joined(line)) and len(pieces_of(line)) == 1 for line in lines) >= 0.8 * len(lines)


def _is_stacked(row: dict[int, _Place]) -> bool:
    """Several cells side by side with the same number of lines, most of them numbers or a word or two: lines between
    the columns but none between the rows."""
    counts = []
    for place in row.values():
        lines = _text_lines(place.words)
        short = sum(line[0]["text"][:1].isdigit() or sum(len(w["text"]) for w in line) <= 8 for line in lines)
        if len(lines) >= 4 and short * 2 > len(lines):
            counts.append(len(lines))
    return len(counts) > len(set(counts))


def _with_labels(table: Table, words: Sequence[Word]) -> tuple[Table, set[int]]:
    """With the first column, where its words stand left of the frame, one line beside nearly each row."""
    near = [
        w
        for w in words
        if w["x1"] <= table.x0 + 2 and table.top - 1 <= (w["top"] + w["bottom"]) / 2 <= table.bottom + 1
    ]
    lines = [line for line in rows_of(near) if len(pieces_of(line)) == 1] if near else []
    count = len(table.rows)
    if count < 4 or not 0.7 * count <= len(lines) <= 1.3 * count or any(c.rows > 1 for row in table.rows for c in row):
        return table, set()
    if any(table.x0 - line[-1]["x1"] > 12 * line[-1]["size"] or len(line) > 8 for line in lines):
        return table, set()
    tops = table.row_tops
    texts: list[list[Word]] = [[] for _ in range(count)]
    for line in lines:
        middle = (line[0]["top"] + line[0]["bottom"]) / 2
        texts[max(0, bisect.bisect_right(tops, middle) - 1)] += line
    if sum(bool(text) for text in texts) < 0.7 * count:
        return table, set()
    rows = [[Cell(text_of(text)), *row] for text, row in zip(texts, table.rows, strict=True)]
    left = min(word["x0"] for line in lines for word in line)
    used = {id(word) for line in lines for word in line}
    return Table(rows, left, table.top, table.x1, table.bottom, row_tops=tops), used


def _goes_on_beside(table: Table, words: Sequence[Word]) -> bool:
    """Whether numbers stand on the right of the frame beside nearly each row: lines divide only a part of the table."""
    tops = table.row_tops
    rows = {
        bisect.bisect_right(tops, (word["top"] + word["bottom"]) / 2)
        for word in words
        if is_number(word["text"])
        and table.x1 - 2 <= word["x0"] <= table.x1 + 8 * word["size"]
        and table.top <= (word["top"] + word["bottom"]) / 2 <= table.bottom
    }
    return len(tops) >= 4 and len(rows) >= 0.7 * len(tops)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def text_of(words: Sequence[Word]) -> str:
    """A cell's words, line by line."""
    return " ".join(_joined(line) for line in _text_lines(words))


def _text_lines(words: Sequence[Word]) -> list[list[Word]]:
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda w: (w["top"], w["x0"])):
        if lines and (word["top"] + word["bottom"]) / 2 < lines[-1][-1]["bottom"]:
            lines[-1].append(word)
        else:
            lines.append([word])
    return [sorted(line, key=lambda w: float(w["x0"])) for line in lines]


def _joined(words: Sequence[Word]) -> str:
    text = words[0]["text"]
    for before, word in itertools.pairwise(words):
        text += (" " if word["x0"] - before["x1"] > 0.08 * word["size"] else "") + word["text"]
    return str(text)


def _is_table(rows: Rows, box: Box, page: Any) -> bool:
    """At least two rows and columns with text in several cells; a frame around the page is none."""
    rows = [row for row in rows if row]
    filled = sum(bool(cell.text) for row in rows for cell in row)
    cells = sum(len(row) for row in rows)
    wide = max((sum(cell.columns for cell in row) for row in rows), default=0)
    if len(rows) < 2 or wide < 2 or filled < 3 or filled * 5 < cells:
        return False
    whole_page = _area(box) > 0.9 * float(page.width) * float(page.height)
    return not (whole_page and cells < 8)
