"""What runs in the child process that shows pages: a page of a PDF or a picture, as an image or as words in places."""

from __future__ import annotations

import ctypes
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pypdfium2
from PIL import Image, ImageOps, UnidentifiedImageError
from pypdfium2 import raw

from llmflow.errors import DocumentError, NotFound, Unsupported
from llmflow.organs.parser import pictures, sniff
from llmflow.organs.parser.source import View
from llmflow.ports.parser import PageWords, Word

_MOST_PIXELS = 25_000_000
_FINE = 16  # device units a point, for the places of words
_QUALITY = 84  # of pictures; drawn pages are kept exactly, which is smaller for them


def view(payload: bytes, _: Callable[[int, int], None]) -> bytes:
    """A msgpack View in; WebP, or msgpack of PageWords, out."""
    asked = msgspec.msgpack.decode(payload, type=View)
    media_type = sniff.sniff(Path(asked.path), "").media_type
    if media_type == sniff.PDF:
        with _page(asked) as page:
            return _drawn(page, asked.width) if asked.what == "image" else msgspec.msgpack.encode(_words(page))
    if media_type in sniff.IMAGES:
        return _picture(asked)
    raise Unsupported("Only PDFs and pictures have pages to look at.")


@contextmanager
def _page(asked: View) -> Iterator[Any]:
    try:
        document = pypdfium2.PdfDocument(asked.path)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise DocumentError("The document is locked with a password.", code="document_locked") from error
        raise DocumentError("The PDF is damaged beyond repair.", code="document_unreadable") from error
    try:
        if not 1 <= asked.page <= len(document):
            raise _no_page(asked.page, len(document))
        try:
            page = document[asked.page - 1]
        except pypdfium2.PdfiumError as error:
            raise DocumentError(f"Page {asked.page} of the PDF is damaged.", code="document_unreadable") from error
        yield page
    finally:
        document.close()


def _no_page(page: int, pages: int) -> NotFound:
    return NotFound(f"There is no page {page}; the document has {pages}.", param="page")


def _drawn(page: Any, width: int) -> bytes:
    across, down = page.get_size()
    scale = min(width / max(across, 1.0), (_MOST_PIXELS / max(1.0, across * down)) ** 0.5)
    image: Image.Image = page.render(scale=scale).to_pil()
    return _webp(image, exact=not _holds_pictures(page))


def _holds_pictures(page: Any) -> bool:
    return any(item.type == raw.FPDF_PAGEOBJ_IMAGE for item in page.get_objects(max_depth=2))


def _webp(image: Image.Image, *, exact: bool) -> bytes:
    out = io.BytesIO()
    if exact:
        image.save(out, "WEBP", lossless=True, quality=40, method=1)
    else:
        image.save(out, "WEBP", quality=_QUALITY, method=2)
    return out.getvalue()


def _words(page: Any) -> PageWords:
    width, height = page.get_size()
    text = page.get_textpage()
    found: list[Word] = []
    letters: list[str] = []
    boxes: list[tuple[float, float, float, float]] = []

    def end() -> None:
        word = "".join(letters)
        if word:
            found.append((word, *_shown(page, width, height, boxes)))
        letters.clear()
        boxes.clear()

    for index in range(text.count_chars()):
        code = raw.FPDFText_GetUnicode(text, index)
        letter = chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else ""
        if letter in ("", "\ufffe") or letter.isspace():
            end()
            continue
        letters.append(letter)
        boxes.append(text.get_charbox(index))
    end()
    return PageWords(round(width, 1), round(height, 1), tuple(found))


def _shown(
    page: Any, width: float, height: float, boxes: list[tuple[float, float, float, float]]
) -> tuple[float, float, float, float]:
    """The box around those of letters (left, bottom, right, top of the page's own space), as the page is shown: cropped
    and turned."""
    left, bottom = min(b[0] for b in boxes), min(b[1] for b in boxes)
    right, top = max(b[2] for b in boxes), max(b[3] for b in boxes)
    corners = [_device(page, width, height, x, y) for x, y in ((left, top), (right, bottom))]
    (ax, ay), (bx, by) = corners
    return (min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))


def _device(page: Any, width: float, height: float, x: float, y: float) -> tuple[float, float]:
    across, down = ctypes.c_int(), ctypes.c_int()
    size = (round(width * _FINE), round(height * _FINE))
    raw.FPDF_PageToDevice(page, 0, 0, *size, 0, x, y, ctypes.byref(across), ctypes.byref(down))
    return round(across.value / _FINE, 1), round(down.value / _FINE, 1)


def _picture(asked: View) -> bytes:
    Image.MAX_IMAGE_PIXELS = pictures.MOST_PIXELS
    try:
        with Image.open(asked.path) as image:
            pages = getattr(image, "n_frames", 1)
            if not 1 <= asked.page <= pages:
                raise _no_page(asked.page, pages)
            image.seek(asked.page - 1)
            dpi = pictures.dpi_of(image)
            upright = ImageOps.exif_transpose(image) or image
            if asked.what == "words":
                points = 72 / dpi
                size = (round(upright.width * points, 1), round(upright.height * points, 1))
                return msgspec.msgpack.encode(PageWords(*size, ()))
            shown = upright.convert("RGBA" if pictures.is_see_through(upright) else "RGB")
            shown.thumbnail((asked.width, 4 * asked.width), Image.Resampling.LANCZOS)
            return _webp(shown, exact=False)
    except Image.DecompressionBombError as error:
        raise DocumentError("The picture is larger than is read.", code="document_too_large") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise DocumentError(f"The picture is damaged ({error}).") from error
