"""Schedules: one timer for the next time that any of them is due, and a durable job for each time that came.

A job's id is its trigger and its time, and so is its run's: however often a time is handed over, by whatever process,
it is run once. Times missed while LLMFlow was down are made up for once, by the latest of them, if it is not too old.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence

from sqlalchemy.exc import SQLAlchemyError

from llmflow.apps.apps import Apps
from llmflow.apps.designs.plans import Compiled, Plans
from llmflow.apps.runs.live import LiveRun
from llmflow.apps.runs.runs import Begin, Runs
from llmflow.apps.triggers import queries
from llmflow.apps.triggers.deliveries import Deliveries
from llmflow.apps.triggers.triggers import Triggers
from llmflow.apps.triggers.types import Answered, Trigger
from llmflow.apps.types import App
from llmflow.config.settings import Triggers as Limits
from llmflow.errors import LLMFlowError, NodeFailed, NotFound, OrganError, TooMany, UsageError
from llmflow.ports.jobs import Jobs
from llmflow.store.database import Database
from llmflow.store.ids import id_from, new_id, now_ms
from llmflow.workflow import cron
from llmflow.workflow.journal import queries as run_queries
from llmflow.workflow.nodes.trigger_schedule import ScheduleData

SOURCE = "schedule"
_AT_ONCE = 8  # schedules whose runs are being started
_ON_TIME_MS = 60_000  # a time is not missed before it is so late
_LOOK_S = 60.0  # a machine that slept, or whose clock was set, is found out after so long
_AGAIN_S = 1.0
_AGAIN_MS = 5_000

_log = logging.getLogger(__name__)


class Schedules:
    def __init__(
        self,
        database: Database,
        triggers: Triggers,
        deliveries: Deliveries,
        catalogue: Apps,
        plans: Plans,
        runs: Runs,
        jobs: Jobs,
        *,
        limits: Limits,
        clock_ms: Callable[[], int] = now_ms,
    ) -> None:
        self._database = database
        self._triggers = triggers
        self._deliveries = deliveries
        self._catalogue = catalogue
        self._plans = plans
        self._runs = runs
        self._jobs = jobs
        self._limits = limits
        self._clock_ms = clock_ms
        self._woken = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None
        jobs.register(SOURCE, self._fire, concurrency=_AT_ONCE)
        triggers.changed = self._woken.set

    def start(self) -> None:
        """Once the jobs are started."""
        self._watch = asyncio.get_running_loop().create_task(self._keep_watch(), name="schedules")

    async def close(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)

    async def tick(self) -> int | None:
        """Hands over what is due now. When to look again, Unix milliseconds; None: when a schedule changes."""
        now = self._clock_ms()
        async with self._database.read() as connection:
            due = await queries.due_triggers(connection, now)
        failed = False
        for trigger in due:
            try:
                await self._hand_over(trigger, now)
            except LLMFlowError as error:
                _log.warning("The schedule %s could not be handed over: %s", trigger.id, error)
                failed = True
        async with self._database.read() as connection:
            soonest = await queries.next_due(connection)
        return max(soonest, now + _AGAIN_MS) if failed and soonest is not None else soonest

    async def run_now(self, app: App, trigger_id: str, *, account_id: str | None) -> LiveRun:
        """Runs what the schedule would run. Raises NotFound, UsageError for a webhook, NodeFailed, TooMany."""
        trigger = await self._triggers.get(app, trigger_id)
        if trigger.kind != "schedule":
            raise UsageError("A webhook is run by calling it.", hint="Its debug address runs the draft.")
        compiled = await self._plans.in_force(app)
        self._data(compiled, trigger)
        return self._begin(app, compiled, trigger, new_id(), None, account_id=account_id)

    async def _keep_watch(self) -> None:
        while True:
            self._woken.clear()
            try:
                until = await self.tick()
            except (LLMFlowError, SQLAlchemyError) as error:
                _log.warning("The schedules could not be looked at: %s", error)
                until = self._clock_ms() + _AGAIN_MS
            while not self._woken.is_set() and (until is None or until > self._clock_ms()):
                left_s = None if until is None else min((until - self._clock_ms()) / 1000, _LOOK_S)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), left_s)

    async def _hand_over(self, trigger: Trigger, now: int) -> None:
        """First the job, then the next time: what dies in between is handed over again, and is the same job."""
        assert trigger.next_at is not None
        following: int | None = None
        try:
            app = await self._catalogue.by_id(trigger.workspace_id, trigger.app_id)
            data = self._data(await self._plans.in_force(app), trigger)
        except (NotFound, NodeFailed) as error:
            _log.warning("The schedule %s has no times: %s", trigger.id, error)
        else:
            oldest = now - max(self._limits.catch_up_minutes * 60_000, _ON_TIME_MS)
            at = cron.latest(data.cron, data.timezone, after=max(trigger.next_at - 1, oldest), until=now)
            if at is not None:
                await self._jobs.submit(SOURCE, [trigger.id, str(at)], job_id=f"{SOURCE}-{trigger.id}-{at}")
            following = next(cron.due(data.cron, data.timezone, after=now), None)
        async with self._database.write() as connection:
            await queries.set_next(connection, trigger.id, seen=trigger.next_at, next_at=following)

    async def _fire(self, ids: Sequence[str]) -> None:
        """A job's work: starts the run, unless that was done before."""
        trigger_id, at = ids[0], int(ids[1])
        run_id = id_from(at, trigger_id, str(at))
        async with self._database.read() as connection:
            trigger = await queries.trigger_by_id(connection, trigger_id)
            if trigger is None or not trigger.is_on or await run_queries.run(connection, run_id) is not None:
                return
        try:
            app = await self._catalogue.by_id(trigger.workspace_id, trigger.app_id)
            compiled = await self._plans.in_force(app)
            self._data(compiled, trigger)
        except (NotFound, NodeFailed):
            return  # its node is gone, and with it the schedule
        if self._runs.count(trigger.id) >= self._limits.concurrency:
            busy = TooMany(f"{self._limits.concurrency} runs of this trigger are under way.", code="trigger_busy")
            await self._deliveries.refused(trigger, busy)
            return
        while True:
            with contextlib.suppress(TooMany):
                live = self._begin(app, compiled, trigger, run_id, str(at))
                break
            await asyncio.sleep(_AGAIN_S)
        try:
            await live.accepted()
        except OrganError as error:
            if error.code != "interrupted":
                raise
            await asyncio.Event().wait()  # the process ends; the job is taken up by the next one

    def _begin(
        self,
        app: App,
        compiled: Compiled,
        trigger: Trigger,
        run_id: str,
        key: str | None,
        *,
        account_id: str | None = None,
    ) -> LiveRun:
        begin = Begin(
            source=SOURCE,
            user=SOURCE,
            account_id=account_id,
            start=trigger.node_id,
            trigger_id=trigger.id,
            run_id=run_id,
        )
        noted = self._deliveries.of_run(trigger, key, run_id, Answered(202, b""))
        return self._runs.start(app, compiled, begin, companion=noted)

    def _data(self, compiled: Compiled, trigger: Trigger) -> ScheduleData:
        """Raises NotFound, NodeFailed (node_invalid)."""
        node = compiled.plan.nodes.get(trigger.node_id)
        if node is None or node.type != "trigger-schedule":
            raise NotFound("The version in force has no such schedule.")
        if not isinstance(node.data, ScheduleData):
            raise NodeFailed(node.flaw, code="node_invalid")
        return node.data
