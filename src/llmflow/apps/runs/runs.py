"""Runs of workflows: start, stop, follow, find; one door for every surface.

A run is a task with a log that any number of readers follow, and its journal is the truth: a reader that comes when
the run is over, or after a restart, reads there what it missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol
from weakref import WeakValueDictionary

from llmflow.access.rights import Rights
from llmflow.apps.chat import file_queries
from llmflow.apps.chat import queries as chat_queries
from llmflow.apps.designs.plans import Compiled
from llmflow.apps.runs.live import LiveRun
from llmflow.apps.types import App, EndUser
from llmflow.config.settings import Workflow
from llmflow.errors import NotFound, TooMany
from llmflow.gateway.asker import asker
from llmflow.store.batch import Batch
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms
from llmflow.workflow.context import Outside
from llmflow.workflow.engine.replay import State
from llmflow.workflow.engine.run import Run
from llmflow.workflow.events import Decision, Event, Last, WorkflowPaused
from llmflow.workflow.files import files_in
from llmflow.workflow.graph import compile_graph
from llmflow.workflow.journal import queries
from llmflow.workflow.journal.journal import Journal
from llmflow.workflow.journal.queries import Wanted
from llmflow.workflow.journal.stored import NewRun, StoredRun
from llmflow.workflow.types import Typed

#: Says sys.given: the answer that an app's settings have for a question.
GIVEN = compile_graph(
    {
        "nodes": [
            {"id": "start", "data": {"type": "start", "title": "Start"}},
            {"id": "answer", "data": {"type": "answer", "title": "Answer", "answer": "{{#sys.given#}}"}},
        ],
        "edges": [{"id": "start-answer", "source": "start", "target": "answer"}],
    }
)

OutsideOf = Callable[[App, LiveRun, str | None], Outside]
Numbered = Sequence[tuple[int, Event]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """What a run begins with. `user`: sys.user_id, the caller's word. `system`: sys.* of a chat. `conversation`: its
    variables, as they stand. `parent_id`: the message that the question follows. `start`: the id of the trigger's node
    where one starts the run; inputs are then as the node takes them. `uses`: files that lie deeper in the inputs.
    `around`: ids of the apps whose runs call it as a tool, the outermost first. `is_lenient`: fields that must be
    filled in need not be, where no form was shown."""

    inputs: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[dict[str, Any]] = ()
    uses: Sequence[str] = ()
    source: str
    user: str
    start: str = ""
    trigger_id: str | None = None
    end_user_id: str | None = None
    account_id: str | None = None
    system: Mapping[str, Any] = field(default_factory=dict)
    conversation: Mapping[str, Typed] | None = None
    conversation_id: str | None = None
    message_id: str | None = None
    parent_id: str | None = None
    around: tuple[str, ...] = ()
    is_lenient: bool = False
    run_id: str = field(default_factory=new_id)
    task_id: str = field(default_factory=new_id)


class Companion(Protocol):
    """What goes with a run that answers a question of a chat."""

    def begun(self, live: LiveRun) -> None:
        """The run is under way."""

    def hear(self, event: Event) -> None:
        """Every event, in order; the last one when it is written."""

    async def also(self, is_first: bool, last: Last | None) -> Batch:
        """See Journal.open."""


class Runs:
    """`limit`: runs of designed workflows at once in this process; `chat_limit`: of apps without a graph."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        outside_of: OutsideOf,
        rights: Rights,
        *,
        settings: Workflow,
        limit: int,
        chat_limit: int,
    ) -> None:
        self._database = database
        self._journal = journal
        self._outside_of = outside_of
        self._rights = rights
        self._settings = settings
        self._limit = limit
        self._chat_limit = chat_limit
        self._chats: set[str] = set()  # ids of live runs of apps without a graph
        self._live: dict[str, LiveRun] = {}
        self._by_task: dict[str, LiveRun] = {}
        self._woken: WeakValueDictionary[str, asyncio.Event] = (
            WeakValueDictionary()
        )  # readers of runs that nobody runs have them
        self._is_closing = False
        self.paused: Callable[[str], None] = lambda _: None  # hears of each run that pauses, once that is written

    def __len__(self) -> int:
        return len(self._live)

    def count(self, trigger_id: str) -> int:
        """Runs under way here that a trigger started."""
        return sum(live.run.trigger_id == trigger_id for live in self._live.values())

    def check_room(self, app: App) -> None:
        """Raises TooMany when as many runs of its kind are under way as may be."""
        if app.has_graph and (len(self._live) - len(self._chats) >= self._limit or self._is_closing):
            raise TooMany(
                f"{self._limit} runs of workflows are under way already.",
                hint="Wait a moment and try again, or raise limits.workflow_concurrency.",
            )
        if not app.has_graph and (len(self._chats) >= self._chat_limit or self._is_closing):
            raise TooMany(
                f"{self._chat_limit} answers are being written already.",
                hint="Wait a moment and try again, or raise limits.chat_concurrency.",
            )

    def start(self, app: App, compiled: Compiled, begin: Begin, *, companion: Companion | None = None) -> LiveRun:
        """Starts a run. Raises UsageError for inputs that the form refuses, and TooMany."""
        self.check_room(app)
        limit = self._settings.variable_kb * 1024
        inputs = begin.inputs if begin.start else compiled.checked(begin.inputs, limit, is_lenient=begin.is_lenient)
        run = NewRun(
            id=begin.run_id,
            workspace_id=app.workspace_id,
            app_id=app.id,
            version_id=compiled.version.id,
            graph=compiled.frozen,
            task_id=begin.task_id,
            source=begin.source,
            created_at=now_ms(),
            trigger_id=begin.trigger_id,
            key_id=asker().key_id,
            end_user_id=begin.end_user_id,
            account_id=begin.account_id,
            conversation_id=begin.conversation_id,
            message_id=begin.message_id,
        )
        hear = companion.hear if companion else None
        live = LiveRun(run, user=begin.user, rights=self._rights, hear=hear, around=begin.around)
        system = {
            **begin.system,
            "files": list(begin.files),
            "user_id": begin.user,
            "app_id": app.id,
            "workflow_id": compiled.version.id,
            "workflow_run_id": run.id,
            "timestamp": run.created_at // 1000,
        }
        named = (file["related_id"] for value in (*inputs.values(), system["files"]) for file in files_in(value))
        self._run(
            app,
            compiled,
            live,
            companion,
            start=begin.start,
            inputs=inputs,
            system=system,
            conversation=begin.conversation,
            parent_id=begin.parent_id,
            used=[*named, *begin.uses],
        )
        return live

    def go_on(
        self,
        app: App,
        compiled: Compiled,
        run: NewRun,
        state: State,
        *,
        user: str,
        before: int,
        told: Sequence[Event] = (),
        decisions: Sequence[Decision] = (),
        beside: Batch = (),
        companion: Companion | None = None,
    ) -> LiveRun:
        """Goes on with a run that has `before` events in the journal, from `state`, which `told` is part of and not
        yet written. `beside`: rows that are written with its first events. Raises TooMany."""
        self.check_room(app)
        hear = companion.hear if companion else None
        live = LiveRun(run, user=user, rights=self._rights, before=before, hear=hear)
        self._run(app, compiled, live, companion, told=told, beside=beside, state=state, decisions=decisions)
        self.wake(run.id)
        return live

    def _run(
        self,
        app: App,
        compiled: Compiled,
        live: LiveRun,
        companion: Companion | None,
        *,
        told: Sequence[Event] = (),
        beside: Batch = (),
        conversation: Mapping[str, Typed] | None = None,
        parent_id: str | None = None,
        used: Sequence[str | None] = (),
        **how: Any,
    ) -> None:
        run = live.run
        ids = [id for id in used if id is not None]
        if uses := file_queries.uses(run.workspace_id, run.app_id, ids, run.message_id or run.id):
            beside = [(file_queries.INSERT_USES, uses), *beside]
        record = self._journal.open(
            run,
            tell=live.append,
            written=live.before,
            broken=live.broken,
            also=partial(_also, beside, companion) if beside else companion.also if companion else None,
        )
        engine = Run(
            GIVEN if _is_given(how) else compiled.plan,
            sink=record,
            environment=compiled.environment,
            conversation=compiled.conversation if conversation is None else conversation,
            outside=self._outside_of(app, live, parent_id),
            limits=self._settings,
            **how,
        )
        if companion is not None:
            companion.begun(live)
        for event in told:
            record.emit(event)
        self._live[run.id] = self._by_task[run.task_id] = live
        if not app.has_graph:
            self._chats.add(run.id)
        live.begin(engine, record, lambda: self._over(live))

    def _over(self, live: LiveRun) -> None:
        self._chats.discard(live.run.id)
        self._by_task.pop(live.run.task_id, None)
        if self._live.pop(live.run.id, None) is not None and isinstance(live.last, WorkflowPaused):
            self.paused(live.run.id)

    def stop(self, task_id: str, app_id: str, *, user: EndUser | None = None) -> bool:
        """Ends a run of the app, of this user alone where one is given. False when it is unknown or over."""
        live = self._by_task.get(task_id) or self._live.get(task_id)
        if live is None or live.run.app_id != app_id or (user is not None and live.run.end_user_id != user.id):
            return False
        live.stop()
        return True

    async def end(self, app_id: str, conversation_id: str | None = None) -> None:
        """Stops the runs of an app that are under way here, or of one conversation with what was forked from them, and
        waits until their ends are written: then they may be deleted."""
        known: set[str] = set()
        if conversation_id is not None:
            async with self._database.read() as connection:
                known = await chat_queries.runs_of_conversation(connection, conversation_id)
        ending = []
        for live in self._live.values():
            run = live.run
            belongs = run.conversation_id == conversation_id or not known.isdisjoint((run.id, run.parent_id))
            if run.app_id == app_id and (conversation_id is None or belongs):
                live.stop()
                ending.append(live)
        await asyncio.gather(*(live.ended() for live in ending))

    def live(self, run_id: str) -> LiveRun | None:
        """The run, while this process runs it."""
        return self._live.get(run_id)

    async def get(self, app_id: str, run_id: str) -> StoredRun:
        """Raises NotFound (run_not_found), also for a run of another app."""
        async with self._database.read() as connection:
            found = await queries.run(connection, run_id)
        if found is None and (live := self._live.get(run_id)) is not None:
            found = live.stored  # begun just now
        if found is None or found.app_id != app_id:
            raise NotFound("Workflow run not found.", code="run_not_found")
        return found

    async def page(self, app_id: str, wanted: Wanted, *, offset: int, limit: int) -> tuple[list[StoredRun], int]:
        """The newest first, and how many there are."""
        async with self._database.read() as connection:
            return await queries.page_of_runs(connection, app_id, wanted, offset=offset, limit=limit)

    async def events(self, run_id: str) -> list[Event]:
        """All that is in the journal."""
        async with self._database.read() as connection:
            return await queries.events_after(connection, run_id)

    async def follow(self, run_id: str, *, after: int = 0, through_pauses: bool = False) -> AsyncGenerator[Numbered]:
        """The run's events behind number `after`, those that are there at once together, to its end; or to where it
        pauses, unless `through_pauses`."""
        seen = after
        while True:
            live = self._live.get(run_id)
            if live is None or live.before > seen:
                woken = self.waker(run_id)  # before looking, so that nothing slips through between
                async with self._database.read() as connection:
                    run = await queries.run(connection, run_id)
                    known = await queries.events_after(connection, run_id, seen)
                if live is not None:
                    known = known[: live.before - seen]
                if known:
                    yield [(seen + number, event) for number, event in enumerate(known, 1)]
                    seen += len(known)
            if live is not None:
                async for batch in live.follow(seen - live.before):
                    yield [(seen + number, event) for number, event in enumerate(batch, 1)]
                    seen += len(batch)
                if not through_pauses or not isinstance(live.last, WorkflowPaused):
                    return
            elif run is None or run.is_over or (run.status == "paused" and not through_pauses):
                return
            elif self._live.get(run_id) is None:
                await woken.wait()  # paused, or left by a dead process and not yet taken up

    def wake(self, run_id: str) -> None:
        """Something was told of a run that nobody ran: its readers look."""
        if (woken := self._woken.pop(run_id, None)) is not None:
            woken.set()

    def waker(self, run_id: str) -> asyncio.Event:
        """Set when somebody takes up the run, which nobody runs now, or ends it."""
        woken = self._woken.get(run_id)
        if woken is None:
            woken = self._woken[run_id] = asyncio.Event()
        return woken

    async def close(self) -> None:
        """Breaks off what runs: the next start goes on with it."""
        self._is_closing = True
        await asyncio.gather(*(live.interrupt() for live in list(self._live.values())))
        await self._journal.close()


def _is_given(how: Mapping[str, Any]) -> bool:
    """Whether the run answers with what the app's settings say, and with nothing else."""
    state: State | None = how.get("state")
    begun = state.started.inputs if state is not None and state.started is not None else {}
    return "given" in (how.get("system") or {}) or "sys.given" in begun


async def _also(beside: Batch, companion: Companion | None, is_first: bool, last: Last | None) -> Batch:
    """What is written with the run's events: `beside` with the first, and what its companion adds."""
    batch = await companion.also(is_first, last) if companion else ()
    return [*beside, *batch] if is_first else batch
