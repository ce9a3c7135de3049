"""XML and OpenDocument text. No entity is expanded, no other file is read, nothing comes over the network."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator

from lxml import etree

from llmflow.errors import DocumentError
from llmflow.organs.parser import tables
from llmflow.organs.parser.draft import Draft
from llmflow.organs.parser.source import Source

_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_MAX_REPEAT = 100


def parse_safely(data: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise DocumentError(f"The XML is not well-formed ({error}).") from error
    if root is None:
        raise DocumentError("The XML has no element.", code="document_empty")
    return root


def read_xml(source: Source) -> None:
    """Each element that holds only values becomes one piece of lines `name: value`; running text stays as it is."""
    text = source.text
    root = parse_safely(
        text.lstrip("\ufeff").encode("utf-8") if not text.lstrip().startswith("<?xml") else _recoded(text)
    )
    if any(isinstance(node, etree._Entity) for node in root.iter()):
        source.draft.warn("References to entities in the XML were left out: expanding them is not safe.")
    _record(root, source.draft)


def _recoded(text: str) -> bytes:
    """The text as UTF-8 without the declaration, which may name the encoding it had before."""
    text = text.lstrip("\ufeff").lstrip()
    return text[text.find("?>") + 2 :].lstrip().encode("utf-8", "replace")


def _record(element: etree._Element, draft: Draft) -> None:
    stack = [element]
    while stack:
        node = stack.pop()
        children = [child for child in node if isinstance(child.tag, str)]
        if not children or _mixed(node):
            draft.add("UncategorizedText", " ".join(" ".join(_texts(node)).split()))
        elif not any(isinstance(below.tag, str) for child in children for below in child):
            lines = [f"{_name(child)}: {' '.join(value.split())}" for child in children if (value := child.text or "")]
            draft.add("UncategorizedText", "\n".join([*_attributes(node), *lines]))
        else:
            if attributes := _attributes(node):
                draft.add("UncategorizedText", "\n".join(attributes))
            stack.extend(reversed(children))


def _texts(node: etree._Element) -> Iterator[str]:
    for piece in node.itertext(with_tail=False):
        if isinstance(piece, str) and piece.strip() and not (piece.startswith("&") and piece.endswith(";")):
            yield piece


def _mixed(node: etree._Element) -> bool:
    return bool((node.text or "").strip()) or any((child.tail or "").strip() for child in node)


def _name(node: etree._Element) -> str:
    return str(etree.QName(node).localname)


def _attributes(node: etree._Element) -> list[str]:
    return [f"{etree.QName(name).localname}: {value}" for name, value in node.attrib.items() if str(value).strip()]


def read_odt(source: Source) -> None:
    with zipfile.ZipFile(source.path) as archive:
        body = parse_safely(archive.read("content.xml")).find(f"{_OFFICE}body/{_OFFICE}text")
        if "meta.xml" in archive.namelist():
            source.draft.title = parse_safely(archive.read("meta.xml")).findtext(f".//{_DC}title")
    if body is not None:
        _blocks(body, source.draft, in_list=False)


def _blocks(parent: etree._Element, draft: Draft, *, in_list: bool) -> None:
    for node in parent:
        if node.tag == f"{_TEXT}h":
            level = node.get(f"{_TEXT}outline-level", "1")
            draft.add("Title", _words(node), level=int(level) if level.isdigit() else 1)
        elif node.tag == f"{_TEXT}p":
            text = _words(node)
            kind = "ListItem" if in_list else "NarrativeText" if len(text) > 60 else "UncategorizedText"
            draft.add(kind, text)
        elif node.tag == f"{_TABLE}table":
            rows = tables.without_empty(list(_rows(node)))
            draft.add("Table", tables.markdown(rows), html=tables.html(rows))
        elif node.tag in (f"{_TEXT}list", f"{_TEXT}list-item", f"{_TEXT}list-header"):
            _blocks(node, draft, in_list=True)
        elif node.tag in (f"{_TEXT}section", f"{_TEXT}index-body", f"{_TEXT}table-of-content"):
            _blocks(node, draft, in_list=in_list)


def _words(node: etree._Element) -> str:
    """Text of a paragraph with its spaces, tabs and line breaks; notes in brackets where they stand."""
    parts = [node.text or ""]
    for child in node:
        if child.tag == f"{_TEXT}s":
            parts.append(" ")
        elif child.tag == f"{_TEXT}tab":
            parts.append("\t")
        elif child.tag == f"{_TEXT}line-break":
            parts.append("\n")
        elif child.tag == f"{_TEXT}note":
            body = child.find(f"{_TEXT}note-body")
            parts.append(f" [{' '.join(' '.join(body.itertext()).split())}]" if body is not None else "")
        elif child.tag != f"{_OFFICE}annotation":
            parts.append(_words(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _rows(table: etree._Element) -> Iterator[list[tables.Cell]]:
    for row in table.iter(f"{_TABLE}table-row"):
        cells: list[tables.Cell] = []
        for cell in row:
            if cell.tag != f"{_TABLE}table-cell":
                continue
            text = " ".join(" ".join(_words(p) for p in cell.iter(f"{_TEXT}p", f"{_TEXT}h")).split())
            one = tables.Cell(
                text,
                rows=_number(cell, "number-rows-spanned"),
                columns=_number(cell, "number-columns-spanned"),
            )
            repeated = _number(cell, "number-columns-repeated")
            cells += [one] * (repeated if text else min(repeated, _MAX_REPEAT))
        yield cells


def _number(cell: etree._Element, name: str) -> int:
    value = cell.get(f"{_TABLE}{name}", "1")
    return max(1, min(int(value), 1000)) if value.isdigit() else 1
