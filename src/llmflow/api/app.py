"""The web application: every surface, mounted once."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from llmflow.api import auth, errors
from llmflow.api.middleware import Edge, hosts_for
from llmflow.api.numbers import Numbers
from llmflow.api.public_page import public_page_routes
from llmflow.api.routes.console.app import console
from llmflow.api.routes.external import external_routes
from llmflow.api.routes.openai.surface import direct_paths
from llmflow.api.routes.public.surface import public
from llmflow.api.routes.service import surface
from llmflow.api.routes.triggers.surface import trigger_routes
from llmflow.api.studio import studio_routes
from llmflow.errors import LLMFlowError
from llmflow.wiring import Platform

_MB = 1024 * 1024


def create_app(platform: Platform, *, numbers: Numbers | None = None) -> ASGIApp:
    """The whole HTTP side of a platform. Paths: surfaces.md. `numbers`: those of the processes beside this one."""
    server = platform.settings.server
    middleware = []
    if server.cors_origins:
        middleware.append(
            Middleware(
                CORSMiddleware, allow_origins=list(server.cors_origins), allow_methods=["*"], allow_headers=["*"]
            )
        )
    app = Starlette(
        routes=[
            Route("/healthz", _healthz),
            Route("/readyz", _readyz),
            Route("/metrics", _metrics),
            Mount("/api/public/v1", public(platform)),
            Mount("/api/v1", console(platform)),
            Mount("/v1", surface(platform)),
            *external_routes(platform),
            *trigger_routes(),
            *public_page_routes(platform),
            *studio_routes(),
        ],
        middleware=middleware,
        exception_handlers={HTTPException: errors.answer, LLMFlowError: errors.answer, Exception: errors.answer},
    )
    app.state.platform = platform
    app.state.numbers = numbers or Numbers()
    return edge_around(app, platform, {} if server.cors_origins else direct_paths(platform))


def edge_around(app: ASGIApp, platform: Platform, direct: Mapping[str, ASGIApp]) -> ASGIApp:
    """The outermost layer as the settings want it."""
    server, limits = platform.settings.server, platform.settings.limits
    return Edge(
        app,
        hosts=hosts_for(server.host, urlsplit(server.public_url).hostname),
        body_bytes=limits.body_mb * _MB,
        document_bytes=limits.document_mb * _MB,
        file_bytes=limits.file_mb * _MB + _MB,  # the file and the form around it
        audio_bytes=limits.audio_mb * _MB + _MB,
        direct=direct,
    )


async def _healthz(request: Request) -> Response:
    return Response(b'{"status":"ok"}', media_type="application/json")


async def _readyz(request: Request) -> Response:
    """200 when requests are served; else 503 with what is missing."""
    platform = auth.platform_of(request)
    missing = platform.missing()
    body = {"status": "starting" if missing else "ready", "not_ready": missing}
    return Response(msgspec.json.encode(body), status_code=503 if missing else 200, media_type="application/json")


async def _metrics(request: Request) -> Response:
    platform = auth.platform_of(request)
    if not platform.settings.server.metrics_open:
        await auth.caller(request, ("admin",))
    numbers: Numbers = request.app.state.numbers
    return Response(await numbers.told(), media_type=CONTENT_TYPE_LATEST)
