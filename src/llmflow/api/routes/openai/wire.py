"""What OpenAI's operations share: the caller, the body, answers and errors in OpenAI's shape.

Errors are OpenAI's `{"error": {"message", "type", "param", "code"}}` with our `hint` and `request_id` in it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmflow.access.types import Caller
from llmflow.api import auth, errors
from llmflow.api.sse import ReaderGone
from llmflow.errors import LLMFlowError, NotFound, OrganError, TooMany, UsageError
from llmflow.gateway.asker import more_of_asker
from llmflow.wiring import Platform

KINDS = ("model", "admin")
_MOST_NAME = 200
encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(dict[str, Any])
_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}

Handler = Callable[[Request, Platform, Caller], Awaitable[Response]]


def operation(platform: Platform, path: str, method: str, handler: Handler) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            caller = await auth.caller(request, KINDS, platform=platform)
            return await handler(request, platform, caller)
        except LLMFlowError as error:
            return refused(error, request)
        except ReaderGone:
            return Response(status_code=499)

    return Route(path, endpoint, methods=[method])


async def body_of(request: Request) -> dict[str, Any]:
    """Raises UsageError (invalid_json)."""
    try:
        return _decoder.decode(await request.body())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"The body is not a JSON object: {error}.", code="invalid_json") from error


def name_user(user: str) -> None:
    """The caller's word for whom the request is; it is counted under it and proves nothing."""
    if user:
        more_of_asker(user=user[:_MOST_NAME])


def answer(content: object) -> Response:
    return json_bytes(encode(content))


def json_bytes(body: bytes) -> Response:
    return Response(body, media_type="application/json")


def error_body(error: LLMFlowError, request: Request) -> dict[str, Any]:
    body = error.body(errors.request_id(request))["error"]
    kind = _TYPES.get(error.status, "invalid_request_error" if error.status < 500 else "server_error")
    return {"error": {**body, "message": f"{error.message} {error.hint}".strip(), "type": kind}}


def refused(error: LLMFlowError, request: Request, *, status: int | None = None) -> Response:
    """With Retry-After where it is known when to come back: OpenAI's clients wait so long."""
    body = encode(error_body(error, request))
    wait_s = error.wait_s if isinstance(error, TooMany | OrganError) else None
    headers = {"Retry-After": str(wait_s)} if wait_s is not None else None
    return Response(body, status_code=status or error.status, media_type="application/json", headers=headers)


async def not_found(request: Request, error: Exception) -> Response:
    """A path that nobody serves."""
    hint = "docs/api.md lists the paths there are."
    return refused(NotFound(f"There is no {request.method} {request.url.path} here.", hint=hint), request)


async def failed(request: Request, error: Exception) -> Response:
    """405s and faults of ours."""
    return refused(errors.known(error, request), request)


def texts(given: Any, name: str) -> list[str]:
    """A string, or a list of strings. Raises UsageError."""
    if isinstance(given, str):
        return [given]
    if isinstance(given, list) and given and all(isinstance(item, str) for item in given):
        return given
    if isinstance(given, list) and given and all(isinstance(item, int | list) for item in given):
        raise UsageError(
            f"`{name}` holds token ids, which belong to another model's vocabulary.",
            hint="Send text; with LangChain, set check_embedding_ctx_length=False.",
            param=name,
        )
    raise UsageError(f"`{name}` must be a text or a list of texts that is not empty.", param=name)
