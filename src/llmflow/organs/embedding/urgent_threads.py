"""A few threads that work on small pieces, the most urgent first: a question never waits for a long ingest."""

from __future__ import annotations

import asyncio
import itertools
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_STOP = -1  # before all else


class _Batch(Generic[Item, Result]):
    """One caller's items; its future ends with the last of them, or with the first that fails."""

    def __init__(self, work: Callable[[Item], Result], items: Sequence[Item]) -> None:
        self._work, self._items = work, items
        self._results: dict[int, Result] = {}
        self._left = len(items)
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[list[Result]] = self._loop.create_future()
        self._lock = threading.Lock()

    def run(self, index: int) -> None:
        if self.future.done():  # cancelled, or failed in another thread
            return
        try:
            result = self._work(self._items[index])
        except Exception as fault:  # noqa: BLE001 - it is the caller's, who awaits the future
            self._tell(self._end, fault)
            return
        with self._lock:
            self._results[index] = result
            self._left -= 1
            whole = self._left == 0
        if whole:
            self._tell(self._end)

    def drop(self) -> None:
        self._tell(self.future.cancel)

    def _end(self, fault: Exception | None = None) -> None:
        if self.future.done():
            return
        if fault is None:
            self.future.set_result([self._results[i] for i in range(len(self._items))])
        else:
            self.future.set_exception(fault)

    def _tell(self, what: Callable[..., object], *values: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what, *values)


class UrgentThreads:
    """`count` threads, started with the first work. `name` shows in thread lists."""

    def __init__(self, count: int, name: str) -> None:
        self._count, self._name = count, name
        self._queue: queue.PriorityQueue[tuple[int, int, _Batch[object, object] | None, int]] = queue.PriorityQueue()
        self._order = itertools.count()
        self._threads: list[threading.Thread] = []
        self._closed = False

    async def map(self, work: Callable[[Item], Result], items: Sequence[Item], *, rank: int) -> list[Result]:
        """`work` of each item, in order. Lower ranks go first (0 and above), equal ranks in order of arrival.
        Raises what `work` raises; cancelling drops the items not yet begun. RuntimeError after `close`."""
        if self._closed:
            raise RuntimeError(f"{self._name} is closed")
        if not items:
            return []
        self._start()
        batch = _Batch(work, items)
        for index in range(len(items)):
            self._queue.put((rank, next(self._order), batch, index))  # type: ignore[arg-type]  # the queue is mixed
        return await batch.future

    async def close(self) -> None:
        """Ends after the items in hand; callers of the others see their wait cancelled."""
        self._closed = True
        for _ in self._threads:
            self._queue.put((_STOP, next(self._order), None, 0))
        await asyncio.to_thread(self._join)
        while not self._queue.empty():
            batch = self._queue.get_nowait()[2]
            if batch is not None:
                batch.drop()

    def _start(self) -> None:
        for number in range(len(self._threads), self._count):
            thread = threading.Thread(target=self._serve, name=f"{self._name}-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self) -> None:
        while True:
            _, _, batch, index = self._queue.get()
            if batch is None:
                return
            batch.run(index)

    def _join(self) -> None:
        for thread in self._threads:
            thread.join()
