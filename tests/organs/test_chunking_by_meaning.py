"""Cutting where the meaning changes, with an embedding that knows four subjects."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import msgspec
import numpy as np
import pytest

from llmflow.errors import OrganError
from llmflow.organs.chunker.llamaindex import LlamaIndexChunker
from llmflow.ports.chunker import ChunkRule
from llmflow.ports.embedding import Vectors
from llmflow.ports.parser import Element
from tests.organs.test_chunker import assert_sound, count, elements_of

SUBJECTS = ("휴가", "급여", "보안", "출장")
RULE = ChunkRule(max_tokens=200, overlap_tokens=0, method="semantic")


class Subjects:
    """Vectors that say how much of each subject a text has; `asked`: the texts, call by call."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    async def __call__(self, texts: Sequence[str]) -> Vectors:
        self.asked.append(list(texts))
        rows = np.array([[0.1 + text.count(subject) for subject in SUBJECTS] for text in texts], np.float32)
        unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit


@pytest.fixture
def subjects() -> Subjects:
    return Subjects()


@pytest.fixture
async def chunker(subjects: Subjects) -> AsyncIterator[LlamaIndexChunker]:
    opened = LlamaIndexChunker(count_tokens=count, embed_texts=subjects)
    yield opened
    await opened.close()


def about(subject: str, sentences: int = 10) -> str:
    return " ".join(f"{subject} 규정의 {n}번 항목은 {subject} 절차를 말합니다." for n in range(sentences))


async def test_one_paragraph_about_two_things_is_cut_between_them(chunker: LlamaIndexChunker) -> None:
    text = f"{about('휴가')} {about('급여')}"
    chunks = await chunker.chunk([Element("NarrativeText", text, page=3)], RULE)
    whole = [chunk for chunk in chunks if chunk.tokens > 40]
    assert [chunk.text.split()[0] for chunk in whole] == ["휴가", "급여"]
    assert " ".join(chunk.text for chunk in chunks) == text
    assert {chunk.page for chunk in chunks} == {3}
    assert_sound(chunks, RULE)


async def test_a_lower_percentile_cuts_more_often(chunker: LlamaIndexChunker) -> None:
    text = " ".join(about(subject, 5) for subject in SUBJECTS)
    counts = [
        len(
            await chunker.chunk(
                [Element("NarrativeText", text)], msgspec.structs.replace(RULE, breakpoint_percentile=p)
            )
        )
        for p in (95, 80, 50)
    ]
    assert counts == sorted(counts)
    assert counts[0] < counts[2]


async def test_headings_part_and_stand_above_what_is_under_them(chunker: LlamaIndexChunker) -> None:
    source = f"# 규정\n\n## 휴가\n\n{about('휴가')}\n\n## 급여\n\n{about('급여')} {about('보안')}"
    chunks = await chunker.chunk(elements_of(source), RULE)
    assert chunks[0].heading_path == ("규정", "휴가")
    assert {chunk.heading_path for chunk in chunks[1:]} == {("규정", "급여")}
    assert not [chunk for chunk in chunks if "급여 규정의 9번" in chunk.text and "보안 규정의 9번" in chunk.text]
    assert_sound(chunks, RULE)


async def test_short_neighbours_about_one_thing_share_a_chunk(chunker: LlamaIndexChunker) -> None:
    source = (
        "# 규정\n\n"
        + "\n\n".join(f"## {n}항\n\n{about('휴가', 1)}" for n in range(3))
        + f"\n\n## 돈\n\n{about('급여', 1)}"
    )
    chunks = await chunker.chunk(elements_of(source), RULE)
    assert [chunk.heading_path for chunk in chunks] == [("규정",), ("규정", "돈")]


async def test_a_table_is_one_unit_and_a_long_one_repeats_its_header(chunker: LlamaIndexChunker) -> None:
    rows = [f"| 급여 {n} | {n}만원 |" for n in range(60)]
    table = "\n".join(["| 항목 | 금액 |", "| --- | --- |", *rows])
    small = "| 휴가 | 일수 |\n| --- | --- |\n| 휴가 연차 | 15 |"
    elements = [
        Element("NarrativeText", about("휴가", 3)),
        Element("Table", small),
        Element("NarrativeText", about("휴가", 3)),
        Element("Table", table),
    ]
    chunks = await chunker.chunk(elements, RULE)
    assert small in "\n".join(chunk.text for chunk in chunks)
    parts = [chunk for chunk in chunks if chunk.kind == "table" and "급여" in chunk.text]
    assert len(parts) > 1
    assert all(part.text.startswith("| 항목 | 금액 |\n| --- | --- |\n") for part in parts)
    assert [row for part in parts for row in part.text.split("\n")[2:]] == rows
    assert_sound(chunks, RULE)


async def test_sentences_are_embedded_with_their_neighbours_and_in_slices(
    chunker: LlamaIndexChunker, subjects: Subjects
) -> None:
    told: list[tuple[int, int]] = []
    text = about("휴가", 150)
    await chunker.chunk([Element("NarrativeText", text)], RULE, progress=lambda done, total: told.append((done, total)))
    assert [len(call) for call in subjects.asked] == [64, 64, 22]
    assert told == [(64, 150), (128, 150), (150, 150)]
    assert subjects.asked[1][0].count("말합니다.") == 3
    assert subjects.asked[0][0].count("말합니다.") == 2


async def test_without_the_embedding_it_fails_and_says_so() -> None:
    async def away(_: Sequence[str]) -> Vectors:
        raise OrganError("The embedding server is away.")

    chunker = LlamaIndexChunker(count_tokens=count, embed_texts=away)
    with pytest.raises(OrganError, match="away"):
        await chunker.chunk([Element("NarrativeText", about("휴가"))], RULE)
    await chunker.close()


async def test_equal_input_gives_equal_output_and_nothing_gives_nothing(chunker: LlamaIndexChunker) -> None:
    elements = [Element("NarrativeText", f"{about('출장')} {about('보안')}")]
    assert await chunker.chunk(elements, RULE) == await chunker.chunk(elements, RULE)
    assert await chunker.chunk([], RULE) == []
    assert [chunk.text for chunk in await chunker.chunk([Element("NarrativeText", "한 문장.")], RULE)] == ["한 문장."]
