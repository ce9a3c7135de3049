"""A chat completion as OpenAI writes it: the request read and checked, the answer's chunks and whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from llmflow.api.routes.openai import wire
from llmflow.errors import UsageError
from llmflow.ports.llm import ChatRequest, Message, TokenUsage

_NAMED = ("model", "messages", "stream", "stream_options", "temperature", "stop")
_LIMITS = ("max_completion_tokens", "max_tokens")
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request, read and checked."""

    request: ChatRequest
    stream: bool
    include_usage: bool
    user: str


def wanted_of(body: dict[str, Any]) -> Wanted:
    """Raises UsageError that names the parameter at fault."""
    model = body.get("model")
    if not isinstance(model, str):
        raise UsageError("`model` must be a text; GET /v1/models lists what there is.", param="model")
    try:
        messages = msgspec.convert(body.get("messages"), tuple[Message, ...])
        options = msgspec.convert(
            {name: body[name] for name in ("stream", "temperature", "stop", "stream_options") if name in body}, _Options
        )
        limit = msgspec.convert(next((body[name] for name in _LIMITS if body.get(name) is not None), None), int | None)
    except msgspec.ValidationError as error:
        raise UsageError(f"The request is not a chat request: {error}.", param="messages") from error
    if not messages:
        raise UsageError("`messages` is empty.", param="messages")
    if body.get("n") not in (None, 1):
        raise UsageError("`n` other than 1 is not served; send the request again for another answer.", param="n")
    stop = (options.stop,) if isinstance(options.stop, str) else tuple(options.stop or ())
    further = {
        name: value for name, value in body.items() if name not in (*_NAMED, *_LIMITS, "n") and value is not None
    }
    return Wanted(
        ChatRequest(
            messages, model=model, temperature=options.temperature, max_tokens=limit, stop=stop, options=further
        ),
        stream=bool(options.stream),
        include_usage=bool((options.stream_options or {}).get("include_usage")),
        user=str(body.get("user") or ""),
    )


class _Options(msgspec.Struct):
    stream: bool | None = None
    temperature: float | None = None
    stop: str | list[str] | None = None
    stream_options: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """What every piece of one answer begins with."""

    id: str
    created: int
    model: str

    def chunk(self) -> bytes:
        """A chunk up to its delta, as JSON."""
        base = {"id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model}
        return b"data: " + wire.encode(base)[:-1] + b',"choices":[{"index":0,"delta":'

    def usage_chunk(self, usage: TokenUsage) -> bytes:
        base = {"id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model}
        return b"data: " + wire.encode({**base, "choices": [], "usage": usage_of(usage)}) + b"\n\n"

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
    further = b"," + wire.encode(more)[1:-1] if more else b""
    return b',"logprobs":null,"finish_reason":' + wire.encode(reason) + b"}]" + usage + further + b"}\n\n"
