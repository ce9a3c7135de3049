"""A run under way in this process: its log, and what stops it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from llmflow.access.rights import Rights
from llmflow.apps.log import Log
from llmflow.errors import InternalError, LLMFlowError, OrganError
from llmflow.gateway.asker import Asker, asker, speak_for
from llmflow.store.ids import now_ms
from llmflow.workflow.engine.run import Run
from llmflow.workflow.events import Event, WorkflowFinished, WorkflowPaused
from llmflow.workflow.journal.journal import Record
from llmflow.workflow.journal.stored import NewRun, StoredRun

Hear = Callable[[Event], None]


class LiveRun(Log[Event]):
    """`run`: what is known of it from its start. `before`: events that were told before this process took it up.
    `user`: the name the caller gave the one who runs it. `around`: ids of the apps whose runs called it as a tool.
    `rights`: what whoever began it may see, for a run that is taken up again."""

    lasts = (WorkflowFinished, WorkflowPaused)

    def __init__(
        self,
        run: NewRun,
        *,
        user: str,
        rights: Rights,
        before: int = 0,
        hear: Hear | None = None,
        around: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self.run = run
        self.user = user
        self.before = before
        self.around = around
        self._hear = hear
        self._rights = rights
        self._engine: Run
        self._record: Record
        self._task: asyncio.Task[None]
        self._over: Callable[[], None]
        self._fault: LLMFlowError | None = None

    @property
    def stored(self) -> StoredRun:
        """As the database would have it now, for the moment until it does."""
        values = {name: getattr(self.run, name) for name in NewRun.__dataclass_fields__}
        return StoredRun(**values, status="running")

    def append(self, event: Event) -> None:
        super().append(event)
        if self._hear is not None:
            self._hear(event)
        if isinstance(event, self.lasts):
            self._over()  # its place is free when readers know

    def begin(self, engine: Run, record: Record, over: Callable[[], None]) -> None:
        """Runs as a task; `over` is called when it ended, paused or broke off."""
        self._engine, self._record = engine, record
        self._task = asyncio.get_running_loop().create_task(self._drive(), name=f"run {self.run.id}")
        self._over = over
        self._task.add_done_callback(lambda _: over())

    async def accepted(self) -> None:
        """Waits until the run stands in the database: whatever happens then, it is run. Raises OrganError (disk_full,
        interrupted) for one that does not get there."""
        async with aclosing(self.follow()) as begun:
            async for _ in begun:
                break
        await self._record.flush()
        if self._fault is not None:
            raise self._fault
        if not self.told:
            raise OrganError("LLMFlow is stopping.", code="interrupted")

    def stop(self) -> None:
        """Ends it soon; what is done is kept."""
        self._engine.stop()

    def broken(self, error: LLMFlowError) -> None:
        """The journal does not take what it tells: it ends as failed."""
        if self._fault is None:
            self._fault = error
            self._task.cancel()

    @property
    def fault(self) -> LLMFlowError | None:
        """Why the journal did not take the run, where it did not."""
        return self._fault

    async def interrupt(self) -> None:
        """Breaks off without an end: whoever starts next goes on with it."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self.break_off()

    async def _drive(self) -> None:
        try:
            await self._attempt(self._go())
        finally:
            if self.last is None:
                self.break_off()

    async def _go(self) -> None:
        speak_for(await self._who())
        await self._engine.go()

    async def _who(self) -> Asker:
        """For whom it runs. One that is taken up again sees what whoever began it may see now: who goes on with it,
        answers its form or lets its time run out asked for nothing."""
        run, now = self.run, asker()
        account_id = run.account_id or (None if self.before else now.account_id)
        end_user_id = run.end_user_id or (None if self.before else now.end_user_id)
        key_id = run.key_id if self.before else now.key_id
        if self.before:
            right = await self._rights.of(run.workspace_id, key_id=key_id, account_id=account_id)
            groups, sees_all, user = right.groups, right.sees_all, self.user
        else:
            groups, sees_all, user = now.groups, now.sees_all, now.user
        return Asker(
            workspace_id=run.workspace_id,
            key_id=key_id,
            account_id=account_id,
            app_id=run.app_id,
            end_user_id=end_user_id,
            conversation_id=run.conversation_id,
            user=user,
            groups=groups,
            sees_all=sees_all,
        )

    async def _attempt(self, going: Awaitable[object]) -> None:
        try:
            await going
            return
        except asyncio.CancelledError:
            if self._fault is None:
                raise
            error = self._fault
        except LLMFlowError as raised:
            error = self._fault = raised
        except BaseException:
            error = InternalError("The run ended by a fault of LLMFlow.")
            await self._record.give_up(self._failed(error))
            raise
        await self._record.give_up(self._failed(error))

    def _failed(self, error: LLMFlowError) -> WorkflowFinished:
        now = now_ms() / 1000
        begun = self.run.created_at / 1000
        return WorkflowFinished(
            status="failed",
            outputs={},
            created_at=begun,
            finished_at=now,
            elapsed_time=now - begun,
            total_tokens=self._engine.tokens,
            total_steps=self._engine.index,
            error=error.message,
            error_code=error.code,
            error_hint=error.hint,
            error_status=error.status,
        )
