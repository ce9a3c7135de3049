"""POST /v1/chat/completions: relayed to a deployment of the model, or answered by a chat app (`app/<name>`)."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmflow.access.types import Caller
from llmflow.api.routes.openai import wire
from llmflow.api.routes.openai.app_chat import PREFIX, complete_by_app
from llmflow.api.sse import EventStream, until_gone
from llmflow.errors import LLMFlowError, UsageError
from llmflow.gateway.asked import asked_of
from llmflow.gateway.servers import Elsewhere
from llmflow.wiring import Platform


def routes(platform: Platform) -> list[Route]:
    return [wire.operation(platform, "/chat/completions", "POST", _complete)]


async def _complete(request: Request, platform: Platform, caller: Caller) -> Response:
    asked = asked_of(await request.body())
    if bytes(asked.fields.get("messages", b"[]")) in (b"[]", b"null"):
        raise UsageError("`messages` is empty.", param="messages")
    wire.name_user(asked.user)
    if asked.model.startswith(PREFIX):
        if not platform.leads:
            raise Elsewhere
        return await complete_by_app(request, platform, caller, asked)
    if not asked.stream:
        return wire.json_bytes(await until_gone(request, platform.relay.chat(asked)))
    return await streamed(request, platform.relay.chat_stream(asked))


async def streamed(request: Request, events: AsyncGenerator[bytes]) -> Response:
    """An error before the first word has its own status; one after it is an event of its own."""
    first = await until_gone(request, anext(events, b""))
    return EventStream(_told(request, first, events))


async def _told(request: Request, first: bytes, events: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Closing it stops the generation at the model's server."""
    try:
        yield first
        async for piece in events:
            yield piece
    except LLMFlowError as error:
        yield b"data: " + wire.encode(wire.error_body(error, request)) + b"\n\n"
    finally:
        await events.aclose()
