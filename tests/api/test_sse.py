from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from llmflow.api.sse import UNTIL, EventStream, event


async def _served(
    stream: EventStream, sent: list[dict[str, Any]], gone: asyncio.Event, until: asyncio.Event | None = None
) -> None:
    async def receive() -> dict[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await stream({"type": "http", **({UNTIL: until} if until else {})}, receive, send)


async def test_a_stream_that_says_nothing_yet_is_kept_alive_by_pings() -> None:
    pinged, sent = asyncio.Event(), list[dict[str, Any]]()

    async def events() -> AsyncGenerator[bytes]:
        while [message.get("body") for message in sent].count(b": ping\n\n") < 2:
            await asyncio.sleep(0.001)
        pinged.set()
        yield event(b"{}")

    await _served(EventStream(events(), ping=b": ping\n\n", ping_s=0.001), sent, asyncio.Event())
    assert pinged.is_set()
    bodies = [message["body"] for message in sent[1:]]
    assert [body for body in bodies if body != b": ping\n\n"] == [b"data: {}\n\n", b""]
    assert sent[-1]["more_body"] is False


async def test_events_are_closed_when_the_reader_goes() -> None:
    gone, closed = asyncio.Event(), asyncio.Event()

    async def events() -> AsyncGenerator[bytes]:
        try:
            yield b"data: 1\n\n"
            gone.set()
            await asyncio.Event().wait()
        finally:
            closed.set()

    await _served(EventStream(events()), [], gone)
    assert closed.is_set()


async def test_a_stream_ends_when_what_its_caller_may_do_has_changed() -> None:
    until, closed, sent = asyncio.Event(), asyncio.Event(), list[dict[str, Any]]()

    async def events() -> AsyncGenerator[bytes]:
        try:
            yield b"data: 1\n\n"
            until.set()
            await asyncio.Event().wait()
        finally:
            closed.set()

    await _served(EventStream(events()), sent, asyncio.Event(), until)
    assert closed.is_set()
    assert [message["body"] for message in sent[1:]] == [b"data: 1\n\n", b""]
    assert sent[-1]["more_body"] is False
