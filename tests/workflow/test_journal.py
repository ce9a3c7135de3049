from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from llmflow.errors import LLMFlowError, OrganError
from llmflow.store import batch
from llmflow.store.batch import Batch
from llmflow.store.content import Content
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms
from llmflow.store.tables import conversation_variables, run_events
from llmflow.workflow.events import (
    Event,
    NodeFinished,
    NodeStarted,
    TextChunk,
    WorkflowFinished,
    WorkflowPaused,
    WorkflowStarted,
)
from llmflow.workflow.journal import queries
from llmflow.workflow.journal.journal import Journal, Record
from llmflow.workflow.journal.stored import NewRun, StoredRun


class Watched(Database):
    """Counts transactions, and refuses them while it is told to."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.transactions = 0
        self.fault: LLMFlowError | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def apply(self, rows: Batch) -> None:
        await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        self.transactions += 1
        await super().apply(rows)


@pytest.fixture
async def watched(database_url: str) -> AsyncIterator[Watched]:
    opened = Watched(database_url)
    await opened.open()
    yield opened
    await opened.close()


def a_run(**more: str) -> NewRun:
    values = {"id": new_id(), "workspace_id": "w", "app_id": "a", "version_id": "v", "task_id": new_id()}
    return NewRun(**{**values, **more}, source="service-api", created_at=now_ms())


def started(**inputs: object) -> WorkflowStarted:
    return WorkflowStarted(inputs=dict(inputs), created_at=1.5)


def node(name: str, **outputs: object) -> tuple[Event, Event]:
    fixed: dict[str, Any] = {
        "id": name,
        "node_id": name,
        "node_type": "code",
        "title": name,
        "index": 1,
        "created_at": 2.0,
    }
    end = NodeFinished(**fixed, finished_at=2.5, elapsed_time=0.5, status="succeeded", outputs=dict(outputs))
    return NodeStarted(**fixed), end


def finished(status: str = "succeeded", **more: Any) -> WorkflowFinished:
    values: dict[str, Any] = {"outputs": {"out": "끝"}, "created_at": 1.5, "finished_at": 3.0, "elapsed_time": 1.5}
    values |= {"status": status, "total_tokens": 7, "total_steps": 2, **more}
    return WorkflowFinished(**values)


def paused() -> WorkflowPaused:
    return WorkflowPaused(
        reasons=(("ask", ()),), outputs={}, created_at=2.0, elapsed_time=0.5, total_tokens=0, total_steps=1
    )


async def kept(database: Database, run_id: str) -> StoredRun | None:
    async with database.read() as connection:
        return await queries.run(connection, run_id)


async def told(database: Database, run_id: str, after: int = 0) -> list[Event]:
    async with database.read() as connection:
        return await queries.events_after(connection, run_id, after)


async def test_a_quick_run_is_one_transaction_and_its_end_is_told_after_it(watched: Watched) -> None:
    heard: list[Event] = []
    record = Journal(watched).open(a_run(), tell=heard.append)
    all_events = [
        started(q="안녕\x00"),
        *node("n", text="답"),
        TextChunk(text="답", from_variable_selector=("n", "text")),
    ]
    watched.gate.clear()
    for event in all_events:
        record.emit(event)
    assert heard == all_events
    closing = asyncio.create_task(record.close(finished()))
    await asyncio.sleep(0.01)
    assert heard == all_events
    watched.gate.set()
    await closing
    assert heard == [*all_events, finished()]
    assert watched.transactions == 1
    run = await kept(watched, record.run.id)
    assert run is not None
    assert (run.status, run.inputs, run.outputs) == ("succeeded", {"q": "안녕\x00"}, {"out": "끝"})
    assert (run.total_tokens, run.total_steps, run.elapsed_ms, run.finished_at) == (7, 2, 1500, 3000)
    assert await told(watched, record.run.id) == heard


async def test_every_event_of_many_runs_is_kept_in_order(watched: Watched) -> None:
    journal = Journal(watched)

    async def one(record: Record) -> None:
        record.emit(started())
        for number in range(20):
            for event in node(f"n{number}"):
                record.emit(event)
            await asyncio.sleep(0.001 * (number % 3))
        await record.close(finished())

    heard: list[list[Event]] = [[] for _ in range(30)]
    records = [journal.open(a_run(), tell=heard[n].append) for n in range(30)]
    await asyncio.gather(*map(one, records))
    for record, events in zip(records, heard, strict=True):
        assert len(events) == 42
        assert await told(watched, record.run.id) == events
        assert await told(watched, record.run.id, 17) == events[17:]
        assert await told(watched, record.run.id, 42) == []
    assert watched.transactions < 30 * 42 / 4


async def test_a_flush_returns_when_all_that_was_told_is_written(watched: Watched) -> None:
    record = Journal(watched).open(a_run(), tell=lambda _: None)
    record.emit(started(a=1))
    begun, end = node("n")
    record.emit(begun)
    await record.flush()
    assert await told(watched, record.run.id) == [started(a=1), begun]
    run = await kept(watched, record.run.id)
    assert run is not None and (run.status, run.inputs, run.finished_at) == ("running", {"a": 1}, None)
    before = watched.transactions
    await record.flush()
    assert watched.transactions == before
    record.emit(end)
    await record.close(finished("failed", error="안 됨", error_code="node_failed"))
    run = await kept(watched, record.run.id)
    assert run is not None and (run.status, run.error, run.error_code) == ("failed", "안 됨", "node_failed")


async def test_a_paused_run_goes_on_where_it_was(watched: Watched) -> None:
    journal = Journal(watched)
    first = journal.open(a_run(), tell=lambda _: None)
    first.emit(started(q=1))
    await first.close(paused())
    run = await kept(watched, first.run.id)
    assert run is not None and run.status == "paused"
    again = journal.open(first.run, tell=lambda _: None, written=2)
    again.emit(WorkflowStarted(inputs={}, created_at=9.0, reason="resumption"))
    await again.flush()
    run = await kept(watched, first.run.id)
    assert run is not None and (run.status, run.inputs) == ("running", {"q": 1})
    await again.close(finished())
    assert [type(e).__name__ for e in await told(watched, first.run.id)] == [
        "WorkflowStarted",
        "WorkflowPaused",
        "WorkflowStarted",
        "WorkflowFinished",
    ]


async def test_a_full_disk_ends_the_run_as_failed_and_never_as_succeeded(watched: Watched) -> None:
    journal = Journal(watched)
    heard: list[Event] = []
    faults: list[LLMFlowError] = []
    record = journal.open(a_run(), tell=heard.append, broken=faults.append)
    watched.fault = OrganError("The disk that holds the database is full.", code="disk_full")
    record.emit(started())
    with pytest.raises(OrganError):
        await record.flush()
    assert [fault.code for fault in faults] == ["disk_full"]
    with pytest.raises(OrganError):
        await record.close(finished())
    assert heard == [started()]
    await record.give_up(finished("failed", error_code="disk_full"))
    assert heard == [started(), finished("failed", error_code="disk_full")]
    assert await kept(watched, record.run.id) is None
    watched.fault = None
    await journal.close()
    run = await kept(watched, record.run.id)
    assert run is not None and (run.status, run.error_code) == ("failed", "disk_full")
    assert await told(watched, record.run.id) == heard


async def test_a_database_that_does_not_answer_for_a_moment_loses_nothing(watched: Watched) -> None:
    record = Journal(watched).open(a_run(), tell=lambda _: None)
    watched.fault = OrganError("The database does not answer.")
    asyncio.get_running_loop().call_later(0.05, setattr, watched, "fault", None)
    record.emit(started())
    await record.close(finished())
    assert await told(watched, record.run.id) == [started(), finished()]


async def test_a_run_whose_rows_are_refused_harms_no_other(watched: Watched) -> None:
    insert = batch.insert(conversation_variables)
    bad = dict.fromkeys(column.name for column in conversation_variables.columns)
    journal = Journal(watched)
    watched.gate.clear()
    good = journal.open(a_run(), tell=lambda _: None)

    async def also(is_first: bool, last: object) -> Batch:
        return [(insert, [bad])]

    ill = journal.open(a_run(), tell=lambda _: None, also=also)
    ends = [asyncio.create_task(record.close(finished())) for record in (good, ill)]
    await asyncio.sleep(0)
    watched.gate.set()
    results = await asyncio.gather(*ends, return_exceptions=True)
    assert results[0] is None
    assert isinstance(results[1], LLMFlowError)
    assert await kept(watched, good.run.id) is not None
    assert await kept(watched, ill.run.id) is None


async def test_rows_of_others_are_written_with_the_event_or_not_at_all(watched: Watched) -> None:
    put = batch.upsert(conversation_variables, ("conversation_id", "name"), ("value", "updated_at"))

    async def also(is_first: bool, event: object) -> Batch:
        assert is_first
        assert isinstance(event, WorkflowFinished)
        row = {"id": new_id(), "workspace_id": "w", "app_id": "a", "conversation_id": "c", "name": "n"}
        value = Content(event.outputs["out"])
        return [(put, [{**row, "type": "string", "value": value, "created_at": 1, "updated_at": 1}])]

    for out in ("하나", "둘"):
        record = Journal(watched).open(a_run(), tell=lambda _: None, also=also)
        await record.close(finished(outputs={"out": out}))
    async with watched.read() as connection:
        rows = (await connection.execute(sa.select(conversation_variables.c.value))).scalars().all()
    assert rows == ["둘"]


async def test_words_that_did_not_pass_the_boundary_are_refused(watched: Watched) -> None:
    insert = batch.insert(run_events)
    with pytest.raises(TypeError):
        await watched.apply([(insert, [{"run_id": "r", "first": 1, "workspace_id": "w", "events": "plain"}])])


async def test_half_a_character_is_kept_as_a_question_mark(watched: Watched) -> None:
    record = Journal(watched).open(a_run(), tell=lambda _: None)
    record.emit(started(q="\ud800"))
    for event in node("n", text="a\udfff"):
        record.emit(event)
    await record.close(finished(error="\ud800"))
    events = await told(watched, record.run.id)
    assert (events[0], events[2]) == (started(q="?"), node("n", text="a?")[1])


async def test_nothing_waits_or_runs_when_nothing_is_told(watched: Watched) -> None:
    tasks = asyncio.all_tasks()
    journal = Journal(watched)
    for _ in range(50):
        record = journal.open(a_run(), tell=lambda _: None)
        record.emit(started())
        await record.close(paused())
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == tasks
    assert journal._timer is None and journal._later is None


async def test_a_batch_is_written_whole_or_not_at_all(watched: Watched) -> None:
    insert = batch.insert(run_events)
    row = {"run_id": "r", "first": 1, "workspace_id": "w", "events": Content("{}")}
    with pytest.raises(sa.exc.DBAPIError):
        await watched.apply([(insert, [row]), (insert, [{**row, "first": 2, "workspace_id": None}])])
    assert await told(watched, "r") == []
    await watched.apply([(insert, [row])])  # the connection is fit for the next


async def test_finding_open_runs_reads_none_of_the_others(sqlite_database_url: str) -> None:
    database = Database(sqlite_database_url)
    await database.open()
    explain = "EXPLAIN QUERY PLAN SELECT id FROM workflow_runs WHERE "
    async with database.read() as connection:
        opened = sa.text(explain + "status IN ('running', 'paused') AND status = 'paused'")
        plan = str((await connection.execute(opened)).all())
        page = sa.text(explain + "app_id = 'a' ORDER BY created_at DESC, id DESC LIMIT 5")
        listed = str((await connection.execute(page)).all())
    await database.close()
    assert "ix_workflow_runs_open" in plan
    assert "ix_workflow_runs_app_id_created_at" in listed
