"""Answers kept for the same question asked again, and questions asked at the same moment answered once.

Opt-in for each route. Nobody reads another's answer: whoever asks is part of what an answer is found by, as the route's
scope says, and where that is not known nothing is kept.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from hashlib import blake2b
from typing import Generic, TypeVar

from prometheus_client import Counter

from llmflow.errors import LLMFlowError
from llmflow.gateway.asker import Asker
from llmflow.gateway.routes import Caching

T = TypeVar("T")
HITS = Counter("llmflow_gateway_cached_total", "Answers given again or shared", ["how"])
_BYTES = 64 * 1024 * 1024
_MOST_BYTES = 1024 * 1024  # of one answer


def key_of(rule: Caching, asker: Asker, temperature: float | None, *said: bytes) -> bytes | None:
    """What an answer is found by; None: it must not be kept. `said`: all that the answer depends on."""
    if (1.0 if temperature is None else temperature) > rule.most_temperature:
        return None
    who = _who(rule, asker)
    if who is None or not asker.workspace_id:
        return None
    digest = blake2b(digest_size=32)
    for part in (asker.workspace_id.encode(), rule.scope.encode(), who.encode(), *said):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


def _who(rule: Caching, asker: Asker) -> str | None:
    match rule.scope:
        case "workspace":
            return ""
        case "app":
            return asker.app_id
        case "key":
            return asker.key_id or asker.account_id
        case "user":
            if asker.end_user_id or asker.account_id:
                return asker.end_user_id or asker.account_id
            return f"{asker.key_id}\0{asker.user}" if asker.key_id and asker.user else None


class Recording(Generic[T]):
    """An answer as it comes, for any number of readers; when the last one leaves early, it is broken off."""

    def __init__(self, pieces: AsyncGenerator[T], size_of: Callable[[T], int]) -> None:
        self.size = 0
        self.is_whole = False
        self.error: LLMFlowError | None = None
        self._pieces: list[T] = []
        self._size_of = size_of
        self._news = asyncio.Event()
        self._readers = 0
        self._task = asyncio.get_running_loop().create_task(self._run(pieces), name="recording")

    async def _run(self, pieces: AsyncGenerator[T]) -> None:
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    self._pieces.append(piece)
                    self.size += self._size_of(piece)
                    self._tell()
            self.is_whole = True
        except LLMFlowError as error:
            self.error = error
        finally:
            self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    @property
    def is_over(self) -> bool:
        return self._task.done() or self.is_whole or self.error is not None

    async def read(self) -> AsyncGenerator[T]:
        """From its first piece on. Raises the error it ended with."""
        self._readers += 1
        at = 0
        try:
            while True:
                news = self._news
                while at < len(self._pieces):
                    at += 1
                    yield self._pieces[at - 1]
                if self.error is not None:
                    raise self.error
                if self.is_over:
                    return
                if at == len(self._pieces):
                    await news.wait()
        finally:
            self._readers -= 1
            if not self._readers and not self.is_over:
                self._task.cancel()


class Answers:
    """At most 64 MB of them; the longest unused go first."""

    def __init__(self, *, most_bytes: int = _BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        self._most_bytes = most_bytes
        self._clock = clock
        self._bytes = 0
        self._kept: OrderedDict[bytes, tuple[float, Recording[object]]] = OrderedDict()
        self._running: dict[bytes, Recording[object]] = {}

    def find(self, key: bytes) -> Recording[object] | None:
        """One that is whole and fresh, or on its way."""
        running = self._running.get(key)
        if running is not None and (running.is_whole or not running.is_over):
            HITS.labels("shared").inc()
            return running
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept[0] <= self._clock():
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        HITS.labels("kept").inc()
        return kept[1]

    def record(
        self, key: bytes, pieces: AsyncGenerator[T], size_of: Callable[[T], int], *, seconds: float
    ) -> Recording[T]:
        """Takes the pieces for all who ask for them meanwhile; kept once whole."""
        recording = Recording(pieces, size_of)
        self._running[key] = recording  # type: ignore[assignment]
        recording._task.add_done_callback(lambda _: self._keep(key, recording, seconds))  # type: ignore[arg-type]
        return recording

    def _keep(self, key: bytes, recording: Recording[object], seconds: float) -> None:
        if self._running.get(key) is recording:
            del self._running[key]
        if not recording.is_whole or recording.size > min(_MOST_BYTES, self._most_bytes):
            return
        self._drop(key)
        self._kept[key] = (self._clock() + seconds, recording)
        self._bytes += recording.size
        while self._bytes > self._most_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: bytes) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._bytes -= kept[1].size
