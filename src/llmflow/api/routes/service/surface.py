"""The whole of /v1, ready to be mounted: Dify's operations and OpenAI's."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route
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
    description,
    dify,
    files,
    forms,
    models,
    workflows,
)
from llmflow.wiring import Platform

_FOR_APPS = (chat, completion, workflows, forms, conversations, app, files, audio, annotation)
#: Of Dify's operations.
NOUNS = (*_FOR_APPS, models, datasets)


def app_routes(platform: Platform) -> list[Route]:
    """Dify's operations for apps that are served."""
    return [route for noun in _FOR_APPS for route in noun.routes(platform)]


def surface(platform: Platform) -> ASGIApp:
    """Errors are in the shape of the route's own API."""
    openai = openai_routes(platform)
    for_apps = app_routes(platform)
    service = [
        *for_apps,
        *models.routes(platform),
        *datasets.routes(platform),
        description.route(for_apps),
    ]

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
