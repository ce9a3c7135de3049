"""The contract of every parser: formats, structure, errors, limits."""

from __future__ import annotations

import codecs
import io
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image

from llmflow.errors import DocumentError, LLMFlowError, Unsupported
from llmflow.organs.parser.local import LocalParser
from llmflow.ports.parser import KINDS, Element, ParsedDocument, Parser
from tests.organs import parser_documents as make

pytestmark = pytest.mark.asyncio(loop_scope="module")  # one parser, and its child process, for all tests
needs_tesseract = pytest.mark.skipif(shutil.which("tesseract") is None, reason="skipped: Tesseract is not installed")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["local"])
async def parser() -> AsyncIterator[Parser]:
    opened = LocalParser(timeout_s=120, memory_mb=2048, max_pages=50)
    yield opened
    await opened.close()


async def read(parser: Parser, folder: Path, data: bytes, name: str) -> ParsedDocument:
    path = folder / "blob"  # the bytes' own path says nothing, as in the blob store
    path.write_bytes(data)
    return await parser.parse(path, name=name)


def all_text(document: ParsedDocument) -> str:
    return "\n".join(element.text for element in document.elements)


def find(document: ParsedDocument, words: str) -> Element:
    found = next((element for element in document.elements if words in element.text), None)
    assert found is not None, f"{words!r} is not in {[e.text[:40] for e in document.elements]}"
    return found


FORMATS: dict[str, Callable[[], bytes]] = {
    "a.md": make.markdown,
    "a.txt": make.plain,
    "a.html": make.html,
    "a.docx": make.word,
    "a.pptx": make.slides,
    "a.odt": make.odt,
    "a.rtf": make.rtf,
    "a.eml": make.mail,
    "a.pdf": make.pdf,
    "a.rst": make.rst,
    "a.org": make.org,
    "a.json": make.json,
    "a.jsonl": make.json,
    "a.epub": make.epub,
    "a.yaml": make.plain,
}
TABLES: dict[str, Callable[[], bytes]] = {
    "a.md": make.markdown,
    "a.csv": make.csv,
    "a.html": make.html,
    "a.docx": make.word,
    "a.pptx": make.slides,
    "a.xlsx": make.workbook,
    "a.odt": make.odt,
    "a.pdf": make.pdf,
    "a.rst": make.rst,
    "a.org": make.org,
}
HEADINGS: dict[str, Callable[[], bytes]] = {
    "a.md": make.markdown,
    "a.html": make.html,
    "a.docx": make.word,
    "a.odt": make.odt,
    "a.rst": make.rst,
    "a.org": make.org,
    "a.json": make.json,
}


@pytest.mark.parametrize("name", FORMATS)
async def test_every_format_gives_its_korean_and_english_text(parser: Parser, tmp_path: Path, name: str) -> None:
    document = await read(parser, tmp_path, FORMATS[name](), name)
    text = " ".join(all_text(document).split())
    assert make.KOREAN in text
    assert make.ENGLISH in text
    assert document.warnings == () or name == "a.eml"
    assert {element.kind for element in document.elements} <= set(KINDS)
    assert find(document, make.KOREAN[:10]).language == "ko"


@pytest.mark.parametrize("name", TABLES)
async def test_tables_are_pipe_tables_with_html(parser: Parser, tmp_path: Path, name: str) -> None:
    document = await read(parser, tmp_path, TABLES[name](), name)
    table = next(element for element in document.elements if element.kind == "Table")
    lines = table.text.split("\n")
    assert "| 직급 | 휴가 |" in lines
    assert "| 과장 | 20일 |" in lines
    assert set(lines[1]) <= set("|- ")
    assert table.html is not None
    assert table.html.startswith("<table>")
    assert all_text(document).count("과장") == 1, "the words of a table stand in no other element"


@pytest.mark.parametrize("name", HEADINGS)
async def test_headings_have_levels_and_stand_above_what_follows(parser: Parser, tmp_path: Path, name: str) -> None:
    document = await read(parser, tmp_path, HEADINGS[name](), name)
    titles = [(e.text, e.level, e.heading_path) for e in document.elements if e.kind == "Title"]
    assert titles == [("휴가 규정", 1, ()), ("연차", 2, ("휴가 규정",))]
    assert find(document, make.ENGLISH).heading_path == ("휴가 규정", "연차")


async def test_a_markdown_file_keeps_lists_code_and_its_own_title(parser: Parser, tmp_path: Path) -> None:
    document = await read(parser, tmp_path, make.markdown(), "안내 서.md")
    assert document.title == "안내서"
    assert [e.text for e in document.elements if e.kind == "ListItem"] == ["첫째 항목", "second item"]
    assert find(document, "print").kind == "CodeSnippet"
    assert "**" not in all_text(document)


async def test_scripts_and_styles_of_a_web_page_are_no_text(parser: Parser, tmp_path: Path) -> None:
    document = await read(parser, tmp_path, make.html(), "a.html")
    assert "alert" not in all_text(document)
    assert "color" not in all_text(document)
    assert document.title == "사내 안내"


async def test_slides_and_sheets_are_pages_under_their_titles(parser: Parser, tmp_path: Path) -> None:
    slides = await read(parser, tmp_path, make.slides(), "a.pptx")
    assert slides.pages == 2
    assert (find(slides, make.ENGLISH).page, find(slides, make.ENGLISH).heading_path) == (2, ("복지",))
    sheets = await read(parser, tmp_path, make.workbook(), "a.xlsx")
    assert (find(sheets, make.ENGLISH).page, find(sheets, make.ENGLISH).heading_path) == (2, ("Notes",))


async def test_a_mail_has_its_fields_its_body_and_its_attachments(parser: Parser, tmp_path: Path) -> None:
    document = await read(parser, tmp_path, make.mail(), "a.eml")
    assert document.title == "휴가 규정 안내"
    assert "From: kim@example.com" in all_text(document)
    assert "Attachments: 표.csv, x.bin" in all_text(document)
    assert find(document, "과장").heading_path == ("표.csv",)
    assert any("x.bin" in warning for warning in document.warnings)


async def test_a_pdf_has_pages_headings_headers_and_tables(parser: Parser, tmp_path: Path) -> None:
    document = await read(parser, tmp_path, make.pdf(), "a.pdf")
    assert document.pages == 2
    assert document.title == "사내 안내서"
    assert [e.text for e in document.elements if e.kind == "Title"] == ["휴가 규정", "복지"]
    assert find(document, "복지").page == 2
    assert [e.kind for e in document.elements if "주식회사" in e.text] == ["Header", "Header"]
    assert [e.text for e in document.elements if e.kind == "Footer"] == ["- 1 -", "- 2 -"]
    table = next(e for e in document.elements if e.kind == "Table")
    assert table.html is not None
    assert table.html.startswith("<table><tr><th>직급</th><th>휴가</th></tr>"), "a caption in the frame is no head"
    assert table.bbox is not None
    kinds = [e.kind for e in document.elements]
    assert document.elements[kinds.index("Table") - 1].text == "직급별 휴가"
    assert kinds.index("Table") > kinds.index("Title"), "the table stands where it is on the page"


async def test_a_table_without_lines_is_a_table_in_its_place(parser: Parser, tmp_path: Path) -> None:
    document = await read(parser, tmp_path, make.aligned_pdf(), "a.pdf")
    kinds = [element.kind for element in document.elements]
    assert kinds.count("Table") == 1
    at = kinds.index("Table")
    assert 0 < at < len(kinds) - 1
    lines = document.elements[at].text.split("\n")
    assert "| 부서 3 | 13 | 3,500 | 23 |" in lines
    assert sum(line.startswith("| 부서 ") for line in lines) >= 6
    assert all("부서 3" not in element.text for element in document.elements if element.kind != "Table")


async def test_running_text_in_columns_is_no_table(parser: Parser, tmp_path: Path) -> None:
    document = await read(parser, tmp_path, make.two_columns(), "a.pdf")
    assert "Table" not in [element.kind for element in document.elements]


async def test_columns_are_read_one_after_the_other(parser: Parser, tmp_path: Path) -> None:
    document = await read(parser, tmp_path, make.two_columns(), "a.pdf")
    text = " ".join(all_text(document).split())
    places = [text.index(f"Sentence number {n} says") for n in range(40)]
    assert places == sorted(places)
    assert document.elements[0].kind == "Title"


@needs_tesseract
@pytest.mark.parametrize(("name", "build"), [("scan.pdf", make.scanned_pdf), ("scan.png", make.png)])
async def test_a_picture_of_text_is_read_by_ocr(
    parser: Parser, tmp_path: Path, name: str, build: Callable[[], bytes]
) -> None:
    document = await read(parser, tmp_path, build(), name)
    element = find(document, "fifteen days")
    assert element.ocr
    assert element.page == 1
    if Path("/usr/share/fonts/truetype/nanum/NanumGothic.ttf").exists():
        assert "휴가 규정 안내" in all_text(document)


@needs_tesseract
async def test_a_skewed_scan_that_lies_on_its_side_is_read(parser: Parser, tmp_path: Path) -> None:
    lines = ["휴가 규정 안내", "Paid leave is fifteen days for all employees."] * 4
    page = make.picture("\n".join(lines)).rotate(4, Image.Resampling.BICUBIC, fillcolor=255)
    buffer = io.BytesIO()
    page.transpose(Image.Transpose.ROTATE_90).save(buffer, "PNG", dpi=(150, 150))
    document = await read(parser, tmp_path, buffer.getvalue(), "scan.png")
    assert all_text(document).count("fifteen days for all employees") == 4


async def test_a_file_of_one_repeated_byte_is_no_document(parser: Parser, tmp_path: Path) -> None:
    for name in ("a.pdf", "a.docx", "a.hwp", "a.png"):
        with pytest.raises(DocumentError) as caught:
            await read(parser, tmp_path, b"a" * 5000, name)
        assert caught.value.code == "document_mislabelled"


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "cp949", "euc-kr"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", ["a.txt", "a.md"])
async def test_korean_text_is_read_in_every_encoding(parser: Parser, tmp_path: Path, encoding: str, name: str) -> None:
    text = f"{make.KOREAN}\n\n두 번째 문단입니다. 설명은 길지 않습니다."
    document = await read(parser, tmp_path, text.encode(encoding), name)
    assert make.KOREAN in all_text(document)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Die schöne Frau hat “Kaffee” für 15,50 € gekauft. L’été était très chaud cette année."),
        ("shift_jis", "これは日本語の文章です。会社の休暇規定について説明します。よろしくお願いします。"),
    ],
)
async def test_other_encodings_are_guessed_with_a_warning(
    parser: Parser, tmp_path: Path, encoding: str, text: str
) -> None:
    document = await read(parser, tmp_path, text.encode(encoding), "a.txt")
    assert all_text(document) == text
    assert "encoding" in " ".join(document.warnings)


@pytest.mark.parametrize(("name", "build"), [("a.txt", make.pdf), ("a.pdf", make.word), ("a.docx", make.html)])
async def test_a_file_with_a_wrong_name_is_read_as_what_it_is(
    parser: Parser, tmp_path: Path, name: str, build: Callable[[], bytes]
) -> None:
    document = await read(parser, tmp_path, build(), name)
    assert make.ENGLISH in " ".join(all_text(document).split())
    assert "read as what it is" in document.warnings[0]


BAD: dict[str, tuple[str, Callable[[], bytes], type[LLMFlowError], str]] = {
    "nothing": ("a.txt", lambda: b"", DocumentError, "document_empty"),
    "white space": ("a.md", lambda: b" \n\t\n", DocumentError, "document_empty"),
    "a mark and nothing else": ("a.txt", lambda: codecs.BOM_UTF8, DocumentError, "document_empty"),
    "a locked pdf": ("a.pdf", make.locked_pdf, DocumentError, "document_locked"),
    "a cut pdf": ("a.pdf", lambda: make.pdf()[:300], DocumentError, "document_unreadable"),
    "a cut docx": ("a.docx", lambda: make.word()[:2000], DocumentError, "document_unreadable"),
    "a program as text": ("a.txt", lambda: b"\x7fELF" + bytes(range(256)) * 9, DocumentError, "document_mislabelled"),
    "noise as docx": ("a.docx", lambda: bytes(range(256)) * 9, DocumentError, "document_mislabelled"),
    "a zip as docx": ("a.docx", lambda: make.archive({"x": b"y"}), DocumentError, "document_mislabelled"),
    "a zip": ("a.zip", lambda: make.archive({"x": b"y"}), Unsupported, "unsupported_type"),
    "hwp 3": ("a.hwp", lambda: b"HWP Document File V3.00 \x1a\x01", Unsupported, "unsupported_type"),
    "an empty hwpx": (
        "a.hwpx",
        lambda: make.archive({"mimetype": b"application/hwp+zip"}),
        DocumentError,
        "document_unreadable",
    ),
    "a bomb": (
        "a.docx",
        lambda: make.archive({"[Content_Types].xml": b"", "word/document.xml": b"\x00" * (64 << 20)}),
        DocumentError,
        "document_too_large",
    ),
    "a broken picture": ("a.png", lambda: make.png()[:200], DocumentError, "document_unreadable"),
    "a row beyond all rows": ("a.xlsx", lambda: make.far_row(99_999_999_999), DocumentError, "document_unreadable"),
}


@pytest.mark.parametrize("case", BAD)
async def test_what_cannot_be_read_says_why(parser: Parser, tmp_path: Path, case: str) -> None:
    name, build, kind, code = BAD[case]
    with pytest.raises(kind) as caught:
        await read(parser, tmp_path, build(), name)
    assert caught.value.code == code
    assert caught.value.hint


async def test_xml_reads_no_other_file_and_expands_nothing(parser: Parser, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("top secret", "utf-8")
    entities = f'<!ENTITY a "haha"><!ENTITY f SYSTEM "file://{secret}">'
    source = f'<?xml version="1.0"?><!DOCTYPE r [{entities}]><r><name>kept</name><bad>&a;</bad><file>&f;</file></r>'
    document = await read(parser, tmp_path, source.encode(), "a.xml")
    assert all_text(document) == "name: kept"
    assert "entities" in document.warnings[0]


async def test_an_xml_bomb_is_refused_at_once(parser: Parser, tmp_path: Path) -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 50}">' for n in range(1, 9))
    bomb = f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY e0 "boom">{levels}]><r a="&e8;">&e8;</r>'
    with pytest.raises(DocumentError) as caught:
        await read(parser, tmp_path, bomb.encode(), "a.xml")
    assert caught.value.code in ("document_unreadable", "document_empty")


async def test_progress_counts_pages(parser: Parser, tmp_path: Path) -> None:
    path = tmp_path / "blob"
    path.write_bytes(make.pdf())
    told: list[tuple[int, int]] = []
    await parser.parse(path, name="a.pdf", progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]


async def test_the_limits_of_pages_and_bytes_are_coded(tmp_path: Path) -> None:
    small = LocalParser(max_pages=1, max_bytes=100_000)
    try:
        with pytest.raises(DocumentError) as pages:
            await read(small, tmp_path, make.pdf(), "a.pdf")
        with pytest.raises(DocumentError) as size:
            await read(small, tmp_path, b"x" * 100_001, "a.txt")
    finally:
        await small.close()
    assert pages.value.code == size.value.code == "document_too_large"


async def test_a_document_that_takes_too_long_is_a_timeout_and_the_next_is_read(tmp_path: Path) -> None:
    hasty = LocalParser(timeout_s=0.05)
    try:
        with pytest.raises(DocumentError) as caught:
            await read(hasty, tmp_path, make.pdf(), "a.pdf")
        assert caught.value.code == "document_timeout"
        assert (await read(hasty, tmp_path, make.plain(), "a.txt")).elements
    finally:
        await hasty.close()


async def test_a_scan_without_tesseract_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    bare = LocalParser()
    try:
        with pytest.raises(DocumentError) as caught:
            await read(bare, tmp_path, make.scanned_pdf(), "a.pdf")
        assert caught.value.code == "ocr_missing"
        assert "apt-get install tesseract-ocr" in caught.value.hint
        assert "apt-get" in (await bare.health()).hint
    finally:
        await bare.close()


async def test_small_text_needs_no_child_process_and_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a network connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    parser = LocalParser()
    try:
        await read(parser, tmp_path, make.plain(), "a.txt")
        await read(parser, tmp_path, make.markdown(), "a.md")
        assert parser._pool.pids == ()
    finally:
        await parser.close()


FOLDERS = ["documents/office", "documents/pdf_and_images", "robust/pdf", "robust/xml"]


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.timeout(900)
async def test_every_shared_file_is_read_or_refused_with_a_code(shared_data: Path, folder: str) -> None:
    parser = LocalParser(timeout_s=120, memory_mb=2048)
    strange: list[str] = []
    read_well = 0
    files = sorted(path for path in (shared_data / folder).rglob("*") if path.is_file())
    try:
        for path in files:
            try:
                document = await parser.parse(path, name=path.name)
            except (DocumentError, Unsupported) as error:
                if error.code in ("document_timeout", "document_crashed_reader", "document_too_large"):
                    strange.append(f"{path.name}: {error}")
                continue
            assert all(element.text.strip() for element in document.elements)
            read_well += bool(document.elements)
    finally:
        await parser.close()
    assert strange == []
    assert read_well * 2 > len(files) or folder == "robust/xml"


async def test_the_words_of_a_page_stand_where_the_reader_found_them(parser: Parser, tmp_path: Path) -> None:
    for cropped in (False, True):
        path = tmp_path / "blob"
        path.write_bytes(make.cropped_pdf() if cropped else make.pdf())
        element = find(await parser.parse(path, name="규정.pdf"), make.ENGLISH)
        assert element.page
        assert element.bbox
        x0, top, x1, bottom = element.bbox
        page = await parser.page_words(path, element.page)
        first = next(word for word in page.words if word[0] == make.ENGLISH.split()[0])
        assert x0 - 3 <= first[1] <= first[3] <= x1 + 3
        assert top - 3 <= first[2] <= first[4] <= bottom + 3


async def test_a_page_is_drawn_as_wide_as_is_asked(parser: Parser, tmp_path: Path) -> None:
    for data in (make.pdf(), make.scanned_pdf(), make.png()):
        path = tmp_path / "blob"
        path.write_bytes(data)
        with Image.open(io.BytesIO(await parser.page_image(path, 1, width=400))) as image:
            assert image.format == "WEBP"
            assert abs(image.width - 400) <= 1
            words = await parser.page_words(path, 1)
            assert abs(image.width / image.height - words.width / words.height) < 0.02


async def test_a_page_that_cannot_be_shown_is_an_error_with_a_code(parser: Parser, tmp_path: Path) -> None:
    for data, page, code in (
        (make.pdf(), 99, "not_found"),
        (make.png(), 2, "not_found"),
        (make.pdf()[:200], 1, "document_unreadable"),
        (make.png()[:60], 1, "document_unreadable"),
        (make.locked_pdf(), 1, "document_locked"),
        (make.word(), 1, "unsupported_type"),
        (b"", 1, "document_empty"),
    ):
        path = tmp_path / "blob"
        path.write_bytes(data)
        for ask in (parser.page_words(path, page), parser.page_image(path, page, width=300)):
            with pytest.raises(LLMFlowError) as caught:
                await ask
            assert caught.value.code == code
