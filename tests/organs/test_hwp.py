"""Hangul documents: their text with the numbers of paragraphs, tables, notes, and what of them is refused."""

from __future__ import annotations

import difflib
import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import pytest
import pytest_asyncio

from llmflow.errors import DocumentError, Unsupported
from llmflow.organs.parser.hwp_numbers import Numbers, bullet, written
from llmflow.organs.parser.local import LocalParser
from llmflow.ports.parser import ParsedDocument, Parser
from tests.organs import hwp_documents as make
from tests.organs.parser_documents import archive

pytestmark = pytest.mark.asyncio(loop_scope="module")
#: Paragraphs and what must be read: outlines are titles, other numbers list items.
PARAGRAPHS = [(1, "총칙"), (2, "목적"), (2, "범위"), (0, "이 규정은 재택근무에 적용한다."), (1, "근무"), (2, "시간")]
PARAGRAPHS += [(3, "하나"), (4, "가지"), (6, "깊은 것"), (3, "둘"), (4, "다시"), (5, "점")]
READ = [
    ("Title", "제1장 총칙"),
    ("Title", "가. 목적"),
    ("Title", "나. 범위"),
    ("NarrativeText", "이 규정은 재택근무에 적용한다."),
    ("Title", "제2장 근무"),
    ("Title", "가. 시간"),
    ("ListItem", "제1장 하나"),
    ("ListItem", "가. 가지"),
    ("ListItem", "1-① 깊은 것"),
    ("ListItem", "제2장 둘"),
    ("ListItem", "가. 다시"),
    ("ListItem", "● 점"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def parser() -> AsyncIterator[Parser]:
    opened = LocalParser(timeout_s=60, memory_mb=2048)
    yield opened
    await opened.close()


async def read(parser: Parser, folder: Path, data: bytes, name: str) -> ParsedDocument:
    path = folder / "blob"
    path.write_bytes(data)
    return await parser.parse(path, name=name)


@pytest.mark.parametrize("kind", ["hwp", "hwpx"])
async def test_paragraphs_come_with_the_numbers_the_word_processor_shows(
    parser: Parser, tmp_path: Path, kind: str
) -> None:
    body = "".join(make.paragraph(shape, text) for shape, text in PARAGRAPHS)
    data = make.hwp(PARAGRAPHS) if kind == "hwp" else make.hwpx(body)
    document = await read(parser, tmp_path, data, f"규정.{kind}")
    assert [(element.kind, element.text) for element in document.elements] == READ
    assert document.elements[3].heading_path == ("제1장 총칙", "나. 범위")
    assert document.elements[3].language == "ko"
    assert document.warnings == ()


async def test_a_table_keeps_its_spans_and_a_note_its_place(parser: Parser, tmp_path: Path) -> None:
    rows = [[("출장비", 2)], [("숙박", 1), ("120,000원", 1)]]
    body = make.paragraph(0, "앞") + make.table(rows) + make.footnote("본문", "예외가 있다")
    document = await read(parser, tmp_path, make.hwpx(body), "표.hwpx")
    table = next(element for element in document.elements if element.kind == "Table")
    assert "| 숙박 | 120,000원 |" in table.text
    assert table.html is not None and '<th colspan="2">출장비</th>' in table.html
    texts = [element.text for element in document.elements]
    assert texts[0] == "앞" and texts[-1] == "[각주 1] 예외가 있다"


async def test_the_name_does_not_decide(parser: Parser, tmp_path: Path) -> None:
    document = await read(parser, tmp_path, make.hwpx(make.paragraph(0, "공문")), "공문.hwp")
    assert document.elements[0].text == "공문" and "HWPX" in document.warnings[0]


@pytest.mark.parametrize("flags", [make.PASSWORD, make.DISTRIBUTION])
async def test_locked_documents_say_so(parser: Parser, tmp_path: Path, flags: int) -> None:
    with pytest.raises(DocumentError) as caught:
        await read(parser, tmp_path, make.hwp([(0, "비밀")], flags=flags), "비밀.hwp")
    assert caught.value.code == "document_locked" and caught.value.hint
    assert ("distribution" in caught.value.message) == (flags == make.DISTRIBUTION)


async def test_a_locked_hwpx_says_so(parser: Parser, tmp_path: Path) -> None:
    data = make.hwpx("", manifest="<manifest><encryption-data/></manifest>")
    with pytest.raises(DocumentError) as caught:
        await read(parser, tmp_path, data, "비밀.hwpx")
    assert caught.value.code == "document_locked"


async def test_hwp_3_is_named_and_the_way_around_it(parser: Parser, tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="HWP 3") as caught:
        await read(parser, tmp_path, b"HWP Document File V3.00 \x1a\x01", "공문.hwp")
    assert "HWPX" in caught.value.hint


async def test_a_cut_document_is_damaged_and_no_worse(parser: Parser, tmp_path: Path) -> None:
    for data in (make.hwp([(0, "가")])[:2000], make.hwpx(make.paragraph(0, "가"))[:300]):
        with pytest.raises(DocumentError) as caught:
            await read(parser, tmp_path, data, "잘림.hwp")
        assert caught.value.code in ("document_unreadable", "document_empty")


async def test_xml_entities_in_hwpx_expand_to_nothing(parser: Parser, tmp_path: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {chr(97 + n)} "{f"&{chr(96 + n)};" * 20}">' for n in range(1, 9)
    )
    data = make.hwpx(make.paragraph(0, "가"))
    evil = archive({"mimetype": b"application/hwp+zip", "Contents/header.xml": f"{bomb}]><x>&i;</x>".encode()})
    with pytest.raises(DocumentError):
        await read(parser, tmp_path, evil, "폭탄.hwpx")
    assert (await read(parser, tmp_path, data, "a.hwpx")).elements  # the reader lives on


@pytest.mark.asyncio(loop_scope="function")
@pytest.mark.parametrize(
    ("format", "number", "expected"),
    [
        ("DIGIT", 12, "12"),
        ("CIRCLED_DIGIT", 3, "③"),
        ("CIRCLED_DIGIT", 99, "(99)"),
        ("ROMAN_CAPITAL", 1994, "MCMXCIV"),
        ("ROMAN_SMALL", 4, "iv"),
        ("LATIN_SMALL", 2, "b"),
        ("HANGUL_SYLLABLE", 14, "하"),
        ("HANGUL_JAMO", 2, "ㄴ"),
        ("CIRCLED_HANGUL_SYLLABLE", 1, "㉮"),
        ("HANGUL_PHONETIC", 21, "이십일"),
        ("IDEOGRAPH", 10, "十"),
        ("DECAGON_CIRCLE", 3, "병"),
        ("LATIN_CAPITAL", 99, "99"),
    ],
)
async def test_numbers_are_written_as_their_format_says(format: str, number: int, expected: str) -> None:
    assert written(number, format) == expected


@pytest.mark.asyncio(loop_scope="function")
async def test_bullets_of_symbol_fonts_become_common_characters() -> None:
    assert [bullet("\uf06c"), bullet("\uf0fc"), bullet("▷"), bullet("\uf001")] == ["●", "✓", "▷", "•"]
    assert Numbers().mark(3, 0) == ""


async def test_text_is_the_word_processors_own(parser: Parser, shared_data: Path) -> None:
    """Every shared document against the word processor's export of it; HWP and HWPX read alike."""
    folder, compared = shared_data / "documents/hwp", 0
    for path in sorted(folder.glob("*.hwp")):
        export = next((other for other in folder.glob(f"{path.stem}.*") if other.suffix.lower() == ".html"), None)
        expected = _words(export.read_text("utf-8-sig")) if export else ""
        texts = []
        for each in (path, path.with_suffix(".hwpx")):
            if not expected:
                with pytest.raises(DocumentError):  # a password, or nothing but drawings
                    await parser.parse(each, name=each.name)
                continue
            elements = (await parser.parse(each, name=each.name)).elements
            texts.append(_words("\n".join(element.html or element.text for element in elements)))
            likeness = difflib.SequenceMatcher(None, texts[-1], expected, autojunk=False).ratio()
            assert likeness >= 0.95, f"{each.name}: {likeness:.3f}"
            compared += 1
        assert not texts or texts[0] == texts[1], path.name
    assert compared >= 20


def _words(html: str) -> str:
    visible = re.sub(r"(?s)<(style|script|title)\b.*?</\1>", "", html)
    return re.sub(r"\s+", "", unescape(re.sub(r"<[^>]+>", "", visible)))
