"""A model server that does what a test tells it: answers, streams, hangs, resets, talks garbage, breaks off."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Received:
    """`body`: of a JSON request."""

    method: str
    path: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.raw)
        return found


Act = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Some\r\n{lines}\r\n".encode()


def answers(body: Any, status: int = 200, **headers: str) -> Act:
    """JSON, or bytes as they are; `headers` with _ for -."""

    async def act(request: Received, writer: asyncio.StreamWriter) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        told = {"content-type": "application/json", "content-length": str(len(raw)), **given}
        writer.write(_head(status, told) + raw)

    return act


def refuses(status: int, message: str = "no", **headers: str) -> Act:
    return answers({"error": {"message": message, "type": "x", "code": None}}, status, **headers)


def completion(text: str = "안녕", **more: Any) -> Act:
    """A chat completion, whole or streamed as the request asks."""

    async def act(request: Received, writer: asyncio.StreamWriter) -> None:
        if request.body.get("stream"):
            await streams(*(word(one) for one in text.split(" ")), finish(), usage(), b"[DONE]")(request, writer)
            return
        message = {"role": "assistant", "content": text, **more}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        body = {"id": "c1", "object": "chat.completion", "created": 1, "model": "up", "choices": [choice]}
        counted = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
        await answers({**body, "usage": counted})(request, writer)

    return act


def _chunk(delta: dict[str, Any], reason: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "up", "choices": [choice]}
    return json.dumps(head | more, ensure_ascii=False).encode()


def role() -> bytes:
    return _chunk({"role": "assistant", "content": ""})


def word(text: str) -> bytes:
    return _chunk({"content": text})


def finish(reason: str = "stop") -> bytes:
    return _chunk({}, reason)


def usage() -> bytes:
    return _chunk({}, choices=[], usage={"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9})


def broken(message: str = "CUDA died") -> bytes:
    return json.dumps({"error": {"message": message}}).encode()


def streams(*events: bytes, ends: bool = True, waits: asyncio.Event | None = None) -> Act:
    """Server-sent events; `ends` False: the connection is cut behind the last one; `waits`: it hangs there."""

    async def act(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(_head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"}))
        for event in events:
            data = b"data: " + event + b"\n\n"
            writer.write(b"%x\r\n" % len(data) + data + b"\r\n")
            await writer.drain()
            await asyncio.sleep(0)
        if waits is not None:
            await waits.wait()
        if ends:
            writer.write(b"0\r\n\r\n")
        else:
            writer.transport.abort()

    return act


def hangs() -> Act:
    async def act(request: Received, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    return act


def resets() -> Act:
    async def act(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    return act


@dataclass
class Upstream:
    """`does`: what it does next, and then `default`. `models`: what it lists. `seen`: all that was posted."""

    models: list[str] = field(default_factory=lambda: ["up"])
    default: Act = field(default_factory=completion)
    does: list[Act] = field(default_factory=list)
    seen: list[Received] = field(default_factory=list)
    routes: dict[str, Act] = field(default_factory=dict)
    port: int = 0
    gone: int = 0  # connections that the other side closed

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                request = await _read(reader)
                if request is None:
                    return
                await self._act(request)(request, writer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.gone += 1
            writer.close()

    def _act(self, request: Received) -> Act:
        if request.path in self.routes:
            self.seen += [request] if request.method == "POST" else []
            return self.routes[request.path]
        if request.path.partition("?")[0].endswith("/models"):
            return answers({"object": "list", "data": [{"id": name, "max_model_len": 4096} for name in self.models]})
        self.seen.append(request)
        if request.path.endswith("/responses"):  # only some have it: those with a route of that name
            return refuses(404, "Not Found")
        return self.does.pop(0) if self.does else self.default


async def _read(reader: asyncio.StreamReader) -> Received | None:
    head = await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b""
    if not head:
        return None
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Received(method, path, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


@asynccontextmanager
async def upstream(**options: Any) -> AsyncIterator[Upstream]:
    """In this event loop."""
    about = Upstream(**options)
    server = await asyncio.start_server(about.serve, "127.0.0.1", 0)
    about.port = server.sockets[0].getsockname()[1]
    try:
        yield about
    finally:
        server.close()


@contextmanager
def upstream_thread(**options: Any) -> Iterator[Upstream]:
    """In a thread of its own, for servers in other processes."""
    about = Upstream(**options)
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    server: asyncio.Server | None = None

    async def main() -> None:
        nonlocal server
        server = await asyncio.start_server(about.serve, "127.0.0.1", 0)
        about.port = server.sockets[0].getsockname()[1]
        ready.set()

    async def end() -> None:
        """Nothing is left pending: what is thrown away later complains in the middle of another test."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if server is not None:
            server.close()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(main())
        loop.run_forever()
        loop.run_until_complete(end())
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield about
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
