"""Tables: a grid of cells with spans, written as a GitHub pipe table and as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import msgspec

MAX_CELLS = 200_000


class Cell(msgspec.Struct, frozen=True):
    """`rows` and `columns`: how many of them it spans."""

    text: str
    rows: int = 1
    columns: int = 1


Rows = list[list[Cell]]  # each row holds the cells that begin in it


def simple(rows: Iterable[Sequence[str]]) -> Rows:
    return [[Cell(text) for text in row] for row in rows]


def lay_out(rows: Rows) -> list[list[str]]:
    """Every grid place's text: a spanning cell's text stands in each row it spans, but only in its first column, so
    that a row cut from its table still says what it belongs to."""
    grid: list[dict[int, str]] = [{} for _ in rows]
    for index, row in enumerate(rows):
        column = 0
        for cell in row:
            while column in grid[index]:
                column += 1
            for below in range(index, min(index + cell.rows, len(rows))):
                for offset in range(cell.columns):
                    grid[below][column + offset] = cell.text if offset == 0 else ""
            column += cell.columns
    width = max((max(row, default=-1) + 1 for row in grid), default=0)
    return [[row.get(column, "") for column in range(width)] for row in grid]


def markdown(rows: Rows) -> str:
    """A pipe table; its first row is the header. Line breaks in cells become spaces, pipes are escaped."""
    grid = lay_out(rows)
    if not grid or not grid[0]:
        return ""
    head, *body = (["" if not text else " ".join(text.split()).replace("|", "\\|") for text in row] for row in grid)
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in body]
    return "\n".join(lines)


def html(rows: Rows) -> str:
    parts = ["<table>"]
    for index, row in enumerate(rows):
        parts.append("<tr>")
        tag = "th" if index == 0 else "td"
        for cell in row:
            spans = f' rowspan="{cell.rows}"' if cell.rows > 1 else ""
            spans += f' colspan="{cell.columns}"' if cell.columns > 1 else ""
            parts.append(f"<{tag}{spans}>{escape(' '.join(cell.text.split()))}</{tag}>")
        parts.append("</tr>")
    parts.append("</table>")
    return "".join(parts)


def without_empty(rows: Rows) -> Rows:
    """Without the rows and columns that hold no text; tables with spans lose empty rows at the end only."""
    if any(cell.rows > 1 or cell.columns > 1 for row in rows for cell in row):
        while rows and not any(cell.text.strip() for cell in rows[-1]):
            rows = rows[:-1]
        return rows
    kept = [row for row in rows if any(cell.text.strip() for cell in row)]
    width = max((len(row) for row in kept), default=0)
    full = [c for c in range(width) if any(c < len(row) and row[c].text.strip() for row in kept)]
    return [[row[c] if c < len(row) else Cell("") for c in full] for row in kept]
