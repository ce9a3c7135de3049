"""Turns: an answer being written is a task of its own, or a workflow's run; connections only watch its log."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from llmflow.apps.log import Log
from llmflow.apps.runs.live import LiveRun
from llmflow.apps.types import Ended, Failed, TurnEvent
from llmflow.errors import InternalError, LLMFlowError, OrganError, TooMany
from llmflow.gateway.asker import more_of_asker
from llmflow.workflow.journal.stored import NewRun


class Turn(Log[TurnEvent]):
    """One question being answered. `id` is Dify's task_id; times are Unix milliseconds. `live`: the run of a workflow
    that answers it."""

    lasts = (Ended, Failed)

    def __init__(
        self,
        id: str,
        *,
        app_id: str,
        end_user_id: str,
        conversation_id: str,
        message_id: str,
        created_at: int,
        live: LiveRun | None = None,
    ) -> None:
        super().__init__()
        self.id = id
        self.app_id = app_id
        self.end_user_id = end_user_id
        self.conversation_id = conversation_id
        self.message_id = message_id
        self.created_at = created_at
        self.live = live
        self.stoppable = True  # False once the answer is whole: it is stored as it is
        self.begun = False  # a task cancelled before its first step would never run: it is stopped when it begins

    async def finished(self) -> Ended | Failed:
        """Waits for the end."""
        last = await self.ended()
        if isinstance(last, Ended | Failed):
            return last
        return failed(OrganError("LLMFlow is stopping; it goes on with the answer when it starts.", code="interrupted"))


class Place:
    """A place among the turns that run at once: `start` a turn in it, or `release` it."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        turns._reserved += 1

    def release(self) -> None:
        self._turns._reserved -= 1

    def start(self, turn: Turn, work: Callable[[Turn], Awaitable[None]]) -> None:
        """Runs `work` as a task. It must append the terminal event; if it raises instead, Failed is appended, and
        the error goes to the event loop's handler."""
        self._turns._start(turn, work)
        self.release()


class Turns:
    """The turns of this process; at most `limit` at once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._tasks: dict[str, tuple[Turn, asyncio.Task[None]]] = {}
        self._runs: dict[str, tuple[Turn, LiveRun]] = {}
        self._reserved = 0

    def __len__(self) -> int:
        return len(self._tasks) + self._reserved

    def reserve(self) -> Place:
        """A place for one turn. Raises TooMany when all are taken."""
        if len(self) >= self._limit:
            raise TooMany(
                f"{self._limit} answers are being written already.",
                hint="Wait a moment and try again, or raise limits.chat_concurrency.",
            )
        return Place(self)

    def _start(self, turn: Turn, work: Callable[[Turn], Awaitable[None]]) -> None:
        task = asyncio.get_running_loop().create_task(self._run(turn, work), name=f"turn {turn.id}")
        self._tasks[turn.id] = (turn, task)
        task.add_done_callback(lambda _: self._over(turn))  # for one that the loop's end kept from its first step

    async def _run(self, turn: Turn, work: Callable[[Turn], Awaitable[None]]) -> None:
        try:
            turn.begun = True
            more_of_asker(app_id=turn.app_id, end_user_id=turn.end_user_id, conversation_id=turn.conversation_id)
            if not turn.stoppable and (task := asyncio.current_task()):
                task.cancel()  # `work` meets it where it waits first, and keeps what there is
            await work(turn)
        finally:
            self._over(turn)

    def _over(self, turn: Turn) -> None:
        self._tasks.pop(turn.id, None)
        if turn.last is None:
            turn.append(failed(InternalError("The answer could not be written.")))

    def watch(self, turn: Turn, live: LiveRun) -> None:
        """A turn that a run writes, until `unwatch`; runs have a limit of their own."""
        self._runs[turn.id] = (turn, live)

    def unwatch(self, turn: Turn) -> None:
        self._runs.pop(turn.id, None)

    def find(self, turn_id: str) -> Turn | None:
        """The turn while it goes on."""
        found = self._tasks.get(turn_id) or self._runs.get(turn_id)
        return found[0] if found else None

    def running(self, conversation_id: str) -> dict[str, Turn]:
        """The turns of a conversation that go on, by the message they write."""
        turns = (turn for turn, _ in (*self._tasks.values(), *self._runs.values()))
        return {turn.message_id: turn for turn in turns if turn.conversation_id == conversation_id}

    def stop(self, turn_id: str, *, app_id: str, end_user_id: str) -> bool:
        """Ends a turn of this app's user; what was said is kept. False when there is none such (any more)."""
        turn = self.find(turn_id)
        if turn is None or (turn.app_id, turn.end_user_id) != (app_id, end_user_id):
            return False
        if turn_id in self._runs:
            self._runs[turn_id][1].stop()
            return True
        return _cancel(*self._tasks[turn_id])

    async def close(self) -> None:
        """Stops every turn and waits until each is stored."""
        running = list(self._tasks.values())
        for turn, task in running:
            _cancel(turn, task)
        await asyncio.gather(*(task for _, task in running), return_exceptions=True)


def _cancel(turn: Turn, task: asyncio.Task[None]) -> bool:
    if not turn.stoppable:
        return False
    turn.stoppable = False
    if turn.begun:
        task.cancel()
    return True


def turn_of(run: NewRun) -> Turn | None:
    """Of a run that goes on writing a message; None for one that answers no question."""
    if run.conversation_id is None or run.message_id is None:
        return None
    return Turn(
        run.task_id,
        app_id=run.app_id,
        end_user_id=run.end_user_id or "",
        conversation_id=run.conversation_id,
        message_id=run.message_id,
        created_at=run.created_at,
    )


def failed(error: LLMFlowError) -> Failed:
    return Failed(code=error.code, message=error.message, hint=error.hint, status=error.status)
