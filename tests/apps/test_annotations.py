"""Annotations answer before the model does: found by meaning, kept like every answer, gone with their app."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from llmflow.apps.annotations.reply import Action
from llmflow.apps.annotations.types import Annotation
from llmflow.apps.chat.ask import Ask
from llmflow.apps.types import App, Ended, EndUser, TextDelta
from llmflow.errors import NotFound, OrganError, UsageError
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.ports.embedding import Role, Vectors
from llmflow.ports.jobs import JobStatus
from llmflow.store import tables
from llmflow.store.content import Content
from llmflow.store.database import Database
from llmflow.store.ids import new_id
from tests.apps.fakes import TermEmbedding, World, world_of

QUESTION = "연차 휴가는 며칠입니까?"
ANSWER = "연차는 15일이며, 자세한 것은 인사팀에 물어보세요."


async def _switched(world: World, *, threshold: float = 0.8, model: str = "") -> str:
    """The state of the job that switches the reply on."""
    job_id = await world.room.annotation_reply.switch(world.app, "enable", model=model, score_threshold=threshold)
    return (await _over(world, "enable", job_id)).state


async def _over(world: World, action: Action, job_id: str) -> JobStatus:
    while (found := await world.room.annotation_reply.status(action, job_id)) is not None:
        if found.state not in ("queued", "running"):
            return found
        await asyncio.sleep(0)
    raise AssertionError("there is no such job")


async def _answer(world: World, query: str, conversation_id: str | None = None) -> tuple[str, Ended]:
    turn = await world.room.chat.ask(world.app, world.user, Ask(query, conversation_id=conversation_id))
    pieces = [event async for batch in turn.follow() for event in batch]
    end = await turn.finished()
    assert isinstance(end, Ended)
    return "".join(piece.text for piece in pieces if isinstance(piece, TextDelta)), end


async def test_an_annotation_answers_what_means_the_same(database: Database, tmp_path: Path) -> None:
    world = await world_of(database, tmp_path, ScriptedLlm(reply="the model speaks"))
    made = await world.room.annotations.create(world.app, QUESTION, ANSWER)
    await world.room.annotations.create(world.app, "회의실은 어떻게 예약합니까?", "예약 화면에서 합니다.")
    assert (await _answer(world, QUESTION))[1].answer.annotation_id is None
    assert await _switched(world) == "done"
    assert await world.room.annotation_reply.is_on(world.app)
    said, end = await _answer(world, "연차 휴가는  며칠입니까")
    assert (said, end.answer.kind, end.answer.annotation_id) == (ANSWER, "annotated", made.id)
    (kept,), _ = await world.room.annotations.page(world.app, keyword="연차")
    assert kept.hit_count == 1
    assert (await _answer(world, "주차장은 어디에 있습니까?"))[1].answer.kind != "annotated"
    (newest, *_), _ = await world.room.conversations.page(world.user, order="created_at")
    (message,), _ = await world.room.conversations.messages(world.user, newest.id)
    assert (message.kind, message.status) != ("annotated", "running")
    await world.room.close()


async def test_a_recited_answer_goes_on_in_its_conversation(world: World) -> None:
    await world.room.annotations.create(world.app, QUESTION, ANSWER)
    await _switched(world)
    turn = await world.room.chat.ask(world.app, world.user, Ask("안녕하세요"))
    await turn.finished()
    said, _ = await _answer(world, QUESTION, turn.conversation_id)
    assert said == ANSWER
    (first, second), _ = await world.room.conversations.messages(world.user, turn.conversation_id)
    assert (second.parent_id, second.kind, second.answer) == (first.id, "annotated", ANSWER)
    with pytest.raises(NotFound):
        await _answer(world, QUESTION, "00000000-0000-7000-8000-000000000009")
    other = EndUser("another", world.app.workspace_id, world.app.id, "other", 0)
    with pytest.raises(NotFound):
        await world.room.chat.ask(world.app, other, Ask(QUESTION, conversation_id=turn.conversation_id))


async def test_changes_are_found_at_once(world: World) -> None:
    await _switched(world)
    made = await world.room.annotations.create(world.app, QUESTION, ANSWER)
    assert (await _answer(world, QUESTION))[0] == ANSWER
    await world.room.annotations.change(world.app, made.id, "재택 근무는 며칠입니까?", "이틀입니다.")
    assert (await _answer(world, QUESTION))[0] != ANSWER
    assert (await _answer(world, "재택 근무는 며칠입니까?"))[0] == "이틀입니다."
    await world.room.annotations.delete(world.app, made.id)
    assert (await _answer(world, "재택 근무는 며칠입니까?"))[0] != "이틀입니다."
    with pytest.raises(NotFound):
        await world.room.annotations.delete(world.app, made.id)
    with pytest.raises(NotFound):
        await world.room.annotations.change(world.app, made.id, "q", "a")


async def test_a_reply_that_is_switched_off_answers_nothing(world: World) -> None:
    await world.room.annotations.create(world.app, QUESTION, ANSWER)
    await _switched(world)
    job_id = await world.room.annotation_reply.switch(world.app, "disable", model="", score_threshold=1)
    assert await world.room.annotation_reply.status("enable", job_id) is None
    assert (await _over(world, "disable", job_id)).state == "done"
    assert (await _answer(world, QUESTION))[0] != ANSWER
    assert not await world.room.annotation_reply.is_on(world.app)


async def test_the_threshold_decides(world: World) -> None:
    await world.room.annotations.create(world.app, QUESTION, ANSWER)
    await _switched(world, threshold=0.999)
    assert (await _answer(world, "연차 휴가의 이월 규정은 며칠입니까?"))[0] != ANSWER
    await _switched(world, threshold=0.3)
    assert (await _answer(world, "연차 휴가의 이월 규정은 며칠입니까?"))[0] == ANSWER


async def test_another_embedding_model_fails_the_job_and_says_what_there_is(world: World) -> None:
    job_id = await world.room.annotation_reply.switch(world.app, "enable", model="ada-002", score_threshold=0.9)
    found = await _over(world, "enable", job_id)
    assert found.state == "failed"
    assert "ada-002" in found.error
    assert "terms" in found.error
    assert not await world.room.annotation_reply.is_on(world.app)


class _Broken(TermEmbedding):
    """Embeds until it breaks."""

    is_broken = False

    async def embed(self, texts: Sequence[str], role: Role) -> Vectors:
        if self.is_broken:
            raise OrganError("the embedding is away")
        return await super().embed(texts, role)


async def test_without_the_embedding_the_model_answers(one_database: Database, tmp_path: Path) -> None:
    embedding = _Broken()
    world = await world_of(one_database, tmp_path, ScriptedLlm(reply="the model speaks"), embedding=embedding)
    await world.room.annotations.create(world.app, QUESTION, ANSWER)
    await _switched(world)
    embedding.is_broken = True
    made = await world.room.annotations.create(world.app, "다른 질문입니까?", "다른 답입니다.")
    assert isinstance(made, Annotation)
    turn = await world.room.chat.ask(world.app, world.user, Ask(QUESTION))
    end = await turn.finished()
    assert not (isinstance(end, Ended) and end.answer.kind == "annotated")
    embedding.is_broken = False
    await _switched(world)
    assert (await _answer(world, "다른 질문입니까?"))[0] == "다른 답입니다."
    await world.room.close()


class _Scattered(TermEmbedding):
    """Every text has a direction of its own."""

    dimensions = 64

    async def embed(self, texts: Sequence[str], role: Role) -> Vectors:
        found = np.empty((len(texts), self.dimensions), np.float32)
        for row, text in zip(found, texts, strict=True):
            row[:] = np.random.default_rng(zlib.crc32(text.encode())).standard_normal(self.dimensions)
            row /= np.linalg.norm(row)
        return found


async def test_among_thousands_the_right_one_is_found(one_database: Database, tmp_path: Path) -> None:
    world = await world_of(one_database, tmp_path, ScriptedLlm(reply="the model"), embedding=_Scattered())
    owner = {"workspace_id": world.app.workspace_id, "app_id": world.app.id, "hit_count": 0}
    rows = [
        {"id": new_id(), **owner, "question": Content(f"질문 {n}번?"), "answer": Content(f"답 {n}")}
        | {"created_at": n, "updated_at": n}
        for n in range(3000)
    ]
    async with one_database.write() as connection:
        await connection.execute(tables.app_annotations.insert(), rows)
    assert await _switched(world) == "done"
    assert (await _answer(world, "질문 2170번?"))[0] == "답 2170"
    found, total = await world.room.annotations.page(world.app, page=2, limit=100)
    assert (total, len(found), found[0].answer) == (3000, 100, "답 2899")
    assert (await world.room.annotations.page(world.app, keyword="답 299"))[1] == 11
    assert (await world.room.annotations.page(world.app, keyword="%"))[1] == 0
    await world.room.close()


@pytest.mark.parametrize(
    ("question", "answer"), [("", "a"), ("  ", "a"), ("q", ""), ("q" * 10_001, "a"), ("q", "a" * 100_001)]
)
async def test_empty_and_overlong_ones_are_refused(world: World, question: str, answer: str) -> None:
    with pytest.raises(UsageError):
        await world.room.annotations.create(world.app, question, answer)


async def test_they_go_with_their_app_and_hits_with_their_conversation(database: Database, tmp_path: Path) -> None:
    world = await world_of(database, tmp_path, ScriptedLlm(reply="the model speaks"))
    await world.room.annotations.create(world.app, QUESTION, ANSWER)
    await _switched(world)
    turn = await world.room.chat.ask(world.app, world.user, Ask(QUESTION))
    assert await _count(database, tables.annotation_hits) == 1
    await world.room.conversations.delete(world.user, turn.conversation_id)
    assert await _count(database, tables.annotation_hits) == 0
    await _answer(world, QUESTION)
    await world.room.catalogue.delete(world.app.workspace_id, world.app.id)
    for table in (tables.annotation_hits, tables.annotation_replies, tables.app_annotations):
        assert await _count(database, table) == 0
    await world.room.close()


async def test_apps_know_nothing_of_each_others(world: World) -> None:
    made = await world.room.annotations.create(world.app, QUESTION, ANSWER)
    other: App = await world.room.catalogue.create(world.app.workspace_id, "other", world.app.config)
    assert await world.room.annotations.page(other) == ([], 0)
    with pytest.raises(NotFound):
        await world.room.annotations.delete(other, made.id)


async def _count(database: Database, table: sa.Table) -> int:
    async with database.read() as connection:
        return int(await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)
