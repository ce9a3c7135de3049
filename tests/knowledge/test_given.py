"""Documents of a base with a pipeline: somebody else reads and cuts them, and the rest is as ever."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from llmflow.errors import DocumentError, OrganError
from llmflow.knowledge.given import Cut, Given, chunks_of
from llmflow.knowledge.types import Choice, Document, KnowledgeBase
from llmflow.ports.parser import Element, ParsedDocument
from tests.apps.fakes import by_characters
from tests.knowledge.conftest import Room, stream


class Script:
    """Gives what it is told to, once for each call; the documents that it saw."""

    def __init__(self, *answers: Sequence[Cut] | Exception) -> None:
        self.answers = list(answers)
        self.seen: list[Document] = []

    async def __call__(self, base: KnowledgeBase, document: Document) -> Given:
        self.seen.append(document)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Given(answer)


async def _base(room: Room) -> KnowledgeBase:
    return await room.bases.create("w", "read by a pipeline", pipeline_id="p")


async def _read(room: Room, base: KnowledgeBase, name: str, **more: Any) -> Document:
    accepted = await room.documents.accept(base, name, stream(b"not looked at"), **more)
    return await room.settled(accepted.document.id)


async def test_passages_that_were_given_are_kept_found_and_known_again(room: Room) -> None:
    base = await _base(room)
    first = [Cut("연차 휴가는 15일"), Cut("질문", answer="답"), Cut("부모", parts=("자식 하나", "자식 둘"))]
    room.reader.cutter = script = Script(first, [first[0], Cut("새 단락"), first[2]])
    document = await _read(room, base, "규정.pdf", pipeline={"inputs": {"x": 1}})
    assert (document.state, document.chunk_count, document.media_type) == ("ready", 3, "application/pdf")
    assert script.seen[0].pipeline == {"inputs": {"x": 1}}
    passages, _ = await room.passages.page(document)
    assert [(p.text, p.answer, p.kind) for p in passages] == [
        ("연차 휴가는 15일", None, "text"),
        ("질문", "답", "text"),
        ("부모", None, "parent"),
    ]
    parts = await room.passages.parts(document, [passages[2].id])
    assert [part.text for part in parts[passages[2].id]] == ["자식 하나", "자식 둘"]
    assert await room.documents.cut_again(base, Choice()) == 1
    again = await room.settled(document.id)
    now, _ = await room.passages.page(again)
    assert [p.text for p in now] == ["연차 휴가는 15일", "새 단락", "부모"]
    assert (now[0].id, now[2].id) == (passages[0].id, passages[2].id)


@pytest.mark.parametrize(
    ("error", "state"), [(DocumentError("Nobody did it."), "failed"), (OrganError("Wait."), "ready")]
)
async def test_what_cutting_raises_is_the_documents_or_is_waited_out(room: Room, error: Exception, state: str) -> None:
    base = await _base(room)
    room.reader.cutter = Script(error, [Cut("나중에")])
    document = await _read(room, base, "a.txt")
    assert document.state == state
    assert document.error_message == ("Nobody did it." if state == "failed" else "")


async def test_a_base_without_anybody_who_cuts_says_so(room: Room) -> None:
    document = await _read(room, await _base(room), "a.txt")
    assert (document.state, document.error_code) == ("failed", "not_yet")


async def test_a_passage_too_long_for_the_model_is_cut_and_a_parent_is_not() -> None:
    chunker = by_characters()
    long = "첫째 문장은 여기까지입니다. 둘째 문장은 여기까지입니다. 셋째 문장은 여기까지입니다."
    chunks = await chunks_of(Given([Cut(long), Cut(long, parts=(long, "짧은"))]), chunker, most=20)
    assert [len(chunk.text) <= 20 for chunk in chunks] == [True] * 3 + [False]
    assert "".join(chunk.text for chunk in chunks[:3]).replace(" ", "") == long.replace(" ", "")
    assert [len(part.text) <= 20 for part in chunks[3].parts] == [True] * 4
    await chunker.close()


async def test_what_was_cut_out_of_a_document_that_was_read_stands_where_the_document_says_it() -> None:
    chunker = by_characters()
    path = ("규정", "휴가")
    first, second = "연차는 열다섯 날이며 다음 해로 넘어가지 않습니다.", "병가는 진단서를 내야 하며 예순 날까지입니다."
    elements = (
        Element("NarrativeText", first, page=1, heading_path=path, bbox=(0, 0, 100, 10)),
        Element("NarrativeText", second, page=2, heading_path=path, bbox=(0, 0, 100, 10)),
        Element("Table", "| 질문 | 답 |\n| --- | --- |\n| 연차는? | 열다섯 날 |", page=3, bbox=(0, 0, 100, 10)),
    )
    cuts = [
        Cut(f"{first}\n{second}", parts=(first, second, "지어낸 말")),
        Cut("연차는?", answer="열다섯 날"),
        Cut(second),
    ]
    parsed = ParsedDocument(elements, "application/pdf", pages=3)
    parent, question, plain = await chunks_of(Given(cuts, parsed), chunker, most=60)
    assert (parent.page, parent.page_end, parent.heading_path) == (1, 2, path)
    assert [(part.page, part.heading_path) for part in parent.parts] == [(1, path), (2, path), (None, ())]
    assert (question.page, question.boxes, question.answer) == (3, ((3, 0, 0, 100, 10),), "열다섯 날")
    assert (plain.page, plain.boxes, plain.text) == (2, ((2, 0, 0, 100, 10),), second)
    halves = await chunks_of(Given([Cut(f"{first} {second}")], parsed), chunker, most=40)
    assert [(half.page, len(half.text) <= 40) for half in halves] == [(1, True), (2, True)]
    await chunker.close()
