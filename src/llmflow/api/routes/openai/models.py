"""GET /v1/models: chat models, the embedding model, and every chat app as `app/<name>`."""

from __future__ import annotations

import contextlib
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmflow.access.types import Caller
from llmflow.api.routes.openai import wire
from llmflow.api.routes.openai.app_chat import PREFIX
from llmflow.errors import NotFound, OrganError
from llmflow.wiring import Platform


def routes(platform: Platform) -> list[Route]:
    return [
        wire.operation(platform, "/models", "GET", _list),
        wire.operation(platform, "/models/{model:path}", "GET", _one),
    ]


async def _list(request: Request, platform: Platform, caller: Caller) -> Response:
    return wire.answer({"object": "list", "data": await _models(platform, caller)})


async def _one(request: Request, platform: Platform, caller: Caller) -> Response:
    wanted = request.path_params["model"]
    models = await _models(platform, caller)
    found = next((model for model in models if model["id"] == wanted), None)
    if found is None:
        there = ", ".join(model["id"] for model in models) or "none"
        raise NotFound(f"There is no model `{wanted}`. There are: {there}.", code="model_unknown", param="model")
    return wire.answer(found)


async def _models(platform: Platform, caller: Caller) -> list[dict[str, Any]]:
    """An organ that does not answer takes only its own models off the list."""
    found: list[dict[str, Any]] = []
    with contextlib.suppress(OrganError):  # `llmflow doctor` says why
        infos = await platform.gateway.models()
        found += [_model(info.id, info.owned_by, context_tokens=info.context_tokens) for info in infos]
    with contextlib.suppress(OrganError):
        found.append(_model(await platform.gateway.embedding_model(), "llmflow"))
    apps = await platform.apps.catalogue.all(caller.workspace_id)
    return [
        *found,
        *(_model(PREFIX + app.name, "llmflow", created=app.created_at // 1000) for app in apps if app.answers),
    ]


def _model(id: str, owned_by: str, *, created: int = 0, **more: Any) -> dict[str, Any]:
    return {"id": id, "object": "model", "created": created, "owned_by": owned_by, **more}
