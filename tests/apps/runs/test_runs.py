"""Runs of workflows, in process: started, stopped, followed, limited; and what becomes of them on a full disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from llmflow.apps.designs.plans import Compiled
from llmflow.apps.runs.live import LiveRun
from llmflow.apps.runs.runs import Begin
from llmflow.apps.types import App
from llmflow.errors import NotFound, OrganError, TooMany, UsageError
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.store.batch import Batch
from llmflow.store.database import Database
from llmflow.workflow.events import Event, NodeFinished, WorkflowFinished, WorkflowStarted
from llmflow.workflow.journal.queries import Wanted
from tests.apps.fakes import WORKSPACE, World, world_of
from tests.flow_apps import Counting, dsl, end, http, start, template

HELLO = (start("q"), template("t", "안녕 {{ q }}", q="start.q"), end(out="t.output"))


async def made(world: World, document: str) -> tuple[App, Compiled]:
    found = await world.room.imports.make(WORKSPACE, document, publish=True)
    return found.app, await world.room.plans.in_force(found.app)


def begin(**inputs: object) -> Begin:
    return Begin(inputs=inputs, source="service-api", user="ann", end_user_id="u")


async def run_of(world: World, document: str, **inputs: object) -> tuple[App, LiveRun]:
    app, compiled = await made(world, document)
    return app, world.room.runs.start(app, compiled, begin(**inputs))


async def heard(live: LiveRun) -> list[Event]:
    return [event async for batch in live.follow() for event in batch]


async def test_a_run_is_told_as_it_is_kept(world: World) -> None:
    app, live = await run_of(world, dsl("hello", HELLO), q="세계")
    events = await heard(live)
    last = events[-1]
    assert isinstance(last, WorkflowFinished)
    assert (last.status, last.outputs) == ("succeeded", {"out": "안녕 세계"})
    assert await world.room.runs.events(live.run.id) == events
    run = await world.room.runs.get(app.id, live.run.id)
    assert (run.status, run.inputs["q"], run.inputs["sys.user_id"]) == ("succeeded", "세계", "ann")
    assert run.inputs["sys.workflow_id"] == run.version_id
    assert len(world.room.runs) == 0
    with pytest.raises(NotFound):
        await world.room.runs.get(world.app.id, live.run.id)


async def test_a_hundred_runs_at_once_lose_no_event(tmp_path: Path, one_database: Database) -> None:
    world = await world_of(one_database, tmp_path, ScriptedLlm(), concurrency=100)
    app, compiled = await made(world, dsl("hello", HELLO))
    lives = [world.room.runs.start(app, compiled, begin(q=str(number))) for number in range(100)]
    told = await asyncio.gather(*map(heard, lives))
    for number, (live, events) in enumerate(zip(lives, told, strict=True)):
        assert [type(event) for event in events].count(WorkflowStarted) == 1
        assert isinstance(events[0], WorkflowStarted)
        assert isinstance(events[-1], WorkflowFinished)
        assert events[-1].outputs == {"out": f"안녕 {number}"}
        assert await world.room.runs.events(live.run.id) == events
    found, total = await world.room.runs.page(app.id, Wanted(status="succeeded"), offset=90, limit=20)
    assert (len(found), total) == (10, 100)
    found, _ = await world.room.runs.page(app.id, Wanted(keyword="안녕 42"), offset=0, limit=20)
    assert [run.outputs for run in found] == [{"out": "안녕 42"}]
    await world.room.close()


async def test_what_the_form_refuses_starts_nothing(world: World) -> None:
    app, compiled = await made(world, dsl("hello", HELLO))
    with pytest.raises(UsageError, match="q is required in input form"):
        world.room.runs.start(app, compiled, begin())
    assert len(world.room.runs) == 0


async def test_a_run_is_stopped_by_its_user_alone(world: World, counting: Counting) -> None:
    counting.hold("/slow")
    nodes = (start(), http("h", "GET", f"{counting.url}/slow"), end(out="h.body"))
    app, live = await run_of(world, dsl("slow", nodes))
    await counting.came("/slow")
    assert not world.room.runs.stop(live.run.task_id, world.app.id)
    assert not world.room.runs.stop(live.run.task_id, app.id, user=world.user)
    assert world.room.runs.stop(live.run.task_id, app.id)
    last = (await heard(live))[-1]
    assert isinstance(last, WorkflowFinished) and last.status == "stopped"
    assert (await world.room.runs.get(app.id, live.run.id)).status == "stopped"
    counting.release("/slow")
    assert not world.room.runs.stop(live.run.task_id, app.id)


async def test_one_run_too_many_is_refused(tmp_path: Path, one_database: Database, counting: Counting) -> None:
    world = await world_of(one_database, tmp_path, ScriptedLlm(), concurrency=2)
    counting.hold("/slow")
    app, compiled = await made(
        world, dsl("slow", (start(), http("h", "GET", f"{counting.url}/slow"), end(out="h.body")))
    )
    lives = [world.room.runs.start(app, compiled, begin()) for _ in range(2)]
    with pytest.raises(TooMany) as refused:
        world.room.runs.start(app, compiled, begin())
    assert refused.value.code == "too_many_requests"
    counting.release("/slow")
    await asyncio.gather(*map(heard, lives))
    await heard(world.room.runs.start(app, compiled, begin()))
    await world.room.close()


@pytest.mark.parametrize("cut", [0, 1, 5, 8])
async def test_a_reader_that_comes_again_misses_nothing(world: World, counting: Counting, cut: int) -> None:
    counting.hold("/slow")
    nodes = (*HELLO[:2], http("h", "GET", f"{counting.url}/slow"), end(out="t.output"))
    _, live = await run_of(world, dsl("slow", nodes), q="x")
    await counting.came("/slow")
    during = asyncio.create_task(again(world, live.run.id, cut))
    await asyncio.sleep(0.01)
    counting.release("/slow")
    events = await heard(live)
    expected = list(enumerate(events, 1))[cut:]
    assert await during == expected
    assert await again(world, live.run.id, cut) == expected  # and when it is over
    assert await again(world, live.run.id, len(events)) == []


async def again(world: World, run_id: str, after: int) -> list[tuple[int, Event]]:
    return [item async for batch in world.room.runs.follow(run_id, after=after) for item in batch]


async def test_a_draft_runs_as_it_was_when_the_run_began(world: World) -> None:
    found = await world.room.imports.make(WORKSPACE, dsl("hello", HELLO))
    compiled = await world.room.plans.draft(found.app)
    live = world.room.runs.start(found.app, compiled, begin(q="x"))
    last = (await heard(live))[-1]
    assert isinstance(last, WorkflowFinished) and last.outputs == {"out": "안녕 x"}
    run = await world.room.runs.get(found.app.id, live.run.id)
    assert run.graph is not None and "안녕" not in run.graph  # sealed
    changed = dsl("hello", (start("q"), template("t", "다른 {{ q }}", q="start.q"), end(out="t.output")))
    await world.room.imports.make(WORKSPACE, changed, into=found.app)
    old = await world.room.plans.frozen(found.app, run.version_id, run.graph)
    live = world.room.runs.start(found.app, old, begin(q="x"))
    last = (await heard(live))[-1]
    assert isinstance(last, WorkflowFinished) and last.outputs == {"out": "안녕 x"}


async def test_deleting_an_app_deletes_its_runs(world: World) -> None:
    app, live = await run_of(world, dsl("hello", HELLO), q="x")
    await heard(live)
    await world.room.catalogue.delete(WORKSPACE, app.id)
    assert await world.room.runs.events(live.run.id) == []
    with pytest.raises(NotFound):
        await world.room.runs.get(app.id, live.run.id)


class FullDisk(Database):
    """Takes nothing that runs tell while it is full, or until its gate is open."""

    is_full = False

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.gate = asyncio.Event()
        self.gate.set()

    async def apply(self, rows: Batch) -> None:
        await self.gate.wait()
        if self.is_full:
            raise OrganError("The disk that holds the database is full.", code="disk_full")
        await super().apply(rows)


@pytest.fixture
async def full_disk(sqlite_database_url: str) -> AsyncIterator[FullDisk]:
    opened = FullDisk(sqlite_database_url)
    await opened.open()
    yield opened
    await opened.close()


async def test_a_run_on_a_full_disk_fails_by_name_and_ends(
    full_disk: FullDisk, tmp_path: Path, counting: Counting
) -> None:
    world = await world_of(full_disk, tmp_path, ScriptedLlm())
    app, compiled = await made(world, dsl("hello", HELLO))
    posts, posting = await made(
        world, dsl("post", (start(), http("h", "POST", f"{counting.url}/p"), end(out="h.body")))
    )
    full_disk.is_full = True
    for live in (world.room.runs.start(app, compiled, begin(q="x")), world.room.runs.start(posts, posting, begin())):
        events = await heard(live)
        last = events[-1]
        assert isinstance(last, WorkflowFinished)
        assert (last.status, last.error_code, last.outputs) == ("failed", "disk_full", {})
        assert [type(event) for event in events].count(WorkflowFinished) == 1
    assert counting.asked == {}  # what must not run twice unknown did not run at all
    assert len(world.room.runs) == 0
    full_disk.is_full = False
    live = world.room.runs.start(app, compiled, begin(q="x"))
    assert isinstance((await heard(live))[-1], WorkflowFinished)
    await world.room.close()  # writes what it owes
    found, _ = await world.room.runs.page(app.id, Wanted(), offset=0, limit=9)
    assert sorted(run.status for run in found) == ["failed", "succeeded"]
    [run], _ = await world.room.runs.page(posts.id, Wanted(), offset=0, limit=9)
    assert (run.status, run.error_code) == ("failed", "disk_full")


async def test_a_disk_that_fills_in_the_middle_ends_the_run(
    full_disk: FullDisk, tmp_path: Path, counting: Counting
) -> None:
    world = await world_of(full_disk, tmp_path, ScriptedLlm())
    counting.hold("/slow")
    nodes = (*HELLO[:2], http("h", "GET", f"{counting.url}/slow"), end(out="t.output"))
    app, live = await run_of(world, dsl("slow", nodes), q="x")
    await counting.came("/slow")
    full_disk.is_full = True
    counting.release("/slow")
    last = (await heard(live))[-1]
    assert isinstance(last, WorkflowFinished)
    assert (last.status, last.error_code) == ("failed", "disk_full")
    full_disk.is_full = False
    await world.room.close()
    run = await world.room.runs.get(app.id, live.run.id)
    assert (run.status, run.error_code) == ("failed", "disk_full")
    kept = await world.room.runs.events(live.run.id)
    assert next(event for event in kept if isinstance(event, NodeFinished)).outputs == {"q": "x"}


async def test_a_run_waits_for_a_slow_disk_instead_of_filling_memory(full_disk: FullDisk, tmp_path: Path) -> None:
    world = await world_of(full_disk, tmp_path, ScriptedLlm())
    many = [template(f"t{number}", "x" * 100_000) for number in range(40)]
    app, compiled = await made(world, dsl("large", (start(), *many, end(out="t39.output"))))
    full_disk.gate.clear()
    live = world.room.runs.start(app, compiled, begin())
    seen = -1
    while len(live.told) != seen:
        seen = len(live.told)
        await asyncio.sleep(0.1)
    assert 0 < seen < 45  # a megabyte waits to be written, and the run for it
    full_disk.gate.set()
    last = (await heard(live))[-1]
    assert isinstance(last, WorkflowFinished) and last.status == "succeeded"
    assert await world.room.runs.events(live.run.id) == list(live.told)
    await world.room.close()
