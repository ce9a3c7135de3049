"""Logs: what a piece of work tells while it is done, followed by any number of readers.

A reader that goes away or comes late changes nothing. Nothing polls: a reader waits for the next append.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Generic, TypeVar

Told = TypeVar("Told")


class Log(Generic[Told]):
    """Events from the first to the last; `lasts`: the types of events that end it."""

    lasts: tuple[type, ...] = ()

    def __init__(self) -> None:
        self._events: list[Told] = []
        self._waiting: list[asyncio.Future[None]] = []  # readers that have seen all there is
        self._broke_off = False

    @property
    def last(self) -> Told | None:
        """How it ended; None while it goes on."""
        event = self._events[-1] if self._events else None
        return event if isinstance(event, self.lasts) else None

    @property
    def told(self) -> Sequence[Told]:
        """All events so far."""
        return tuple(self._events)

    def append(self, event: Told) -> None:
        self._events.append(event)
        self._wake()

    def break_off(self) -> None:
        """It ends here without a last event: the process ends, and another will go on."""
        self._broke_off = True
        self._wake()

    async def follow(self, seen: int = 0) -> AsyncGenerator[Sequence[Told]]:
        """Every event behind the first `seen` to the last one, those that are there at once together."""
        while True:
            batch = self._events[seen:]
            if batch:
                seen += len(batch)
                yield batch
                if isinstance(batch[-1], self.lasts):
                    return
            elif self._broke_off:
                return
            else:
                await self._more()

    async def ended(self) -> Told | None:
        """Waits for the last event; None when it broke off."""
        while (last := self.last) is None and not self._broke_off:
            await self._more()
        return last

    async def _more(self) -> None:
        """Until something is appended, or it breaks off."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        await waiting

    def _wake(self) -> None:
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for one in waiting:
                if not one.done():
                    one.set_result(None)
