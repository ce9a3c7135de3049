"""Responses, OpenAI's newer words: by the server's own /responses where it has one, else as a chat.

Nothing is kept, here or at the server: what was said stands in each request.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Protocol
from weakref import WeakKeyDictionary

import msgspec

from llmflow.errors import LLMFlowError, OrganError
from llmflow.gateway.asked import Asked
from llmflow.gateway.ledger import Entry
from llmflow.gateway.passing import whole_in
from llmflow.gateway.relay import Relay, wired_whole, within
from llmflow.gateway.types import Leg
from llmflow.ports.llm import Wire

_PATH = "/responses"
_LACKS_S = 600.0  # a server may get it with its next version
_MAX_EVENT_BYTES = 16 * 1024 * 1024
_WAITING = ("response.created", "response.in_progress", "response.queued")
_ENDS = ("response.completed", "response.incomplete", "response.failed")
_SIGNS = tuple(f'"{one}"'.encode() for one in _ENDS)


class ToldFailure(OrganError):
    """What the last event of a stream has told its reader already."""


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
        shared = await self._relay.shared("responses", asked, once)
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

        shared = await self._relay.shared("responses", asked, fresh)
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
            if events.is_finished:  # only a clean end was missing
                events.end()
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
        self._failure: ToldFailure | None = None

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
        """Raises OrganError (model_failed) for an answer that was not over, ToldFailure for one that failed."""
        if self._failure is not None:
            raise self._failure
        if not self.is_finished:
            raise OrganError("The model server's stream ended early.", code="model_failed")

    def _seen(self, events: bytes) -> bytes:
        self._entry.pieces += events.count(b'.delta"')  # in the data; a line `event:` has no quotation mark
        if any(sign in events for sign in _SIGNS):
            for event in events.split(b"\n\n"):
                self._end_in(event)
        return events

    def _end_in(self, event: bytes) -> None:
        """A response repeats what its request said, so that its usage is looked for at its own place."""
        if not any(sign in event for sign in _SIGNS) or (read := _read(event)) is None or read.type not in _ENDS:
            return
        self.is_finished = True
        if read.type == "response.failed":
            self._failure = ToldFailure(_failure_in(read), code="model_failed")
        with suppress(LLMFlowError):
            self._entry.usage = whole_in(read.response).usage or self._entry.usage


def _read(event: bytes) -> _Event | None:
    """None: a comment, or the end. Raises OrganError for data that is no event."""
    data = _data_of(event)
    if not data or data == b"[DONE]":
        return None
    try:
        return msgspec.json.decode(data, type=_Event)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        shown = data[:80].decode("utf-8", "replace")
        raise OrganError(
            f"The model server sent something that is no event: {shown!r}.", code="model_failed"
        ) from error


def _data_of(event: bytes) -> bytes:
    return b"".join(line[5:].strip() for line in event.split(b"\n") if line.startswith(b"data:"))


def _speaks(event: bytes) -> bool:
    read = _read(event)
    if read is None:
        return False
    if read.type == "response.failed":
        raise OrganError(_failure_in(read), code="model_failed")
    data = _data_of(event)
    if read.type == "error" or (not read.type and b'"error"' in data):
        shown = read.message or data[:200].decode("utf-8", "replace")
        raise OrganError(f"The model server says: {shown}", code="model_failed")
    return read.type not in _WAITING


def _failure_in(failed: _Event) -> str:
    try:
        said = msgspec.json.decode(failed.response, type=_Failed).error or {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = {}
    return f"The model server says: {said.get('message') or said}"
