"""How well a table was read: which cells stand beside and under which, compared with what people wrote down.

The measure of the ICDAR 2013 table competition (Göbel, Hassan, Oro, Orsi: "A methodology for evaluating algorithms for
table understanding in PDF documents", DocEng 2012): pairs of neighbouring cells that hold text, blank ones passed over.
"""

from __future__ import annotations

import re
import unicodedata
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

Pair = tuple[str, str, str]  # text, the neighbour's text, "right" or "below"
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-") | dict.fromkeys("‘’´`", "'") | dict.fromkeys("“”", '"'))

_LEADER = re.compile(r"\.{3,}$")


@dataclass(frozen=True, slots=True)
class Placed:
    """A cell and the grid places it fills, the last ones included."""

    text: str
    row: int
    column: int
    last_row: int
    last_column: int


@dataclass(frozen=True, slots=True)
class Score:
    """Pairs that are right, that were read, and that there are."""

    right: int = 0
    read: int = 0
    there: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(self.right + other.right, self.read + other.read, self.there + other.there)

    @property
    def precision(self) -> float:
        return self.right / self.read if self.read else 0.0

    @property
    def recall(self) -> float:
        return self.right / self.there if self.there else 0.0

    @property
    def f1(self) -> float:
        return 2 * self.right / (self.read + self.there) if self.read + self.there else 0.0


def compare(read: Iterable[Iterable[Placed]], there: Iterable[Iterable[Placed]]) -> Score:
    """Of all the tables of one document."""
    ours, theirs = (Counter(pair for table in tables for pair in pairs(table)) for tables in (read, there))
    return Score((ours & theirs).total(), ours.total(), theirs.total())


def pairs(cells: Iterable[Placed]) -> list[Pair]:
    """Each cell that holds text, with the next such cells to its right and below."""
    kept = [(normal(cell.text), cell) for cell in cells]
    kept = [(text, cell) for text, cell in kept if text]
    at = {
        (row, column): number
        for number, (_, cell) in enumerate(kept)
        for row in range(cell.row, cell.last_row + 1)
        for column in range(cell.column, cell.last_column + 1)
    }
    deep, wide = (max((place[axis] for place in at), default=-1) for axis in (0, 1))
    found: list[Pair] = []
    for text, cell in kept:
        beside = {
            next((at[row, column] for column in range(cell.last_column + 1, wide + 1) if (row, column) in at), None)
            for row in range(cell.row, cell.last_row + 1)
        }
        below = {
            next((at[row, column] for row in range(cell.last_row + 1, deep + 1) if (row, column) in at), None)
            for column in range(cell.column, cell.last_column + 1)
        }
        found += [(text, kept[number][0], "right") for number in beside if number is not None]
        found += [(text, kept[number][0], "below") for number in below if number is not None]
    return found


def normal(text: str) -> str:
    """Without spaces and dots that lead to a number, and with one form of each dash, quotation mark and ligature."""
    plain = "".join(unicodedata.normalize("NFKC", text).translate(_DASHES).split()).casefold()
    return _LEADER.sub("", plain) or plain


def annotated(path: Path) -> list[list[Placed]]:
    """The tables of an ICDAR 2013 structure file (-str.xml), one for each region of a page."""
    tables = []
    for region in ET.parse(path).iter("region"):
        cells = []
        for cell in region.iter("cell"):
            row, column = int(cell.get("start-row", 0)), int(cell.get("start-col", 0))
            last_row, last_column = int(cell.get("end-row", row)), int(cell.get("end-col", column))
            cells.append(Placed(cell.findtext("content") or "", row, column, last_row, last_column))
        tables.append(cells)
    return tables


def of_html(html: str) -> list[Placed]:
    """The cells of an HTML table with its spans."""
    reader = _Table()
    reader.feed(html)
    reader.close()
    return reader.cells


def of_grid(rows: Iterable[Iterable[str | None]]) -> list[Placed]:
    """The cells of a table without spans."""
    return [
        Placed(text or "", row, column, row, column)
        for row, texts in enumerate(rows)
        for column, text in enumerate(texts)
    ]


class _Table(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.cells: list[Placed] = []
        self._taken: set[tuple[int, int]] = set()
        self._row = -1
        self._open: Placed | None = None
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self._row += 1
        elif tag in ("td", "th"):
            spans = dict(attrs)
            deep, wide = int(spans.get("rowspan") or 1), int(spans.get("colspan") or 1)
            column = 0
            while (self._row, column) in self._taken:
                column += 1
            self._open = Placed("", self._row, column, self._row + deep - 1, column + wide - 1)
            self._taken |= {(self._row + down, column + right) for down in range(deep) for right in range(wide)}
            self._text = []

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._open is not None:
            cell, self._open = self._open, None
            self.cells.append(Placed("".join(self._text), cell.row, cell.column, cell.last_row, cell.last_column))
