"""A demo handbook as PDF, with ruled tables, bookmarks, page numbers and a subset of Nanum Gothic (SIL OFL 1.1)."""

from __future__ import annotations

import html
import re
from io import BytesIO
from itertools import zip_longest
from pathlib import Path
from typing import Any, assert_never

from demo_book import GREY, LABELS, NAVY, RULE, SHADE, Handbook
from reportlab.lib import colors
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4, LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import BaseDocTemplate, Frame, ListFlowable, PageTemplate, Paragraph, Spacer, Table

#: Name in the PDF: file and SHA-256 of the version (Debian's fonts-nanum 20200506) the committed PDFs were made with.
FONTS = {
    "Demo": (
        Path("/usr/share/fonts/truetype/nanum/NanumGothic.ttf"),
        "48a28e97b34fc8e5b157657633670cd1b7de126cfc414da65ce9c3d5bc8be733",
    ),
    "Demo-Bold": (
        Path("/usr/share/fonts/truetype/nanum/NanumGothicBold.ttf"),
        "454eb3f503f377782a99eb84fc4bb7dde22a0f075d41b47427737f2985053bc9",
    ),
}

NUMBER = re.compile(r"^[$]?[\d,.]+\s?(원|일|명|%|점)?$|^없음$|^none$")


MARGIN = 20 * mm


def write_pdf(book: Handbook) -> bytes:
    for name, (path, _) in FONTS.items():
        pdfmetrics.registerFont(TTFont(name, str(path)))
    pages = build_pdf(book, pages=0)[1]
    return build_pdf(book, pages=pages)[0]


def build_pdf(book: Handbook, *, pages: int) -> tuple[bytes, int]:
    """The PDF, whose footers say `pages` in all, and how many pages it really has."""
    size = A4 if book.language == "ko" else LETTER
    buffer = BytesIO()
    document = BaseDocTemplate(
        buffer,
        pagesize=size,
        invariant=1,
        title=book.title,
        author=book.owner,
        subject=book.subtitle,
        lang=book.language,
    )
    frame = Frame(MARGIN, MARGIN, size[0] - 2 * MARGIN, size[1] - 2 * MARGIN - 4 * mm, 0, 0, 0, 0)
    template = PageTemplate(frames=[frame], onPage=lambda canvas, _: frame_page(canvas, book, size, pages))
    document.addPageTemplates([template])
    document.afterFlowable = lambda flowable: outline(document.canv, flowable)
    document.build(pdf_story(book, frame._width))
    return buffer.getvalue(), document.page


def frame_page(canvas: Any, book: Handbook, size: tuple[float, float], pages: int) -> None:
    """Header and footer of one page."""
    width, height = size
    canvas.setStrokeColor(colors.HexColor(f"#{RULE}"))
    canvas.setFillColor(colors.HexColor(f"#{GREY}"))
    canvas.setLineWidth(0.6)
    canvas.setFont("Demo", 8)
    canvas.drawString(MARGIN, height - 14 * mm, f"{LABELS[book.language]['company']} · {book.title}")
    canvas.drawRightString(width - MARGIN, height - 14 * mm, book.number)
    canvas.line(MARGIN, height - 16 * mm, width - MARGIN, height - 16 * mm)
    canvas.line(MARGIN, 14 * mm, width - MARGIN, 14 * mm)
    canvas.drawRightString(width - MARGIN, 9.5 * mm, f"{canvas.getPageNumber()} / {pages}")


def outline(canvas: Any, flowable: Any) -> None:
    """Adds a heading to the PDF's bookmarks."""
    level = {"h2": 0, "h3": 1}.get(getattr(getattr(flowable, "style", None), "name", ""))
    if level is not None:
        key = f"h{canvas.getPageNumber()}-{flowable.getPlainText()}"
        canvas.bookmarkPage(key)
        canvas.addOutlineEntry(flowable.getPlainText(), key, level=level, closed=False)


def pdf_styles() -> dict[str, Any]:
    navy = colors.HexColor(f"#{NAVY}")
    body = ParagraphStyle("body", fontName="Demo", fontSize=10, leading=15, spaceAfter=5)
    cell = ParagraphStyle("cell", fontName="Demo", fontSize=9, leading=12.5)
    bold = {"fontName": "Demo-Bold", "textColor": navy, "keepWithNext": 1}
    return {
        "body": body,
        "lead-in": ParagraphStyle("lead-in", parent=body, keepWithNext=1),
        "item": ParagraphStyle("item", parent=body, spaceAfter=1),
        "cell": cell,
        "cell-right": ParagraphStyle("cell-right", parent=cell, alignment=TA_RIGHT),
        "head": ParagraphStyle("head", parent=cell, fontName="Demo-Bold", textColor=navy),
        "head-right": ParagraphStyle(
            "head-right", parent=cell, fontName="Demo-Bold", textColor=navy, alignment=TA_RIGHT
        ),
        "title": ParagraphStyle("title", fontSize=22, leading=30, spaceBefore=6, **bold),
        "subtitle": ParagraphStyle("subtitle", parent=body, textColor=colors.HexColor(f"#{GREY}"), spaceAfter=10),
        "h2": ParagraphStyle("h2", fontSize=14, leading=20, spaceBefore=12, spaceAfter=5, **bold),
        "h3": ParagraphStyle("h3", fontSize=11, leading=16, spaceBefore=7, spaceAfter=3, **bold),
    }


def pdf_story(book: Handbook, width: float) -> list[Any]:
    """Flowables in reading order. `width`: of the text, in points."""
    style = pdf_styles()
    head = [Paragraph(html.escape(book.title), style["title"]), Paragraph(book.subtitle, style["subtitle"])]
    labels, values = zip(*book.facts(), strict=True)
    story = [*head, pdf_table((labels, values), style, width, stretch=True), Spacer(1, 10)]
    for block, following in zip_longest(book.blocks, book.blocks[1:]):
        match block.kind:
            case "heading":
                story.append(Paragraph(html.escape(block.text), style[f"h{block.level}"]))
            case "paragraph":
                name = "lead-in" if following and following.kind in ("table", "list") else "body"
                story.append(Paragraph(html.escape(block.text), style[name]))
            case "list":
                items = [Paragraph(html.escape(item), style["item"]) for item in block.items]
                story.append(ListFlowable(items, bulletType="bullet", start="•", bulletFontName="Demo", leftIndent=14))
                story.append(Spacer(1, 4))
            case "table":
                story += [pdf_table(block.rows, style, width), Spacer(1, 9)]
            case _:
                assert_never(block.kind)
    return story


def pdf_table(rows: tuple[tuple[str, ...], ...], style: dict[str, Any], width: float, *, stretch: bool = False) -> Any:
    """A table with rulings over the whole text width, never split between pages."""
    columns = list(zip(*rows, strict=True))
    numeric = [not stretch and all(NUMBER.match(cell) for cell in column[1:]) for column in columns]
    natural = [max(pdfmetrics.stringWidth(cell, "Demo-Bold", 9) for cell in column) + 14 for column in columns]
    spare = (width - sum(natural)) / len(natural)
    widths = [n + spare for n in natural] if spare >= 0 else [n * width / sum(natural) for n in natural]
    cells = [
        [
            Paragraph(html.escape(cell), style[("cell" if y else "head") + ("-right" if numeric[x] else "")])
            for x, cell in enumerate(row)
        ]
        for y, row in enumerate(rows)
    ]
    table = Table(cells, colWidths=widths, spaceBefore=3)
    table.setStyle(
        [
            ("GRID", (0, 0), (-1, -1), 0.6, colors.HexColor(f"#{RULE}")),
            ("LINEABOVE", (0, 0), (-1, 0), 1.2, colors.HexColor(f"#{NAVY}")),
            ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor(f"#{SHADE}")),
            ("NOSPLIT", (0, 0), (-1, -1)),
            ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
            ("TOPPADDING", (0, 0), (-1, -1), 4),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 5),
        ]
    )
    return table
