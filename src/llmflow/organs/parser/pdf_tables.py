"""Tables on a PDF page: by their ruling lines (pdfplumber), with the cells that span rows and columns."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from typing import Any

from llmflow.organs.parser.draft import Box
from llmflow.organs.parser.pdf_layout import Table
from llmflow.organs.parser.tables import Cell, Rows

_SNAP = 3.0  # points: edges nearer than this are one
_MAX_EDGES = 4000  # a drawing, not a table


def find(page: Any, words: Sequence[dict[str, Any]]) -> tuple[list[Table], list[dict[str, Any]]]:
    """The page's tables, and the words that stand in none of them."""
    if not (page.rects or page.lines or page.curves) or len(page.rects) + len(page.lines) > _MAX_EDGES:
        return [], list(words)
    tables: list[Table] = []
    rest = list(words)
    for found in sorted(page.find_tables(), key=lambda t: (t.bbox[1], t.bbox[0])):
        inside = [word for word in rest if _holds(found.bbox, word)]
        rows, stacked = _rows([cell for cell in found.cells if cell], inside)
        if not stacked and _is_table(rows, found.bbox, page):
            tables.append(Table(rows, *found.bbox))
            taken = {id(word) for word in inside}
            rest = [word for word in rest if id(word) not in taken]
    return tables, rest


def rules_of(page: Any) -> list[Box]:
    """The level lines: drawn ones, thin rectangles and the edges of others, as (x0, top, x1, bottom)."""
    return [(edge["x0"], edge["top"], edge["x1"], edge["bottom"]) for edge in page.horizontal_edges[:_MAX_EDGES]]


def _holds(box: Box, word: dict[str, Any]) -> bool:
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


def _rows(cells: list[Box], words: Sequence[dict[str, Any]]) -> tuple[Rows, bool]:
    """Cells by their boxes, each with its row and column span; words go to the smallest cell that holds them. Also
    whether rows are stacked in them: lines between the columns but none between the rows."""
    xs = _edges([x for cell in cells for x in (cell[0], cell[2])])
    ys = _edges([y for cell in cells for y in (cell[1], cell[3])])
    places: dict[tuple[int, int], tuple[int, int, Box]] = {}
    for cell in sorted(cells, key=_area):
        column, row = _index(xs, cell[0]), _index(ys, cell[1])
        spans = (max(1, _index(ys, cell[3]) - row), max(1, _index(xs, cell[2]) - column))
        places.setdefault((row, column), (*spans, cell))
    held: dict[tuple[int, int], list[dict[str, Any]]] = {place: [] for place in places}
    by_size = sorted(places.items(), key=lambda item: _area(item[1][2]))
    for word in words:
        for place, (_, _, box) in by_size:
            if _holds(box, word):
                held[place].append(word)
                break
    rows: Rows = []
    for row in range(max(0, len(ys) - 1)):
        columns = sorted(column for r, column in places if r == row)
        rows.append([Cell(text_of(held[row, c]), rows=places[row, c][0], columns=places[row, c][1]) for c in columns])
    return rows, _is_stacked(held)


def _is_stacked(held: dict[tuple[int, int], list[dict[str, Any]]]) -> bool:
    """Several cells side by side with the same number of lines, most of them numbers or a word or two."""
    lines_at: dict[int, list[int]] = {}
    for (row, _), words in held.items():
        lines = _lines(words) if words else []
        short = sum(line[0]["text"][:1].isdigit() or sum(len(w["text"]) for w in line) <= 8 for line in lines)
        if len(lines) >= 4 and short * 2 > len(lines):
            lines_at.setdefault(row, []).append(len(lines))
    return any(len(counts) > len(set(counts)) for counts in lines_at.values())


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def text_of(words: Sequence[dict[str, Any]]) -> str:
    """A cell's words, line by line."""
    return " ".join(_joined(line) for line in _lines(words)) if words else ""


def _lines(words: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    ordered = sorted(words, key=lambda w: (w["top"], w["x0"]))
    lines: list[list[dict[str, Any]]] = [[ordered[0]]]
    for word in ordered[1:]:
        last = lines[-1][-1]
        if (word["top"] + word["bottom"]) / 2 < last["bottom"]:
            lines[-1].append(word)
        else:
            lines.append([word])
    return [sorted(line, key=lambda w: float(w["x0"])) for line in lines]


def _joined(words: Sequence[dict[str, Any]]) -> str:
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
