"""Requests handed on, whole and unread, to the process that leads; and how that one takes them in.

Both are ours and on one machine: a socket in a folder that no other user may enter.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from yarl import URL

from llmflow.errors import OrganError

_CLIENT, _SCHEME = b"x-llmflow-client", b"x-llmflow-scheme"
#: What belongs to one connection and not to the request.
_OF_A_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"expect"}
)
_ADDED_ANEW = _OF_A_HOP | {b"date"}
_CONNECT_S = 10.0
_UNWATCHED_S = 0.05


class Forward:
    """An application that hands everything on to the socket at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        task = asyncio.current_task()
        assert task is not None
        watch = _Watch(receive, task)
        began = False

        async def told(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._handed_on(scope, watch, told)
        except asyncio.CancelledError:
            if not watch.is_gone:
                raise
            task.uncancel()
        except (aiohttp.ClientError, OSError):
            if began:
                raise
            await _away(send)
        finally:
            watch.end()

    async def _handed_on(self, scope: Scope, watch: _Watch, send: Send) -> None:
        headers = [(name, value) for name, value in scope["headers"] if name not in _OF_A_HOP and name != _CLIENT]
        has_body = any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])
        client = scope.get("client")
        told = {_CLIENT: f"{client[1]} {client[0]}".encode() if client else b"", _SCHEME: scope["scheme"].encode()}
        headers = [(name, value) for name, value in headers if name != _SCHEME] + list(told.items())
        query = scope["query_string"].decode("latin-1")
        target = scope.get("raw_path") or scope["path"].encode()
        if not has_body:
            watch.begin_later()
        async with self._open().request(
            scope["method"],
            _url(target.decode("latin-1"), query),
            headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers],
            data=watch.body() if has_body else None,
            allow_redirects=False,
        ) as answer:
            raw = [(name.lower(), value) for name, value in answer.raw_headers if name.lower() not in _ADDED_ANEW]
            await send({"type": "http.response.start", "status": answer.status, "headers": raw})
            async for piece in answer.content.iter_any():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(str(self._path), limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent", "Content-Type"),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S),
            )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def _url(path: str, query: str) -> URL:
    """As it came: nothing in it is quoted anew."""
    return URL(f"http://leader{path}{'?' + query if query else ''}", encoded=True)


async def _away(send: Send) -> None:
    error = OrganError("The process that leads does not answer.", hint="Its log says why.")
    body = msgspec.json.encode(error.body(""))
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _Watch:
    """A request's body, and after it whether its sender has gone: then the task is cancelled."""

    def __init__(self, receive: Receive, task: asyncio.Task[None]) -> None:
        self.is_gone = False
        self._receive = receive
        self._task = task
        self._timer: asyncio.TimerHandle | None = None
        self._watching: asyncio.Task[None] | None = None

    async def body(self) -> AsyncIterator[bytes]:
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._gone()
                return
            if message.get("body"):
                yield message["body"]
            if not message.get("more_body"):
                self.begin_later()
                return

    def begin_later(self) -> None:
        """What is quickly done is not watched."""
        self._timer = asyncio.get_running_loop().call_later(_UNWATCHED_S, self._begin)

    def _begin(self) -> None:
        self._watching = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone()

    def _gone(self) -> None:
        self.is_gone = True
        self._task.cancel()

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()


class Inside:
    """Takes in what a Forward handed on: `app` sees the client's address and scheme."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            port, _, host = headers.get(_CLIENT, b"").decode("latin-1").partition(" ")
            scope["client"] = (host, int(port)) if port.isdigit() else None
            scope["scheme"] = headers.get(_SCHEME, b"http").decode("latin-1")
            scope["headers"] = [one for one in scope["headers"] if one[0] not in (_CLIENT, _SCHEME)]
        await self._app(scope, receive, send)
