"""OpenAI's chat format on the wire: a request's body, server-sent events to deltas, a refusal's own words.

Written against the recorded answers of vLLM, Ollama, llama.cpp and LM Studio, which differ in where usage stands,
whether `[DONE]` comes, and how an error looks. Pure: no network here.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from llmflow.errors import OrganError, UsageError
from llmflow.ports.llm import ChatDelta, ChatRequest, FinishReason, TokenUsage

MAX_EVENT_BYTES = 16 * 1024 * 1024
_MAX_QUOTED = 500  # characters of a server's own message that are handed on


def chat_body(request: ChatRequest, model: str) -> dict[str, Any]:
    """The JSON body of a streamed chat completion that reports its usage."""
    body: dict[str, Any] = dict(request.options)
    body["messages"] = [msgspec.to_builtins(message) for message in request.messages]
    body["model"] = model
    body["stream"] = True
    body["stream_options"] = {"include_usage": True}
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.max_tokens is not None:
        body["max_tokens"] = request.max_tokens
    if request.stop:
        body["stop"] = list(request.stop)
    return body


class SseParser:
    """Server-sent events out of bytes cut anywhere. Line ends may be LF, CRLF or CR; only `data` is kept.

    Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._data: list[bytes] = []
        self._size = 0
        self._first = True

    def feed(self, piece: bytes) -> list[bytes]:
        """The data of the events that `piece` completes. Raises OrganError for an event past MAX_EVENT_BYTES."""
        waited = self._rest.endswith(b"\r")
        self._rest += piece
        if not waited and b"\n" not in piece and b"\r" not in piece:
            self._bound(len(self._rest))
            return []
        # A CR at the very end may be half of a CRLF: it waits for the next piece.
        held = self._rest.endswith(b"\r")
        text = bytes(self._rest[:-1] if held else self._rest)
        *lines, last = _LINE_END.split(text)
        self._rest = bytearray(last + b"\r" if held else last)
        self._bound(len(self._rest))
        return [event for line in lines if (event := self._line(line)) is not None]

    def end(self) -> list[bytes]:
        """What the stream's end completes: servers do leave out the last blank line."""
        lines = (bytes(self._rest).removesuffix(b"\r"), b"") if self._rest else (b"",)
        self._rest.clear()
        return [event for line in lines if (event := self._line(line)) is not None]

    def _line(self, line: bytes) -> bytes | None:
        if self._first:
            self._first, line = False, line.removeprefix(b"\xef\xbb\xbf")
        if not line:
            event, self._data, self._size = b"\n".join(self._data), [], 0
            return event or None
        field, _, value = line.partition(b":")
        if field == b"data":
            value = value.removeprefix(b" ")
            self._bound(len(value))
            self._size += len(value)
            self._data.append(value)
        return None

    def _bound(self, more: int) -> None:
        if self._size + more > MAX_EVENT_BYTES:
            raise OrganError(f"The server sent one event of over {MAX_EVENT_BYTES} bytes.", code="model_failed")


_LINE_END = re.compile(rb"\r\n|\n|\r")


class _Delta(msgspec.Struct):
    content: str | list[dict[str, Any]] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[dict[str, Any]] | None = None


class _Choice(msgspec.Struct):
    index: int = 0
    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = None


_CHUNK = msgspec.json.Decoder(_Chunk)
_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


class Answer:
    """One answer being put together from its chunks, whatever order a server sends its last ones in."""

    def __init__(self) -> None:
        self._reason: FinishReason | None = None
        self._usage: TokenUsage | None = None
        self._called = False

    @property
    def finished(self) -> bool:
        """The model came to its end; what may still be missing is usage."""
        return self._reason is not None

    def take(self, data: bytes) -> list[ChatDelta]:
        """The deltas in one event's data. Raises OrganError (model_failed) for an error event and for garbage."""
        if data.strip() == b"[DONE]":
            self._reason = self._reason or "stop"
            return []
        try:
            chunk = _CHUNK.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            shown = data[:80].decode("utf-8", "replace")
            message = f"The model server sent something that is no chat chunk: {shown!r}."
            raise OrganError(message, code="model_failed") from error
        if chunk.error:
            raise failure(error_text({"error": chunk.error}))
        if chunk.usage:
            self._usage = TokenUsage(chunk.usage.prompt_tokens or 0, chunk.usage.completion_tokens or 0)
        found = (self._choice(choice) for choice in chunk.choices or () if choice.index == 0)
        return [delta for delta in found if delta]

    def _choice(self, choice: _Choice) -> ChatDelta | None:
        if choice.finish_reason in ("abort", "error"):
            raise OrganError("The model server broke off the answer.", code="model_failed")
        if choice.finish_reason:
            self._reason = _REASONS.get(choice.finish_reason, "stop")
        found = choice.delta or choice.message
        if not found:
            return None
        text = _text(found.content) + (found.refusal or "")
        reasoning = found.reasoning_content or found.reasoning or ""
        calls = _indexed(found.tool_calls) if found.tool_calls else None
        self._called = self._called or calls is not None
        return ChatDelta(text=text, reasoning=reasoning, tool_calls=calls) if text or reasoning or calls else None

    def end(self) -> ChatDelta:
        """The last delta: why it ended, and the usage. Raises OrganError (model_failed) when the end is missing."""
        if self._reason is None:
            raise OrganError("The model server's stream ended early.", code="model_failed")
        # Ollama says "stop" where it means its tool calls.
        reason: FinishReason = "tool_calls" if self._called and self._reason == "stop" else self._reason
        return ChatDelta(finish_reason=reason, usage=self._usage)


def _text(content: str | list[dict[str, Any]] | None) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content)
    return content or ""


def _indexed(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Whole calls (of an answer that is not streamed) carry no index; deltas need one."""
    return [call if "index" in call else {"index": position, **call} for position, call in enumerate(calls)]


def error_text(body: Any) -> str:
    """The server's own message out of its JSON error: OpenAI's, FastAPI's and Ollama's shapes, or the text itself."""
    if isinstance(body, bytes):
        try:
            body = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            body = body.decode("utf-8", "replace")
    while isinstance(body, dict):
        body = next((body[key] for key in ("error", "message", "detail") if body.get(key)), "")
    if isinstance(body, list):
        body = msgspec.json.encode(body).decode()
    text = " ".join(str(body).split())
    return text if len(text) <= _MAX_QUOTED else text[:_MAX_QUOTED] + "…"


_CONTEXT = re.compile(
    r"context (length|size|window)|maximum context|context_length|max_model_len|exceeds? the available context"
    r"|longer than the maximum model length|too many tokens|prompt is too long",
    re.IGNORECASE,
)


def is_context_error(text: str) -> bool:
    return _CONTEXT.search(text) is not None


def failure(text: str) -> OrganError | UsageError:
    """A server's error in its own words, as ours."""
    if is_context_error(text):
        return UsageError(f"The model server says: {text}", code="context_too_long")
    return OrganError(f"The model server says: {text or 'an error without a message.'}", code="model_failed")
