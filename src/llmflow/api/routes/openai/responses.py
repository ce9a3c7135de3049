"""POST /v1/responses: handed on where the model's server knows it, else a chat with OpenAI's newer words. Nothing is
kept; what needs keeping is refused by name."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import cache
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmflow.access.types import Caller
from llmflow.api.routes.openai import wire
from llmflow.api.routes.openai.chat import streamed
from llmflow.api.routes.openai.response_input import chat_body, refuse_state
from llmflow.api.sse import until_gone
from llmflow.errors import LLMFlowError
from llmflow.gateway.asked import asked_of
from llmflow.gateway.responding import ToldFailure
from llmflow.store.ids import new_id
from llmflow.wiring import Platform

_ECHOED: dict[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "user": None,
}
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


def routes(platform: Platform) -> list[Route]:
    return [wire.operation(platform, "/responses", "POST", _respond)]


async def _respond(request: Request, platform: Platform, caller: Caller) -> Response:
    raw = await request.body()
    body = await wire.body_of(request)
    refuse_state(body)
    asked = asked_of(raw)
    wire.name_user(asked.user)
    as_chat = cache(lambda: asked_of(wire.encode(chat_body(body))))
    telling = _Telling(request, body, asked.model)
    if platform.gateway.border is not None:  # a chat in any case: that is what it reads
        if not asked.stream:
            return wire.json_bytes(telling.whole(await until_gone(request, platform.relay.chat(as_chat()))))
        return await streamed(request, _unless_told(telling.events(platform.relay.chat_stream(as_chat())), telling))
    if not asked.stream:
        return wire.json_bytes(await until_gone(request, platform.responding.whole(asked, as_chat, telling)))
    return await streamed(request, _unless_told(platform.responding.stream(asked, as_chat, telling), telling))


async def _unless_told(events: AsyncGenerator[bytes], telling: _Telling) -> AsyncGenerator[bytes]:
    """An error that ended a response as failed is no event of its own too."""
    try:
        async with aclosing(events):
            async for event in events:
                yield event
    except LLMFlowError as error:
        if not (telling.has_failed or isinstance(error, ToldFailure)):
            raise


class _Telling:
    """A response out of a chat completion; each try begins a new one."""

    def __init__(self, request: Request, body: dict[str, Any], model: str) -> None:
        self._request, self._body, self._model = request, body, model
        self.has_failed = False

    def whole(self, chat: bytes) -> bytes:
        return wire.encode(_Told(self._body, self._model).whole(msgspec.json.decode(chat)))

    async def events(self, chunks: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        first = await anext(chunks, b"")  # what fails before it is tried elsewhere
        told = _Told(self._body, self._model)
        try:
            async with aclosing(_told(told, first, chunks)) as events:
                async for event in events:
                    yield event
        except LLMFlowError as error:
            self.has_failed = True
            yield told.failed(wire.error_body(error, self._request)["error"])
            raise


async def _told(told: _Told, first: bytes, chunks: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    yield told.begin()
    async with aclosing(chunks):
        piece = first
        while piece:
            for event in piece.split(b"\n\n"):
                data = event.removeprefix(b"data: ")
                if data and data != b"[DONE]" and not event.startswith(b":"):
                    yield told.chunk(msgspec.json.decode(data))
            piece = await anext(chunks, b"")
    yield told.end()


class _Told:
    """One response being told: whole, or event by event."""

    def __init__(self, body: dict[str, Any], model: str) -> None:
        self._base: dict[str, Any] = {
            "id": f"resp_{new_id()}",
            "object": "response",
            "created_at": int(time.time()),
            "status": "in_progress",
            "error": None,
            "incomplete_details": None,
            "model": model,
            "output": [],
            "previous_response_id": None,
            "reasoning": {"effort": (body.get("reasoning") or {}).get("effort"), "summary": None},
            "store": False,
            "text": body.get("text") or {"format": {"type": "text"}},
            "truncation": "disabled",
            "usage": None,
            **{name: default if body.get(name) is None else body[name] for name, default in _ECHOED.items()},
        }
        self._number = 0
        self._output: list[dict[str, Any]] = []
        self._message: dict[str, Any] | None = None
        self._text = ""
        self._calls: dict[int, dict[str, Any]] = {}
        self._reason = "stop"
        self._usage: dict[str, Any] = {}

    def whole(self, chat: dict[str, Any]) -> dict[str, Any]:
        choice = chat["choices"][0]
        message = choice["message"]
        self._reason, self._usage = choice.get("finish_reason") or "stop", chat.get("usage") or {}
        if message.get("content") or not message.get("tool_calls"):
            self._output.append(_message(f"msg_{new_id()}", message.get("content") or "", "completed"))
        for call in message.get("tool_calls") or ():
            function = call["function"]
            self._output.append(_call(call["id"], function["name"], function["arguments"], "completed"))
        return self._ended()

    def begin(self) -> bytes:
        return self._event("response.created", response=self._base) + self._event(
            "response.in_progress", response=self._base
        )

    def chunk(self, chunk: dict[str, Any]) -> bytes:
        self._usage = chunk.get("usage") or self._usage
        found = b""
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            if delta.get("content"):
                found += self._said(delta["content"])
            for call in delta.get("tool_calls") or ():
                found += self._called(call)
            self._reason = choice.get("finish_reason") or self._reason
        return found

    def _said(self, text: str) -> bytes:
        found = b""
        if self._message is None:
            self._message = _message(f"msg_{new_id()}", None, "in_progress")
            self._output.append(self._message)
            at = len(self._output) - 1
            found += self._event("response.output_item.added", output_index=at, item=self._message)
            part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
            found += self._event("response.content_part.added", part=part, **self._place())
        self._text += text
        return found + self._event("response.output_text.delta", delta=text, logprobs=[], **self._place())

    def _place(self) -> dict[str, Any]:
        assert self._message is not None
        at = self._output.index(self._message)
        return {"item_id": self._message["id"], "output_index": at, "content_index": 0}

    def _called(self, piece: dict[str, Any]) -> bytes:
        found = b""
        index, function = int(piece.get("index") or 0), piece.get("function") or {}
        item = self._calls.get(index)
        if item is None:
            item = self._calls[index] = _call(piece.get("id") or "", function.get("name") or "", "", "in_progress")
            self._output.append(item)
            added = self._output.index(item)
            found += self._event("response.output_item.added", output_index=added, item=item)
        if function.get("arguments"):
            item["arguments"] += function["arguments"]
            found += self._event(
                "response.function_call_arguments.delta",
                item_id=item["id"],
                output_index=self._output.index(item),
                delta=function["arguments"],
            )
        return found

    def end(self) -> bytes:
        found = b""
        if self._message is None and not self._calls:
            found += self._said("")
        if self._message is not None:
            part = {"type": "output_text", "text": self._text, "annotations": [], "logprobs": []}
            place = self._place()
            found += self._event("response.output_text.done", text=self._text, logprobs=[], **place)
            found += self._event("response.content_part.done", part=part, **place)
            self._message |= {"status": "completed", "content": [part]}
            found += self._event("response.output_item.done", output_index=place["output_index"], item=self._message)
        for item in self._calls.values():
            item["status"] = "completed"
            at = self._output.index(item)
            found += self._event(
                "response.function_call_arguments.done",
                item_id=item["id"],
                output_index=at,
                name=item["name"],
                arguments=item["arguments"],
            )
            found += self._event("response.output_item.done", output_index=at, item=item)
        ended = self._ended()
        return found + self._event(f"response.{ended['status']}", response=ended)

    def failed(self, error: dict[str, Any]) -> bytes:
        told = {"code": "server_error", "message": error["message"]}
        return self._event("response.failed", response={**self._base, "status": "failed", "error": told})

    def _ended(self) -> dict[str, Any]:
        why = _INCOMPLETE.get(self._reason)
        prompt, completion = self._usage.get("prompt_tokens") or 0, self._usage.get("completion_tokens") or 0
        cached = (self._usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        thought = (self._usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
        return {
            **self._base,
            "status": "incomplete" if why else "completed",
            "incomplete_details": {"reason": why} if why else None,
            "output": self._output,
            "usage": {
                "input_tokens": prompt,
                "input_tokens_details": {"cached_tokens": cached},
                "output_tokens": completion,
                "output_tokens_details": {"reasoning_tokens": thought},
                "total_tokens": prompt + completion,
            },
        }

    def _event(self, kind: str, **more: Any) -> bytes:
        data = {"type": kind, "sequence_number": self._number, **more}
        self._number += 1
        return f"event: {kind}\n".encode() + b"data: " + wire.encode(data) + b"\n\n"


def _message(id: str, text: str | None, status: str) -> dict[str, Any]:
    content = [] if text is None else [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]
    return {"id": id, "type": "message", "status": status, "role": "assistant", "content": content}


def _call(call_id: str, name: str, arguments: str, status: str) -> dict[str, Any]:
    known = {"id": f"fc_{new_id()}", "type": "function_call", "status": status}
    return {**known, "call_id": call_id, "name": name, "arguments": arguments}
