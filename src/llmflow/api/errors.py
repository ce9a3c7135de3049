"""Exceptions to answers: one JSON shape for the console and the command line."""

from __future__ import annotations

import logging

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from llmflow.api.middleware import shown_path
from llmflow.errors import InternalError, LLMFlowError, TooMany, UsageError

_log = logging.getLogger("llmflow.api")
_BY_STATUS = {401: "unauthorized", 403: "forbidden", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}


def request_id(request: Request) -> str:
    found: str = request.scope.get("llmflow.request_id", "")
    return found


def known(error: Exception, request: Request) -> LLMFlowError:
    """The error as one of ours; a fault of ours is logged under the request id and told without its insides."""
    if isinstance(error, LLMFlowError):
        return error
    if isinstance(error, HTTPException):
        code = _BY_STATUS.get(error.status_code, "invalid_request")
        found = LLMFlowError(str(error.detail), code=code)
        found.status = error.status_code  # type: ignore[misc]
        return found
    if isinstance(error, ClientDisconnect):  # nobody is there to read this
        return UsageError("The caller left before the request was whole.")
    where = shown_path(request.url.path)
    _log.exception("request %s: %s %s failed", request_id(request), request.method, where, exc_info=error)
    return InternalError(f"Something went wrong here (request {request_id(request)}).")


async def answer(request: Request, error: Exception) -> Response:
    """The console's error answer; Starlette's exception handler."""
    found = known(error, request)
    headers = {"WWW-Authenticate": "Bearer"} if found.status == 401 else {}
    if isinstance(found, TooMany) and found.wait_s is not None:
        headers["Retry-After"] = str(found.wait_s)
    return Response(
        msgspec.json.encode(found.body(request_id(request))),
        status_code=found.status,
        media_type="application/json",
        headers=headers,
    )
