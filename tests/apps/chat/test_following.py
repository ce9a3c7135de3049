"""Whoever opens an answer finds it: being written, over, or taken up again after a crash."""

from __future__ import annotations

import asyncio
from pathlib import Path

from llmflow.apps.chat.ask import Ask
from llmflow.apps.chat.turns import Turn
from llmflow.apps.types import ChatMessage, Ended
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.store.database import Database
from tests.apps.fakes import World, room_of, world_of


async def _broken_off(database: Database, tmp_path: Path) -> tuple[World, Turn]:
    """A room that is closed while it answers."""
    world = await world_of(database, tmp_path, ScriptedLlm(reply="낱말 " * 5000, delay_ms=1))
    await world.learn("leave.md", "연차 휴가는 1년에 열다섯 날입니다.")
    turn = await world.room.chat.ask(world.app, world.user, Ask("연차는 며칠인가요?"))
    await turn.kept()
    await world.room.close()
    return world, turn


async def test_a_reader_who_is_back_before_the_answer_is_taken_up_waits_for_it(
    database: Database, tmp_path: Path
) -> None:
    world, turn = await _broken_off(database, tmp_path)
    again, _, _ = room_of(database, tmp_path, ScriptedLlm(reply="열다섯 날입니다 [1]."), vectors=world.vectors)
    looking = asyncio.create_task(again.following.find(world.user, turn.message_id))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not looking.done()
    await again.start()
    found = await looking
    assert isinstance(found, Turn)
    end = await found.finished()
    assert isinstance(end, Ended)
    assert end.answer.text == "열다섯 날입니다 [1]."
    over = await again.following.find(world.user, turn.message_id)
    assert isinstance(over, ChatMessage)
    assert (over.status, over.answer) == ("normal", "열다섯 날입니다 [1].")
    await again.close()


async def test_an_answer_that_cannot_be_taken_up_is_shown_as_it_was_left(database: Database, tmp_path: Path) -> None:
    world, turn = await _broken_off(database, tmp_path)
    again, _, _ = room_of(database, tmp_path, ScriptedLlm(), vectors=world.vectors)
    looking = asyncio.create_task(again.following.find(world.user, turn.message_id))
    async with database.write() as connection:
        await connection.exec_driver_sql("UPDATE workflow_runs SET version_id = 'gone', graph = NULL")
    await again.start()
    found = await looking
    assert isinstance(found, ChatMessage)
    assert (found.status, found.answer) == ("running", "")
    await again.close()
