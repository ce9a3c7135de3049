"""The workspace's models by type, as Dify lists them for knowledge bases."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from llmflow.api.routes.service.dify import DatasetCall, answer, dataset_operation
from llmflow.errors import LLMFlowError, UsageError
from llmflow.wiring import Platform

TYPES = ("text-embedding", "rerank", "llm", "tts", "speech2text", "moderation")
_Listed = list[tuple[str, dict[str, Any]]]  # provider, model


def routes(platform: Platform) -> list[Route]:
    return [
        dataset_operation(platform, "/workspaces/current/models/model-types/{model_type}", "GET", _by_type),
    ]


async def _by_type(call: DatasetCall) -> Response:
    """A server that does not answer has no models now; of types that nothing here serves there are none."""
    kind = str(call.request.path_params["model_type"])
    if kind not in TYPES:
        raise UsageError(f"model_type must be one of {', '.join(TYPES)}.", param="model_type")
    try:
        found = await _found(call.platform, kind)
    except LLMFlowError:
        found = []
    providers: dict[str, list[dict[str, Any]]] = {}
    for provider, model in found:
        providers.setdefault(provider, []).append(model)
    tenant = call.caller.workspace_id
    return answer({"data": [_provider(name, models, tenant) for name, models in providers.items()]})


async def _found(platform: Platform, kind: str) -> _Listed:
    if kind == "text-embedding":
        name = await platform.gateway.embedding_model()
        return [("embedding", _model(name, kind, platform.organs.embedding.max_tokens))]
    if kind != "llm":
        return []
    return [
        (one.name, _model(one.info.id, kind, one.info.context_tokens, vision=one.info.vision))
        for one in await platform.gateway.deployments()
    ]


def _model(name: str, kind: str, context_tokens: int, *, vision: bool = False) -> dict[str, Any]:
    return {
        "model": name,
        "label": _label(name),
        "model_type": kind,
        "features": ["vision"] if vision else None,
        "fetch_from": "customizable-model",
        "model_properties": {"context_size": context_tokens},
        "status": "active",
        "deprecated": False,
        "load_balancing_enabled": False,
        "has_invalid_load_balancing_configs": False,
    }


def _provider(name: str, models: list[dict[str, Any]], tenant: str) -> dict[str, Any]:
    return {
        "provider": name,
        "label": _label(name),
        "icon_small": None,
        "icon_small_dark": None,
        "status": "active",
        "models": models,
        "tenant_id": tenant,
    }


def _label(name: str) -> dict[str, str]:
    return {"en_US": name, "zh_Hans": name}
