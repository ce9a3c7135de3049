"""The Service API for apps as an OpenAPI document, from its routes: what they take, and how they refuse.

It describes what this server does. What an answer looks like, Dify's own description says, which the answers keep to.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmflow.api.routes.service.annotation import AnnotationCreatePayload, AnnotationReplyActionPayload
from llmflow.api.routes.service.audio import TextToAudioPayload
from llmflow.api.routes.service.chat import ChatRequestPayload
from llmflow.api.routes.service.conversations import ConversationRenamePayload, MessageFeedbackPayload
from llmflow.api.routes.service.dify import HEADERS, answer
from llmflow.api.routes.service.forms import HumanInputFormSubmitPayload
from llmflow.api.routes.service.workflows import WorkflowRunPayload

_PLACE = re.compile(r"\{(\w+)(?::(\w+))?\}")
_TEXT = {"type": "string"}
_WORD = {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}
_PLACES = {"action": {"type": "string", "enum": ["enable", "disable"]}}
_WHOLE = {"type": "integer", "minimum": 1}
_LIMIT = {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
_YES = {"type": "boolean", "default": False}
_TIME = {"type": "string", "format": "date-time"}
_FILE = {"type": "string", "format": "binary"}
_PAGES = {"page": _WHOLE, "limit": _LIMIT}
_VALUE = {"type": "object", "required": ["value"], "properties": {"value": {}, "user": _TEXT}}
_USER = {"type": "object", "required": ["user"], "properties": {"user": _TEXT}}
_PERHAPS_USER = {"type": "object", "properties": {"user": _TEXT}}
_ORDERS = {"type": "string", "enum": ["created_at", "-created_at", "updated_at", "-updated_at"]}

#: Bodies of JSON: a Struct, to which `user` is added where somebody must be named, or a schema.
_BODIES: dict[tuple[str, str], type[msgspec.Struct] | dict[str, Any]] = {
    ("POST", "/chat-messages"): ChatRequestPayload,
    ("POST", "/chat-messages/{task_id}/stop"): _USER,
    ("POST", "/workflows/run"): WorkflowRunPayload,
    ("POST", "/workflows/{workflow_id}/run"): WorkflowRunPayload,
    ("POST", "/workflows/tasks/{task_id}/stop"): _USER,
    ("POST", "/workflows/{task_id}/stop"): _USER,
    ("POST", "/form/human_input/{form_token}"): HumanInputFormSubmitPayload,
    ("DELETE", "/conversations/{conversation_id}"): _PERHAPS_USER,
    ("POST", "/conversations/{conversation_id}/name"): ConversationRenamePayload,
    ("PUT", "/conversations/{conversation_id}/variables/{variable_id}"): _VALUE,
    ("POST", "/messages/{message_id}/feedbacks"): MessageFeedbackPayload,
    ("POST", "/text-to-audio"): TextToAudioPayload,
    ("POST", "/apps/annotations"): AnnotationCreatePayload,
    ("PUT", "/apps/annotations/{annotation_id}"): AnnotationCreatePayload,
    ("POST", "/apps/annotation-reply/{action}"): AnnotationReplyActionPayload,
}
_UNNAMED = (ConversationRenamePayload, TextToAudioPayload, AnnotationCreatePayload, AnnotationReplyActionPayload)
_UPLOADS = ("/files/upload", "/audio-to-text")
#: Query strings, by name; in `_NEEDED` those that must be there.
_QUERIES: dict[tuple[str, str], dict[str, Any]] = {
    ("GET", "/messages/{message_id}/suggested"): {"user": _TEXT},
    ("GET", "/workflow/{run_id}/events"): {
        "user": _TEXT,
        "include_state_snapshot": _YES,
        "continue_on_pause": _YES,
    },
    ("GET", "/workflows/logs"): {
        **_PAGES,
        "keyword": _TEXT,
        "status": {"type": "string", "enum": ["succeeded", "failed", "stopped", "partial-succeeded"]},
        "created_at__before": _TIME,
        "created_at__after": _TIME,
        "created_by_end_user_session_id": _TEXT,
        "created_by_account": _TEXT,
    },
    ("GET", "/conversations"): {"user": _TEXT, "last_id": _TEXT, "limit": _LIMIT, "sort_by": _ORDERS},
    ("GET", "/conversations/{conversation_id}/variables"): {
        "user": _TEXT,
        "last_id": _TEXT,
        "limit": _LIMIT,
        "variable_name": _TEXT,
    },
    ("GET", "/messages"): {"conversation_id": _TEXT, "user": _TEXT, "first_id": _TEXT, "limit": _LIMIT},
    ("GET", "/app/feedbacks"): _PAGES,
    ("GET", "/files/{file_id}/preview"): {"as_attachment": _YES, "user": _TEXT},
    ("GET", "/apps/annotations"): {"page": _WHOLE, "limit": _WHOLE, "keyword": _TEXT},
}
_NEEDED = {
    ("GET", "/messages/{message_id}/suggested"): {"user"},
    ("GET", "/workflow/{run_id}/events"): {"user"},
    ("GET", "/messages"): {"conversation_id"},
}
_ERROR = {
    "type": "object",
    "required": ["code", "message", "status"],
    "properties": {"code": _TEXT, "message": _TEXT, "status": {"type": "integer"}},
}
_KINDS = ("application/json", "text/event-stream", "text/html", "*/*")


def route(routes: list[Route]) -> Route:
    """Serves the document of these routes, to anybody."""
    document = description(routes)

    async def endpoint(request: Request) -> Response:
        return answer(document)

    return Route("/openapi.json", endpoint, methods=["GET"])


def description(routes: list[Route]) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for found in routes:
        path = _PLACE.sub(r"{\1}", found.path)
        for method in sorted((found.methods or set()) - {"HEAD"}):
            paths.setdefault(path, {})[method.lower()] = _operation(found, method, path)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "LLMFlow, the Service API for apps",
            "version": HEADERS["X-Version"],
            "description": "Dify's Service API, as this server speaks it. The key is an app's.",
        },
        "servers": [{"url": "/v1"}],
        "security": [{"key": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": _ERROR},
        },
    }


def _operation(found: Route, method: str, path: str) -> dict[str, Any]:
    words = found.name.strip("_").replace("_", " ")
    told: dict[str, Any] = {"summary": f"{words.capitalize()}: {path}", "responses": _responses()}
    if found.endpoint.__doc__:
        told["description"] = " ".join(found.endpoint.__doc__.split())
    parameters = [_place(name, kind) for name, kind in _PLACE.findall(found.path)]
    needed = _NEEDED.get((method, path), set())
    for name, schema in _QUERIES.get((method, path), {}).items():
        parameters.append({"name": name, "in": "query", "required": name in needed, "schema": schema})
    if parameters:
        told["parameters"] = parameters
    body = _body(method, path)
    if body:
        told["requestBody"] = {"required": method != "DELETE", "content": body}
    return told


def _place(name: str, kind: str) -> dict[str, Any]:
    schema = {"type": "string", "format": "uuid"} if kind == "uuid" else _PLACES.get(name, _WORD)
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _body(method: str, path: str) -> dict[str, Any]:
    if method == "POST" and path in _UPLOADS:
        form = {"type": "object", "required": ["file"], "properties": {"file": _FILE, "user": _TEXT}}
        return {"multipart/form-data": {"schema": form}}
    found = _BODIES.get((method, path))
    if found is None:
        return {}
    return {"application/json": {"schema": found if isinstance(found, dict) else _schema(found)}}


def _schema(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """The Struct's, whole, with the user who is named beside it."""
    _, components = msgspec.json.schema_components([kind])
    schema: dict[str, Any] = dict(components[kind.__name__])
    schema["properties"] = {**schema["properties"], "user": _TEXT}
    if kind not in _UNNAMED:
        schema["required"] = [*schema.get("required", []), "user"]
    return schema


def _responses() -> dict[str, Any]:
    whatever: dict[str, Any] = {kind: {} for kind in _KINDS}
    refused = {**whatever, "application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    error = {"description": "Refused, as Dify refuses", "content": refused}
    return {"2XX": {"description": "Done", "content": whatever}, "4XX": error, "5XX": error}
