"""A demo handbook as DOCX, with styles, ruled tables, a header and page numbers."""

from __future__ import annotations

import zipfile
from datetime import datetime
from io import BytesIO
from typing import Any, assert_never

from demo_book import GREY, LABELS, NAVY, SHADE, Handbook
from docx import Document
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor


def write_docx(book: Handbook) -> bytes:
    document = Document()
    style_docx(document, book)
    document.add_paragraph(book.title, style="Title")
    document.add_paragraph(book.subtitle, style="Subtitle")
    document.add_paragraph("\n".join(f"{label}: {value}" for label, value in book.facts()))
    for block in book.blocks:
        match block.kind:
            case "heading":
                document.add_heading(block.text, level=block.level - 1)
            case "paragraph":
                document.add_paragraph(block.text)
            case "list":
                for item in block.items:
                    document.add_paragraph(item, style="List Bullet")
            case "table":
                add_docx_table(document, block.rows)
            case _:
                assert_never(block.kind)
    relations = document.part.package.rels
    for key in [key for key, relation in relations.items() if relation.reltype.endswith("/thumbnail")]:
        relations.pop(key)  # the template's picture of an empty page
    buffer = BytesIO()
    document.save(buffer)
    return fixed_zip(buffer.getvalue(), book.date)


def style_docx(document: Any, book: Handbook) -> None:
    """Fonts, colours, page, header, footer and properties."""
    font = "Malgun Gothic" if book.language == "ko" else "Calibri"
    for name, size in (("Normal", 10.5), ("Title", 24), ("Subtitle", 12), ("Heading 1", 15), ("Heading 2", 12)):
        style = document.styles[name]
        style.font.name, style.font.size = font, Pt(size)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(qn(f"w:{theme}"), None)
        fonts.set(qn("w:eastAsia"), font)
        if name != "Normal":
            style.font.color.rgb = RGBColor.from_string(GREY if name == "Subtitle" else NAVY)
            style.font.italic = False
    section = document.sections[0]
    section.page_width, section.page_height = (Cm(21), Cm(29.7)) if book.language == "ko" else (Cm(21.59), Cm(27.94))
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Cm(2.3)
    section.header.paragraphs[0].text = f"{LABELS[book.language]['company']} · {book.number}"
    add_page_field(section.footer.paragraphs[0])
    properties = document.core_properties
    properties.title, properties.author, properties.language = book.title, book.owner, book.language
    properties.comments = ""
    properties.created = properties.modified = book.date


def add_page_field(paragraph: Any) -> None:
    paragraph.alignment = 1
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    run = OxmlElement("w:r")
    text = OxmlElement("w:t")
    text.text = "1"
    run.append(text)
    field.append(run)
    paragraph._p.append(field)


def add_docx_table(document: Any, rows: tuple[tuple[str, ...], ...]) -> None:
    """A ruled table whose first row is shaded and repeats on each page."""
    table = document.add_table(rows=0, cols=len(rows[0]), style="Table Grid")
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    for number, row in enumerate(rows):
        cells = table.add_row().cells
        for cell, text in zip(cells, row, strict=True):
            cell.text = text
            if number == 0:
                cell.paragraphs[0].runs[0].bold = True
                shade = OxmlElement("w:shd")
                shade.set(qn("w:val"), "clear")
                shade.set(qn("w:fill"), SHADE)
                cell._tc.get_or_add_tcPr().append(shade)
    repeat = OxmlElement("w:tblHeader")
    table.rows[0]._tr.get_or_add_trPr().append(repeat)
    document.add_paragraph().paragraph_format.space_after = Pt(0)


def fixed_zip(data: bytes, when: datetime) -> bytes:
    """The same archive with `when` as every member's time, so that equal content means equal bytes."""
    buffer = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            info = zipfile.ZipInfo(name, (when.year, when.month, when.day, 0, 0, 0))
            info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, 3
            new.writestr(info, old.read(name), compresslevel=9)
    return buffer.getvalue()
