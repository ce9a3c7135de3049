"""The methods of cutting beside that by headings: separators, sentences, parents with parts, questions with answers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from llmflow.organs.chunker.llamaindex import LlamaIndexChunker
from llmflow.ports.chunker import ChunkRule, Sizes
from llmflow.ports.parser import Element
from tests.organs.test_chunker import ENGLISH, KOREAN, assert_sound, count, elements_of, embed

TABLE = "\n".join(["| 질문 | 답변 |", "| --- | --- |", *(f"| 휴가 {n}일? | 네 {n}일 \\| 확인 |" for n in range(40))])


@pytest.fixture
async def chunker() -> AsyncIterator[LlamaIndexChunker]:
    opened = LlamaIndexChunker(count_tokens=count, embed_texts=embed)
    yield opened
    await opened.close()


async def test_fixed_cuts_at_every_separator_and_long_pieces_further(chunker: LlamaIndexChunker) -> None:
    rule = ChunkRule(max_tokens=60, overlap_tokens=0, method="fixed", separator="###")
    chunks = await chunker.chunk([Element("NarrativeText", f"하나.###둘. 셋.###{ENGLISH}")], rule)
    assert [chunk.text for chunk in chunks[:2]] == ["하나.", "둘. 셋."]
    assert len(chunks) > 5
    assert_sound(chunks, rule)


@pytest.mark.parametrize("separator", ["\n\n", "\n"])
async def test_paragraphs_are_passages_of_their_own(chunker: LlamaIndexChunker, separator: str) -> None:
    rule = ChunkRule(max_tokens=60, overlap_tokens=0, method="fixed", separator=separator)
    chunks = await chunker.chunk(elements_of("# 휴가\n\n첫 문단이다.\n\n둘째 문단이다."), rule)
    assert [(chunk.text, chunk.heading_path) for chunk in chunks] == [
        ("첫 문단이다.", ("휴가",)),
        ("둘째 문단이다.", ("휴가",)),
    ]


@pytest.mark.parametrize("method", ["fixed", "sentence", "semantic", "parent_child"])
async def test_no_method_tears_a_row(chunker: LlamaIndexChunker, method: str) -> None:
    rule = ChunkRule(max_tokens=60, overlap_tokens=0, method=method, separator="휴가", child=Sizes(40, 0, "휴가"))  # type: ignore[arg-type]
    chunks = await chunker.chunk([Element("NarrativeText", KOREAN[:300]), Element("Table", TABLE)], rule)
    found = [part for chunk in chunks for part in (chunk.parts or (chunk,)) if part.kind == "table"]
    assert len(found) > 3
    assert all(part.text.startswith("| 질문 | 답변 |\n| --- | --- |\n") for part in found)
    assert [row for part in found for row in part.text.split("\n")[2:]] == TABLE.split("\n")[2:]


async def test_sentences_run_over_headings(chunker: LlamaIndexChunker) -> None:
    rule = ChunkRule(max_tokens=60, overlap_tokens=0, method="sentence")
    chunks = await chunker.chunk(elements_of(f"# 휴가\n\n짧은 글이다.\n\n# 급여\n\n{KOREAN}"), rule)
    assert chunks[0].text.startswith("휴가\n\n짧은 글이다.\n\n급여\n\n0번 문장")
    assert all(chunk.text.endswith(".") for chunk in chunks)
    assert_sound(chunks, rule)


async def test_parents_have_all_their_text_in_parts(chunker: LlamaIndexChunker) -> None:
    rule = ChunkRule(max_tokens=200, overlap_tokens=0, method="parent_child", child=Sizes(40, 0))
    chunks = await chunker.chunk(elements_of(f"# 휴가\n\n{KOREAN}\n\n# Leave\n\n{ENGLISH}"), rule)
    assert len(chunks) > 3
    for chunk in chunks:
        assert len(chunk.parts) > 1
        assert chunk.tokens <= 200
        assert all(part.tokens <= 40 and part.heading_path == chunk.heading_path for part in chunk.parts)
        assert " ".join(" ".join(part.text for part in chunk.parts).split()) == " ".join(chunk.text.split())


async def test_a_whole_document_is_one_parent(chunker: LlamaIndexChunker) -> None:
    rule = ChunkRule(max_tokens=60, method="parent_child", parent="full-doc", child=Sizes(40, 0))
    chunks = await chunker.chunk(elements_of(f"# 휴가\n\n{KOREAN}\n\n# 급여\n\n{KOREAN}"), rule)
    assert len(chunks) == 1
    assert len(chunks[0].parts) > 10


async def test_rows_become_questions_with_answers(chunker: LlamaIndexChunker) -> None:
    chunks = await chunker.chunk([Element("Table", TABLE, page=2)], ChunkRule(method="qa"))
    assert len(chunks) == 40
    assert (chunks[3].text, chunks[3].answer, chunks[3].page) == ("휴가 3일?", "네 3일 | 확인", 2)
    turned = ChunkRule(method="qa", question="답변", answer="질문")
    assert (await chunker.chunk([Element("Table", TABLE)], turned))[3].answer == "휴가 3일?"


async def test_text_beside_questions_is_what_a_model_may_be_asked_about(chunker: LlamaIndexChunker) -> None:
    rule = ChunkRule(max_tokens=100, overlap_tokens=0, method="qa", child=Sizes(40, 0))
    elements = [*elements_of(f"# 휴가\n\n{KOREAN}"), Element("Table", TABLE), *elements_of("# 급여\n\n글이다.")]
    chunks = await chunker.chunk(elements, rule)
    answers = [place for place, chunk in enumerate(chunks) if chunk.answer is not None]
    assert answers == list(range(answers[0], answers[0] + 40))
    before, behind = chunks[: answers[0]], chunks[answers[-1] + 1 :]
    assert len(before) > 1
    assert all(chunk.heading_path == ("휴가",) and chunk.tokens <= 100 and chunk.parts for chunk in before)
    assert all(part.tokens <= 40 for chunk in before for part in chunk.parts)
    assert " ".join(" ".join(chunk.text for chunk in before).split()) == " ".join(KOREAN.split())
    assert [(chunk.text, [part.text for part in chunk.parts]) for chunk in behind] == [("글이다.", ["글이다."])]


async def test_a_table_of_facts_in_a_text_is_no_table_of_questions(chunker: LlamaIndexChunker) -> None:
    prices = Element("Table", "| 상품 | 값 |\n| --- | --- |\n| 사과 | 3000원 |")
    rule = ChunkRule(method="qa")
    (chunk,) = await chunker.chunk([Element("NarrativeText", "값은 다음과 같다."), prices], rule)
    assert chunk.answer is None
    assert "사과" in chunk.text
    named = ChunkRule(method="qa", question="상품", answer="값")
    _, pair = await chunker.chunk([Element("NarrativeText", "값은 다음과 같다."), prices], named)
    assert (pair.text, pair.answer) == ("사과", "3000원")
    (alone,) = await chunker.chunk([Element("Title", "값"), prices], rule)
    assert (alone.text, alone.answer) == ("사과", "3000원")


async def test_what_a_rule_strips_is_gone_before_cutting(chunker: LlamaIndexChunker) -> None:
    text = "문의:   hr@example.co.kr\n\n\n\n또는 https://example.com/leave?x=1 에서."
    both = ChunkRule(clean=("remove_extra_spaces", "remove_urls_emails"))
    assert [c.text for c in await chunker.chunk([Element("NarrativeText", text)], both)] == ["문의: \n\n또는 에서."]
    kept = await chunker.chunk([Element("NarrativeText", text)], ChunkRule())
    assert "hr@example.co.kr" in kept[0].text
