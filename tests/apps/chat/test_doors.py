"""No conversation is deleted under a question that begins, and none begins in one that goes."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from llmflow.apps.chat.ask import Ask
from llmflow.apps.chat.doors import Doors
from llmflow.errors import NotFound
from llmflow.store import tables
from tests.apps.fakes import WORKSPACE, World
from tests.flow_apps import answer, dsl, start


async def test_a_deletion_waits_for_those_who_are_about_to_speak() -> None:
    doors, order = Doors(), list[str]()
    speaks = asyncio.Event()

    async def delete() -> None:
        async with doors.closed("a"):
            order.append("deleted")

    with doors.enter("a"), doors.enter("a"):
        deletion = asyncio.create_task(delete())
        await asyncio.sleep(0)
        with pytest.raises(NotFound), doors.enter("a"):
            speaks.set()
        with pytest.raises(NotFound):
            async with doors.closed("a"):
                speaks.set()
        with doors.enter("b"), doors.enter(None):
            order.append("elsewhere")
        order.append("spoken")
    await deletion
    assert order == ["elsewhere", "spoken", "deleted"]
    assert not speaks.is_set()
    with doors.enter("a"):
        order.append("again")
    assert (doors._inside, doors._closed) == ({}, {})


@pytest.mark.parametrize("mode", ["chat", "advanced-chat"])
async def test_what_is_asked_while_its_conversation_goes_leaves_nothing_behind(world: World, mode: str) -> None:
    app, user = world.app, world.user
    if mode == "advanced-chat":
        document = dsl("대화", (start(), answer("{{#sys.query#}}")), mode=mode)
        app = (await world.room.imports.make(WORKSPACE, document, publish=True)).app
        user = await world.room.conversations.user(WORKSPACE, app.id, "ann")
    for _ in range(20):
        first = await world.room.chat.ask(app, user, Ask("안녕"))
        await first.finished()
        conversation_id = first.conversation_id

        async def ask(conversation_id: str = conversation_id) -> None:
            turn = await world.room.chat.ask(app, user, Ask("또", conversation_id=conversation_id))
            await turn.finished()

        asked = [asyncio.create_task(ask()) for _ in range(3)]
        for _ in range(3):
            await asyncio.sleep(0)
        deleted = asyncio.create_task(world.room.conversations.delete(user, conversation_id))
        asked += [asyncio.create_task(ask()) for _ in range(3)]
        found = await asyncio.gather(deleted, *asked, return_exceptions=True)
        assert {type(one) for one in found} <= {type(None), NotFound}
        assert not isinstance(found[0], NotFound)
    async with world.database.read() as connection:
        left = sa.select(sa.func.count()).select_from(tables.messages).where(tables.messages.c.app_id == app.id)
        assert await connection.scalar(left) == 0
        left = (
            sa.select(sa.func.count()).select_from(tables.conversations).where(tables.conversations.c.app_id == app.id)
        )
        assert await connection.scalar(left) == 0
        runs = sa.select(sa.func.count()).select_from(tables.workflow_runs)
        assert await connection.scalar(runs) == 0
