"""A stream of OpenAI's chunks on its way through: whole events go on as they came.

Only the first events, and those that carry usage or an error, are parsed. The names looked for cannot stand inside a
text: a quotation mark there is escaped.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from llmflow.errors import LLMFlowError, OrganError, UsageError
from llmflow.gateway.chunks import DONE, Head, encode, tail
from llmflow.gateway.ledger import Entry
from llmflow.ports.llm import TokenUsage

_MAX_EVENT_BYTES = 16 * 1024 * 1024
_SHOWN = 500
#: What an event that must be read has in it.
_SIGNS = (b'"usage":{', b'"usage": {', b'"error":')
_CONTEXT = ("context length", "context window", "maximum context", "context size", "prompt is too long")


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None  # /responses, audio
    output_tokens: int | None = None
    total_tokens: int | None = None


class _Choice(msgspec.Struct):
    finish_reason: str | None = None
    delta: dict[str, Any] | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = None


class _WholeChoice(msgspec.Struct):
    finish_reason: str | None = None


class _Whole(msgspec.Struct):
    choices: list[_WholeChoice] | None = None
    usage: _Usage | None = None
    error: Any = None


_CHUNK = msgspec.json.Decoder(_Chunk)
_WHOLE = msgspec.json.Decoder(_Whole)


class Read(msgspec.Struct, frozen=True):
    """What is noted of a whole answer."""

    usage: TokenUsage | None
    reason: str | None


def whole_in(body: bytes) -> Read:
    """Raises OrganError (model_failed) for what is no JSON object or an error."""
    try:
        read = _WHOLE.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _garbage(body) from error
    if read.error:
        raise _failure(read.error)
    reason = read.choices[0].finish_reason if read.choices else None
    return Read(_tokens(read.usage), reason)


def usage_in(piece: bytes) -> TokenUsage | None:
    """Of a piece of a stream that is otherwise nobody's business here."""
    at = piece.find(b'"usage":{')
    if at < 0:
        at = piece.find(b'"usage": {')
    if at < 0:
        return None
    start = piece.index(b"{", at)
    end = piece.find(b"\n", start)
    text = piece[start : end if end >= 0 else None]
    depth = 0
    for index, byte in enumerate(text):
        depth += (byte == 0x7B) - (byte == 0x7D)
        if not depth:
            try:
                return _tokens(msgspec.json.decode(text[: index + 1], type=_Usage))
            except msgspec.DecodeError:
                return None
    return None


class Passing:
    """One stream. `include_usage` False: the client did not ask for the chunk of usage that we asked for."""

    def __init__(self, entry: Entry, *, include_usage: bool) -> None:
        self._entry = entry
        self._include_usage = include_usage
        self._carry = b""
        self._is_done = False
        self.has_begun = False
        self.is_finished = False

    def begin(self, piece: bytes) -> bytes:
        """Events from the start on, held until one says something; b"" while none did. Raises OrganError and
        UsageError for an error event and for garbage."""
        self._carry += piece
        if b"\r" in self._carry:
            self._carry = self._carry.replace(b"\r\n", b"\n")
        self._bound()
        at = self._carry.rfind(b"\n\n")
        if at < 0:
            return b""
        ready = self._carry[: at + 2]
        if not self._says_something(ready):
            return b""
        self._carry = self._carry[at + 2 :]
        self.has_begun = True
        return self._whole_events(ready)

    def piece(self, piece: bytes) -> bytes:
        """The whole events that this piece completes."""
        if self._carry:
            piece = self._carry + piece
            self._carry = b""
        if b"\r" in piece:
            piece = piece.replace(b"\r\n", b"\n")
        if piece.endswith(b"\n\n"):
            return self._whole_events(piece)
        at = piece.rfind(b"\n\n") + 2
        if at < 2:
            at = 0
        self._carry = piece[at:]
        self._bound()
        return self._whole_events(piece[:at]) if at else b""

    def end(self) -> bytes:
        """What was still missing when the connection closed. Raises OrganError (model_failed) for an answer that was
        not over."""
        rest = self._carry.strip(b"\r\n")
        self._carry = b""
        last = self._whole_events(rest + b"\n\n") if rest else b""
        if self._is_done:
            return last
        if not self.is_finished:
            raise OrganError("The model server's stream ended early.", code="model_failed")
        return last + DONE

    async def unstreamed(self, body: bytes, head: Head) -> AsyncIterator[bytes]:
        """A whole answer, from a server that does not stream, as a stream of one word."""
        read = whole_in(body)
        self._entry.usage, self._entry.reason = read.usage, read.reason
        whole = msgspec.json.decode(body)
        message = (whole.get("choices") or [{}])[0].get("message") or {}
        calls = message.get("tool_calls")
        if calls:
            message["tool_calls"] = [{"index": index, **call} for index, call in enumerate(calls)]
        start = head.chunk()
        yield start + encode(message) + tail(None, with_usage=self._include_usage)
        yield start + b"{}" + tail(read.reason or "stop", with_usage=self._include_usage)
        if self._include_usage:
            yield head.usage_chunk(read.usage or TokenUsage())
        yield DONE

    def _whole_events(self, events: bytes) -> bytes:
        self._entry.pieces += events.count(b"data:")
        if b'"finish_reason":"' in events or b'"finish_reason": "' in events:
            self.is_finished = True
        if b"[DONE]" in events and events.rstrip().endswith(b"[DONE]"):
            self._is_done = True
        signs = [at for sign in _SIGNS if (at := events.find(sign)) >= 0]
        if not signs:
            return events
        start = events.rfind(b"\n\n", 0, min(signs)) + 2  # what stands before the first of them goes on as it came
        start = start if start > 1 else 0
        return events[:start] + b"".join(self._event(one) for one in events[start:].split(b"\n\n") if one.strip())

    def _event(self, event: bytes) -> bytes:
        """One event that may carry usage or an error; b"" for one the client must not see."""
        chunk = _read(event)
        if chunk is None:
            return event + b"\n\n"
        if chunk.error:
            raise _failure(chunk.error)
        if chunk.usage:
            self._entry.usage = _tokens(chunk.usage)
            if not chunk.choices and not self._include_usage:
                return b""
        for choice in chunk.choices or ():
            self._entry.reason = choice.finish_reason or self._entry.reason
        return event + b"\n\n"

    def _says_something(self, events: bytes) -> bool:
        for event in events.split(b"\n\n"):
            if not event.strip():
                continue
            if event.strip().endswith(b"[DONE]"):
                return True
            chunk = _read(event)
            if chunk is None:
                continue
            if chunk.error:
                raise _failure(chunk.error)
            for choice in chunk.choices or ():
                if choice.finish_reason in ("abort", "error"):
                    raise OrganError("The model server broke off the answer.", code="model_failed")
                said = {name for name, value in (choice.delta or {}).items() if value and name != "role"}
                if choice.finish_reason or said:
                    return True
        return False

    def _bound(self) -> None:
        if len(self._carry) > _MAX_EVENT_BYTES:
            raise OrganError(f"The server sent one event of over {_MAX_EVENT_BYTES} bytes.", code="model_failed")


def _read(event: bytes) -> _Chunk | None:
    """None: a comment, or the end. Raises OrganError for data that is no chunk."""
    data = b"".join(line[5:].strip() for line in event.split(b"\n") if line.startswith(b"data:"))
    if not data or data == b"[DONE]":
        return None
    try:
        return _CHUNK.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _garbage(data) from error


def _tokens(usage: _Usage | None) -> TokenUsage | None:
    if usage is None:
        return None
    prompt = usage.prompt_tokens if usage.prompt_tokens is not None else usage.input_tokens
    completion = usage.completion_tokens if usage.completion_tokens is not None else usage.output_tokens
    if prompt is None and completion is None and usage.total_tokens is None:
        return None
    return TokenUsage((usage.total_tokens or 0) if prompt is None else prompt, completion or 0)


def _garbage(data: bytes) -> OrganError:
    shown = data[:80].decode("utf-8", "replace")
    return OrganError(f"The model server sent something that is no answer: {shown!r}.", code="model_failed")


def _failure(error: Any) -> LLMFlowError:
    text = str(error.get("message") or error) if isinstance(error, dict) else str(error)
    text = " ".join(text.split())[:_SHOWN]
    if any(words in text.lower() for words in _CONTEXT):
        return UsageError(f"The model server says: {text}", code="context_too_long", param="messages")
    return OrganError(f"The model server says: {text}", code="model_failed")
