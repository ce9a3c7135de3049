"""What calls cost, summed by day and by who made them; written off the calls' way, a second later at most."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from llmflow.errors import LLMFlowError
from llmflow.gateway.asker import Asker
from llmflow.gateway.quotas import queries
from llmflow.gateway.quotas.types import Spent, Sums, day_of
from llmflow.gateway.types import UsageRecord
from llmflow.store.database import Database

_LINGER_S = 1.0
_MOST_WAITING = 10_000  # kinds of rows, while the database does not answer


class Spend:
    """`clock`: Unix seconds."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._sums: dict[Spent, Sums] = {}
        self._writing: asyncio.Task[None] | None = None

    def add(self, asker: Asker, record: UsageRecord, nano_usd: int) -> None:
        """On the event loop; does not wait."""
        about = Spent(
            day=day_of(self._clock()),
            workspace_id=asker.workspace_id,
            key_id=asker.key_id or "",
            account_id=asker.account_id or "",
            app_id=asker.app_id or "",
            end_user_id=asker.end_user_id or "",
            operation=record.operation,
            deployment=record.deployment,
            model=record.model,
        )
        sums = self._sums.get(about)
        if sums is None:
            sums = self._sums[about] = Sums()
        sums.requests += 1
        sums.failures += record.outcome not in ("ok", "cancelled")
        sums.estimated += record.is_estimated
        sums.prompt_tokens += record.prompt_tokens
        sums.completion_tokens += record.completion_tokens
        sums.nano_usd += nano_usd
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_later())

    async def _write_later(self) -> None:
        try:
            while self._sums:
                await asyncio.sleep(_LINGER_S)
                await self.flush()
        finally:
            self._writing = None

    async def flush(self) -> None:
        """Writes what was added; keeps it for the next time when the database does not answer."""
        written, self._sums = self._sums, {}
        if not written:
            return
        try:
            await queries.add_spent(self._database, written)
        except LLMFlowError:
            if len(self._sums) + len(written) > _MOST_WAITING:
                return
            for about, sums in written.items():
                there = self._sums.setdefault(about, Sums())
                for name in Sums.__slots__:
                    setattr(there, name, getattr(there, name) + getattr(sums, name))

    async def close(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        await self.flush()
