"""POST /v1/chat/completions: relayed to a model's server, or answered by a chat app (`app/<name>`)."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmflow.access.types import Caller
from llmflow.api.routes.openai import wire
from llmflow.api.routes.openai.app_chat import PREFIX, complete_by_app
from llmflow.api.routes.openai.completion import DONE, Head, Wanted, tail, wanted_of
from llmflow.api.sse import EventStream, until_gone
from llmflow.errors import LLMFlowError
from llmflow.ports.llm import ChatDelta, TokenUsage
from llmflow.store.ids import new_id
from llmflow.wiring import Platform


def routes(platform: Platform) -> list[Route]:
    return [wire.operation(platform, "/chat/completions", "POST", _complete)]


async def _complete(request: Request, platform: Platform, caller: Caller) -> Response:
    wanted = wanted_of(await wire.body_of(request))
    if wanted.request.model.startswith(PREFIX):
        return await complete_by_app(request, platform, caller, wanted)
    head = Head(f"chatcmpl-{new_id()}", int(time.time()), wanted.request.model or "default")
    deltas = platform.gateway.stream(wanted.request)
    if not wanted.stream:
        return wire.answer(await until_gone(request, _whole(deltas, head)))
    first = await until_gone(request, anext(deltas, None))  # an error before the first word has its own status
    return EventStream(_relay(request, deltas, first, head, wanted))


async def _relay(
    request: Request, deltas: AsyncGenerator[ChatDelta], first: ChatDelta | None, head: Head, wanted: Wanted
) -> AsyncGenerator[bytes]:
    """Deltas to chunks. Closing it stops the generation at the model's server."""
    start, end = head.chunk(), tail(None, with_usage=wanted.include_usage)
    encode = wire.encode
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
        yield start + b"{}" + tail(reason or "stop", with_usage=wanted.include_usage)
        if wanted.include_usage:
            yield head.usage_chunk(usage)
        yield DONE
    except LLMFlowError as error:
        yield b"data: " + encode(wire.error_body(error, request)) + b"\n\n"
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


async def _whole(deltas: AsyncGenerator[ChatDelta], head: Head) -> dict[str, Any]:
    text, reasoning, reason = [], [], "stop"
    calls: dict[int, dict[str, Any]] = {}
    usage = TokenUsage()
    try:
        async for delta in deltas:
            text.append(delta.text)
            reasoning.append(delta.reasoning)
            for piece in delta.tool_calls or ():
                _join_call(calls, piece)
            usage = delta.usage or usage
            reason = delta.finish_reason or reason
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
