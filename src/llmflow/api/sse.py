"""Server-sent events: one lean response for every stream, which knows when its reader has gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Mapping
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

T = TypeVar("T")
_UNWATCHED_S = 0.05
#: In a request's scope: an asyncio.Event that ends its stream.
UNTIL = "llmflow.until"
#: A comment, which readers pass over; proxies see that the line lives.
PING = b": ping\n\n"
_HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}


class EventStream(Response):
    """Sends what `events` yields, whole events as bytes, as they come; `ping` is sent every `ping_s` in between.

    When the reader goes, `events` is cancelled where it waits and closed; so it is when the server stops, and when the
    event that the request's scope has under `UNTIL` is set."""

    def __init__(
        self,
        events: AsyncGenerator[bytes],
        *,
        headers: Mapping[str, str] | None = None,
        ping: bytes = b"",
        ping_s: float = 10.0,
    ) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers({**_HEADERS, "content-type": "text/event-stream; charset=utf-8", **(headers or {})})
        self._events = events
        self._ping = ping
        self._ping_s = ping_s
        self._is_over = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        until: asyncio.Event | None = scope.get(UNTIL)
        writer = asyncio.create_task(self._write(send))
        ends = [asyncio.create_task(_gone(receive)), *([asyncio.create_task(until.wait())] if until else [])]
        others = [asyncio.create_task(self._pinging(send))] if self._ping else []
        try:
            await asyncio.wait([writer, *ends], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (writer, *ends, *others):
                task.cancel()
            await asyncio.gather(writer, *ends, *others, return_exceptions=True)
            await self._events.aclose()
        if until and until.is_set() and not self._is_over:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        if not writer.cancelled() and (error := writer.exception()) is not None and not isinstance(error, OSError):
            raise error

    async def _write(self, send: Send) -> None:
        async for piece in self._events:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        self._is_over = True  # a ping behind the end would be no part of the answer
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _pinging(self, send: Send) -> None:
        while True:
            await asyncio.sleep(self._ping_s)
            if self._is_over:
                return
            await send({"type": "http.response.body", "body": self._ping, "more_body": True})


async def _gone(receive: Receive) -> None:
    """Returns when the reader has disconnected."""
    while (await receive())["type"] != "http.disconnect":
        pass


def event(data: bytes) -> bytes:
    """One event that carries `data`, which has no line breaks (JSON)."""
    return b"data: " + data + b"\n\n"


class ReaderGone(Exception):
    """The client has disconnected; nobody waits for the answer."""


async def until_gone(request: Request, work: Awaitable[T]) -> T:
    """The result of `work`, which is cancelled when the reader goes: then ReaderGone is raised. The body must have
    been read before. Work that is quickly done is not watched: most is, and watching costs as much as routing it."""
    task = asyncio.current_task()
    assert task is not None
    watch = _Watch(request.receive, task)
    timer = asyncio.get_running_loop().call_later(_UNWATCHED_S, watch.begin)
    try:
        return await work
    except asyncio.CancelledError:
        if not watch.is_gone:
            raise
        task.uncancel()
        raise ReaderGone from None
    finally:
        timer.cancel()
        watch.end()


class _Watch:
    """Cancels a task when the reader has gone."""

    def __init__(self, receive: Receive, task: asyncio.Task[Any]) -> None:
        self.is_gone = False
        self._receive = receive
        self._task = task
        self._watching: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self._watching = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        await _gone(self._receive)
        self.is_gone = True
        self._task.cancel()

    def end(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
