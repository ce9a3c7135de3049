"""E-books, Org, JSON and what came before 2007: what is particular to each."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from llmflow.errors import DocumentError, Unsupported
from llmflow.organs.parser import child
from llmflow.organs.parser.local import LocalParser
from llmflow.organs.parser.source import Request
from llmflow.ports.parser import ParsedDocument
from tests.flow_apps import Counting
from tests.organs import parser_documents as make


def read(folder: Path, data: bytes, name: str) -> ParsedDocument:
    path = folder / "blob"
    path.write_bytes(data)
    return child.read(Request(str(path), name, "kor+eng", 50), lambda done, total: None)


def told(document: ParsedDocument) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(element.kind, element.text, element.heading_path) for element in document.elements]


def test_a_book_is_read_in_the_order_of_its_spine_and_has_its_own_title(tmp_path: Path) -> None:
    document = read(tmp_path, make.epub(), "책.epub")
    assert (document.title, document.media_type, document.pages) == ("안내서", "application/epub+zip", 2)
    titles = [element.text for element in document.elements if element.kind == "Title"]
    assert titles == ["휴가 규정", "연차", "복지"]
    assert document.elements[-1].heading_path == ("복지",)
    assert "차례" not in {element.text for element in document.elements}


def test_a_chapter_that_is_missing_is_told_and_a_locked_one_refuses_the_book(tmp_path: Path) -> None:
    package = make.epub({"OEBPS/book.opf": make.epub_package().replace(b"one.xhtml", b"none.xhtml")})
    assert read(tmp_path, package, "a.epub").warnings == ("The chapter OEBPS/none.xhtml is missing in the e-book.",)
    rights = b'<encryption xmlns="urn:x"><CipherReference URI="OEBPS/one.xhtml"/></encryption>'
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, make.epub({"META-INF/encryption.xml": rights}), "a.epub")
    assert raised.value.code == "document_locked"


def test_a_book_without_its_list_of_chapters_says_so(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="where its chapters are"):
        read(tmp_path, make.archive({"mimetype": b"application/epub+zip", "a.xhtml": make.html()}), "a.epub")


def test_org_keeps_code_as_it_stands_and_leaves_out_its_own_marks(tmp_path: Path) -> None:
    document = read(tmp_path, make.org() + "\n*굵게* [[https://example.com][링크]]".encode(), "a.org")
    assert document.title == "안내서"
    code = [element.text for element in document.elements if element.kind == "CodeSnippet"]
    assert code == ["print('*hi*')"]
    words = "\n".join(element.text for element in document.elements)
    assert "굵게 링크 (https://example.com)" in words
    assert not any(mark in words for mark in ("TODO", ":인사:", ":ID:", "메모", "#+"))


def test_restructured_text_keeps_its_tables_and_code_and_takes_in_nothing(tmp_path: Path) -> None:
    text = (
        "####\n안내\n####\n\n본문은 :ref:`여기 <here>`, ``코드``, `링크 <https://example.com>`_ 입니다::\n\n"
        "   x = 1\n\n.. 메모\n   둘째\n\n"
        ".. include:: /etc/passwd\n\n.. raw:: html\n\n   <p>날것</p>\n\n.. note:: 주의\n\n   살펴보세요.\n\n"
        "+------+------+\n| 직급 | 휴가 |\n+======+======+\n| 사원 | 15일 |\n|      | 이상 |\n+------+------+\n\n"
        ".. _here: https://example.com\n"
    )
    assert told(read(tmp_path, text.encode(), "a.rst")) == [
        ("Title", "안내", ()),
        ("NarrativeText", "본문은 여기, 코드, 링크 (https://example.com) 입니다:", ("안내",)),
        ("CodeSnippet", "x = 1", ("안내",)),
        ("NarrativeText", "주의", ("안내",)),
        ("NarrativeText", "살펴보세요.", ("안내",)),
        ("Table", "| 직급 | 휴가 |\n| --- | --- |\n| 사원 | 15일 이상 |", ("안내",)),
    ]


def test_records_stand_under_the_names_they_are_nested_in(tmp_path: Path) -> None:
    orders = [{"번호": 1, "줄": [{"품목": "쌀", "수": 2.5}], "표": ["급", "새"]}, {"번호": 2, "끝": None, "참": True}]
    document = read(tmp_path, msgspec.json.encode({"주문": orders}), "a.json")
    assert told(document) == [
        ("Title", "주문", ()),
        ("UncategorizedText", "번호: 1\n표: 급, 새", ("주문",)),
        ("Title", "줄", ("주문",)),
        ("UncategorizedText", "품목: 쌀\n수: 2.5", ("주문", "줄")),
        ("UncategorizedText", "번호: 2\n참: true", ("주문",)),
    ]


def test_elements_that_unstructured_wrote_are_read_as_such(tmp_path: Path) -> None:
    element = {"type": "Title", "element_id": "a", "text": "휴가", "metadata": {"page_number": 3, "category_depth": 1}}
    document = read(
        tmp_path, msgspec.json.encode([element, {**element, "type": "NarrativeText", "text": "본문"}]), "a.json"
    )
    assert [(e.kind, e.text, e.level, e.page) for e in document.elements] == [
        ("Title", "휴가", 2, 3),
        ("NarrativeText", "본문", None, 3),
    ]


def test_json_that_is_none_is_read_as_text_with_a_warning(tmp_path: Path) -> None:
    document = read(tmp_path, '{"휴가": 15'.encode(), "a.json")
    assert [element.text for element in document.elements] == ['{"휴가": 15']
    assert "not valid" in document.warnings[0]
    lines = read(tmp_path, '{"휴가": 15}\n{"끝\n'.encode(), "a.jsonl")
    assert [element.text for element in lines.elements] == ["휴가: 15", '{"끝']
    assert lines.warnings == ("Line 2 is not valid JSON; such lines were read as text.",)


def test_json_nested_beyond_sense_is_refused_or_kept_as_it_stands(tmp_path: Path) -> None:
    deep = '{"가":' * 80 + '"속"' + "}" * 80
    assert "속" in read(tmp_path, deep.encode(), "a.json").elements[-1].text
    with pytest.raises(DocumentError, match="nested too deep"):
        read(tmp_path, b"[" * 200_000, "a.json")


def test_a_word_document_from_before_2007_is_read_with_its_table_and_headings(tmp_path: Path) -> None:
    document = read(tmp_path, make.legacy(make.word(), ".docx", ".doc"), "옛 규정.doc")
    words = "\n".join(element.text for element in document.elements)
    assert (document.media_type, document.warnings) == ("application/msword", ())
    assert make.KOREAN in words and make.ENGLISH in words and "| 과장 | 20일 |" in words
    assert ("휴가 규정", "연차") in {element.heading_path for element in document.elements}


def test_slides_from_before_2007_are_pages(tmp_path: Path) -> None:
    document = read(tmp_path, make.legacy(make.slides(), ".pptx", ".ppt"), "옛 발표.ppt")
    assert (document.media_type, document.pages) == ("application/vnd.ms-powerpoint", 2)
    found = next(element for element in document.elements if make.ENGLISH in element.text)
    assert (found.page, found.heading_path) == (2, ("복지",))


async def test_an_old_document_fetches_nothing_from_elsewhere(tmp_path: Path, counting: Counting) -> None:
    (tmp_path / "blob").write_bytes(make.legacy(make.word_with_a_link(f"{counting.url}/a.png"), ".docx", ".doc"))
    asked = counting.asked.total()  # saving it in the old format has fetched the picture
    parser = LocalParser()
    document = await parser.parse(tmp_path / "blob", name="a.doc")
    await parser.close()
    assert make.KOREAN in "".join(element.text for element in document.elements)
    assert asked > 0
    assert counting.asked.total() == asked


def test_without_libreoffice_an_old_document_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = make.legacy(make.word(), ".docx", ".doc")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(Unsupported) as raised:
        read(tmp_path, data, "a.doc")
    assert "apt-get install libreoffice-writer-nogui" in (raised.value.hint or "")


def test_a_locked_old_document_says_so(tmp_path: Path) -> None:
    data = bytearray(make.legacy(make.word(), ".docx", ".doc"))
    header = data.find(b"\xec\xa5")  # where its WordDocument stream begins
    data[header + 11] |= 1
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, bytes(data), "a.doc")
    assert raised.value.code == "document_locked"
