"""Hangul documents, HWP 5 and HWPX, through dochan; the numbers of their paragraphs are ours to write out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from dochan import Dochan
from dochan.model.document import Paragraph
from dochan.model.equation import Equation
from dochan.model.header_footer import Footnote, HeaderFooter
from dochan.model.image import Image
from dochan.model.table import Table, flatten_block_texts

from llmflow.errors import DocumentError
from llmflow.organs.parser import hwp_numbers, tables
from llmflow.organs.parser.draft import Draft
from llmflow.organs.parser.hwp_numbers import Numbers
from llmflow.organs.parser.source import Source

_NOTES: Final = {"footnote": "각주", "endnote": "미주", "comment": "메모"}


def read_hwp(source: Source) -> None:
    _read(source, hwp_numbers.of_hwp(source.path))


def read_hwpx(source: Source) -> None:
    _read(source, hwp_numbers.of_hwpx(source.path))


def _read(source: Source, numbers: Numbers) -> None:
    document = Dochan(str(source.path)).doc
    failures = [error for error in document.errors if error.startswith("ERR")]
    if failures and not any(section.elements for section in document.sections):
        raise DocumentError(f"The document is damaged ({failures[0].removeprefix('ERR: ')}).")
    if failures:
        source.draft.warn("Parts of the document are damaged; what could be read was read.")
    for index, section in enumerate(document.sections):
        source.progress(index, len(document.sections))
        _add_all(section.elements, source.draft, numbers, index)


def _add_all(elements: Iterable[Any], draft: Draft, numbers: Numbers, section: int) -> None:
    for element in elements:
        if isinstance(element, Paragraph):
            _add_paragraph(element, draft, numbers.mark(element.para_shape_id, section))
        elif isinstance(element, Table):
            _add_table(element, draft)
        elif isinstance(element, Equation):
            draft.add("Formula", element.latex or element.script)
        elif isinstance(element, Image):
            draft.add("Image", element.ocr_text)
            draft.add("FigureCaption", element.caption_text)
        elif isinstance(element, HeaderFooter):
            draft.add("Header" if element.type == "header" else "Footer", element.text)
        elif isinstance(element, Footnote):
            draft.add("NarrativeText", _note(element))


def _add_paragraph(paragraph: Paragraph, draft: Draft, mark: str) -> None:
    text = paragraph.text.strip()
    if text and mark:
        text = f"{mark} {text}"
    if paragraph.heading_level:
        draft.add("Title", text, level=paragraph.heading_level)
    else:
        draft.add("ListItem" if mark else "NarrativeText", text)


def _note(note: Footnote) -> str:
    number = f" {note.number}" if note.number else ""
    return f"[{_NOTES.get(note.type, '주석')}{number}] {note.text.strip()}" if note.text.strip() else ""


def _add_table(table: Table, draft: Draft) -> None:
    """With its caption, as a table's caption belongs to what is searched; notes of its cells follow it."""
    caption = table.caption_text.strip()
    above = (table.caption_side or "BOTTOM").upper() in ("TOP", "LEFT")
    if above:
        draft.add("FigureCaption", caption)
    rows = [
        [
            tables.Cell(" ".join(" ".join(flatten_block_texts(cell.paragraphs)).split()), cell.row_span, cell.col_span)
            for cell in row
            if not cell.is_merged_away
        ]
        for row in table.rows
    ]
    if any(cell.text for row in rows for cell in row):
        rows = tables.without_empty(rows)
        draft.add("Table", tables.markdown(rows), html=tables.html(rows))
    if not above:
        draft.add("FigureCaption", caption)
    for row in table.rows:
        for cell in row:
            for inner in cell.paragraphs:
                if isinstance(inner, Footnote):
                    draft.add("NarrativeText", _note(inner))
