"""The Service API as an OpenAPI document, from its routes: what they take, and how they refuse.

It describes what this server does. What an answer looks like, Dify's own description says, which the answers keep to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmflow.api.routes.service.described import TEXT, Described, Schema
from llmflow.api.routes.service.dify import HEADERS, answer

#: Routes, and what is said of them.
Part = tuple[Sequence[Route], Described]

_PLACE = re.compile(r"\{(\w+)(?::(\w+))?\}")
_WORD = {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}
_SCHEMAS = "#/components/schemas/"
_KEYS = {
    "app": "A key of one app: app-...",
    "dataset": "A key of the workspace's knowledge: dataset-...",
}
_ERROR = {
    "type": "object",
    "required": ["code", "message", "status"],
    "properties": {"code": TEXT, "message": TEXT, "status": {"type": "integer"}},
}
_KINDS = ("application/json", "text/event-stream", "text/html", "application/zip", "*/*")


def route(parts: Iterable[Part]) -> Route:
    """Serves the document of these routes, to anybody."""
    document = description(parts)

    async def endpoint(request: Request) -> Response:
        return answer(document)

    return Route("/openapi.json", endpoint, methods=["GET"])


def description(parts: Iterable[Part]) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    schemas: dict[str, Any] = {"Error": _ERROR}
    for routes, described in parts:
        schemas |= _schemas(described)
        for found in routes:
            path = _PLACE.sub(r"{\1}", found.path)
            if path in described.unlisted:
                continue
            for method in sorted((found.methods or set()) - {"HEAD"}):
                paths.setdefault(path, {})[method.lower()] = _operation(found, method, path, described)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "LLMFlow, the Service API",
            "version": HEADERS["X-Version"],
            "description": "Dify's Service API, as this server speaks it.",
        },
        "servers": [{"url": "/v1"}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": {
                kind: {"type": "http", "scheme": "bearer", "description": told} for kind, told in _KEYS.items()
            },
            "schemas": schemas,
        },
    }


def _operation(found: Route, method: str, path: str, described: Described) -> dict[str, Any]:
    operation = (method, path)
    words = found.name.strip("_").replace("_", " ")
    told: dict[str, Any] = {
        "summary": f"{words.capitalize()}: {path}",
        "security": [{described.key: []}],
        "responses": _responses(),
    }
    if found.endpoint.__doc__:
        told["description"] = " ".join(found.endpoint.__doc__.split())
    if operation in described.older:
        told["deprecated"] = True
    word = described.places.get(path, _WORD)
    parameters = [_place(name, kind, word) for name, kind in _PLACE.findall(found.path)]
    needed = described.needed.get(operation, set())
    for name, schema in described.queries.get(operation, {}).items():
        parameters.append({"name": name, "in": "query", "required": name in needed, "schema": schema})
    if parameters:
        told["parameters"] = parameters
    if operation in described.forms:
        told["requestBody"] = {
            "required": True,
            "content": {"multipart/form-data": {"schema": described.forms[operation]}},
        }
    if operation in described.bodies:
        body = _body(described.bodies[operation])
        is_needed = method != "DELETE" or "$ref" in body
        told["requestBody"] = {"required": is_needed, "content": {"application/json": {"schema": body}}}
    return told


def _place(name: str, kind: str, word: Schema) -> dict[str, Any]:
    schema = {"type": "string", "format": "uuid"} if kind == "uuid" else word
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _body(found: type[msgspec.Struct] | Schema) -> Schema:
    return found if isinstance(found, dict) else {"$ref": _SCHEMAS + found.__name__}


def _schemas(described: Described) -> dict[str, Any]:
    """Of all Structs, by name, with the user who is named beside what they have."""
    kinds = dict.fromkeys(found for found in described.bodies.values() if not isinstance(found, dict))
    _, found = msgspec.json.schema_components(kinds, ref_template=_SCHEMAS + "{name}")
    schemas = dict(found)
    if described.with_user:
        for kind in kinds:
            schema = dict(schemas[kind.__name__])
            schema["properties"] = {**schema["properties"], "user": TEXT}
            if kind not in described.unnamed:
                schema["required"] = [*schema.get("required", []), "user"]
            schemas[kind.__name__] = schema
    return schemas


def _responses() -> dict[str, Any]:
    whatever: dict[str, Any] = {kind: {} for kind in _KINDS}
    refused = {**whatever, "application/json": {"schema": {"$ref": f"{_SCHEMAS}Error"}}}
    error = {"description": "Refused, as Dify refuses", "content": refused}
    return {"2XX": {"description": "Done", "content": whatever}, "4XX": error, "5XX": error}
