"""What is deleted takes its runs along, also those forked from them and those under way; on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from llmflow.apps.chat.ask import Ask
from llmflow.apps.chat.turns import Turn
from llmflow.apps.runs.live import LiveRun
from llmflow.apps.types import App, Ended, EndUser
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.store.database import Database
from llmflow.store.tables import (
    conversation_variables,
    conversations,
    file_uses,
    messages,
    run_events,
    workflow_runs,
)
from llmflow.workflow.events import WorkflowFinished
from tests.apps.fakes import WORKSPACE, World, world_of
from tests.apps.runs.test_runs import heard
from tests.flow_apps import Counting, answer, assigner, dsl, http, start

TABLES = (conversations, messages, conversation_variables, workflow_runs, run_events, file_uses)
NAME = {"id": "1", "name": "이름", "value_type": "string", "value": "처음"}


@pytest.fixture
async def flow_world(database: Database, tmp_path: Path) -> AsyncIterator[World]:
    made = await world_of(database, tmp_path, ScriptedLlm(), concurrency=20)
    yield made
    await made.room.close()


async def chatflow(world: World, counting: Counting) -> tuple[App, EndUser]:
    """Asks for /1, keeps the question in a variable, and says what /1 gave."""
    asks, keeps = http("h", "GET", f"{counting.url}/1"), assigner("set", "이름", "sys.query")
    nodes = (start(), asks, keeps, answer("{{#h.body#}}"))
    document = dsl("대화", nodes, mode="advanced-chat", conversation=[NAME])
    app = (await world.room.imports.make(WORKSPACE, document, publish=True)).app
    return app, await world.room.conversations.user(WORKSPACE, app.id, "가람")


async def asked(world: World, app: App, user: EndUser, conversation_id: str | None = None) -> tuple[Turn, LiveRun]:
    turn = await world.room.chat.ask(app, user, Ask("무엇?", conversation_id=conversation_id))
    assert turn.live is not None
    return turn, turn.live


async def forked(world: World, app: App, run_id: str) -> LiveRun:
    live, _ = await world.room.reruns.fork(app, run_id, "h", source="console")
    return live


async def kept(world: World) -> dict[str, int]:
    """Rows by table."""
    async with world.database.read() as connection:
        return {
            table.name: int(await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)
            for table in TABLES
        }


async def runs_kept(world: World) -> set[str]:
    async with world.database.read() as connection:
        runs = set(await connection.scalars(sa.select(workflow_runs.c.id)))
        assert set(await connection.scalars(sa.select(run_events.c.run_id))) == runs
    return runs


async def test_a_conversation_takes_its_runs_along_and_the_forks_of_their_forks(
    flow_world: World, counting: Counting
) -> None:
    app, user = await chatflow(flow_world, counting)
    turn, run = await asked(flow_world, app, user)
    await turn.finished()
    fork = await forked(flow_world, app, run.run.id)
    await heard(fork)
    await heard(await forked(flow_world, app, fork.run.id))
    other, other_run = await asked(flow_world, app, user)
    await other.finished()
    other_fork = await forked(flow_world, app, other_run.run.id)
    await heard(other_fork)
    await flow_world.room.conversations.delete(user, turn.conversation_id)
    assert await runs_kept(flow_world) == {other_run.run.id, other_fork.run.id}
    await flow_world.room.conversations.delete(user, other.conversation_id)
    assert set((await kept(flow_world)).values()) == {0}


async def test_a_conversation_deleted_while_it_is_answered_leaves_nothing(
    flow_world: World, counting: Counting
) -> None:
    app, user = await chatflow(flow_world, counting)
    first, run = await asked(flow_world, app, user)
    await first.finished()
    other, other_run = await asked(flow_world, app, user)
    await other.finished()
    counting.hold("/1")
    turn, _ = await asked(flow_world, app, user, first.conversation_id)
    fork = await forked(flow_world, app, run.run.id)
    other_fork = await forked(flow_world, app, other_run.run.id)
    await counting.came("/1")
    await flow_world.room.conversations.delete(user, first.conversation_id)
    assert isinstance(turn.last, Ended) and turn.last.stopped
    assert isinstance(fork.last, WorkflowFinished) and fork.last.status == "stopped"
    counting.release("/1")
    await heard(other_fork)  # goes on, undisturbed
    assert isinstance(other_fork.last, WorkflowFinished) and other_fork.last.status == "succeeded"
    assert await runs_kept(flow_world) == {other_run.run.id, other_fork.run.id}
    assert (await kept(flow_world))["conversations"] == (await kept(flow_world))["messages"] == 1


async def test_an_app_deleted_while_it_runs_leaves_nothing(flow_world: World, counting: Counting) -> None:
    app, user = await chatflow(flow_world, counting)
    first, run = await asked(flow_world, app, user)
    await first.finished()
    counting.hold("/1")
    turn, _ = await asked(flow_world, app, user)
    fork = await forked(flow_world, app, run.run.id)
    await counting.came("/1")
    await flow_world.room.catalogue.delete(WORKSPACE, app.id)
    assert isinstance(turn.last, Ended) and turn.last.stopped
    assert isinstance(fork.last, WorkflowFinished) and fork.last.status == "stopped"
    counting.release("/1")
    assert set((await kept(flow_world)).values()) == {0}
    assert len(flow_world.room.runs) == 0
