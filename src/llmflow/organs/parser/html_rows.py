"""An HTML table to rows of cells with their spans."""

from __future__ import annotations

from lxml import etree
from lxml import html as lxml_html

from llmflow.organs.parser import tables


def rows_of_html(source: str) -> tables.Rows:
    """The cells of the first table in `source`, nested tables as text."""
    root = lxml_html.fragment_fromstring(source, create_parent=True)
    table = root if root.tag == "table" else root.find(".//table")
    if table is None:
        return []
    rows: tables.Rows = []
    for row in table.iter("tr"):
        if next(row.iterancestors("table"), None) is not table:
            continue
        cells = [
            tables.Cell(_cell_text(cell), rows=_span(cell, "rowspan"), columns=_span(cell, "colspan"))
            for cell in row
            if cell.tag in ("td", "th")
        ]
        if cells:
            rows.append(cells)
    return tables.without_empty(rows)


def _cell_text(cell: etree._Element) -> str:
    return " ".join(" ".join(cell.itertext()).split())


def _span(cell: etree._Element, name: str) -> int:
    value = cell.get(name, "1")
    return max(1, min(int(value[:9]), 1000)) if value.isdecimal() else 1
