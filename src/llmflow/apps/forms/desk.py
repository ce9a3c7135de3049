"""Brings answers to the runs that wait for them, and ends forms that nobody answered in time.

An answer is kept first and then brought: what a dead process kept is brought at the next start. One timer, for the form
that is too late next, stands for all of them; a run that waits is rows and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

from llmflow.apps import queries as app_queries
from llmflow.apps.forms import queries
from llmflow.apps.forms.forms import Forms
from llmflow.apps.forms.types import Answering, HumanForm
from llmflow.apps.runs.reruns import Reruns
from llmflow.apps.runs.runs import Runs
from llmflow.errors import Conflict, LLMFlowError, OrganError, TooMany
from llmflow.store.batch import Batch
from llmflow.store.database import Database
from llmflow.workflow.events import HumanInputReceived, HumanInputTimedOut
from llmflow.workflow.journal import queries as run_queries

_AGAIN_S = 1.0
_LONGEST_S = 3600.0  # clocks are set, and machines sleep: nobody trusts a timer of weeks

_log = logging.getLogger(__name__)


class Desk:
    def __init__(self, database: Database, forms: Forms, runs: Runs, reruns: Reruns) -> None:
        self._database = database
        self._forms = forms
        self._runs = runs
        self._reruns = reruns
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        forms.opened = self._expect
        runs.paused = lambda run_id: self._do(self._go_on(run_id))

    async def submit(self, form: HumanForm, who: Answering, action_id: str, inputs: Mapping[str, Any]) -> None:
        """Keeps the answer, and goes on with the run where that can be done at once. Raises what Forms.submit does."""
        await self._forms.submit(form, who, action_id, inputs)
        try:
            await self._bring(form.run_id)
        except LLMFlowError:
            self._do(self._go_on(form.run_id))  # the answer is kept

    def start(self) -> None:
        """Ends what is too late and brings what a dead process kept."""
        self._do(self._catch_up())

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def settled(self) -> None:
        """Waits until all that is to be brought now is brought."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def expire(self) -> None:
        """Ends what nobody answered in time, goes on with those runs, and sets the timer for what is too late next."""
        async with self._database.write() as connection:
            late = await queries.expire(connection, self._forms.now())
        for run_id in late:
            self._do(self._go_on(run_id))
        async with self._database.read() as connection:
            due = await queries.next_expiry(connection)
        if due is not None:
            self._expect(due)

    # bringing

    async def _go_on(self, run_id: str) -> None:
        """Until it is brought, or there is nothing to bring."""
        while True:
            try:
                await self._bring(run_id)
                return
            except (TooMany, Conflict, OrganError):
                await asyncio.sleep(_AGAIN_S)
            except LLMFlowError as error:
                _log.warning("The run %s could not go on with its answer: %s", run_id, error)
                return

    async def _bring(self, run_id: str) -> None:
        if self._runs.live(run_id) is not None:
            return  # it is brought when the run pauses
        async with self._database.read() as connection:
            run = await run_queries.run(connection, run_id)
            answered = await queries.untaken(connection, run_id)
            app = await app_queries.app(connection, run.workspace_id, run.app_id) if run else None
        if run is None or app is None or run.status != "paused" or not answered:
            return
        answers = {form.id: _told(form) for form in answered}
        if not await self._reruns.take_answers(app, run, answers, taken=self._taken):
            async with self._database.write() as connection:  # the run asks no more
                await queries.take(connection, list(answers), self._forms.now())

    def _taken(self, ids: Sequence[str]) -> Batch:
        now = self._forms.now()
        return [(queries.TAKE, [{"key": id, "taken_at": now} for id in ids])]

    # time

    async def _catch_up(self) -> None:
        await self._until_it_answers(self.expire)
        await self._until_it_answers(self._bring_left)

    async def _bring_left(self) -> None:
        async with self._database.read() as connection:
            left = await queries.runs_to_go_on(connection)
        for run_id in left:
            await self._go_on(run_id)

    async def _until_it_answers(self, look: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await look()
                return
            except OrganError as error:
                _log.warning("Forms could not be looked through: %s", error)
                await asyncio.sleep(_AGAIN_S)

    def _expect(self, expires_at: int) -> None:
        """Looks when that form is too late, or before."""
        loop = asyncio.get_running_loop()
        when = loop.time() + min(max(0.0, (expires_at - self._forms.now()) / 1000), _LONGEST_S)
        if self._timer is not None and self._timer.when() <= when and not self._timer.cancelled():
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(when, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._do(self._until_it_answers(self.expire))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name="forms")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _told(form: HumanForm) -> HumanInputReceived | HumanInputTimedOut:
    at = (form.answered_at or form.expires_at) / 1000
    if form.reply is None:
        return HumanInputTimedOut(
            node_id=form.node_id,
            title=form.asked.title,
            content=form.asked.content,
            expired_at=form.expires_at / 1000,
            created_at=at,
            at=form.at,
        )
    reply = form.reply
    return HumanInputReceived(
        node_id=form.node_id,
        title=form.asked.title,
        reply={
            "action_id": reply.action_id,
            "action_text": reply.action_text,
            "submitted_data": reply.inputs,
            "rendered_content": reply.content,
        },
        created_at=at,
        at=form.at,
    )
