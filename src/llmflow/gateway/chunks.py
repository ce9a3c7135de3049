"""A chat completion as OpenAI writes it: whole, or in chunks of a stream, as bytes."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import msgspec

from llmflow.ports.llm import ChatDelta, TokenUsage

DONE = b"data: [DONE]\n\n"
encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Head:
    """What every piece of one answer begins with."""

    id: str
    created: int
    model: str

    def chunk(self) -> bytes:
        """A chunk up to its delta, as JSON."""
        base = {"id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model}
        return b"data: " + encode(base)[:-1] + b',"choices":[{"index":0,"delta":'

    def usage_chunk(self, usage: TokenUsage) -> bytes:
        base = {"id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model}
        return b"data: " + encode({**base, "choices": [], "usage": usage_of(usage)}) + b"\n\n"

    def whole(self, message: dict[str, Any], reason: str, usage: TokenUsage, **more: Any) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reason}],
            "usage": usage_of(usage),
            **more,
        }


def usage_of(usage: TokenUsage) -> dict[str, int]:
    total = usage.prompt_tokens + usage.completion_tokens
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": total,
    }


def tail(reason: str | None, *, with_usage: bool, **more: Any) -> bytes:
    """A chunk from behind its delta to its end; where usage was asked for, every chunk but the last has it null."""
    usage = b',"usage":null' if with_usage else b""
    further = b"," + encode(more)[1:-1] if more else b""
    return b',"logprobs":null,"finish_reason":' + encode(reason) + b"}]" + usage + further + b"}\n\n"


async def chunks_of(
    deltas: AsyncGenerator[ChatDelta], first: ChatDelta | None, head: Head, *, include_usage: bool
) -> AsyncGenerator[bytes]:
    """Deltas to chunks, `first` having been taken already. Closing it closes `deltas`."""
    start, end = head.chunk(), tail(None, with_usage=include_usage)
    usage = TokenUsage()
    reason: str | None = None
    try:
        yield start + b'{"role":"assistant","content":""}' + end
        delta = first
        while delta is not None:
            if delta.text and not delta.reasoning and not delta.tool_calls:
                yield start + b'{"content":' + encode(delta.text) + b"}" + end
            elif further := _delta(delta):
                yield start + encode(further) + end
            usage = delta.usage or usage
            reason = delta.finish_reason or reason
            delta = await anext(deltas, None)
        yield start + b"{}" + tail(reason or "stop", with_usage=include_usage)
        if include_usage:
            yield head.usage_chunk(usage)
        yield DONE
    finally:
        await deltas.aclose()


def _delta(delta: ChatDelta) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if delta.text:
        found["content"] = delta.text
    if delta.reasoning:
        found["reasoning_content"] = delta.reasoning
    if delta.tool_calls:
        found["tool_calls"] = delta.tool_calls
    return found


async def whole_of(deltas: AsyncGenerator[ChatDelta], first: ChatDelta | None, head: Head) -> dict[str, Any]:
    """The completion that the deltas make together, `first` having been taken already."""
    text: list[str] = []
    reasoning: list[str] = []
    reason = "stop"
    calls: dict[int, dict[str, Any]] = {}
    usage = TokenUsage()
    try:
        delta = first
        while delta is not None:
            text.append(delta.text)
            reasoning.append(delta.reasoning)
            for piece in delta.tool_calls or ():
                _join_call(calls, piece)
            usage = delta.usage or usage
            reason = delta.finish_reason or reason
            delta = await anext(deltas, None)
    finally:
        await deltas.aclose()
    said = "".join(text)
    message: dict[str, Any] = {"role": "assistant", "content": said or (None if calls else ""), "refusal": None}
    if any(reasoning):
        message["reasoning_content"] = "".join(reasoning)
    if calls:
        message["tool_calls"] = [calls[index] for index in sorted(calls)]
    return head.whole(message, reason, usage)


def _join_call(calls: dict[int, dict[str, Any]], piece: dict[str, Any]) -> None:
    """A tool call's pieces to a whole: names come once, arguments in parts."""
    index = int(piece.get("index", len(calls)))
    call = calls.setdefault(index, {"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
    call["id"] = piece.get("id") or call["id"]
    function = piece.get("function") or {}
    call["function"]["name"] = function.get("name") or call["function"]["name"]
    call["function"]["arguments"] += function.get("arguments") or ""
