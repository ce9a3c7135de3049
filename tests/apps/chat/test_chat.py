from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from llmflow.apps.chat import queries
from llmflow.apps.chat.ask import Ask
from llmflow.apps.chat.turns import Turn
from llmflow.apps.types import Ended, Failed, TextDelta
from llmflow.errors import NotFound, OrganError, TooMany, UsageError
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.store.content import Content
from llmflow.store.database import Database
from tests.apps.fakes import World, room_of, world_of

LEAVE = "연차는 매년 15일이며 이월은 최대 6일까지 됩니다."


async def _said(turn: Turn) -> str:
    return "".join(e.text for batch in [b async for b in turn.follow()] for e in batch if isinstance(e, TextDelta))


async def test_a_turn_is_stored_before_it_ends(database: Database, tmp_path: Path) -> None:
    world = await world_of(database, tmp_path, ScriptedLlm(reply="매년 15일입니다 [1]."))
    await world.learn("휴가.md", LEAVE, heading=("휴가",), page=2)
    turn = await world.room.chat.ask(world.app, world.user, Ask("연차는 매년 며칠입니까?"))
    async for batch in turn.follow():
        if isinstance(batch[-1], Ended):
            stored = await world.room.conversations.message(world.user, turn.message_id)
            assert (stored.status, stored.answer, stored.kind) == ("normal", "매년 15일입니다 [1].", "generated")
            assert stored.query == "연차는 매년 며칠입니까?"
            assert stored.model == "scripted"
            assert stored.completion_tokens == 3
            (citation,) = stored.citations
            assert (citation.document, citation.page, citation.heading_path) == ("휴가.md", 2, ["휴가"])
            assert citation.text == LEAVE
    assert await _said(turn) == "매년 15일입니다 [1]."
    page, more = await world.room.conversations.page(world.user)
    assert [c.name for c in page] == ["연차는 매년 며칠입니까?"]
    assert not more
    await world.room.close()


async def test_cited_passages_are_counted(world: World) -> None:
    await world.learn("leave.md", "Annual leave is fifteen days a year.")
    await world.ask("How many days is annual leave?")
    _, end = await world.ask("How many days is annual leave?")
    assert end.answer.citations[0].hit_count == 1


async def test_a_reader_that_leaves_loses_nothing(world: World) -> None:
    await world.learn("leave.md", "Annual leave is fifteen days a year.")
    turn = await world.room.chat.ask(world.app, world.user, Ask("How many days is annual leave?"))
    reader = turn.follow()
    await anext(reader)
    await reader.aclose()
    await turn.finished()
    stored = await world.room.conversations.message(world.user, turn.message_id)
    assert stored.answer == "Fifteen days a year [1]."


async def test_a_stopped_answer_keeps_what_was_said(one_database: Database, tmp_path: Path) -> None:
    world = await world_of(one_database, tmp_path, ScriptedLlm(reply="one two three " * 500, delay_ms=1))
    await world.learn("leave.md", "Annual leave is fifteen days a year.")
    turn = await world.room.chat.ask(world.app, world.user, Ask("How many days is annual leave?"))
    async for batch in turn.follow():
        if any(isinstance(event, TextDelta) for event in batch):
            assert world.room.chat.stop(turn.id, world.user)
            break
    end = await turn.finished()
    assert isinstance(end, Ended)
    assert end.stopped
    stored = await world.room.conversations.message(world.user, turn.message_id)
    assert stored.status == "stopped"
    assert stored.answer.startswith("one")
    assert len(stored.answer) < 5000
    assert stored.citations
    await world.room.close()


async def test_an_answer_that_a_closing_server_breaks_off_is_written_by_the_next(
    database: Database, tmp_path: Path
) -> None:
    world = await world_of(database, tmp_path, ScriptedLlm(reply="word " * 5000, delay_ms=1))
    await world.learn("leave.md", "Annual leave is fifteen days a year.")
    turn = await world.room.chat.ask(world.app, world.user, Ask("How many days is annual leave?"))
    async for batch in turn.follow():
        if any(isinstance(event, TextDelta) for event in batch):
            break
    await world.room.close()
    end = await turn.finished()
    assert isinstance(end, Failed)
    assert end.code == "interrupted"
    assert (await world.room.conversations.message(world.user, turn.message_id)).status == "running"
    again, _, _ = room_of(database, tmp_path, ScriptedLlm(reply="Fifteen days [1]."), vectors=world.vectors)
    await again.start()
    while (stored := await again.conversations.message(world.user, turn.message_id)).status == "running":
        await asyncio.sleep(0.01)
    assert (stored.status, stored.answer) == ("normal", "Fifteen days [1].")
    assert stored.citations
    await again.close()


async def test_answers_that_an_earlier_version_left_unfinished_are_marked_at_the_next_start(
    database: Database, tmp_path: Path
) -> None:
    world = await world_of(database, tmp_path, ScriptedLlm(reply="x"))
    turn, _ = await world.ask("hello there")
    async with database.write() as connection:  # as a killed process without runs left it
        await queries.finish_message(
            connection, turn.message_id, status="running", answer=Content(""), workflow_run_id=None
        )
    await asyncio.sleep(0.002)
    again, _, _ = room_of(database, tmp_path, ScriptedLlm())
    await again.start()
    stored = await again.conversations.message(world.user, turn.message_id)
    assert stored.status == "error"
    assert stored.error.startswith("interrupted: ")


async def test_a_follow_up_is_searched_and_answered_with_what_was_said_before(world: World) -> None:
    await world.learn("robots.md", "The HR-100 warranty lasts 18 months.", "Lunch is served at noon in the hall.")
    turn, _ = await world.ask("How long does the HR-100 warranty last?")
    _, end = await world.ask("And how long is that in years?", conversation_id=turn.conversation_id)
    assert end.answer.citations[0].text == "The HR-100 warranty lasts 18 months."
    messages = world.llm.requests[-1].messages
    assert [m.role for m in messages] == ["system", "user", "assistant", "user"]
    assert messages[1].content == "How long does the HR-100 warranty last?"
    assert messages[2].content == "Fifteen days a year [1]."


async def test_somebody_elses_conversation_does_not_exist(world: World) -> None:
    turn, _ = await world.ask("hello there")
    other = await world.room.conversations.user(world.app.workspace_id, world.app.id, "bob")
    with pytest.raises(NotFound) as refused:
        await world.room.chat.ask(world.app, other, Ask("mine?", conversation_id=turn.conversation_id))
    assert refused.value.code == "conversation_not_exists"
    with pytest.raises(NotFound):
        await world.room.conversations.messages(other, turn.conversation_id)


@pytest.mark.parametrize("query", ["", " \n ", "x" * 100_001])
async def test_an_empty_or_endless_question_is_refused(world: World, query: str) -> None:
    with pytest.raises(UsageError) as refused:
        await world.room.chat.ask(world.app, world.user, Ask(query))
    assert refused.value.param == "query"
    assert len(world.room.turns) == 0


async def test_a_refused_question_gives_its_place_back(one_database: Database, tmp_path: Path) -> None:
    world = await world_of(one_database, tmp_path, ScriptedLlm(reply="a b c", delay_ms=5), concurrency=1)
    await world.learn("leave.md", "Annual leave is fifteen days a year.")
    with pytest.raises(NotFound):
        await world.room.chat.ask(world.app, world.user, Ask("hi", conversation_id=world.app.id))
    turn = await world.room.chat.ask(world.app, world.user, Ask("How many days is annual leave?"))
    with pytest.raises(TooMany):
        await world.room.chat.ask(world.app, world.user, Ask("How many days is annual leave?"))
    await turn.finished()
    await world.room.close()


async def test_a_model_that_breaks_off_is_an_error_that_keeps_what_was_said(
    one_database: Database, tmp_path: Path
) -> None:
    class BreaksOff(ScriptedLlm):
        async def stream(self, request):  # type: ignore[no-untyped-def]
            async for delta in super().stream(request):
                yield delta
                raise OrganError("The line is cut.", code="model_failed")

    world = await world_of(one_database, tmp_path, BreaksOff(reply="one two"))
    await world.learn("leave.md", "Annual leave is fifteen days a year.")
    end = await world.ask_in_vain("How many days is annual leave?")
    assert end.code == "model_failed"
    (page, _) = await world.room.conversations.page(world.user)
    ((stored,), _) = await world.room.conversations.messages(world.user, page[0].id)
    assert (stored.status, stored.answer) == ("error", "one")
    assert stored.error.startswith("model_failed")
    await world.room.close()


async def test_a_conversation_deleted_meanwhile_does_not_come_back(one_database: Database, tmp_path: Path) -> None:
    world = await world_of(one_database, tmp_path, ScriptedLlm(reply="a b c", delay_ms=5))
    await world.learn("leave.md", "Annual leave is fifteen days a year.")
    turn = await world.room.chat.ask(world.app, world.user, Ask("How many days is annual leave?"))
    await turn.kept()
    await world.room.conversations.delete(world.user, turn.conversation_id)
    await turn.finished()
    assert await world.room.conversations.page(world.user) == ([], False)
    await world.room.close()


async def test_an_answer_stopped_at_once_is_stored_as_stopped(world: World) -> None:
    await world.learn("leave.md", "Annual leave is fifteen days a year.")
    turn = await world.room.chat.ask(world.app, world.user, Ask("How many days is annual leave?"))
    assert world.room.chat.stop(turn.id, world.user)
    await turn.finished()
    assert (await world.room.conversations.message(world.user, turn.message_id)).status == "stopped"
