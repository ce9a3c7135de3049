"""OpenAI's operations under /v1."""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from llmflow.api.routes.openai import audio, chat, completions, embeddings, later, models, rerank, responses, wire
from llmflow.gateway.servers import Elsewhere
from llmflow.wiring import Platform


def routes(platform: Platform) -> list[Route]:
    rooms = (chat, responses, completions, embeddings, rerank, audio, models, later)
    return [route for room in rooms for route in room.routes(platform)]


def direct_paths(platform: Platform) -> dict[str, ASGIApp]:
    """The model calls by their whole path, each an application that needs no router."""
    rooms = (chat, responses, completions, embeddings, rerank)
    return {f"/v1{route.path}": _application(route) for room in rooms for route in room.routes(platform)}


def _application(route: Route) -> ASGIApp:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        try:
            response = await route.endpoint(request)
        except Elsewhere:
            raise
        except Exception as error:  # noqa: BLE001 - the surface's error handler
            response = await wire.failed(request, error)
        await response(scope, receive, send)

    return application
