"""What every operation of Dify's Service API shares: the caller and the app, the body, errors, headers.

The shapes are those a Dify 1.14.2 server was seen to send.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmflow.access.types import Caller
from llmflow.api import auth, errors
from llmflow.api.routes.service.shapes import DEFAULT_USER
from llmflow.apps.types import App, EndUser
from llmflow.errors import Conflict, Forbidden, LLMFlowError, NotFound, Unauthorized, UsageError
from llmflow.knowledge.types import Document, KnowledgeBase
from llmflow.wiring import Platform

PING = b"event: ping\n\n"


@dataclass(frozen=True, slots=True)
class Modes:
    """App modes that an operation serves, and the code that others get."""

    names: frozenset[str]
    code: str


CHATS = Modes(frozenset({"chat", "agent-chat", "advanced-chat"}), "not_chat_app")
COMPLETIONS = Modes(frozenset({"completion"}), "app_unavailable")
WORKFLOWS = Modes(frozenset({"workflow"}), "not_workflow_app")
GRAPHS = Modes(frozenset({"workflow", "advanced-chat"}), "not_workflow_app")
HEADERS = {"X-Version": "1.14.2", "X-Env": "PRODUCTION"}
WRONG_MODE = "Please check if your app mode matches the right API route."
NOT_FOUND_PAGE = (
    b"<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>The requested URL was not "
    b"found on the server. If you entered the URL manually please check your spelling and try again.</p>\n"
)
_MESSAGES = {
    "method_not_allowed": "The method is not allowed for the requested URL.",
    "invalid_json": "The browser (or proxy) sent a request that this server could not understand.",
}
# Our codes where Dify's clients know another: (code, status).
_CODES: dict[str, tuple[str, int]] = {
    "invalid_request": ("invalid_param", 400),
    "invalid_json": ("bad_request", 400),
    "forbidden": ("forbidden", 403),
    "key_expired": ("unauthorized", 401),
    "too_large": ("file_too_large", 413),
    "unsupported_type": ("unsupported_file_type", 415),
    "internal_error": ("internal_server_error", 500),
    "model_missing": ("provider_not_initialize", 400),
    "model_unknown": ("model_currently_not_support", 400),
    "model_failed": ("completion_request_error", 400),
    "model_key_wrong": ("completion_request_error", 400),
    "model_address_wrong": ("completion_request_error", 400),
    "model_timeout": ("completion_request_error", 400),
    "organ_unavailable": ("completion_request_error", 400),
    "speech_missing": ("provider_not_initialize", 400),
    "context_too_long": ("completion_request_error", 400),
    "workflow_input_invalid": ("invalid_param", 400),
    "not_published": ("app_unavailable", 400),
    "version_not_found": ("not_found", 404),
    "version_is_draft": ("bad_request", 400),
    "run_not_found": ("not_found", 404),
    "conversation_not_exists": ("not_found", 404),
    "last_conversation_not_exists": ("not_found", 404),
    "message_not_exists": ("not_found", 404),
    "first_message_not_exists": ("not_found", 404),
    "variable_not_exists": ("not_found", 404),
    "no_messages": ("invalid_param", 400),
    "type_mismatch": ("bad_request", 400),
    "form_not_found": ("not_found", 404),
}
_MOST_ON_PAGE = 100
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,9}")
Body = TypeVar("Body")
_decoder = msgspec.json.Decoder(dict[str, Any])


@dataclass(slots=True)
class Asked:
    """One request to an operation, and who makes it."""

    request: Request
    platform: Platform
    caller: Caller

    async def body(self) -> dict[str, Any]:
        """The JSON object sent; {} where nothing was. Raises UsageError (invalid_json)."""
        return await body_of(self.request)

    def query(self, name: str) -> str | None:
        return self.request.query_params.get(name) or None

    def count(self, name: str, default: int, *, least: int = 1, most: int = 100) -> int:
        """A whole number of the query string. Raises UsageError (invalid_param)."""
        given = self.query(name)
        if given is None:
            return default
        if not _WHOLE_NUMBER.fullmatch(given) or not least <= int(given) <= most:
            raise UsageError(f"{name} must be a whole number from {least} to {most}.", param=name)
        return int(given)


@dataclass(slots=True)
class Call(Asked):
    """One request to an operation of an app."""

    app: App

    async def user(self, given: Any, *, required: bool = False) -> EndUser:
        """The end user that the request names. Raises UsageError (invalid_param)."""
        if given in (None, ""):
            if required:
                raise UsageError("Arg user must be provided.", param="user")
            given = DEFAULT_USER
        return await self.platform.apps.conversations.user(self.app.workspace_id, self.app.id, str(given))

    async def asking_user(self) -> EndUser:
        """The user of a request that names it in the query string."""
        return await self.user(self.request.query_params.get("user"))


@dataclass(slots=True)
class DatasetCall(Asked):
    """One request to an operation of the whole workspace's knowledge."""

    async def base(self) -> KnowledgeBase:
        """The knowledge base that the path names. Raises NotFound in Dify's words."""
        return await self.base_of(str(self.request.path_params["dataset_id"]))

    async def base_of(self, dataset_id: str) -> KnowledgeBase:
        try:
            return await self.platform.knowledge.bases.by_id(self.caller.workspace_id, dataset_id)
        except NotFound as error:
            raise NotFound("Dataset not found.") from error

    async def document(self) -> tuple[KnowledgeBase, Document]:
        """The document that the path names, and its base. Raises NotFound in Dify's words."""
        base = await self.base()
        return base, await self.document_of(base, str(self.request.path_params["document_id"]))

    async def document_of(self, base: KnowledgeBase, document_id: str) -> Document:
        try:
            found = await self.platform.knowledge.documents.get(base.workspace_id, document_id)
        except NotFound as error:
            raise NotFound("Document not found.") from error
        if found.knowledge_id != base.id:
            raise NotFound("Document not found.")
        return self.platform.knowledge.progress.overlay(found)

    @property
    def page(self) -> tuple[int, int]:
        """The page asked for, from 1, and how many are on one: 20, at most 100. Raises UsageError (invalid_param)."""
        return self.count("page", 1, most=1_000_000), min(_MOST_ON_PAGE, self.count("limit", 20, most=999_999_999))


Handler = Callable[[Call], Awaitable[Response]]
DatasetHandler = Callable[[DatasetCall], Awaitable[Response]]


def operation(platform: Platform, path: str, method: str, handler: Handler, *, only: Modes | None = None) -> Route:
    """A route for app keys; `only`: the app modes it serves, for others 400."""

    @wraps(handler)
    async def endpoint(request: Request) -> Response:
        try:
            caller = await caller_of(request, platform, "app")
            call = Call(request, platform, caller, await _app_of(platform, caller))
            if only is not None and call.app.mode not in only.names:
                raise UsageError(WRONG_MODE, code=only.code)
            return await handler(call)
        except LLMFlowError as error:
            return refused(error)

    return Route(path, endpoint, methods=[method])


def dataset_operation(platform: Platform, path: str, method: str, handler: DatasetHandler) -> Route:
    """A route for dataset keys."""

    @wraps(handler)
    async def endpoint(request: Request) -> Response:
        try:
            return await handler(DatasetCall(request, platform, await caller_of(request, platform, "dataset")))
        except LLMFlowError as error:
            return refused(error)

    return Route(path, endpoint, methods=[method])


async def caller_of(request: Request, platform: Platform, kind: str) -> Caller:
    """Raises Unauthorized in Dify's words, also for a good key of another kind."""
    header = request.headers.get("authorization", "")
    if header and header.partition(" ")[0].lower() != "bearer" and " " in header:
        raise Unauthorized("Authorization scheme must be 'Bearer'")
    try:
        return await auth.caller(request, (kind,), platform=platform)
    except Forbidden as error:
        raise Unauthorized("Access token is invalid") from error


async def _app_of(platform: Platform, caller: Caller) -> App:
    try:
        return await platform.apps.catalogue.by_id(caller.workspace_id, caller.app_id or "")
    except NotFound as error:
        raise Unauthorized("Access token is invalid") from error


async def body_of(request: Request) -> dict[str, Any]:
    raw = await request.body()
    if not raw.strip():
        return {}
    try:
        return _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError("The body is not a JSON object.", code="invalid_json") from error


def checked(body: Mapping[str, Any], kind: type[Body]) -> Body:
    """The body as `kind`. Raises UsageError (invalid_param) that names the field."""
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        raise UsageError(f"1 validation error for {kind.__name__}\n{error}") from error


@contextmanager
def taken_is_invalid() -> Iterator[None]:
    """Around what may find a name taken: Dify calls that an invalid parameter where it names no code of its own."""
    try:
        yield
    except Conflict as error:
        raise UsageError(error.message, param=error.param) from error


def base_url(asked: Asked) -> str:
    """Where this server is reached from outside, without `/` at the end."""
    given = asked.platform.settings.server.public_url or str(asked.request.url.replace(path="", query=""))
    return given.rstrip("/")


def paged(data: list[Any], page: int, limit: int, total: int) -> Response:
    return answer({"data": data, "has_more": page * limit < total, "limit": limit, "total": total, "page": page})


def nothing() -> Response:
    """204, done."""
    return Response(status_code=204, media_type="application/json", headers=dict(HEADERS))


def answer(content: object, *, status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(content), status_code=status, media_type="application/json", headers=dict(HEADERS)
    )


def refused(error: LLMFlowError) -> Response:
    """The error as Dify says it."""
    body = error_body(error.code, error.message, error.status)
    response = answer(body, status=int(body["status"]))
    if error.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="api"'
    return response


def error_body(code: str, message: str, status: int) -> dict[str, Any]:
    known, known_status = _CODES.get(code, (code, status))
    return {"code": known, "message": _MESSAGES.get(code, message), "status": known_status}


async def not_found(request: Request, error: Exception) -> Response:
    return Response(NOT_FOUND_PAGE, status_code=404, media_type="text/html; charset=utf-8", headers=dict(HEADERS))


async def failed(request: Request, error: Exception) -> Response:
    """The surface's exception handler: 405s and faults of ours."""
    return refused(errors.known(error, request))
