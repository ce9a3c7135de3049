"""The console API as one FastAPI application; its OpenAPI document is what Studio's client is generated from."""

from __future__ import annotations

import msgspec
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from llmflow import __version__
from llmflow.api import errors
from llmflow.api.routes.console import (
    access,
    apps,
    asking,
    chat_forms,
    chunking,
    conversations,
    designs,
    documents,
    embedding,
    evaluation,
    external,
    feedback,
    fields,
    files,
    forms,
    keys,
    knowledge,
    members,
    model_routes,
    models,
    organs,
    passages,
    pipelines,
    playground,
    retrieval,
    runs,
    session,
    sites,
    sources,
    spending,
    system,
    tags,
    tools,
    triggers,
)
from llmflow.errors import LLMFlowError, UsageError
from llmflow.wiring import Platform


def console(platform: Platform) -> FastAPI:
    """The application for /api/v1. It loads nothing from other hosts."""
    app = FastAPI(
        title="LLMFlow console API",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        exception_handlers={
            RequestValidationError: _invalid,
            HTTPException: errors.answer,
            LLMFlowError: errors.answer,
            ClientDisconnect: errors.answer,
            Exception: errors.answer,
        },
    )
    app.state.platform = platform
    for routes in (
        session,
        members,
        knowledge,
        access,
        tags,
        retrieval,
        embedding,
        documents,
        chunking,
        fields,
        passages,
        evaluation,
        pipelines,
        external,
        apps,
        designs,
        runs,
        forms,
        triggers,
        asking,
        chat_forms,
        conversations,
        feedback,
        files,
        sites,
        sources,
        model_routes,
        models,
        playground,
        tools,
        organs,
        keys,
        spending,
        system,
    ):
        app.include_router(routes.router)
    return app


async def _invalid(request: Request, error: Exception) -> Response:
    """Pydantic's complaints as one error that names the first field at fault."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    bad_json = first["type"] == "json_invalid"
    found = UsageError(
        "The body is not JSON." if bad_json else f"`{where}`: {first['msg']}." if where else f"{first['msg']}.",
        code="invalid_json" if bad_json else None,
        param=where or None,
    )
    body = msgspec.json.encode(found.body(errors.request_id(request)))
    return Response(body, status_code=found.status, media_type="application/json")
