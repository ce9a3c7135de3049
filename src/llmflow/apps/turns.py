"""Turns: an answer being written is a task of its own; connections only watch it.

Events are kept in the turn's log, and any number of readers follow the log from its start, so a reader that goes away
or comes late changes nothing. Nothing polls: a reader waits for the next append.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from llmflow.apps.types import Ended, Failed, TurnEvent
from llmflow.errors import InternalError, LLMFlowError, TooMany


class Turn:
    """One question being answered. `id` is Dify's task_id; times are Unix milliseconds."""

    def __init__(
        self, id: str, *, app_id: str, end_user_id: str, conversation_id: str, message_id: str, created_at: int
    ) -> None:
        self.id = id
        self.app_id = app_id
        self.end_user_id = end_user_id
        self.conversation_id = conversation_id
        self.message_id = message_id
        self.created_at = created_at
        self.stoppable = True  # False once the answer is whole: it is stored as it is
        self.begun = False  # a task cancelled before its first step would never run: it is stopped when it begins
        self._events: list[TurnEvent] = []
        self._more = asyncio.Event()

    @property
    def last(self) -> Ended | Failed | None:
        """How it ended, or None while it goes on."""
        event = self._events[-1] if self._events else None
        return event if isinstance(event, Ended | Failed) else None

    def append(self, event: TurnEvent) -> None:
        self._events.append(event)
        more, self._more = self._more, asyncio.Event()
        more.set()

    async def follow(self) -> AsyncGenerator[Sequence[TurnEvent]]:
        """Every event from the first to the terminal one, those that are there at once together."""
        seen = 0
        while True:
            more = self._more
            batch = self._events[seen:]
            if batch:
                seen += len(batch)
                yield batch
                if isinstance(batch[-1], Ended | Failed):
                    return
            else:
                await more.wait()

    async def finished(self) -> Ended | Failed:
        """Waits for the end."""
        while (last := self.last) is None:
            await self._more.wait()
        return last


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
            if not turn.stoppable and (task := asyncio.current_task()):
                task.cancel()  # `work` meets it where it waits first, and keeps what there is
            await work(turn)
        finally:
            self._over(turn)

    def _over(self, turn: Turn) -> None:
        self._tasks.pop(turn.id, None)
        if turn.last is None:
            turn.append(failed(InternalError("The answer could not be written.")))

    def find(self, turn_id: str) -> Turn | None:
        """The turn while it goes on."""
        found = self._tasks.get(turn_id)
        return found[0] if found else None

    def running(self, conversation_id: str) -> dict[str, Turn]:
        """The turns of a conversation that go on, by the message they write."""
        turns = (turn for turn, _ in self._tasks.values())
        return {turn.message_id: turn for turn in turns if turn.conversation_id == conversation_id}

    def stop(self, turn_id: str, *, app_id: str, end_user_id: str) -> bool:
        """Ends a turn of this app's user; what was said is kept. False when there is none such (any more)."""
        found = self._tasks.get(turn_id)
        if found is None or (found[0].app_id, found[0].end_user_id) != (app_id, end_user_id):
            return False
        return _cancel(*found)

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


def failed(error: LLMFlowError) -> Failed:
    return Failed(code=error.code, message=error.message, hint=error.hint, status=error.status)
