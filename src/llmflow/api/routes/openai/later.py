"""OpenAI's operations that this version does not serve yet: a coded 501, never a 404, so that clients can tell."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmflow.access.types import Caller
from llmflow.api.routes.openai import wire
from llmflow.errors import InternalError
from llmflow.wiring import Platform

PATHS: tuple[tuple[str, str], ...] = (
    ("/responses/{response_id}", "GET DELETE"),
    ("/responses/{response_id}/cancel", "POST"),
    ("/responses/{response_id}/input_items", "GET"),
    ("/moderations", "POST"),
    ("/images/generations", "POST"),
    ("/images/edits", "POST"),
    ("/images/variations", "POST"),
)


def routes(platform: Platform) -> list[Route]:
    return [wire.operation(platform, path, method, _not_yet) for path, methods in PATHS for method in methods.split()]


async def _not_yet(request: Request, platform: Platform, caller: Caller) -> Response:
    error = InternalError(f"{request.method} {request.url.path} is not served yet.", code="not_yet")
    return wire.refused(error, request, status=501)
