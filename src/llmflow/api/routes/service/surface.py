"""The whole of /v1, ready to be mounted: Dify's operations and OpenAI's."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp

from llmflow.access.types import PREFIXES
from llmflow.api.auth import bearer
from llmflow.api.routes.openai import wire
from llmflow.api.routes.openai.surface import routes as openai_routes
from llmflow.api.routes.service import (
    annotation,
    app,
    audio,
    chat,
    completion,
    conversations,
    datasets,
    described_apps,
    described_datasets,
    description,
    dify,
    files,
    forms,
    models,
    workflows,
)
from llmflow.wiring import Platform

_FOR_APPS = (chat, completion, workflows, forms, conversations, app, files, audio, annotation)
_FOR_KNOWLEDGE = (models, datasets)
#: Of Dify's operations.
NOUNS = (*_FOR_APPS, *_FOR_KNOWLEDGE)


def document(platform: Platform) -> dict[str, Any]:
    """The OpenAPI document of Dify's operations; the platform is not asked anything."""
    return description.description(_parts(platform))


def _parts(platform: Platform) -> list[description.Part]:
    """Dify's operations that are served, by the kind of their key."""
    for_apps = [route for noun in _FOR_APPS for route in noun.routes(platform)]
    for_knowledge = [route for noun in _FOR_KNOWLEDGE for route in noun.routes(platform)]
    return [(for_apps, described_apps.DESCRIBED), (for_knowledge, described_datasets.DESCRIBED)]


def surface(platform: Platform) -> ASGIApp:
    """Errors are in the shape of the route's own API."""
    openai = openai_routes(platform)
    parts = _parts(platform)
    service = [*(route for routes, _ in parts for route in routes), description.route(parts)]

    def is_openai(request: Request) -> bool:
        return any(route.matches(request.scope)[0] is not Match.NONE for route in openai)

    async def failed(request: Request, error: Exception) -> Response:
        return await (wire.failed if is_openai(request) else dify.failed)(request, error)

    async def not_found(request: Request, error: Exception) -> Response:
        """A key tells whose client lost its way."""
        is_models = (bearer(request) or "").startswith(PREFIXES["model"])
        return await (wire.not_found if is_models else dify.not_found)(request, error)

    starlette = Starlette(
        routes=[*openai, *service],
        exception_handlers={
            404: not_found,
            HTTPException: failed,
            ClientDisconnect: failed,
            Exception: failed,
        },
    )
    starlette.router.redirect_slashes = False
    return starlette
