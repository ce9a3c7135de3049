"""PDF pages and pictures: text in reading order, headings, tables, headers and footers; OCR where there is none."""

from __future__ import annotations

import re
import statistics
import struct
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pdfplumber
import pypdfium2
from pdfminer.pdfexceptions import PDFException
from pdfminer.psexceptions import PSException
from pdfplumber.utils import extract_words
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from llmflow.errors import DocumentError
from llmflow.organs.parser import ocr, pdf_aligned, pdf_tables, pictures, tables
from llmflow.organs.parser.draft import Box, Draft
from llmflow.organs.parser.ocr import Ocr
from llmflow.organs.parser.pdf_headings import Headings
from llmflow.organs.parser.pdf_layout import Column, Line, Paragraph, Table, columns, gutter_of, lines_of, paragraphs
from llmflow.organs.parser.source import Source

_DPI = 300
_MAX_PIXELS = 40_000_000
_FEW_LETTERS = 20  # a page with fewer is looked at as a picture
#: What pdfminer raises on broken pages, found by feeding it broken pages; pdfium then reads the page instead.
_FAULTS = (
    *(PDFException, PSException, ValueError, TypeError, LookupError, AttributeError, AssertionError),
    *(ArithmeticError, RecursionError, NotImplementedError, struct.error, zlib.error, EOFError),
)
_PAGE_NUMBER = re.compile(
    r"[\s\-–—|]*(?:page\s*|p\.\s*|쪽\s*)?\d{1,4}(?:\s*(?:/|of)\s*\d{1,4})?\s*쪽?[\s\-–—|]*$", re.I
)
_CAPTION = re.compile(r"(?:figure|fig\.|그림|사진|\[그림|<그림)\s*\d", re.I)
_BULLET_ONLY = re.compile(r"^[•●○■□◦▪▸▶►◆◇∙‣\uf0a7\uf0b7\uf0d8*\-–—·※]\s*")
_GARBAGE = re.compile(r"\(cid:\d+\)|[\ufffd\ue000-\uf8ff]")


@dataclass(slots=True)
class _Page:
    """A page on its way: either `columns` of a text layer or `scanned` paragraphs."""

    number: int
    height: float
    columns: list[Column] = field(default_factory=list)
    scanned: list[tuple[str, Box]] = field(default_factory=list)
    corner: tuple[float, float] = (0.0, 0.0)  # of what is shown, in the space of the columns
    unread: bool = False  # it shows something, but nothing here could read it

    def lines(self) -> Iterator[Line]:
        return (item for column in self.columns for item in column if isinstance(item, Line))


def read_pdf(source: Source) -> int:
    reader = Ocr(source.request.ocr_languages)
    with _open(source) as (document, plumber):
        total = len(document)
        if total > source.request.max_pages:
            raise DocumentError(
                f"The document has {total} pages; {source.request.max_pages} are read.", code="document_too_large"
            )
        title = document.get_metadata_value("Title").strip()
        pages = []
        for index in range(total):
            pages.append(_read_page(document, plumber, index, reader))
            source.progress(index + 1, total)
    _mark_repeated(pages)
    _write(pages, source.draft)
    _tell_unread(pages, source.draft, reader)
    if title and len(title) > 3 and not re.search(r"untitled|microsoft word|\.(?:docx?|hwp|pdf|indd)$", title, re.I):
        source.draft.title = title
    return total


@contextmanager
def _open(source: Source) -> Iterator[tuple[pypdfium2.PdfDocument, Any]]:
    """The document in pdfium and, where it can read it, in pdfplumber (else None)."""
    try:
        document = pypdfium2.PdfDocument(source.path)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise DocumentError("The document is locked with a password.", code="document_locked") from error
        raise DocumentError("The PDF is damaged beyond repair.", code="document_unreadable") from error
    plumber = None
    try:
        plumber = pdfplumber.open(source.path)
        if len(plumber.pages) != len(document):
            plumber.close()
            plumber = None
    except (*_FAULTS, OSError):
        plumber = None
    try:
        yield document, plumber
    finally:
        if plumber is not None:
            plumber.close()
        document.close()


def _read_page(document: pypdfium2.PdfDocument, plumber: Any, index: int, reader: Ocr) -> _Page:
    page = _by_plumber(plumber, index) if plumber is not None else None
    if page is None:
        page = _by_pdfium(document, index)
    text = "".join(line.text for line in page.lines())
    if (_has_tables(page) or len(text) >= _FEW_LETTERS) and not _is_garbage(text):
        return page
    pdfium_page = document[index]
    if not _shows_something(pdfium_page, text):
        return page
    if not reader.there:
        page.unread = not text or _is_garbage(text)
        return page
    scanned = _scan(_render(pdfium_page), _DPI, reader)
    if sum(len(words) for words, _ in scanned) > len(text) or _is_garbage(text):
        page.columns, page.scanned = [], scanned
    return page


def _has_tables(page: _Page) -> bool:
    return any(isinstance(item, Table) for column in page.columns for item in column)


def _is_garbage(text: str) -> bool:
    """A text layer of glyph numbers and private signs: the fonts do not say which letters they draw."""
    marks = _GARBAGE.findall(text)
    return len(marks) > 10 and sum(len(mark) for mark in marks) * 3 > len(text)


def _shows_something(page: Any, text: str) -> bool:
    """Whether a page with almost no text is worth OCR: pictures on it, or many strokes."""
    if _is_garbage(text):
        return True
    width, height = page.get_size()
    area = 0.0
    paths = 0
    for item in page.get_objects(max_depth=4):
        if item.type == pypdfium2.raw.FPDF_PAGEOBJ_IMAGE:
            left, bottom, right, top = item.get_bounds()
            area += abs((right - left) * (top - bottom))
        elif item.type == pypdfium2.raw.FPDF_PAGEOBJ_PATH:
            paths += 1
    return area > (0.3 if text else 0.02) * width * height or (not text and paths > 20)


def _render(page: Any) -> Image.Image:
    width, height = page.get_size()
    scale = min(_DPI / 72, (_MAX_PIXELS / max(1.0, width * height)) ** 0.5)
    image: Image.Image = page.render(scale=scale, grayscale=True).to_pil()
    return image


def _scan(image: Image.Image, dpi: int, reader: Ocr) -> list[tuple[str, Box]]:
    """Paragraphs and their boxes in points."""
    points = 72 / dpi
    out = []
    for paragraph in reader.read(image, dpi=dpi):
        x0, top, x1, bottom = paragraph.box
        out.append((ocr.text_of(paragraph), (x0 * points, top * points, x1 * points, bottom * points)))
    return out


def _by_plumber(plumber: Any, index: int) -> _Page | None:
    """None where pdfminer gives up."""
    page = plumber.pages[index]
    try:
        page = page.dedupe_chars()
        words = page.extract_words(
            x_tolerance_ratio=0.15, y_tolerance=2, extra_attrs=["fontname", "size"], keep_blank_chars=False
        )
        blanks = [char for char in page.chars if char["text"].isspace()]
        found, rest = pdf_tables.find(page, words)
        upright = [word for word in rest if word["upright"]]
        turned = [word for word in rest if not word["upright"]]
        gutter = gutter_of(lines_of(upright, blanks))
        aligned, upright = pdf_aligned.find(upright, gutter=gutter, rules=pdf_tables.rules_of(page))
        layout = columns([*lines_of(upright, blanks), *found, *aligned])
        layout += (
            [[line] for line in lines_of(turned, blanks)] if len(turned) < 40 else [list(lines_of(turned, blanks))]
        )
        return _Page(index + 1, float(page.height), layout, corner=(float(page.cropbox[0]), float(page.cropbox[1])))
    except _FAULTS:
        return None
    finally:
        plumber.pages[index].close()


def _turned(chars: Sequence[dict[str, Any]], page: Any) -> list[Column]:
    """Text that runs up or down the page: the page is turned until it is level, then read as usual."""
    out: list[Column] = []
    for upwards in (True, False):
        level = [_level(char, page, upwards) for char in chars if (char["matrix"][1] > 0) is upwards]
        if level:
            words = extract_words(level, x_tolerance_ratio=0.15, y_tolerance=2, extra_attrs=["fontname", "size"])
            lines = lines_of(words, [char for char in level if char["text"].isspace()])
            for line in lines:
                line.role = "turned"
            out += columns(lines)
    return out


def _level(char: dict[str, Any], page: Any, upwards: bool) -> dict[str, Any]:
    if upwards:
        box = (page.height - char["bottom"], char["x0"], page.height - char["top"], char["x1"])
    else:
        box = (char["top"], page.width - char["x1"], char["bottom"], page.width - char["x0"])
    x0, top, x1, bottom = box
    turned = {"x0": x0, "x1": x1, "top": top, "bottom": bottom, "doctop": top, "upright": True}
    return char | turned | {"width": x1 - x0, "height": bottom - top, "size": bottom - top}


def _by_pdfium(document: pypdfium2.PdfDocument, index: int) -> _Page:
    """Lines as pdfium finds them, each with its box."""
    page = document[index]
    west, _, _, height = page.get_cropbox()
    textpage = page.get_textpage()
    lines: list[Line] = []
    for rect in range(textpage.count_rects()):
        left, bottom, right, top = textpage.get_rect(rect)
        text = textpage.get_text_bounded(left, bottom, right, top).replace("\ufffe", "-").strip()
        if text:
            size = max(top - bottom, 1.0)
            words = text.count(" ") + 1
            lines.append(
                Line(
                    " ".join(text.split()),
                    left - west,
                    height - top,
                    right - west,
                    height - bottom,
                    size,
                    False,
                    words=words,
                )
            )
    return _Page(index + 1, float(page.get_height()), columns(lines))


def _mark_repeated(pages: Sequence[_Page]) -> None:
    """Headers and footers: lines at the edge that most pages share but for their numbers, and page numbers alone."""
    seen: Counter[tuple[str, str]] = Counter()
    edges: list[tuple[Line, str, str]] = []
    for page in pages:
        keys = set()
        for line in page.lines():
            if line.role == "turned":
                continue
            edge = "header" if line.bottom < 0.12 * page.height else "footer" if line.top > 0.88 * page.height else ""
            if not edge:
                continue
            shape = re.sub(r"\d+", "#", line.text)
            edges.append((line, edge, shape))
            keys.add((edge, shape))
        seen.update(keys)
    enough = max(2, round(0.35 * len(pages)))
    for line, edge, shape in edges:
        if _PAGE_NUMBER.match(line.text) or seen[edge, shape] >= enough:
            line.role = edge


def _write(pages: Sequence[_Page], draft: Draft) -> None:
    body = _body_size(pages)
    headings = Headings(body)
    laid_out = [(page, [paragraphs(column) for column in page.columns]) for page in pages]
    for _, blocks in laid_out:
        for paragraph in (p for column in blocks for p in column if isinstance(p, Paragraph)):
            headings.learn(paragraph)
    spaces = _writes_spaces(pages)
    for page, blocks in laid_out:
        for block in (block for column in blocks for block in column):
            if isinstance(block, Table):
                rows = tables.without_empty(block.rows)
                box = _shown(block.box, page)
                draft.add("Table", tables.markdown(rows), html=tables.html(rows), page=page.number, bbox=box)
            else:
                _write_paragraph(block, draft, page, headings, block.text(spaces_are_written=spaces))
        for text, box in page.scanned:
            draft.add("NarrativeText", text, page=page.number, bbox=box, ocr=True)


def _write_paragraph(block: Paragraph, draft: Draft, page: _Page, headings: Headings, text: str) -> None:
    role = block.lines[0].role
    level = headings.level(block)
    place: dict[str, Any] = {"page": page.number, "bbox": _shown(block.box, page)}
    if role == "turned":
        draft.add("NarrativeText" if len(text) > 60 else "UncategorizedText", text, page=page.number)
    elif role != "body":
        draft.add("Header" if role == "header" else "Footer", text, **place)
    elif level is not None:
        draft.add("Title", text, level=level, **place)
    elif _CAPTION.match(text):
        draft.add("FigureCaption", text, **place)
    elif block.is_item:
        draft.add("ListItem", _BULLET_ONLY.sub("", text), **place)
    else:
        draft.add("NarrativeText" if len(text) > 60 else "UncategorizedText", text, **place)


def _shown(box: Box, page: _Page) -> Box:
    """The box as it lies on the page that one sees, which may show less than the sheet."""
    x, y = page.corner
    return (box[0] - x, box[1] - y, box[2] - x, box[3] - y)


def _body_size(pages: Sequence[_Page]) -> float:
    """The font size of most letters."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for line in page.lines():
            sizes[round(line.size * 2) / 2] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 10.0


def _writes_spaces(pages: Sequence[_Page]) -> bool:
    """Whether the file writes space glyphs at line ends, so that their absence means a word goes on."""
    lines = [line for page in pages for line in page.lines() if line.words >= 4 and re.search(r"[가-힣]$", line.text)]
    return len(lines) >= 5 and statistics.mean(line.space_after for line in lines) > 0.15


def _tell_unread(pages: Sequence[_Page], draft: Draft, reader: Ocr) -> None:
    unread = [page.number for page in pages if page.unread]
    if not unread or reader.there:
        return
    if not draft.has_text():
        raise ocr.missing()
    named = ", ".join(str(number) for number in unread[:20]) + (" ..." if len(unread) > 20 else "")
    draft.warn(f"Pages without a text layer were not read: {named}. Install Tesseract and upload the file again.")


def read_image(source: Source) -> int:
    """Every frame of a picture (TIFF has several) is a page."""
    reader = Ocr(source.request.ocr_languages)
    if not reader.there:
        raise ocr.missing("The file is a picture, and Tesseract is not installed.")
    Image.MAX_IMAGE_PIXELS = pictures.MOST_PIXELS
    try:
        with Image.open(source.path) as image:
            total = min(getattr(image, "n_frames", 1), source.request.max_pages)
            for index, frame in enumerate(ImageSequence.Iterator(image), start=1):
                if index > total:
                    break
                dpi = pictures.dpi_of(frame)
                upright = ImageOps.exif_transpose(frame) or frame
                for text, box in _scan(_on_white(upright), dpi, reader):
                    source.draft.add("NarrativeText", text, page=index, bbox=box, ocr=True)
                source.progress(index, total)
    except Image.DecompressionBombError as error:
        raise DocumentError("The picture is larger than is read.", code="document_too_large") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise DocumentError(f"The picture is damaged ({error}).") from error
    return total


def _on_white(image: Image.Image) -> Image.Image:
    """Transparent pictures on white paper."""
    if pictures.is_see_through(image):
        rgba = image.convert("RGBA")
        paper = Image.new("RGBA", rgba.size, "white")
        paper.alpha_composite(rgba)
        return paper.convert("L")
    return image.convert("L")
