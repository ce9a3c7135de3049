"""Questions promised before their asker is there, on both databases."""

from __future__ import annotations

from pathlib import Path

from llmflow.apps.chat import promised, queries
from llmflow.apps.chat.ask import Ask
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.store.content import Content
from llmflow.store.database import Database
from tests.apps.fakes import world_of

QUESTIONS = ["연차는 며칠인가요?", "How many days?"]


async def test_a_promise_is_kept_once_and_again_only_after_an_interruption(database: Database, tmp_path: Path) -> None:
    world = await world_of(database, tmp_path, ScriptedLlm(reply="15."))
    assert await promised.hand_over(database, world.app, "account") is None
    for _ in range(2):
        await promised.promise(database, world.app, QUESTIONS)
    user = await promised.hand_over(database, world.app, "account")
    assert user is not None
    assert (user.source, user.external_id) == ("account", "account")
    due = await promised.due(database, world.app, user, QUESTIONS)
    assert [question for _, question in due] == QUESTIONS
    for conversation_id, question in due:
        turn = await world.room.chat.ask(world.app, user, Ask(question, conversation_id=conversation_id))
        await turn.finished()
    assert await promised.due(database, world.app, user, QUESTIONS) == []
    async with database.write() as connection:  # as a killed process and the next start leave it
        await queries.finish_message(
            connection, turn.message_id, status="error", error="interrupted: x", answer=Content("")
        )
    assert await promised.due(database, world.app, user, QUESTIONS) == due[1:]
    await world.room.conversations.delete(user, due[1][0])
    assert await promised.due(database, world.app, user, QUESTIONS) == []
    assert await promised.hand_over(database, world.app, "account") == user
    await world.room.close()
