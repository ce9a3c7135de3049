"""POST /v1/completions: handed on where the model's server knows it, else asked as a chat of one message; so with a
border, which reads chats."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmflow.access.types import Caller
from llmflow.api.routes.openai import wire
from llmflow.api.routes.openai.chat import streamed
from llmflow.api.sse import until_gone
from llmflow.errors import UsageError
from llmflow.gateway.asked import Asked, asked_of
from llmflow.gateway.chunks import DONE
from llmflow.wiring import Platform

_PATH = "/completions"
_CHAT_ONLY = ("prompt", "suffix", "echo", "best_of", "logprobs")


def routes(platform: Platform) -> list[Route]:
    return [wire.operation(platform, _PATH, "POST", _complete)]


async def _complete(request: Request, platform: Platform, caller: Caller) -> Response:
    asked = asked_of(await request.body())
    wire.name_user(asked.user)
    if "prompt" not in asked.fields:
        raise UsageError("`prompt` is missing.", param="prompt")
    resolved = await until_gone(request, platform.gateway.servers.resolve(asked.model))
    if platform.gateway.border is None and all(leg.deployment.wire is not None for leg in resolved.legs):
        if asked.stream:
            return await streamed(request, platform.relay.pass_stream("completions", _PATH, asked))
        return wire.json_bytes(await until_gone(request, platform.relay.pass_on("completions", _PATH, asked)))
    chat = _as_chat(asked)
    if asked.stream:
        return await streamed(request, _chunks(platform.relay.chat_stream(chat)))
    whole = msgspec.json.decode(await until_gone(request, platform.relay.chat(chat)))
    return wire.answer({**_shape(whole, whole["choices"][0]["message"].get("content")), "usage": whole["usage"]})


def _as_chat(asked: Asked) -> Asked:
    """Raises UsageError for several prompts, which a chat cannot answer at once."""
    prompt = msgspec.json.decode(asked.fields["prompt"])
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if not isinstance(prompt, str):
        raise UsageError("This model takes one `prompt`, a text.", param="prompt")
    fields = {name: value for name, value in asked.fields.items() if name not in _CHAT_ONLY}
    fields["messages"] = msgspec.Raw(msgspec.json.encode([{"role": "user", "content": prompt}]))
    return asked_of(msgspec.json.encode(fields))


def _shape(chat: dict[str, Any], text: str | None) -> dict[str, Any]:
    choice = chat["choices"][0]
    return {
        "id": chat["id"].replace("chatcmpl", "cmpl"),
        "object": "text_completion",
        "created": chat["created"],
        "model": chat["model"],
        "choices": [{"index": 0, "text": text or "", "logprobs": None, "finish_reason": choice.get("finish_reason")}],
    }


async def _chunks(events: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(events):
        async for piece in events:
            for event in piece.split(b"\n\n"):
                data = event.removeprefix(b"data: ")
                if data == b"[DONE]":
                    yield DONE
                elif data:
                    chunk = msgspec.json.decode(data)
                    if chunk.get("choices"):
                        delta = chunk["choices"][0]["delta"]
                        yield b"data: " + wire.encode(_shape(chunk, delta.get("content"))) + b"\n\n"
                    elif chunk.get("usage"):
                        yield b"data: " + wire.encode({**chunk, "object": "text_completion"}) + b"\n\n"
