"""E-books (EPUB 2 and 3): their chapters in the order of reading, each a web page."""

from __future__ import annotations

import posixpath
import zipfile
from urllib.parse import unquote

from lxml import etree

from llmflow.errors import DocumentError
from llmflow.organs.parser import text
from llmflow.organs.parser.source import Source
from llmflow.organs.parser.xml import parse_safely

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_PAGES = ("application/xhtml+xml", "text/html")


def read_epub(source: Source) -> int:
    """Each chapter is a page. Raises DocumentError (document_locked) for chapters under a right of use."""
    draft = source.draft
    with zipfile.ZipFile(source.path) as book:
        names = set(book.namelist())
        package = _package(book)
        root = parse_safely(book.read(package))
        draft.title = (root.findtext(".//{*}metadata/{*}title") or "").strip() or None
        locked = _locked(book) if _ENCRYPTION in names else frozenset()
        chapters = _chapters(root, posixpath.dirname(package))
        for number, chapter in enumerate(chapters, start=1):
            if chapter in locked:
                raise DocumentError("The e-book is locked with a right of use.", code="document_locked")
            if chapter not in names:
                draft.warn(f"The chapter {chapter} is missing in the e-book.")
                continue
            words, _ = text.decode(book.read(chapter), declared="utf-8")
            draft.close_headings()
            source.read_html(words, draft)
            source.progress(number, len(chapters))
    return len(chapters)


def _package(book: zipfile.ZipFile) -> str:
    try:
        container = parse_safely(book.read(_CONTAINER))
    except KeyError as error:
        raise DocumentError("The e-book does not say where its chapters are.") from error
    found = container.find(".//{*}rootfile")
    path = str(found.get("full-path", "")) if found is not None else ""
    if not path or path not in book.namelist():
        raise DocumentError("The e-book does not say where its chapters are.")
    return path


def _chapters(root: etree._Element, folder: str) -> list[str]:
    """Paths of the pages in the order of the spine; without the table of contents that EPUB 3 keeps as a page."""
    pages = {
        item.get("id"): posixpath.normpath(posixpath.join(folder, unquote(item.get("href", ""))))
        for item in root.iterfind(".//{*}manifest/{*}item")
        if item.get("media-type") in _PAGES and "nav" not in item.get("properties", "").split()
    }
    order = [item.get("idref") for item in root.iterfind(".//{*}spine/{*}itemref")]
    return [pages[name] for name in order if name in pages]


def _locked(book: zipfile.ZipFile) -> frozenset[str]:
    found = parse_safely(book.read(_ENCRYPTION)).iterfind(".//{*}CipherReference")
    return frozenset(unquote(reference.get("URI", "")) for reference in found)
