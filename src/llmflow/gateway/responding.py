"""Responses, OpenAI's newer words: by the server's own /responses where it has one, else as a chat.

Nothing is kept, here or at the server: what was said stands in each request.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol
from weakref import WeakKeyDictionary

import msgspec

from llmflow.errors import OrganError
from llmflow.gateway.asked import Asked
from llmflow.gateway.ledger import Entry
from llmflow.gateway.passing import usage_in
from llmflow.gateway.relay import Relay, wired_whole, within
from llmflow.gateway.types import Leg
from llmflow.ports.llm import Wire

_PATH = "/responses"
_LACKS_S = 600.0  # a server may get it with its next version
_MAX_EVENT_BYTES = 16 * 1024 * 1024
_WAITING = ("response.created", "response.in_progress", "response.queued")
_ENDS = (b'"response.completed"', b'"response.incomplete"', b'"response.failed"')


class Telling(Protocol):
    """Makes a response of a chat completion."""

    def whole(self, chat: bytes) -> bytes:
        """Of one that is whole."""

    def events(self, chunks: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        """Of a stream; closing it closes `chunks`."""


class Responding:
    """`as_chat` gives the request as a chat, and raises UsageError where a chat has no words for it."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._lacks: WeakKeyDictionary[Wire, float] = WeakKeyDictionary()  # until when it is not asked again

    async def whole(self, asked: Asked, as_chat: Callable[[], Asked], telling: Telling) -> bytes:
        """Raises as `Gateway.stream`."""

        async def ask(leg: Leg, entry: Entry) -> bytes:
            if self._has(leg):
                try:
                    return await wired_whole(leg, _PATH, kept, entry)
                except OrganError as error:
                    self._note(leg, error)
            return telling.whole(await self._relay.chat_at(leg, as_chat(), entry))

        async def once() -> AsyncGenerator[bytes]:
            yield await self._relay.answered("responses", asked, ask, as_chat)

        kept = _unkept(asked)
        shared = await self._relay.shared(asked, once)
        async with aclosing(shared or once()) as pieces:
            return b"".join([piece async for piece in pieces])

    async def stream(self, asked: Asked, as_chat: Callable[[], Asked], telling: Telling) -> AsyncGenerator[bytes]:
        """Events; the first piece comes with the model's first word. Raises as `Relay.chat_stream`."""
        kept = _unkept(asked)

        async def open(leg: Leg, entry: Entry, first_s: float) -> AsyncGenerator[bytes]:
            if self._has(leg):
                native = _native(leg, kept, entry, first_s)
                try:
                    first = await anext(native, b"")
                except OrganError as error:
                    self._note(leg, error)
                else:
                    async with aclosing(native):
                        yield first
                        async for piece in native:
                            yield piece
                    return
            chunks = self._relay.chat_pieces(leg, as_chat(), entry, first_s)
            async with aclosing(telling.events(chunks)) as events:
                async for piece in events:
                    yield piece

        def fresh() -> AsyncGenerator[bytes]:
            return self._relay.streamed("responses", asked, open, as_chat)

        shared = await self._relay.shared(asked, fresh)
        async with aclosing(shared or fresh()) as pieces:
            async for piece in pieces:
                yield piece

    def _has(self, leg: Leg) -> bool:
        wire = leg.deployment.wire
        return wire is not None and self._lacks.get(wire, 0.0) <= time.monotonic()

    def _note(self, leg: Leg, error: OrganError) -> None:
        """That the server has no such path is no failure of it; anything else is raised."""
        wire = leg.deployment.wire
        if error.code != "model_address_wrong" or wire is None:
            raise error
        self._lacks[wire] = time.monotonic() + _LACKS_S


def _unkept(asked: Asked) -> Asked:
    return replace(asked, fields={**asked.fields, "store": msgspec.Raw(b"false")})


async def _native(leg: Leg, asked: Asked, entry: Entry, first_s: float) -> AsyncGenerator[bytes]:
    """A server's own events, whole ones, from the first that says something on."""
    assert leg.deployment.wire is not None
    answer = await within(first_s, leg.deployment.wire.post(_PATH, asked.fields_for(leg.model)))
    events = _Events(entry)
    try:
        while (piece := await within(first_s, answer.piece())) is not None:
            if held := events.begin(piece):
                yield held
                break
        while (piece := await answer.piece()) is not None:
            if shown := events.piece(piece):
                yield shown
        events.end()
    except OrganError as error:
        if error.code == "organ_unavailable" and events.has_begun:
            if events.is_finished:
                return
            message = f"The model server's stream ended early: {error.message}"
            raise OrganError(message, code="model_failed") from error
        raise
    finally:
        answer.close()


class _Event(msgspec.Struct):
    type: str = ""
    message: str | None = None
    response: msgspec.Raw = msgspec.Raw(b"null")


class _Failed(msgspec.Struct):
    error: dict[str, object] | None = None


class _Events:
    """Cuts a stream into whole events, and looks at the first ones and the last."""

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._carry = b""
        self.has_begun = self.is_finished = False

    def begin(self, piece: bytes) -> bytes:
        """Held until the model says something. Raises OrganError where it failed before."""
        self._carry = (self._carry + piece).replace(b"\r\n", b"\n")
        at = self._carry.rfind(b"\n\n") + 2
        if len(self._carry) > _MAX_EVENT_BYTES:
            raise OrganError(f"The server sent one event of over {_MAX_EVENT_BYTES} bytes.", code="model_failed")
        if at < 2 or not any(_speaks(event) for event in self._carry[:at].split(b"\n\n")):
            return b""
        ready, self._carry = self._carry[:at], self._carry[at:]
        self.has_begun = True
        return self._seen(ready)

    def piece(self, piece: bytes) -> bytes:
        self._carry = (self._carry + piece).replace(b"\r\n", b"\n")
        at = self._carry.rfind(b"\n\n") + 2
        if at < 2:
            if len(self._carry) > _MAX_EVENT_BYTES:
                raise OrganError(f"The server sent one event of over {_MAX_EVENT_BYTES} bytes.", code="model_failed")
            return b""
        ready, self._carry = self._carry[:at], self._carry[at:]
        return self._seen(ready)

    def end(self) -> None:
        """Raises OrganError (model_failed) for an answer that was not over."""
        if not self.is_finished:
            raise OrganError("The model server's stream ended early.", code="model_failed")

    def _seen(self, events: bytes) -> bytes:
        self._entry.pieces += events.count(b".delta")
        if any(end in events for end in _ENDS):
            self.is_finished = True
            self._entry.usage = usage_in(events) or self._entry.usage
        return events


def _speaks(event: bytes) -> bool:
    data = b"".join(line[5:].strip() for line in event.split(b"\n") if line.startswith(b"data:"))
    if not data or data == b"[DONE]":
        return False
    try:
        read = msgspec.json.decode(data, type=_Event)
        if read.type == "response.failed":
            failed = msgspec.json.decode(read.response, type=_Failed).error or {}
            raise OrganError(f"The model server says: {failed.get('message') or failed}", code="model_failed")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        shown = data[:80].decode("utf-8", "replace")
        raise OrganError(
            f"The model server sent something that is no event: {shown!r}.", code="model_failed"
        ) from error
    if read.type == "error" or (not read.type and b'"error"' in data):
        raise OrganError(f"The model server says: {read.message or data[:200].decode()}", code="model_failed")
    return read.type not in _WAITING
