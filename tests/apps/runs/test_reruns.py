"""Runs taken up again: after a crash, from a failed node, as a fork, when a person answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from llmflow.access.keys import Keys
from llmflow.access.standing import Standing
from llmflow.apps.runs.decided import Answer
from llmflow.apps.runs.live import LiveRun
from llmflow.apps.types import App
from llmflow.errors import Conflict, UsageError
from llmflow.gateway.asker import Asker, speak_for
from llmflow.knowledge.changes import Changes
from llmflow.knowledge.permissions import Permissions
from llmflow.knowledge.types import Choice
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.store.content import Scope
from llmflow.store.database import Database
from llmflow.store.tables import workflow_runs
from llmflow.workflow.events import (
    Event,
    NodeFinished,
    RepeatRequired,
    WorkflowFinished,
    WorkflowPaused,
    WorkflowStarted,
)
from llmflow.workflow.journal.stored import StoredRun
from tests.apps.fakes import WORKSPACE, World, room_of, world_of
from tests.apps.runs.test_runs import again, begin, heard, made, run_of
from tests.flow_apps import Counting, dsl, end, http, retrieval, start, template


@pytest.fixture
async def flow_world(database: Database, tmp_path: Path) -> AsyncIterator[World]:
    """On both databases."""
    made = await world_of(database, tmp_path, ScriptedLlm(), concurrency=20)
    yield made
    await made.room.close()


def steps(counting: Counting, method: str = "GET") -> str:
    """start, GET /1, `method` /2, GET /3, and an end that says what /1 and /3 gave."""
    nodes = (
        start("q"),
        http("h1", "GET", f"{counting.url}/1"),
        http("h2", method, f"{counting.url}/2"),
        http("h3", "GET", f"{counting.url}/3"),
        template(
            "t",
            "{{ q }}: {{ one }}, {{ two }}, {{ three }}",
            q="start.q",
            one="h1.body",
            two="h2.body",
            three="h3.body",
        ),
        end(out="t.output"),
    )
    return dsl("steps", nodes)


async def restarted(world: World, folder: Path) -> World:
    """As after the server's end: what ran is broken off, a new room takes over."""
    await world.room.close()
    room, bases, vectors = room_of(world.database, folder, ScriptedLlm())
    return replace(world, room=room, bases=bases, vectors=vectors)


async def taken_up(world: World, run_id: str) -> list[Event]:
    """All events of a run once the room that starts has brought it to an end or a pause."""
    await world.room.start()
    while world.room.reruns.is_recovering:
        await asyncio.sleep(0.01)
    await world.room.desk.settled()
    return [event for _, event in await again(world, run_id, 0)]


async def broken_off(world: World, counting: Counting, folder: Path, method: str) -> tuple[World, App, LiveRun]:
    """A run whose server died while /2 was asked."""
    counting.hold("/2")
    app, live = await run_of(world, steps(counting, method), q="가")
    await counting.came("/2")
    world = await restarted(world, folder)
    counting.release("/2")
    return world, app, live


async def test_what_is_finished_is_not_run_again_and_a_safe_node_is_repeated(
    flow_world: World, counting: Counting, tmp_path: Path
) -> None:
    world, app, live = await broken_off(flow_world, counting, tmp_path, "GET")
    events = await taken_up(world, live.run.id)
    assert isinstance(events[-1], WorkflowFinished)
    assert events[-1].outputs == {"out": "가: 답 /1 1, 답 /2 2, 답 /3 1"}
    assert counting.asked == {"/1": 1, "/2": 2, "/3": 1}
    assert [event.reason for event in events if isinstance(event, WorkflowStarted)] == ["initial", "resumption"]
    assert (await world.room.runs.get(app.id, live.run.id)).status == "succeeded"
    await world.room.close()


async def paused_run(world: World, counting: Counting, folder: Path) -> tuple[World, App, str]:
    world, app, live = await broken_off(world, counting, folder, "POST")
    events = await taken_up(world, live.run.id)
    assert isinstance(events[-1], WorkflowPaused)
    assert [event.node_id for event in events if isinstance(event, RepeatRequired)] == ["h2"]
    assert (await world.room.runs.get(app.id, live.run.id)).status == "paused"
    assert counting.asked == {"/1": 1, "/2": 1}
    return world, app, live.run.id


async def test_a_node_that_may_not_be_repeated_unasked_makes_the_run_pause_and_is_repeated_when_allowed(
    flow_world: World, counting: Counting, tmp_path: Path
) -> None:
    world, app, run_id = await paused_run(flow_world, counting, tmp_path)
    following = asyncio.create_task(through(world, run_id))
    with pytest.raises(UsageError, match="h2"):
        await world.room.reruns.answer(app, run_id, Answer("h3", "repeat", {}))
    live = await world.room.reruns.answer(app, run_id, Answer("h2", "repeat", {}))
    assert live is not None
    last = (await heard(live))[-1]
    assert isinstance(last, WorkflowFinished) and last.outputs == {"out": "가: 답 /1 1, 답 /2 2, 답 /3 1"}
    assert counting.asked == {"/1": 1, "/2": 2, "/3": 1}
    assert await following == await again(world, run_id, 0)  # it waited through the pause and missed nothing
    with pytest.raises(Conflict):
        await world.room.reruns.answer(app, run_id, Answer("h2", "repeat", {}))
    await world.room.close()


async def through(world: World, run_id: str) -> list[tuple[int, Event]]:
    return [item async for batch in world.room.runs.follow(run_id, through_pauses=True) for item in batch]


async def test_a_node_in_doubt_is_skipped_with_given_outputs(
    flow_world: World, counting: Counting, tmp_path: Path
) -> None:
    world, app, run_id = await paused_run(flow_world, counting, tmp_path)
    live = await world.room.reruns.answer(app, run_id, Answer("h2", "skip", {"body": "손으로"}))
    assert live is not None
    last = (await heard(live))[-1]
    assert isinstance(last, WorkflowFinished) and last.outputs == {"out": "가: 답 /1 1, 손으로, 답 /3 1"}
    assert counting.asked == {"/1": 1, "/2": 1, "/3": 1}
    await world.room.close()


async def test_a_run_in_doubt_is_ended(flow_world: World, counting: Counting, tmp_path: Path) -> None:
    world, app, run_id = await paused_run(flow_world, counting, tmp_path)
    assert await world.room.reruns.answer(app, run_id, Answer("h2", "fail", {})) is None
    run = await world.room.runs.get(app.id, run_id)
    assert (run.status, run.error_code) == ("failed", "run_refused")
    assert isinstance((await again(world, run_id, 0))[-1][1], WorkflowFinished)
    await world.room.close()


async def test_a_paused_run_survives_restarts_and_can_be_stopped(
    flow_world: World, counting: Counting, tmp_path: Path
) -> None:
    world, app, run_id = await paused_run(flow_world, counting, tmp_path)
    world = await restarted(world, tmp_path)
    await taken_up(world, run_id)
    assert (await world.room.runs.get(app.id, run_id)).status == "paused"
    assert await world.room.reruns.stop(app, run_id)
    assert (await world.room.runs.get(app.id, run_id)).status == "stopped"
    assert not await world.room.reruns.stop(app, run_id)
    await world.room.close()


async def test_a_failed_run_is_resumed_from_the_node_that_failed(flow_world: World, counting: Counting) -> None:
    counting.broken.add("/2")  # it hangs up without an answer
    app, live = await run_of(flow_world, steps(counting), q="가")
    last = (await heard(live))[-1]
    assert isinstance(last, WorkflowFinished) and (last.status, last.outputs) == ("failed", {})
    with pytest.raises(Conflict):
        await flow_world.room.reruns.answer(app, live.run.id, Answer("h2", "repeat", {}))
    counting.broken.clear()
    resumed = await flow_world.room.reruns.resume(app, live.run.id)
    last = (await heard(resumed))[-1]
    assert isinstance(last, WorkflowFinished) and last.status == "succeeded"
    assert (counting.asked["/1"], counting.asked["/3"]) == (1, 1)
    run = await flow_world.room.runs.get(app.id, live.run.id)
    assert (run.status, run.error, run.error_code) == ("succeeded", "", "")
    with pytest.raises(Conflict):
        await flow_world.room.reruns.resume(app, live.run.id)


async def test_a_fork_from_the_middle_uses_what_is_finished(flow_world: World, counting: Counting) -> None:
    app, live = await run_of(flow_world, steps(counting), q="가")
    await heard(live)
    forked, saved = await flow_world.room.reruns.fork(app, live.run.id, "h3", source="console")
    last = (await heard(forked))[-1]
    assert isinstance(last, WorkflowFinished) and last.outputs == {"out": "가: 답 /1 1, 답 /2 1, 답 /3 2"}
    assert counting.asked == {"/1": 1, "/2": 1, "/3": 2}
    assert saved.nodes == 3
    run = await flow_world.room.runs.get(app.id, forked.run.id)
    assert (run.parent_id, run.forked_node, run.status) == (live.run.id, "h3", "succeeded")
    assert run.inputs["sys.workflow_run_id"] == forked.run.id
    events = await flow_world.room.runs.events(forked.run.id)
    assert isinstance(events[0], WorkflowStarted)
    assert [event.node_id for event in events if isinstance(event, NodeFinished)] == [
        "start",
        "h1",
        "h2",
        "h3",
        "t",
        "end",
    ]
    untouched = await flow_world.room.runs.get(app.id, live.run.id)
    assert untouched.outputs == {"out": "가: 답 /1 1, 답 /2 1, 답 /3 1"}


async def test_a_fork_with_other_inputs_and_outputs(flow_world: World, counting: Counting) -> None:
    app, live = await run_of(flow_world, steps(counting), q="가")
    await heard(live)
    forked, _ = await flow_world.room.reruns.fork(
        app, live.run.id, "h3", inputs={"q": "나"}, outputs={"h2": {"body": "다"}}, source="console"
    )
    last = (await heard(forked))[-1]
    assert isinstance(last, WorkflowFinished) and last.outputs == {"out": "나: 답 /1 1, 다, 답 /3 2"}
    with pytest.raises(UsageError, match="no node"):
        await flow_world.room.reruns.fork(app, live.run.id, "nope", source="console")
    with pytest.raises(UsageError, match="no input"):
        await flow_world.room.reruns.fork(app, live.run.id, "h3", inputs={"x": "나"}, source="console")
    with pytest.raises(UsageError, match="finished"):
        await flow_world.room.reruns.fork(app, live.run.id, "h3", outputs={"t": {}}, source="console")


async def test_a_run_that_never_comes_further_is_given_up(
    flow_world: World, counting: Counting, tmp_path: Path
) -> None:
    world, app, live = await broken_off(flow_world, counting, tmp_path, "GET")
    for _ in range(4):
        counting.hold("/2")
        await world.room.start()
        if (await world.room.runs.get(app.id, live.run.id)).status == "running" and world.room.reruns.is_recovering:
            await asyncio.sleep(0.3)
        world = await restarted(world, tmp_path)
        counting.release("/2")
    await taken_up(world, live.run.id)
    run = await world.room.runs.get(app.id, live.run.id)
    assert (run.status, run.error_code) == ("failed", "interrupted")
    await world.room.close()


async def test_a_thousand_finished_and_paused_runs_cost_nothing(
    flow_world: World, counting: Counting, tmp_path: Path
) -> None:
    world, app, run_id = await paused_run(flow_world, counting, tmp_path)
    paused = await world.room.runs.get(app.id, run_id)
    app, compiled = await made(world, dsl("hello", (start(), end(out="start.q"))))
    empty = await world.database.boundary.admit_one(Scope("run", run_id), "{}")
    row = {name: getattr(paused, name) for name in StoredRun.__dataclass_fields__}
    row |= {"inputs": empty, "outputs": empty, "error": empty}
    async with world.database.write() as connection:
        await connection.execute(workflow_runs.insert(), [{**row, "id": f"paused {number}"} for number in range(1000)])
    tasks = asyncio.all_tasks()
    for _ in range(50):
        await asyncio.gather(*(heard(world.room.runs.start(app, compiled, begin())) for _ in range(20)))
    world = await restarted(world, tmp_path)
    await taken_up(world, run_id)
    await asyncio.sleep(0)
    assert len(world.room.runs) == 0
    assert {task for task in asyncio.all_tasks() - tasks if task is not asyncio.current_task()} == set()
    await world.room.close()


async def test_a_run_that_goes_on_finds_what_its_key_may_see_by_then(
    flow_world: World, counting: Counting, tmp_path: Path
) -> None:
    world = flow_world
    await world.learn("pay.txt", "임원 보수 규정")
    permissions = Permissions(world.database, world.vectors, Changes(), indexing=world.bases.indexing)
    assert await permissions.open_documents(world.base, Choice(), ["이사회"]) == 1
    keys = Keys(world.database, Standing())
    key, _ = await keys.create(WORKSPACE, "dataset", groups=["이사회"])
    nodes = (start("q"), http("h2", "GET", f"{counting.url}/2"), retrieval("k", "start.q", world.base.id))
    document = dsl("grouped", (*nodes, end(found="k.result")))
    seen = []
    for groups in (["이사회"], []):
        counting.hold("/2")
        asked = asyncio.create_task(asked_by(key.id, world, document))
        _, live = await asked
        await counting.came("/2")
        await world.room.close()
        await keys.set_groups(WORKSPACE, key.id, groups)
        room, bases, _ = room_of(world.database, tmp_path, ScriptedLlm(), vectors=world.vectors)
        world = replace(world, room=room, bases=bases)
        counting.release("/2")
        last = (await taken_up(world, live.run.id))[-1]
        assert isinstance(last, WorkflowFinished) and last.status == "succeeded", last
        seen.append([one["title"] for one in last.outputs["found"]])
    assert seen == [["pay.txt"], []]
    await world.room.close()


async def asked_by(key_id: str, world: World, document: str) -> tuple[App, LiveRun]:
    """A run that a key began, in a task of its own."""
    speak_for(Asker(WORKSPACE, key_id=key_id, groups=("이사회",)))
    return await run_of(world, document, q="임원 보수 규정")
