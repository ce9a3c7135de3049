"""http: any request to an address on the internet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmflow.errors import NodeFailed
from llmflow.tools.answers import of_http
from llmflow.tools.builtin.make import made
from llmflow.tools.requests import request
from llmflow.tools.types import Scope, ToolAnswer, Words

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")


async def _ask(arguments: Mapping[str, Any], scope: Scope) -> ToolAnswer:
    headers = tuple((name, str(value)) for name, value in arguments.get("headers", {}).items())
    if any("\n" in part or "\r" in part for header in headers for part in header):
        raise NodeFailed("A header is one line.", code="tool_input_invalid", param="headers")
    body = arguments.get("body", "")
    if body and not any(name.lower() == "content-type" for name, _ in headers):
        kind = "application/json" if body.lstrip().startswith(("{", "[")) else "text/plain; charset=utf-8"
        headers += (("Content-Type", kind),)
    sent = request(scope, arguments["method"], arguments["url"].strip(), headers=headers, body=body.encode() or None)
    return await of_http(await scope.http(sent), scope)


TOOLS = (
    made(
        "http",
        "request",
        _ask,
        description="Sends an HTTP request to an address on the internet and gives its answer.",
        words=Words("HTTP request", "HTTP 요청", "To any address.", "인터넷 주소에 요청을 보냅니다."),
        parameters={
            "url": {"type": "string", "description": "The address, beginning with http:// or https://"},
            "method": {"type": "string", "enum": list(_METHODS), "default": "GET", "description": "HTTP method"},
            "headers": {"type": "object", "description": "Headers, name to value", "additionalProperties": True},
            "body": {"type": "string", "description": "The body, as text"},
        },
        fields={
            "url": Words("Address", "주소", "http:// or https://", "http:// 또는 https://로 시작합니다."),
            "method": Words("Method", "메서드"),
            "headers": Words("Headers", "헤더", "Name to value, as JSON.", "이름과 값을 JSON으로 적습니다."),
            "body": Words("Body", "본문", "Text or JSON.", "글 또는 JSON입니다."),
        },
        required=("url",),
        is_safe=False,
    ),
)
