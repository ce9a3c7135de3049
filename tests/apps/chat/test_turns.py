from __future__ import annotations

import asyncio

import pytest

from llmflow.apps.chat.turns import Turn, Turns
from llmflow.apps.types import Answer, Ended, Failed, TextDelta, TurnEvent, Usage
from llmflow.errors import TooMany


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
    turns, turn = Turns(1), _turn()
    early = asyncio.create_task(_read(turn))
    turns.reserve().start(turn, _talk)
    assert await early == [TextDelta("a"), TextDelta("b"), END]
    assert await _read(turn) == [TextDelta("a"), TextDelta("b"), END]
    assert turn.last == END


async def test_a_reader_that_leaves_disturbs_nobody() -> None:
    turns, turn = Turns(1), _turn()
    leaving = turn.follow()
    turns.reserve().start(turn, _talk)
    await anext(leaving)
    await leaving.aclose()
    assert (await _read(turn))[-1] == END


async def test_one_turn_more_than_the_limit_is_refused_until_one_ends() -> None:
    turns, turn = Turns(1), _turn()
    place = turns.reserve()
    with pytest.raises(TooMany) as refused:
        turns.reserve()
    assert "chat_concurrency" in refused.value.hint
    place.start(turn, _talk)
    await turn.finished()
    await asyncio.sleep(0)
    turns.reserve().release()
    assert len(turns) == 0


async def test_only_the_asker_can_stop_a_turn() -> None:
    turns, turn = Turns(1), _turn()

    async def forever(turn: Turn) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            turn.append(END)

    turns.reserve().start(turn, forever)
    await asyncio.sleep(0)
    assert not turns.stop("t", app_id="a", end_user_id="somebody else")
    assert not turns.stop("t", app_id="another app", end_user_id="u")
    assert not turns.stop("unknown", app_id="a", end_user_id="u")
    assert turns.stop("t", app_id="a", end_user_id="u")
    assert not turns.stop("t", app_id="a", end_user_id="u")
    assert await turn.finished() == END


async def test_a_fault_in_the_work_ends_the_turn_as_failed() -> None:
    turns, turn = Turns(1), _turn()
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)

    async def broken(turn: Turn) -> None:
        raise ZeroDivisionError

    turns.reserve().start(turn, broken)
    end = await turn.finished()
    assert isinstance(end, Failed)
    assert end.code == "internal_error"


async def test_a_turn_stopped_before_its_first_step_still_ends_by_its_own_work() -> None:
    turns, turn = Turns(1), _turn()

    async def patient(turn: Turn) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            turn.append(END)

    turns.reserve().start(turn, patient)
    assert turns.stop("t", app_id="a", end_user_id="u")
    assert await turn.finished() == END
    turns.reserve().release()
    assert len(turns) == 0


async def test_a_turn_whose_task_is_cancelled_before_its_first_step_gives_its_place_back() -> None:
    turns, turn = Turns(1), _turn()
    turns.reserve().start(turn, _talk)
    (task,) = (task for task in asyncio.all_tasks() if task.get_name() == "turn t")
    task.cancel()
    assert isinstance(await turn.finished(), Failed)
    assert len(turns) == 0
