"""The contract of every chunker, and what LlamaIndex must not do in ours."""

from __future__ import annotations

import itertools
import re
import socket
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmflow.organs.chunker import sentences
from llmflow.organs.chunker.llamaindex import LlamaIndexChunker
from llmflow.organs.embedding.hashing import HashingEmbedding
from llmflow.organs.parser import markdown, text
from llmflow.organs.parser.draft import Draft
from llmflow.ports.chunker import Chunk, Chunker, ChunkRule
from llmflow.ports.embedding import Vectors
from llmflow.ports.parser import Element

RULE = ChunkRule(max_tokens=60, overlap_tokens=15)
ENGLISH = " ".join(f"Fact {n} is about paid leave." for n in range(90))
KOREAN = " ".join(f"{n}번 문장은 휴가에 대한 사실을 하나 말합니다." for n in range(60))


def count(texts: Sequence[str]) -> list[int]:
    """Words, and Hangul by pairs of syllables: like a vocabulary of word pieces."""
    return [sum(1 + len(word) // 3 for word in one.split()) for one in texts]


async def embed(texts: Sequence[str]) -> Vectors:
    return await HashingEmbedding().embed(texts, "passage")


@pytest.fixture(params=["llamaindex"])
async def chunker() -> AsyncIterator[Chunker]:
    opened = LlamaIndexChunker(count_tokens=count, embed_texts=embed)
    yield opened
    await opened.close()


def elements_of(source: str) -> list[Element]:
    draft = Draft()
    markdown.read(source, draft)
    return draft.elements


def assert_sound(chunks: Sequence[Chunk], rule: ChunkRule = RULE) -> None:
    for chunk in chunks:
        assert chunk.text.strip()
        headings = sum(count([heading])[0] for heading in chunk.heading_path)
        assert count([chunk.text])[0] + headings <= rule.max_tokens
        assert count([chunk.text])[0] <= chunk.tokens <= rule.max_tokens


def words_of(chunks: Sequence[Chunk]) -> set[str]:
    return {word for chunk in chunks for word in (chunk.text + " " + " ".join(chunk.heading_path)).split()}


async def test_a_short_document_is_one_chunk_with_its_headings(chunker: Chunker) -> None:
    chunks = await chunker.chunk(elements_of("# Rules\n\n## Leave\n\nFifteen days.\n\n## Pay\n\nOn the 25th."), RULE)
    assert [chunk.heading_path for chunk in chunks] == [("Rules",)]
    assert chunks[0].text == "Leave\n\nFifteen days.\n\nPay\n\nOn the 25th."


async def test_nothing_gives_nothing(chunker: Chunker) -> None:
    assert await chunker.chunk([], RULE) == []
    assert await chunker.chunk([Element("PageBreak", ""), Element("Footer", "7")], RULE) == []


@pytest.mark.parametrize("body", [ENGLISH, KOREAN])
async def test_long_text_is_cut_between_sentences(chunker: Chunker, body: str) -> None:
    chunks = await chunker.chunk([Element("NarrativeText", body)], RULE)
    assert len(chunks) > 5
    assert_sound(chunks)
    assert all(chunk.text.endswith(".") for chunk in chunks)
    assert words_of(chunks) == set(body.split())
    shared = [set(sentences.split(a.text)) for a in chunks]
    assert any({s.strip() for s in a} & {s.strip() for s in b} for a, b in itertools.pairwise(shared))


async def test_chunks_keep_pages_and_heading_paths(chunker: Chunker) -> None:
    elements = [Element("Title", "휴가", level=1, page=1)]
    elements += [Element("NarrativeText", ENGLISH[:700], page=n, heading_path=("휴가",)) for n in (1, 2, 3)]
    elements.append(Element("NarrativeText", "Scanned. " * 60, page=4, heading_path=("휴가",), ocr=True))
    chunks = await chunker.chunk(elements, RULE)
    assert_sound(chunks)
    assert {chunk.heading_path for chunk in chunks} == {("휴가",)}
    starts = [chunk.page for chunk in chunks]
    assert starts == sorted(page or 0 for page in starts)
    assert (chunks[0].page, chunks[-1].page_end) == (1, 4)
    assert [chunk.ocr for chunk in chunks if chunk.page == 4] == [True] * sum(chunk.page == 4 for chunk in chunks)
    assert not chunks[0].ocr


async def test_page_headers_and_footers_are_left_out(chunker: Chunker) -> None:
    elements = [Element("Header", "ACME"), Element("NarrativeText", "Body."), Element("Footer", "- 1 -")]
    chunks = await chunker.chunk(elements, RULE)
    assert [chunk.text for chunk in chunks] == ["Body."]


async def test_a_long_table_is_cut_between_rows_and_repeats_caption_and_header(chunker: Chunker) -> None:
    rows = [f"| 직급 {n} | {n} days |" for n in range(40)]
    table = "\n".join(["| 직급 | 휴가 |", "| --- | --- |", *rows])
    elements = [Element("NarrativeText", ENGLISH[:400]), Element("NarrativeText", "표 1. 직급별 휴가")]
    chunks = await chunker.chunk([*elements, Element("Table", table, page=3)], RULE)
    assert_sound(chunks)
    parts = [chunk for chunk in chunks if chunk.kind == "table"]
    assert len(parts) > 2
    assert all(part.text.startswith("표 1. 직급별 휴가\n\n| 직급 | 휴가 |\n| --- | --- |\n| ") for part in parts)
    assert [line for part in parts for line in part.text.split("\n")[4:]] == rows
    assert {part.page for part in parts} == {3}


async def test_a_row_too_long_for_a_chunk_is_still_kept(chunker: Chunker) -> None:
    table = f"| Key | Text |\n| --- | --- |\n| a | b |\n| long | {ENGLISH} |\n| c | d |"
    chunks = await chunker.chunk([Element("Table", table)], RULE)
    assert_sound(chunks)
    assert set(ENGLISH.split()) <= {word.strip(";") for word in words_of(chunks)}


async def test_small_sections_of_one_parent_share_a_chunk_and_others_do_not(chunker: Chunker) -> None:
    source = "# A\n\n## A1\n\nOne.\n\n## A2\n\nTwo.\n\n# B\n\n## B1\n\nThree.\n\n# C\n\n" + ENGLISH
    chunks = await chunker.chunk(elements_of(source), RULE)
    assert_sound(chunks)
    assert (chunks[0].heading_path, chunks[0].text) == (("A",), "A1\n\nOne.\n\nA2\n\nTwo.")
    assert (chunks[1].heading_path, chunks[1].text) == (("B", "B1"), "Three.")
    assert chunks[2].heading_path == ("C",)


async def test_no_heading_is_lost_even_with_nothing_under_it(chunker: Chunker) -> None:
    source = "# A\n\n" + ENGLISH + "\n\n## Empty one\n\n# B\n\n## Empty two"
    chunks = await chunker.chunk(elements_of(source), RULE)
    assert_sound(chunks)
    assert {"Empty", "one", "two", "A", "B"} <= words_of(chunks)


async def test_headings_longer_than_a_chunk_become_text(chunker: Chunker) -> None:
    heading = "An endless heading " * 12
    chunks = await chunker.chunk(elements_of(f"# {heading}\n\n{ENGLISH}"), RULE)
    assert_sound(chunks)
    assert set(heading.split()) <= words_of(chunks)


async def test_text_without_spaces_or_sentences_is_still_cut(chunker: Chunker) -> None:
    long = "가나다라마바사아자차카타파하" * 100
    chunks = await chunker.chunk([Element("NarrativeText", long)], RULE)
    assert_sound(chunks)
    assert "".join(chunk.text for chunk in chunks).count("가나다") >= 95


async def test_equal_input_gives_equal_output(chunker: Chunker) -> None:
    elements = elements_of(f"# 제목\n\n{KOREAN}\n\n{ENGLISH}\n")
    assert await chunker.chunk(elements, RULE) == await chunker.chunk(elements, RULE)


async def test_two_rules_do_not_mix(chunker: Chunker) -> None:
    elements = [Element("NarrativeText", ENGLISH)]
    wide = ChunkRule(max_tokens=200, overlap_tokens=0)
    narrow = await chunker.chunk(elements, RULE)
    assert_sound(await chunker.chunk(elements, wide), wide)
    assert await chunker.chunk(elements, RULE) == narrow


async def test_the_network_is_never_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a network connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    chunker = LlamaIndexChunker(count_tokens=count, embed_texts=embed)
    try:
        assert len(await chunker.chunk([Element("NarrativeText", ENGLISH)], RULE)) > 1
    finally:
        await chunker.close()


async def test_tokens_are_counted_in_few_calls() -> None:
    calls: list[int] = []

    def counting(texts: Sequence[str]) -> list[int]:
        calls.append(len(texts))
        return count(texts)

    chunker = LlamaIndexChunker(count_tokens=counting, embed_texts=embed)
    try:
        chunks = await chunker.chunk([Element("NarrativeText", ENGLISH[:1500]) for _ in range(20)], RULE)
    finally:
        await chunker.close()
    assert len(calls) <= 6
    assert len(chunks) > 20


async def test_shared_texts_come_through_whole(chunker: Chunker, shared_data: Path) -> None:
    source = (shared_data / "documents/office/norwich-city.txt").read_text("utf-8")
    draft = Draft()
    text.read_plain(source, draft)
    rule = ChunkRule()
    chunks = await chunker.chunk(draft.elements, rule)
    assert_sound(chunks, rule)
    assert words_of(chunks) >= set(source.split()) - {"\ufeff"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("휴가는 3.5일입니다. 신청은 Dr. Kim에게 하세요!", ["휴가는 3.5일입니다.", "신청은 Dr. Kim에게 하세요!"]),
        ("된다고 했다.그러나 아니다.", ["된다고 했다.", "그러나 아니다."]),
        ("가능한가요? 네, 가능하죠. 좋다.", ["가능한가요?", "네, 가능하죠.", "좋다."]),
        ("See https://a.b/c.d?e=f. Then go.", ["See https://a.b/c.d?e=f.", "Then go."]),
        ("Use e.g. tea, i.e. a drink. It cost $3.50.", ["Use e.g. tea, i.e. a drink.", "It cost $3.50."]),
        ("첫째 항목\n둘째 항목\n셋째 항목", ["첫째 항목", "둘째 항목", "셋째 항목"]),
        ("A line of prose that is\nwrapped ends here. Next.", ["A line of prose that is\nwrapped ends here.", "Next."]),
        ("1. Go home. 2. Sleep.", ["1. Go home.", "2. Sleep."]),
    ],
)
def test_sentences_end_where_people_end_them(body: str, expected: list[str]) -> None:
    assert [piece.strip() for piece in sentences.split(body)] == expected


def test_a_line_of_dots_costs_one_look() -> None:
    dots = "차례 " + "." * 200_000 + "3\n"
    began = time.process_time()
    assert sentences.split(dots + "끝.") == [dots + "끝."]
    assert time.process_time() - began < 20  # hours, were each dot looked at for itself


@given(st.text(alphabet=st.sampled_from("가나다요. \n!?1a\"'”)"), max_size=200))
@settings(max_examples=300, deadline=None)
def test_the_pieces_of_a_text_are_the_text(body: str) -> None:
    assert "".join(sentences.split(body)) == body


@given(
    st.lists(
        st.sampled_from(
            ["# H", "## I", "### J", "word " * 30, "문장입니다. " * 20, "- item", "| a | b |\n|-|-|\n| c | d |"]
        )
    )
)
@settings(max_examples=60, deadline=None)
def test_no_document_breaks_the_limits(blocks: list[str]) -> None:
    source = "\n\n".join(f"{block}" for block in blocks)
    chunker = LlamaIndexChunker(count_tokens=count, embed_texts=embed)
    chunks = chunker._chunk(elements_of(source), RULE)
    assert_sound(chunks)
    marks = re.compile(r"[#|\-\s]+")
    assert set(marks.sub(" ", " ".join(blocks)).split()) <= {
        w for c in words_of(chunks) for w in marks.sub(" ", c).split()
    }


async def test_a_chunk_knows_every_place_it_was_taken_from(chunker: Chunker) -> None:
    elements = [
        Element("NarrativeText", "연차는 15일입니다.", page=1, bbox=(50, 700, 290, 720)),
        Element("NarrativeText", "남으면 넘깁니다.", page=1, bbox=(50, 730, 280, 750)),
        Element("NarrativeText", "The next column.", page=1, bbox=(310, 60, 550, 80)),
        Element("NarrativeText", "The next page.", page=2, bbox=(50, 60, 290, 80)),
        Element("NarrativeText", "Nobody knows where.", page=2),
    ]
    (chunk,) = await chunker.chunk(elements, RULE)
    assert [list(box) for box in chunk.boxes] == [[1, 50, 700, 290, 750], [1, 310, 60, 550, 80], [2, 50, 60, 290, 80]]
    assert (chunk.page, chunk.page_end) == (1, 2)
