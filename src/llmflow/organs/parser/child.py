"""What runs in the child process: picks the reader for the bytes and returns the document as msgpack."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from llmflow.errors import DocumentError
from llmflow.organs.parser import sniff
from llmflow.organs.parser.draft import Draft
from llmflow.organs.parser.source import Reader, ReadPart, Request, Source
from llmflow.ports.parser import ParsedDocument

Progress = Callable[[int, int], None]

#: Which reader takes what. Its module is imported when first needed: Unstructured alone takes 3 CPU-seconds.
_READERS = {
    sniff.PDF: "pdf:read_pdf",
    sniff.DOCX: "office:read_docx",
    sniff.PPTX: "office:read_pptx",
    sniff.XLSX: "office:read_xlsx",
    sniff.XLS: "office:read_xls",
    sniff.DOC: "legacy:read_doc",
    sniff.PPT: "legacy:read_ppt",
    sniff.HTML: "office:read_html",
    sniff.EPUB: "epub:read_epub",
    sniff.ODT: "xml:read_odt",
    sniff.HWP: "hwp:read_hwp",
    sniff.HWPX: "hwp:read_hwpx",
    sniff.XML: "xml:read_xml",
    sniff.RTF: "text:read_rtf",
    sniff.CSV: "text:read_csv",
    sniff.PLAIN: "text:read_text",
    sniff.MARKDOWN: "markdown:read_markdown",
    sniff.RST: "markup:read_rst",
    sniff.ORG: "markup:read_org",
    sniff.JSON: "records:read_json",
    sniff.JSON_LINES: "records:read_json_lines",
    sniff.EML: "mail:read_eml",
    sniff.MSG: "mail:read_msg",
} | dict.fromkeys(sniff.IMAGES, "pdf:read_image")


def parse(payload: bytes, progress: Progress) -> bytes:
    """A msgpack Request in, a msgpack ParsedDocument out."""
    request = msgspec.msgpack.decode(payload, type=Request)
    return msgspec.msgpack.encode(read(request, progress))


def read(request: Request, progress: Progress, *, nested: bool = False) -> ParsedDocument:
    """Raises DocumentError and Unsupported, and whatever a library raises on bytes it does not understand."""
    path = Path(request.path)
    found = sniff.sniff(path, request.name)
    draft = Draft()
    if found.warning:
        draft.warn(found.warning)
    source = Source(
        request=request,
        path=path,
        name=request.name,
        media_type=found.media_type,
        text=found.text or "",
        draft=draft,
        progress=progress,
        read_part=None if nested else _part_reader(request),
        read_html=lambda text, into: _read_html(request, text, into),
    )
    pages = _reader(found.media_type)(source)
    if not draft.has_text():
        raise DocumentError("No text was found in the file.", code="document_empty")
    return draft.document(found.media_type, pages=pages)


def _reader(media_type: str) -> Reader:
    module, _, name = _READERS[media_type].partition(":")
    reader: Reader = getattr(importlib.import_module(f"llmflow.organs.parser.{module}"), name)
    return reader


def _read_html(request: Request, text: str, draft: Draft) -> None:
    source = Source(request, Path(), "", sniff.HTML, text, draft, _quiet, None, lambda *_: None)
    _reader(sniff.HTML)(source)


def _quiet(done: int, total: int) -> None:
    """Progress inside a part is not the document's."""


def _part_reader(request: Request) -> ReadPart:
    def read_part(data: bytes, name: str) -> ParsedDocument:
        with tempfile.NamedTemporaryFile(prefix="llmflow-part-") as file:
            file.write(data)
            file.flush()
            part = msgspec.structs.replace(request, path=file.name, name=name)
            try:
                return read(part, _quiet, nested=True)
            except (ValueError, LookupError, TypeError, AttributeError, OSError, EOFError, ArithmeticError) as error:
                # One broken attachment must not cost the message; these are what readers raise on broken bytes.
                raise DocumentError(f"It is damaged ({type(error).__name__}).") from error

    return read_part
