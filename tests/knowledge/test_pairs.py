"""Questions and answers that a model writes from documents: asked once for each part, kept, and never text lost."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from llmflow.access.keys import Keys
from llmflow.access.standing import Standing
from llmflow.errors import LLMFlowError, OrganError, TooMany
from llmflow.gateway.asker import Asker, asker
from llmflow.knowledge.pairs.write import key_of, prompt
from llmflow.knowledge.pairs.writer import PairWriter
from llmflow.knowledge.types import Choice, Document, Origin, Passage
from llmflow.organs.chunker.llamaindex import LlamaIndexChunker
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.ports.chunker import Chunk, ChunkRule
from llmflow.ports.llm import ChatDelta, ChatRequest, ModelInfo
from llmflow.store.database import Database
from llmflow.store.tables import written_pairs
from tests.knowledge.conftest import Room, _words, build_room, running, stream
from tests.organs.test_chunker import embed

RULE = {"method": "qa", "separator": "\n\n"}
TEXT = "연차는 15일이다.\n\n병가는 30일이다.\n\n경조사 휴가는 5일이다."


class Author(ScriptedLlm):
    """Asks of a text what it is about. `said`: what it answers to a text instead, in turn; `whom`: it worked for;
    `held`: waits while it is not set."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.said: dict[str, list[str | LLMFlowError]] = {}
        self.whom: set[Asker] = set()
        self.held: dict[str, asyncio.Event] = {}
        self.is_small = False

    async def info(self, model: str = "") -> ModelInfo:
        return ModelInfo(id="author", grounded=not self.is_small)

    async def models(self) -> list[ModelInfo]:
        return [await self.info()]

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        text = str(request.messages[1].content)
        self.texts.append(text)
        self.whom.add(asker())
        if text in self.held:
            await self.held[text].wait()
        pair = {"question": f"{text.split()[0]} 며칠인가요?", "answer": text}
        self._replies = [self.said[text].pop(0) if self.said.get(text) else json.dumps({"pairs": [pair]})]
        async for delta in super().stream(ChatRequest(request.messages, options=request.options)):
            yield delta


@pytest.fixture
def author() -> Author:
    return Author()


@pytest.fixture
async def room(
    database: Database, tmp_path: Path, author: Author, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Room]:
    monkeypatch.setattr("llmflow.knowledge.jobs._ORGAN_TRIES_S", (0.01,))
    async with running(_room(database, tmp_path, author)) as opened:
        opened.base = await opened.bases.set_chunking(opened.base, RULE)
        yield opened


def _room(database: Database, folder: Path, author: Author) -> Room:
    return build_room(database, folder, LlamaIndexChunker(count_tokens=_words, embed_texts=embed), author)


async def _read(room: Room, text: str, name: str = "규정.txt") -> tuple[Document, list[Passage]]:
    document = await room.settled((await room.add(name, text)).document.id)
    return document, (await room.passages.page(document))[0]


async def _kept(room: Room) -> int:
    async with room.database.read() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(written_pairs)) or 0


async def test_questions_are_found_and_bring_the_answers_that_stand_in_the_text(room: Room) -> None:
    document, passages = await _read(room, TEXT)
    assert (document.state, document.warnings) == ("ready", [])
    assert [(p.text, p.answer) for p in passages] == [
        ("연차는 며칠인가요?", "연차는 15일이다."),
        ("병가는 며칠인가요?", "병가는 30일이다."),
        ("경조사 며칠인가요?", "경조사 휴가는 5일이다."),
    ]
    assert all(p.page == 1 for p in passages)
    (best, *_) = await room.found("병가는 며칠인가요?", top_k=1)
    assert (best.text, best.answer) == ("병가는 며칠인가요?", "병가는 30일이다.")


async def test_a_changed_document_asks_about_what_is_new_and_forgets_what_is_gone(room: Room, author: Author) -> None:
    document, before = await _read(room, TEXT)
    author.texts.clear()
    _, passages = await _read(room, TEXT.replace("30", "60"))
    assert author.texts == ["병가는 60일이다."]
    assert [p.id for p in passages[::2]] == [p.id for p in before[::2]]
    assert await _kept(room) == 3
    author.texts.clear()
    await room.bases.set_chunking(room.base, {"method": "sentence"})
    await room.documents.cut_again(room.base, Choice())
    await room.settled(document.id)
    await room.bases.set_chunking(room.base, RULE)
    await room.documents.cut_again(room.base, Choice())
    assert (await room.settled(document.id)).chunk_count == 3
    assert not author.texts  # the same bytes, cut the same way again, cost nothing
    await room.documents.delete(room.base, await room.documents.get("w", document.id))
    assert await _kept(room) == 0


async def test_another_language_asks_anew_and_says_so_to_the_model(room: Room, author: Author) -> None:
    await _read(room, TEXT)
    await room.documents.accept(
        room.base, "규정.txt", stream(TEXT.encode() + b"\n"), chunking={**RULE, "language": "English"}
    )
    await asyncio.sleep(0)
    (document, *_), _ = await room.documents.page(room.base)
    await room.settled(document.id)
    systems = [str(request.messages[0].content) for request in author.requests]
    assert ["Write both in Korean" in system for system in systems] == [True] * 3 + [False] * 3
    assert all("Write both in English" in system for system in systems[3:])


async def test_what_is_no_json_is_asked_once_more_then_the_text_stays_with_a_note(room: Room, author: Author) -> None:
    first, second, third = TEXT.split("\n\n")
    author.said = {first: ["not JSON"], second: ["nope", '{"pairs": [{"question": ""}]}'], third: ['{"pairs": []}']}
    document, passages = await _read(room, TEXT)
    assert [(p.text, p.answer) for p in passages] == [
        ("연차는 며칠인가요?", first),
        (second, None),
        (third, None),  # a part that answers nothing is no fault
    ]
    assert Counter(author.texts) == {first: 2, second: 2, third: 1}
    (note,) = document.warnings
    assert note.startswith("author gave no usable questions and answers for 1 of 3 parts")
    author.texts.clear()
    await room.documents.cut_again(room.base, Choice())
    document = await room.settled(document.id)
    assert (author.texts, document.warnings) == ([second], [])


async def test_a_model_that_is_away_fails_the_document_and_a_retry_asks_for_the_rest(
    room: Room, author: Author
) -> None:
    first, second, third = TEXT.split("\n\n")
    away = OrganError("The model server is away.", code="model_unreachable")
    author.said = {third: [away] * 8}
    document, _ = await _read(room, TEXT)
    assert (document.state, document.error_code) == ("failed", "model_unreachable")
    author.said, seen = {}, author.texts
    author.texts = []
    assert seen.count(first) == seen.count(second) == 1
    await room.documents.retry(room.base, Choice())
    assert (await room.settled(document.id)).chunk_count == 3
    assert author.texts == [third]


async def test_a_budget_that_is_used_up_is_told_and_no_try_is_wasted(room: Room, author: Author) -> None:
    spent = TooMany("The budget of this account is used up: $1.00 a month.", code="budget_exceeded")
    spent.wait_s = 40
    author.said = {text: [spent] for text in TEXT.split("\n\n")}
    document, _ = await _read(room, TEXT)
    assert (document.state, document.error_code) == ("failed", "budget_exceeded")
    assert len(author.texts) <= 2  # those that were under way


async def test_a_limit_by_the_minute_is_waited_for(database: Database, room: Room, author: Author) -> None:
    waited: list[float] = []
    limited = TooMany("The limit is reached: 10 requests a minute.", code="rate_limited")
    limited.wait_s = 42
    author.said = {"글이다.": [limited]}

    async def pause(seconds: float) -> None:
        waited.append(seconds)

    document, _ = await _read(room, "다른 글이다.")
    writer = PairWriter(database, author, count_tokens=_words, at_once=1, pause=pause)
    chunk = Chunk("글이다.", 2, parts=(Chunk("글이다.", 2),))
    written = await writer.write(document, [chunk], ChunkRule(method="qa"))
    assert (waited, [one.answer for one in written.chunks]) == ([42], ["글이다."])


async def test_a_model_too_small_for_it_is_not_asked_but_tables_need_none(room: Room, author: Author) -> None:
    author.is_small = True
    document, _ = await _read(room, TEXT)
    assert (document.state, document.error_code) == ("failed", "model_missing")
    assert "Connect a model" in document.error_hint
    await room.bases.set_chunking(room.base, {**RULE, "model": "unknown"})
    await room.documents.retry(room.base, Choice())
    assert (await room.settled(document.id)).error_code == "model_unknown"
    assert not author.texts


async def test_calls_are_for_whoever_brought_the_document(room: Room, author: Author) -> None:
    key, _ = await Keys(room.database, Standing()).create("w", "dataset", name="loader")
    bringing = Origin(by=key.id)
    accepted = await room.documents.accept(room.base, "규정.txt", stream(TEXT.encode()), origin=bringing)
    await room.settled(accepted.document.id)
    assert {(who.workspace_id, who.key_id, who.account_id) for who in author.whom} == {("w", key.id, None)}
    assert asker() == Asker()


async def test_a_process_that_died_amid_asking_asks_for_the_rest_alone(
    database: Database, tmp_path: Path, author: Author
) -> None:
    texts = TEXT.split("\n\n")
    author.held = {texts[2]: asyncio.Event()}
    room = _room(database, tmp_path, author)
    async with running(room):
        room.base = await room.bases.set_chunking(room.base, RULE)
        document = (await room.add("규정.txt", TEXT)).document
        while len(author.texts) < 3 or await _kept(room) < 2:
            await asyncio.sleep(0.01)
        reading = room.progress.overlay(await room.documents.get("w", document.id))
        assert (reading.stage, reading.done, reading.total) == ("ask", 2, 3)
    assert (await room.documents.get("w", document.id)).state == "running"
    author.texts.clear()
    author.held.clear()
    again = _room(database, tmp_path, author)
    again.base = room.base
    await again.jobs.start()
    await again.knowledge_jobs.start(again.documents, again.indexing)
    assert (await again.settled(document.id)).chunk_count == 3
    assert author.texts == [texts[2]]
    await again.knowledge_jobs.close()
    await again.jobs.close()


async def test_other_documents_do_not_wait_for_the_model(room: Room, author: Author) -> None:
    author.held = {text: asyncio.Event() for text in TEXT.split("\n\n")}
    waiting = await room.add("느린.txt", TEXT)
    while not author.texts:
        await asyncio.sleep(0.01)
    plain = await room.bases.create("w", "다른 곳")
    there = await room.documents.accept(plain, "규정.txt", stream(TEXT.encode()))
    assert (await room.settled(there.document.id)).state == "ready"
    own = await room.documents.accept(room.base, "표.txt", stream(b"| 1 |"), chunking={"method": "sentence"})
    assert (await room.settled(own.document.id)).state == "ready"
    for event in author.held.values():
        event.set()
    assert (await room.settled(waiting.document.id)).state == "ready"


async def test_a_document_deleted_meanwhile_is_asked_about_no_more(room: Room, author: Author) -> None:
    text = "\n\n".join(f"규정{n} 글이다." for n in range(12))
    author.held = {f"규정{n} 글이다.": asyncio.Event() for n in range(2)}
    document = (await room.add("a.txt", text)).document
    while len(author.texts) < 2:
        await asyncio.sleep(0.01)
    await room.documents.delete(room.base, await room.documents.get("w", document.id))
    for event in author.held.values():
        event.set()
    other, _ = await _read(room, "다른 글이다.", "b.txt")
    assert other.state == "ready"
    assert len([one for one in author.texts if one.startswith("규정")]) == 2
    assert await _kept(room) == 1


def test_a_part_is_another_by_its_headings_model_and_language() -> None:
    keys = {
        key_of("글", path, model=model, language=language)
        for path in ([], ["휴가"])
        for model in ("a", "b")
        for language in ("", "Korean")
    }
    assert len(keys) == 8


def test_the_number_of_questions_follows_from_the_length_and_headings_stand_above() -> None:
    system, user = prompt("글이다.", ["휴가", "연차"], 10, language="")
    assert ("at most 3 questions" in str(system.content), user.content) == (True, "휴가 > 연차\n\n글이다.")
    assert "at most 20 questions" in str(prompt("text", [], 5_000, language="")[0].content)
