"""What wakes those who take up work: many calls in a short time are heard as one."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from llmflow.errors import OrganError

_QUIET_S = 0.2  # it is heard once nobody has rung for this long
_GATHER_S = 1.0  # or this long after the first ring
_WAIT_S = 5.0  # after a fault

_log = logging.getLogger(__name__)


class Bell:
    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Cheap; called after every upload."""
        self._rung.set()

    async def answer(self, work: Callable[[], Awaitable[None]]) -> None:
        """Works each time it is heard, without end. After a fault it pauses and tries again by itself."""
        while True:
            await self._heard()
            try:
                await work()
            except OrganError as error:  # a full disk, a store that is down: the rows wait, so do we
                _log.warning("Documents wait: %s", error)
                await self._later()
            except Exception:  # noqa: BLE001 - the job runner's border: were this to end, no upload would be read
                _log.exception("A fault of ours while taking up documents")
                await self._later()

    async def _heard(self) -> None:
        await self._rung.wait()
        first = time.monotonic()
        while time.monotonic() - first < _GATHER_S:
            self._rung.clear()
            try:
                async with asyncio.timeout(_QUIET_S):
                    await self._rung.wait()
            except TimeoutError:
                break
        self._rung.clear()

    async def _later(self) -> None:
        await asyncio.sleep(_WAIT_S)
        self._rung.set()
