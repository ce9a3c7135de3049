"""Counts what quotas bound, exactly, over any number of processes and without a transaction for each request.

A process takes a block of what is left from the database and serves requests out of it in memory. Blocks shrink with
what is left, so that near the bound each request is one transaction; what lies idle is given back. What is taken is
written before it is used: nothing more than the bound can ever be used, whatever crashes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from llmflow.errors import LLMFlowError
from llmflow.gateway.quotas import queries
from llmflow.gateway.quotas.types import Window
from llmflow.store.database import Database

_SHARE = 16  # a block is this part of what is left
_IDLE_S = 0.5
_KEEP_MINUTES_S = 3600
_TRIES = 8  # where others take at the same time


@dataclass(slots=True)
class _Held:
    """What this process has taken of a window and not used. Below zero: used before it could be taken."""

    left: int = 0
    used_at: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Ledger:
    """`clock`: seconds that only rise, for what lies idle."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._held: dict[Window, _Held] = {}
        self._tidying: asyncio.Task[None] | None = None
        self._refills: set[asyncio.Task[None]] = set()
        self._is_closed = False

    async def take(self, window: Window, amount: int) -> bool:
        """Whether so much may be used; then it counts as used. Waits only when a new block is needed.

        Raises OrganError when the database does not answer: a quota that cannot be counted lets nothing through."""
        held = self._held.get(window)
        if held is None:
            held = self._held[window] = _Held()
        held.used_at = self._clock()
        if held.left >= amount:
            held.left -= amount
            return True
        async with held.lock:
            if held.left < amount:
                refill = asyncio.create_task(self._refill(window, held, amount - held.left))
                self._refills.add(refill)
                refill.add_done_callback(self._refills.discard)
                await asyncio.shield(refill)  # a caller who leaves must not lose what was taken for it
                self._tidy_later()
            if held.left < amount:
                return False
            held.left -= amount
            return True

    def settle(self, window: Window, taken: int, used: int) -> None:
        """After the call: what was taken too much serves the next one, what was too little counts too."""
        held = self._held.get(window)
        if held is None:
            held = self._held[window] = _Held()
        held.left += taken - used
        held.used_at = self._clock()
        self._tidy_later()

    async def _refill(self, window: Window, held: _Held, needed: int) -> None:
        held.left += await self._block(window, needed)

    async def _block(self, window: Window, needed: int) -> int:
        """At least what is needed, or nothing."""
        if needed > window.bound:
            return 0
        async with self._database.write() as connection:
            for _ in range(_TRIES):
                left = window.bound - await queries.taken(connection, window)
                if left < needed:
                    return 0
                block = max(needed, left // _SHARE)
                if await queries.take(connection, window, block):
                    return block
        return 0

    def _tidy_later(self) -> None:
        if self._tidying is None and not self._is_closed:
            self._tidying = asyncio.create_task(self._tidy())

    async def _tidy(self) -> None:
        """Gives back what lies idle and writes down what was overdrawn, until nothing is held."""
        try:
            while self._held:
                await asyncio.sleep(_IDLE_S)
                idle = self._clock() - _IDLE_S
                await self._give_back([window for window, held in self._held.items() if held.used_at <= idle])
        finally:
            self._tidying = None

    async def _give_back(self, windows: list[Window]) -> None:
        due = {window: self._held[window] for window in windows if not self._held[window].lock.locked()}
        back = {window: held.left for window, held in due.items() if held.left}
        for window, held in due.items():
            held.left = 0  # before anything waits: whoever comes now takes a block of its own
            del self._held[window]
        if not back:
            return
        try:
            async with self._database.write() as connection:
                for window, left in back.items():
                    await queries.give_back(connection, window, left)
                    await queries.forget_minutes(connection, window.quota_id, window.start - _KEEP_MINUTES_S)
        except LLMFlowError:
            for window, left in back.items():  # what was left stays taken; what was overdrawn is not forgotten
                if left < 0:
                    self._held.setdefault(window, _Held(used_at=self._clock())).left += left

    async def close(self) -> None:
        """Gives everything back."""
        self._is_closed = True
        await asyncio.gather(*self._refills, return_exceptions=True)
        if self._tidying is not None:
            self._tidying.cancel()
            await asyncio.gather(self._tidying, return_exceptions=True)
        await self._give_back(list(self._held))
