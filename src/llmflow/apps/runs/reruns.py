"""Runs taken up again from the journal: after a crash, after a pause, from a failed node, or as a fork.

What is finished never runs again. A node that was under way when the server died is repeated where that is safe; else
the run pauses and asks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal
from weakref import WeakValueDictionary

from llmflow.apps import queries as app_queries
from llmflow.apps.designs.plans import Compiled, Plans
from llmflow.apps.runs.decided import Answer, edited, ended, skipped
from llmflow.apps.runs.live import LiveRun
from llmflow.apps.runs.runs import Companion, Runs
from llmflow.apps.types import App
from llmflow.errors import Conflict, LLMFlowError, NotFound, TooMany, UsageError
from llmflow.gateway.asker import asker
from llmflow.store.batch import Batch
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms
from llmflow.workflow.engine.replay import State, replay
from llmflow.workflow.engine.run import events_of
from llmflow.workflow.events import (
    At,
    Decision,
    Event,
    HumanInputRequired,
    NodeFinished,
    RepeatAllowed,
    WorkflowStarted,
)
from llmflow.workflow.journal import queries
from llmflow.workflow.journal.journal import Journal
from llmflow.workflow.journal.stored import NewRun, StoredRun

_FRUITLESS = 3  # times a run is taken up again without coming further: it is what brings the server down
_AGAIN_S = 1.0

Took = Callable[[Sequence[str]], Batch]
CompanionOf = Callable[[App, Compiled, StoredRun, State], Awaitable[Companion | None]]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Saved:
    """What a fork did not have to do again."""

    nodes: int
    tokens: int
    elapsed_ms: int


@dataclass(frozen=True, slots=True)
class _Found:
    """A kept run with all that is needed to go on with it."""

    app: App
    compiled: Compiled
    run: StoredRun
    state: State
    count: int


class Reruns:
    def __init__(
        self, database: Database, journal: Journal, plans: Plans, runs: Runs, *, companion_of: CompanionOf
    ) -> None:
        self._database = database
        self._journal = journal
        self._plans = plans
        self._runs = runs
        self._companion_of = companion_of
        self._recovery: asyncio.Task[None] | None = None
        self._left: set[str] | None = None  # runs still to be taken up after a crash; None: nobody has looked yet
        self._claims: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def resume(self, app: App, run_id: str) -> LiveRun:
        """Goes on with a failed or stopped run where it ended: what is finished is not run again. Raises NotFound
        (run_not_found), Conflict (run_not_resumable), TooMany."""
        async with self._claim(run_id):
            run = await self._runs.get(app.id, run_id)
            if run.status not in ("failed", "stopped"):
                raise Conflict(
                    f"The run is {run.status}; one that failed or was stopped is resumed.", code=_NOT_RESUMABLE
                )
            return await self._take_up(await self._found(app, run))

    async def answer(self, app: App, run_id: str, answer: Answer) -> LiveRun | None:
        """Goes on with a paused run; None when the answer ended it. Raises NotFound (run_not_found), Conflict
        (run_not_resumable), UsageError for a node that does not wait or does not take this answer, TooMany."""
        async with self._claim(run_id):
            run = await self._runs.get(app.id, run_id)
            if run.status != "paused":
                raise Conflict(f"The run is {run.status}; nothing in it waits.", code=_NOT_RESUMABLE)
            found = await self._found(app, run)
            key = (answer.node_id, answer.at)
            if key not in found.state.waiting:
                waiting = ", ".join(f"`{node}`" for node, _ in found.state.waiting)
                raise UsageError(f"The node `{answer.node_id}` does not wait; these do: {waiting}.", param="node_id")
            asked = found.state.asked[key]
            if isinstance(asked, HumanInputRequired) and answer.action != "fail":
                raise UsageError(f"The node `{answer.node_id}` is answered by its form, or fails.", param="action")
            now = now_ms() / 1000
            match answer.action:
                case "repeat":
                    return await self._take_up(
                        found, decisions=[RepeatAllowed(node_id=answer.node_id, created_at=now, at=answer.at)]
                    )
                case "skip":
                    return await self._take_up(found, told=[skipped(found.state, key, answer, now)])
            message = "The run was ended instead of an answer to a node that waited."
            await self._end(found, "failed", message, "run_refused")
            return None

    async def take_answers(self, app: App, run: StoredRun, answers: Mapping[str, Decision], *, taken: Took) -> bool:
        """Goes on with a paused run by answers to its forms, by the forms' ids; False when it waits, and for none of
        them. `taken`: rows that say so, written with the run's going on. A run whose version is gone is ended. Raises
        TooMany, Conflict (run_not_resumable)."""
        async with self._claim(run.id):
            run = await self._runs.get(app.id, run.id)
            if run.status != "paused":  # it was ended meanwhile; once it is resumed, it pauses and takes them
                return True
            try:
                found = await self._found(app, run)
            except NotFound as error:
                await self._end_lost(run, error)
                return False
            asked = {key: found.state.asked[key].id for key in found.state.waiting}
            fresh = [told for id, told in answers.items() if asked.get((told.node_id, told.at)) == id]
            if not fresh:
                return False
            await self._take_up(found, decisions=fresh, beside=taken(list(answers)))
            return True

    async def stop(self, app: App, run_id: str) -> bool:
        """Ends a run that is under way or paused; False when it is over. Raises NotFound (run_not_found)."""
        async with self._claim(run_id, also_live=True):
            if self._runs.stop(run_id, app.id):
                return True
            run = await self._runs.get(app.id, run_id)
            if run.status != "paused":
                return False
            await self._end(await self._found(app, run), "stopped", "The run was stopped.", None)
            return True

    async def fork(
        self,
        app: App,
        run_id: str,
        node_id: str,
        *,
        at: At = (),
        inputs: Mapping[str, Any] | None = None,
        outputs: Mapping[str, Mapping[str, Any]] | None = None,
        source: str,
        account_id: str | None = None,
    ) -> tuple[LiveRun, Saved]:
        """A new run that begins at `node_id` with all that was finished before it. `inputs`: of the run, changed;
        `outputs`: by node, changed outputs of nodes that stay finished. Raises NotFound (run_not_found), UsageError,
        Conflict, TooMany."""
        run = await self._runs.get(app.id, run_id)
        found = await self._found(app, run)
        if node_id not in found.compiled.plan.nodes:
            raise UsageError(f"The workflow of this run has no node `{node_id}`.", param="node_id")
        if found.state.started is None:
            raise Conflict("The run has not begun yet.", code=_NOT_RESUMABLE)
        state = found.state.without(found.compiled.plan, node_id, at)
        forked = NewRun(
            id=new_id(),
            workspace_id=run.workspace_id,
            app_id=run.app_id,
            version_id=run.version_id,
            graph=run.graph,
            task_id=new_id(),
            source=source,
            created_at=now_ms(),
            key_id=asker().key_id,
            end_user_id=run.end_user_id,
            account_id=account_id or run.account_id,
            parent_id=run.id,
            forked_node=node_id,
        )
        state = edited(state, found.compiled, forked, inputs or {}, outputs or {})
        told = events_of(state)
        live = self._runs.go_on(app, found.compiled, forked, state, user=_user(state), before=0, told=told)
        kept = state.finished.values()
        return live, Saved(len(kept), state.tokens, round(sum(end.elapsed_time for end in kept) * 1000))

    # after a crash

    @property
    def is_recovering(self) -> bool:
        return self._recovery is not None and not self._recovery.done()

    def may_take_up(self, run_id: str) -> bool:
        """Is it still open what becomes of a run that a dead process left? Runs.wake tells when it is known."""
        return self._left is None or run_id in self._left

    def recover(self) -> None:
        """Takes up the runs that a dead process left, as places are free; call at start."""
        self._recovery = asyncio.get_running_loop().create_task(self._recover(), name="recovery of runs")

    async def close(self) -> None:
        if self._recovery is not None:
            self._recovery.cancel()
            await asyncio.gather(self._recovery, return_exceptions=True)

    async def _recover(self) -> None:
        async with self._database.read() as connection:
            left = await queries.open_runs(connection, "running")
        self._left = set(left)
        for run_id in left:
            while self._runs.live(run_id) is None:
                try:
                    await self._recover_one(run_id)
                except TooMany:
                    await asyncio.sleep(_AGAIN_S)
                    continue
                except LLMFlowError as error:
                    _log.warning("The run %s could not be taken up again: %s", run_id, error)
                break
            self._left.discard(run_id)
            self._runs.wake(run_id)

    async def _recover_one(self, run_id: str) -> None:
        async with self._claim(run_id):
            async with self._database.read() as connection:
                run = await queries.run(connection, run_id)
                app = await app_queries.app(connection, run.workspace_id, run.app_id) if run else None
            if run is None or app is None or run.status != "running":
                return
            self._runs.check_room(app)
            try:
                found = await self._found(app, run)
            except NotFound as error:
                await self._end_lost(run, error)
                return
            if await self._is_fruitless(run.id):
                message = "The run was taken up again several times and never came further."
                await self._end(found, "failed", message, "interrupted")
                return
            await self._take_up(found)

    async def _is_fruitless(self, run_id: str) -> bool:
        """Did it begin again and again, and no node ended?"""
        tries = 0
        for event in reversed(await self._runs.events(run_id)):
            if isinstance(event, NodeFinished) and event.status in ("succeeded", "exception"):
                break
            tries += isinstance(event, WorkflowStarted) and event.reason == "resumption"
        return tries >= _FRUITLESS

    async def _end_lost(self, run: StoredRun, error: LLMFlowError) -> None:
        """The version it ran is gone; in a claim of the run."""
        record = self._journal.open(run, tell=lambda _: None, written=len(await self._runs.events(run.id)))
        await record.close(ended(run, State(), "failed", error.message, "interrupted"))
        self._runs.wake(run.id)

    # common

    @asynccontextmanager
    async def _claim(self, run_id: str, *, also_live: bool = False) -> AsyncIterator[None]:
        """Until it is left nobody else decides about the run: what is read of it inside still holds when it goes on or
        is ended. Raises Conflict (run_not_resumable) for one that is under way, unless that is fine."""
        lock = self._claims.get(run_id)
        if lock is None:
            lock = self._claims[run_id] = asyncio.Lock()
        async with lock:
            if not also_live and self._runs.live(run_id) is not None:
                raise Conflict("The run is being taken up already.", code=_NOT_RESUMABLE)
            yield

    async def _found(self, app: App, run: StoredRun) -> _Found:
        if run.graph is None:
            compiled = await self._plans.version(app, run.version_id)
        else:
            compiled = await self._plans.frozen(app, run.version_id, run.graph)
        events = await self._runs.events(run.id)
        return _Found(app, compiled, run, replay(events), len(events))

    async def _take_up(
        self,
        found: _Found,
        *,
        told: list[Event] | None = None,
        decisions: list[Decision] | None = None,
        beside: Batch = (),
    ) -> LiveRun:
        """In a claim of the run."""
        companion = await self._companion_of(found.app, found.compiled, found.run, found.state)
        for event in told or ():
            found.state.add(event)
        return self._runs.go_on(
            found.app,
            found.compiled,
            found.run,
            found.state,
            user=_user(found.state),
            before=found.count,
            told=told or (),
            decisions=decisions or (),
            beside=beside,
            companion=companion,
        )

    async def _end(self, found: _Found, status: Literal["failed", "stopped"], message: str, code: str | None) -> None:
        """Ends a run that nobody runs; in a claim of it."""
        companion = await self._companion_of(found.app, found.compiled, found.run, found.state)
        record = self._journal.open(
            found.run,
            tell=companion.hear if companion else lambda _: None,
            written=found.count,
            also=companion.also if companion else None,
        )
        await record.close(ended(found.run, found.state, status, message, code))
        self._runs.wake(found.run.id)


_NOT_RESUMABLE = "run_not_resumable"


def _user(state: State) -> str:
    return str(state.started.inputs.get("sys.user_id", "")) if state.started else ""
