"""The playground: a model asked as programs ask it, streamed, with what it cost."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Body, Request

from llmflow.api import auth, errors, sse
from llmflow.errors import LLMFlowError
from llmflow.gateway.asked import asked_of
from llmflow.gateway.passing import usage_in
from llmflow.gateway.quotas.prices import Price, price_of
from llmflow.ports.llm import TokenUsage
from llmflow.wiring import Platform

router = APIRouter(tags=["models"])


@router.post("/models/chat")
async def chat(
    body: Annotated[dict[str, Any], Body(description="A chat completion's request, as OpenAI's API has it")],
    request: Request,
) -> sse.EventStream:
    """OpenAI's chunks as they come, then `[DONE]`, then an event with `usd`: what it costs by the price list, null
    where the tokens are not known. What fails later than its first word ends with an event with `error`."""
    caller = await auth.console_caller(request, needs="editor")
    platform = auth.platform_of(request)
    whole = {**body, "stream": True, "stream_options": {"include_usage": True}}
    asked = asked_of(msgspec.json.encode(whole))
    pieces = platform.relay.chat_stream(asked)
    first = await sse.until_gone(request, anext(pieces, b""))
    own = await platform.quotas.prices(caller.workspace_id)
    return sse.EventStream(_priced(platform, asked.model, first, pieces, own, errors.request_id(request)))


async def _priced(
    platform: Platform,
    model: str,
    first: bytes,
    pieces: AsyncGenerator[bytes],
    own: dict[str, Price],
    request_id: str,
) -> AsyncGenerator[bytes]:
    usage: TokenUsage | None = usage_in(first)
    async with aclosing(pieces):
        try:
            yield first
            async for piece in pieces:
                usage = usage_in(piece) or usage
                yield piece
        except LLMFlowError as error:
            yield sse.event(msgspec.json.encode(error.body(request_id)))
            return
    usd = None
    if usage is not None:
        price = own.get(model) or price_of((await platform.gateway.servers.resolve(model)).info.id, own)
        usd = (usage.prompt_tokens * price.input + usage.completion_tokens * price.output) / 1_000_000
    yield sse.event(msgspec.json.encode({"usd": usd}))
