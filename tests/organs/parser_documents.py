"""Small documents of every format, made here, with Korean and English text and what is in them."""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import docx
import msgspec
import openpyxl
import pptx
import pypdfium2
import pytest
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml.ns import qn
from PIL import Image, ImageDraw, ImageFont
from pptx.util import Inches
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Frame,
    PageTemplate,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)

KOREAN = "연차 휴가는 입사 후 1년이 지나면 15일이 주어집니다."
ENGLISH = "Employees get fifteen days of paid leave after their first year."
ROWS = [["직급", "휴가"], ["사원", "15일"], ["과장", "20일"]]
_NANUM = Path("/usr/share/fonts/truetype/nanum/NanumGothic.ttf")


def markdown() -> bytes:
    return (
        "---\ntitle: 안내서\n---\n# 휴가 규정\n\n## 연차\n\n"
        f"{KOREAN} **중요**합니다.\n{ENGLISH}\n\n- 첫째 항목\n- second item\n\n"
        "| 직급 | 휴가 |\n|---|---:|\n| 사원 | 15일 |\n| 과장 | 20일 |\n\n```python\nprint('hi')\n```\n"
    ).encode()


def plain() -> bytes:
    return f"{KOREAN}\n\n{ENGLISH}\n".encode()


def csv() -> bytes:
    return "\n".join(";".join(row) for row in ROWS).encode()


def html() -> bytes:
    cells = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in ROWS)
    return (
        "<!DOCTYPE html><html><head><title>사내 안내</title><style>p{color:red}</style></head><body>"
        f"<h1>휴가 규정</h1><h2>연차</h2><p>{KOREAN}</p><p>{ENGLISH}</p><table>{cells}</table>"
        "<script>alert(1)</script></body></html>"
    ).encode()


def word() -> bytes:
    document = docx.Document()
    document.add_heading("휴가 규정", 1)
    document.add_heading("연차", 2)
    document.add_paragraph(KOREAN)
    document.add_paragraph(ENGLISH)
    document.add_paragraph("첫째 항목", style="List Bullet")
    table = document.add_table(rows=0, cols=2)
    for row in ROWS:
        cells = table.add_row().cells
        for cell, text in zip(cells, row, strict=True):
            cell.text = text
    document.add_paragraph("끝")
    return _saved(document.save)


def word_with_a_link(address: str) -> bytes:
    """A picture that is not in the document but at an address."""
    document = docx.Document()
    document.add_paragraph(KOREAN)
    document.add_picture(io.BytesIO(png()))
    link = document.part.relate_to(address, RELATIONSHIP_TYPE.IMAGE, is_external=True)
    for picture in document.element.iter(qn("a:blip")):
        del picture.attrib[qn("r:embed")]
        picture.set(qn("r:link"), link)
    return _saved(document.save)


def slides() -> bytes:
    presentation = pptx.Presentation()
    for title in ("휴가 규정", "복지"):
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = KOREAN if title == "휴가 규정" else ENGLISH
    table = slide.shapes.add_table(3, 2, Inches(1), Inches(4), Inches(6), Inches(1)).table
    for r, row in enumerate(ROWS):
        for c, text in enumerate(row):
            table.cell(r, c).text = text
    return _saved(presentation.save)


def workbook() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "휴가"
    for row in ROWS:
        sheet.append(row)
    other = book.create_sheet("Notes")
    other.append(["Item", "Text"])
    other.append(["1", ENGLISH])
    return _saved(book.save)


def far_row(number: int) -> bytes:
    """The workbook whose second row says that it is another one."""
    with zipfile.ZipFile(io.BytesIO(workbook())) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"].replace(b'row r="2"', b'row r="%d"' % number)
    return archive(parts)


def odt() -> bytes:
    names = {
        "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
        "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
        "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
    }
    spaces = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in names.items())
    rows = "".join(
        "<table:table-row>"
        + "".join(f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>" for cell in row)
        + "</table:table-row>"
        for row in ROWS
    )
    content = (
        f"<?xml version='1.0'?><office:document-content {spaces}><office:body><office:text>"
        f"<text:h text:outline-level='1'>휴가 규정</text:h><text:h text:outline-level='2'>연차</text:h>"
        f"<text:p>{KOREAN}</text:p><text:p>{ENGLISH}</text:p>"
        f"<text:list><text:list-item><text:p>첫째 항목</text:p></text:list-item></text:list>"
        f"<table:table>{rows}</table:table></office:text></office:body></office:document-content>"
    )
    return archive({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": content.encode()})


def rst() -> bytes:
    table = "=====  ====\n직급   휴가\n=====  ====\n사원   15일\n과장   20일\n=====  ====\n"
    return f"휴가 규정\n=========\n\n연차\n----\n\n{KOREAN}\n\n{ENGLISH}\n\n* 첫째 항목\n\n{table}".encode()


def org() -> bytes:
    table = "| 직급 | 휴가 |\n|------+------|\n| 사원 | 15일 |\n| 과장 | 20일 |\n"
    head = "#+TITLE: 안내서\n* TODO 휴가 규정 :인사:\n** 연차\n:PROPERTIES:\n:ID: 7\n:END:\n# 메모\n"
    code = "#+BEGIN_SRC python\nprint('*hi*')\n#+END_SRC\n"
    return f"{head}{KOREAN}\n\n{ENGLISH}\n\n- 첫째 항목\n\n{table}\n{code}".encode()


def json() -> bytes:
    told = {"휴가 규정": {"연차": {"본문": KOREAN, "text": [ENGLISH], "쉼": None}}, "해": 2026}
    return msgspec.json.encode(told)


def epub_package() -> bytes:
    return (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        "<dc:title>안내서</dc:title></metadata><manifest>"
        '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
        '<item id="b" href="two%20b.xhtml" media-type="application/xhtml+xml"/>'
        '<item id="a" href="one.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="nav"/><itemref idref="a"/><itemref idref="b"/></spine></package>'
    ).encode()


def epub(more: dict[str, bytes] | None = None) -> bytes:
    container = '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
    second = f'<?xml version="1.0" encoding="utf-8"?><html><body><h1>복지</h1><p>{ENGLISH}</p></body></html>'
    members = {
        "mimetype": b"application/epub+zip",
        "META-INF/container.xml": container.encode(),
        "OEBPS/book.opf": epub_package(),
        "OEBPS/nav.xhtml": "<html><body><p>차례</p></body></html>".encode(),
        "OEBPS/two b.xhtml": second.encode(),
        "OEBPS/one.xhtml": html().replace(ENGLISH.encode(), b""),
    }
    return archive(members | (more or {}))


def legacy(data: bytes, suffix: str, old: str) -> bytes:
    """A document saved by LibreOffice in the format before 2007; skips the test where that is not installed."""
    program = shutil.which("soffice") or pytest.skip("skipped: LibreOffice is not installed")
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / f"a{suffix}"
        path.write_bytes(data)
        command = [program, f"-env:UserInstallation=file://{name}/user", "--headless", "--convert-to", old[1:]]
        subprocess.run([*command, "--outdir", name, str(path)], check=True, capture_output=True, timeout=120)
        return path.with_suffix(old).read_bytes()


def rtf() -> bytes:
    korean = "".join(f"\\u{ord(c)}?" if ord(c) < 32768 else f"\\u{ord(c) - 65536}?" for c in KOREAN)
    return f"{{\\rtf1\\ansi {korean}\\par\\par {ENGLISH}\\par}}".encode("ascii")


def mail() -> bytes:
    message = EmailMessage()
    message["From"] = "kim@example.com"
    message["To"] = "lee@example.com"
    message["Subject"] = "휴가 규정 안내"
    message["Date"] = "Mon, 02 Nov 2026 09:00:00 +0900"
    message.set_content(f"{KOREAN}\n\n{ENGLISH}\n")
    message.add_attachment(csv(), maintype="text", subtype="csv", filename="표.csv")
    message.add_attachment(b"\x7fELF" + b"\x00" * 100, maintype="application", subtype="octet-stream", filename="x.bin")
    return message.as_bytes()


def pdf() -> bytes:
    """Two pages: a heading, paragraphs, a ruled table with a cell over two columns, headers and page numbers."""
    font = pdf_font()
    body = ParagraphStyle("body", fontName=font, fontSize=10, leading=15)
    heading = ParagraphStyle("heading", fontName=font, fontSize=18, leading=26)
    table = Table([["직급별 휴가", ""], *ROWS])
    table.setStyle(
        TableStyle(
            [
                ("GRID", (0, 0), (-1, -1), 0.5, colors.black),
                ("SPAN", (0, 0), (1, 0)),
                ("FONTNAME", (0, 0), (-1, -1), font),
            ]
        )
    )
    story = [Paragraph("휴가 규정", heading), Paragraph(KOREAN, body), Spacer(1, 12), table, Spacer(1, 12)]
    story += [Paragraph(f"{ENGLISH} Paragraph {n}. " + ENGLISH * 5, body) for n in range(11)]
    story += [Paragraph("복지", heading), Paragraph(ENGLISH, body)]

    def edges(canvas: Canvas, template: BaseDocTemplate) -> None:
        canvas.setFont(font, 8)
        canvas.drawString(72, A4[1] - 40, "주식회사 예시 안내서")
        canvas.drawCentredString(A4[0] / 2, 30, f"- {template.page} -")

    buffer = io.BytesIO()
    SimpleDocTemplate(buffer, pagesize=A4, title="사내 안내서").build(story, onFirstPage=edges, onLaterPages=edges)
    return buffer.getvalue()


def cropped_pdf() -> bytes:
    """`pdf`, of whose sheets only a part is shown."""
    document = pypdfium2.PdfDocument(pdf())
    for page in document:
        page.set_cropbox(30, 40, 580, 820)
    return _saved(document.save)


def two_columns() -> bytes:
    """A title over two columns of running text; the sentences are numbered in reading order."""
    body = ParagraphStyle("body", fontName="Times-Roman", fontSize=10, leading=12)
    buffer = io.BytesIO()
    document = BaseDocTemplate(buffer, pagesize=A4)
    frames = [Frame(50, 60, 235, 640, id="left"), Frame(310, 60, 235, 640, id="right")]

    def title(canvas: Canvas, _: BaseDocTemplate) -> None:
        canvas.setFont("Times-Bold", 20)
        canvas.drawCentredString(A4[0] / 2, 740, "A Title Over Both Columns of the Page")

    document.addPageTemplates([PageTemplate(frames=frames, onPage=title)])
    words = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau"
    document.build([Paragraph(f"Sentence number {n} says {words}.", body) for n in range(40)])
    return buffer.getvalue()


def aligned_pdf() -> bytes:
    """A table without lines between two paragraphs: a heading over two columns, a label that is empty once."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4)
    font = pdf_font()
    canvas.setFont(font, 10)
    y = 760.0
    for line in (f"{ENGLISH} The table below has no lines at all and no frame.", ENGLISH * 2):
        canvas.drawString(60, y, line[:100])
        y -= 14
    y -= 16
    rows = [("", "2025년", "", "2026년"), ("부서", "인원", "비용", "인원")]
    rows += [(f"부서 {n}", str(10 + n), f"{n},500", str(20 + n)) for n in range(6)]
    for row in rows:
        for x, text in zip((60, 220, 320, 420), row, strict=True):
            canvas.drawString(x, y, text)
        y -= 16
    canvas.drawString(60, y - 20, f"{ENGLISH} And the text goes on under the table.")
    canvas.save()
    return buffer.getvalue()


def scanned_pdf(text: str = "휴가 규정 안내\nPaid leave is fifteen days.") -> bytes:
    buffer = io.BytesIO()
    picture(text).save(buffer, "PDF", resolution=150)
    return buffer.getvalue()


def png() -> bytes:
    buffer = io.BytesIO()
    picture("휴가 규정 안내\nPaid leave is fifteen days.").save(buffer, "PNG", dpi=(150, 150))
    return buffer.getvalue()


def picture(text: str) -> Image.Image:
    image = Image.new("L", (1240, 1754), "white")
    font = ImageFont.truetype(str(_NANUM), 44) if _NANUM.exists() else ImageFont.load_default(44)
    ImageDraw.Draw(image).multiline_text((120, 200), text, fill="black", font=font, spacing=30)
    return image


def pdf_font() -> str:
    """The name of a font with Hangul: one without any file, which every PDF reader knows by name."""
    name = "HYSMyeongJo-Medium"
    pdfmetrics.registerFont(UnicodeCIDFont(name))
    return name


def locked_pdf() -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, encrypt="secret")
    canvas.drawString(72, 700, ENGLISH)
    canvas.save()
    return buffer.getvalue()


def archive(members: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return buffer.getvalue()


def _saved(save: Callable[[io.BytesIO], object]) -> bytes:
    buffer = io.BytesIO()
    save(buffer)
    return buffer.getvalue()
