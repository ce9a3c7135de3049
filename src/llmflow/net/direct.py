"""HTTP/1.1 to model servers, lean: connections are kept, bytes are handed on as they come, nothing is copied twice.

A request costs a sixth of what it costs over aiohttp, and the gateway makes one for each it gets. What it cannot do
(redirects, cookies, proxies, compression) no model server needs.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import cast

import httptools
from yarl import URL

from llmflow.errors import OrganError
from llmflow.net.client import Guard, MetadataGuard

_IDLE = 64  # connections kept for each server
_IDLE_S = 60.0
_CONNECT_S = 10.0
_HELD_BYTES = 256 * 1024  # read ahead of a slow reader, before the server has to wait
_MAX_BODY_BYTES = 64 * 1024 * 1024
_MAX_HEAD_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Origin:
    """Where to connect to. `base`: the path that requests begin with. `shown`: without what may be secret."""

    host: str
    port: int
    is_tls: bool
    base: str
    shown: str
    host_header: bytes

    @classmethod
    def of(cls, url: str) -> Origin:
        """`url`: an absolute http or https address."""
        parts = URL(url)
        host = parts.host or ""
        named = f"[{host}]" if ":" in host else host
        default = 443 if parts.scheme == "https" else 80
        port = parts.port or default
        header = named if port == default else f"{named}:{port}"
        shown = str(parts.with_query(None).with_fragment(None).with_user(None))
        return cls(host, port, parts.scheme == "https", parts.raw_path.rstrip("/"), shown, header.encode("latin-1"))


class DirectClient:
    """One for each purpose; `guard` as HttpClient's."""

    def __init__(self, *, guard: Guard | MetadataGuard | None = None) -> None:
        self._guard = guard
        self._idle: dict[tuple[str, int, bool], deque[_Connection]] = {}
        self._tls: ssl.SSLContext | None = None

    async def post(
        self, origin: Origin, path: str, *, headers: Mapping[str, str], body: bytes, timeout_s: float
    ) -> DirectResponse:
        """The answer's head; its body is still coming. `timeout_s` bounds each wait, not the whole.

        A kept connection that the server closed meanwhile is replaced once. Raises OrganError (organ_unavailable,
        model_timeout) and Forbidden (address_blocked). The response must be read to its end or closed."""
        head = [f"POST {origin.base}{path} HTTP/1.1\r\nhost: ".encode("latin-1"), origin.host_header]
        for name, value in headers.items():
            head.append(f"\r\n{name}: {value}".encode("latin-1"))
        head.append(b"\r\ncontent-length: %d\r\n\r\n" % len(body))
        head.append(body)
        request = b"".join(head)
        kept = self._kept(origin)
        if kept is not None:
            response = DirectResponse(origin, kept, timeout_s)
            try:
                await kept.send(request, response)
                return response
            except _Stale:
                pass
        fresh = await self._connect(origin, timeout_s)
        response = DirectResponse(origin, fresh, timeout_s)
        try:
            await fresh.send(request, response)
        except _Stale as error:
            raise OrganError(f"{origin.shown} cannot be reached: it closed the connection.") from error
        return response

    async def close(self) -> None:
        for connections in self._idle.values():
            for connection in connections:
                connection.abort()
        self._idle.clear()

    def _kept(self, origin: Origin) -> _Connection | None:
        idle = self._idle.get((origin.host, origin.port, origin.is_tls))
        while idle:
            connection = idle.pop()
            if connection.is_open:
                connection.rouse()
                return connection
        return None

    def keep(self, connection: _Connection) -> None:
        """A connection whose answer is whole."""
        idle = self._idle.setdefault(connection.key, deque())
        if len(idle) >= _IDLE:
            connection.abort()
        else:
            idle.append(connection)
            connection.rest()

    async def _connect(self, origin: Origin, timeout_s: float) -> _Connection:
        wait = min(timeout_s, _CONNECT_S)
        loop = asyncio.get_running_loop()
        connection = _Connection(self, (origin.host, origin.port, origin.is_tls))
        try:
            async with asyncio.timeout(wait):
                reached = await self._address(origin)
                if origin.is_tls:
                    self._tls = self._tls or ssl.create_default_context()
                tls, name = (self._tls, origin.host) if origin.is_tls else (None, None)
                await loop.create_connection(lambda: connection, reached, origin.port, ssl=tls, server_hostname=name)
        except TimeoutError as error:
            raise OrganError(f"{origin.shown} did not answer in {wait:g} s.", code="model_timeout") from error
        except OSError as error:
            raise OrganError(f"{origin.shown} cannot be reached: {error or type(error).__name__}.") from error
        return connection

    async def _address(self, origin: Origin) -> str:
        """The address that is connected to, after the guard saw it: what DNS says next time does not matter."""
        with contextlib.suppress(ValueError):
            ipaddress.ip_address(origin.host.split("%", 1)[0])
            if self._guard is not None:
                self._guard.check(origin.host, origin.host)
            return origin.host
        if self._guard is None:
            return origin.host
        found = await asyncio.get_running_loop().getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
        for address in addresses:
            self._guard.check(origin.host, address)
        return addresses[0]


class _Stale(Exception):
    """The connection ended before the server said anything."""


class _Connection(asyncio.Protocol):
    """One connection; at most one exchange at a time. `key`: whose it is."""

    def __init__(self, client: DirectClient, key: tuple[str, int, bool]) -> None:
        self.key = key
        self.is_open = False
        self._client = client
        self._transport: asyncio.Transport | None = None
        self._response: DirectResponse | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._idle: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self.is_open = cast(asyncio.Transport, transport), True  # uvloop's has no such base

    async def send(self, request: bytes, response: DirectResponse) -> None:
        """Returns when the answer's head is there. Raises _Stale and OrganError."""
        assert self._transport is not None
        self._response = response
        self._parser = response.parser = httptools.HttpResponseParser(response)
        self._transport.write(request)
        try:
            await response.started()
        except BaseException:
            self.abort()
            raise

    def data_received(self, data: bytes) -> None:
        response = self._response
        if response is None or self._parser is None:  # nobody asked
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            response.broke(f"it does not speak HTTP ({error})")
            self.abort()
            return
        response.fed()
        if response.is_whole:
            self._over(keeps=response.keeps)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self.is_open = False
        if self._idle is not None:
            self._idle.cancel()
        if self._response is not None:
            self._response.lost(error)
            self._response = self._parser = None

    def _over(self, *, keeps: bool) -> None:
        self._response = self._parser = None
        if keeps and self.is_open:
            self._client.keep(self)
        else:
            self.abort()

    def rest(self) -> None:
        """Nobody uses it: closed after a minute."""
        self.resume()
        self._idle = asyncio.get_running_loop().call_later(_IDLE_S, self.abort)

    def rouse(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def pause(self) -> None:
        if self._transport is not None and self.is_open:
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport is not None and self.is_open:
            self._transport.resume_reading()

    def abort(self) -> None:
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()


class DirectResponse:
    """An answer whose body is still coming: `read` it whole, or its pieces as they come, or `close` it."""

    def __init__(self, origin: Origin, connection: _Connection, timeout_s: float) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.is_whole = False
        self.keeps = False
        self.parser: httptools.HttpResponseParser | None = None
        self._origin = origin
        self._connection = connection
        self._timeout_s = timeout_s
        self._pieces: list[bytes] = []
        self._held = 0
        self._head = 0
        self._has_head = False
        self._paused = False
        self._error: OrganError | None = None
        self._is_stale = False
        self._waiter: asyncio.Future[None] | None = None

    # what the parser calls

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head += len(name) + len(value)
        if self._head > _MAX_HEAD_BYTES:
            raise httptools.HttpParserError("the head is too long")
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        assert self.parser is not None
        self.status = self.parser.get_status_code()
        self._has_head = self.status >= 200
        self.keeps = bool(self.parser.should_keep_alive())  # the parser has forgotten it when the message is complete

    def on_body(self, body: bytes) -> None:
        self._pieces.append(body)
        self._held += len(body)

    def on_message_complete(self) -> None:
        if self._has_head:
            self.is_whole = True
        else:  # 100 Continue: the answer comes after it
            self.headers.clear()

    # what the connection calls

    def fed(self) -> None:
        """Bytes were parsed."""
        if self._held > _HELD_BYTES and not self._paused and not self.is_whole:
            self._paused = True
            self._connection.pause()
        if self._waiter is not None and (self._has_head or self._pieces):
            self._wake()

    def broke(self, why: str) -> None:
        self._error = OrganError(f"{self._origin.shown} cannot be reached: {why}.")
        self._wake()

    def lost(self, error: Exception | None) -> None:
        if self._has_head and error is None and not self.headers.keys() & {"content-length", "transfer-encoding"}:
            self.is_whole = True  # such an answer ends with its connection
        if not self.is_whole:
            self._is_stale = not self._has_head and not self._head
            self._error = self._error or OrganError(
                f"{self._origin.shown} cannot be reached: {error or 'it closed the connection'}."
            )
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        self._waiter = None

    # what readers call

    async def started(self) -> None:
        while not self._has_head:
            if self._is_stale:
                raise _Stale
            if self._error is not None:
                raise self._error
            await self._wait()

    async def read(self) -> bytes:
        """The whole body. Raises OrganError when it breaks off, and when it is too long."""
        while not self.is_whole:
            if self._error is not None:
                raise self._error
            if self._held > _MAX_BODY_BYTES:
                self.close()
                raise OrganError(f"{self._origin.shown} answered more than {_MAX_BODY_BYTES} bytes.")
            self._flow()
            await self._wait()
        return b"".join(self._pieces)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises OrganError when it breaks off."""
        while (piece := await self.piece()) is not None:
            yield piece

    async def piece(self) -> bytes | None:
        """What came since the last one; None at the end. Raises OrganError when it breaks off."""
        while not self._pieces:
            if self.is_whole:
                return None
            if self._error is not None:
                raise self._error
            await self._wait()
        found = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._held = 0
        self._flow()
        return found

    def _flow(self) -> None:
        if self._paused:
            self._paused = False
            self._connection.resume()

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        waiter = self._waiter = loop.create_future()
        timer = loop.call_later(self._timeout_s, self._late)
        try:
            await waiter
        finally:
            timer.cancel()

    def _late(self) -> None:
        shown, seconds = self._origin.shown, self._timeout_s
        self._error = OrganError(f"{shown} did not answer in {seconds:g} s.", code="model_timeout")
        self._connection.abort()
        self._wake()

    def close(self) -> None:
        """Stops the server where it still answers; a response that is whole has given its connection back already."""
        if not self.is_whole:
            self._connection.abort()
