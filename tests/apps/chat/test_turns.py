from __future__ import annotations

import asyncio

from llmflow.apps.chat.ask import Ask
from llmflow.apps.chat.turns import Turn
from llmflow.apps.types import Answer, Ended, TextDelta, TurnEvent, Usage
from llmflow.organs.llm.scripted import ScriptedLlm
from tests.apps.fakes import World


def _turn(name: str = "t") -> Turn:
    return Turn(name, app_id="a", end_user_id="u", conversation_id="c", message_id="m", created_at=0)


END = Ended(Answer("ab", "generated"), Usage())


async def _read(turn: Turn) -> list[TurnEvent]:
    return [event async for batch in turn.follow() for event in batch]


async def _talk(turn: Turn) -> None:
    for letter in "ab":
        turn.append(TextDelta(letter))
        await asyncio.sleep(0)
    turn.append(END)


async def test_every_reader_gets_every_event_from_the_first_on_however_late_it_comes() -> None:
    turn = _turn()
    early = asyncio.create_task(_read(turn))
    await _talk(turn)
    assert await early == [TextDelta("a"), TextDelta("b"), END]
    assert await _read(turn) == [TextDelta("a"), TextDelta("b"), END]
    assert turn.last == END


async def test_a_reader_that_leaves_disturbs_nobody() -> None:
    turn = _turn()
    leaving = turn.follow()
    talking = asyncio.create_task(_talk(turn))
    await anext(leaving)
    await leaving.aclose()
    await talking
    assert (await _read(turn))[-1] == END


async def test_only_the_asker_can_stop_a_turn(world: World) -> None:
    held = asyncio.Event()

    class Held(ScriptedLlm):
        async def count_tokens(self, text: str) -> int:
            await held.wait()
            return 1

    world.llm.count_tokens = Held().count_tokens  # type: ignore[method-assign]
    await world.learn("leave.md", "Annual leave is fifteen days a year.")
    turn = await world.room.chat.ask(world.app, world.user, Ask("How many days is annual leave?"))
    turns, app_id, user_id = world.room.turns, world.app.id, world.user.id
    assert not turns.stop(turn.id, app_id=app_id, end_user_id="somebody else")
    assert not turns.stop(turn.id, app_id="another app", end_user_id=user_id)
    assert not turns.stop("unknown", app_id=app_id, end_user_id=user_id)
    assert turns.stop(turn.id, app_id=app_id, end_user_id=user_id)
    end = await turn.finished()
    assert isinstance(end, Ended) and end.stopped
    assert not turns.stop(turn.id, app_id=app_id, end_user_id=user_id)
    assert len(turns) == 0
