"""trigger-webhook: a start when an address is called, with what the call declares and carries as outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field, field_validator

from llmflow.errors import UsageError
from llmflow.workflow.context import Context
from llmflow.workflow.data import Lenient, NodeData
from llmflow.workflow.files import is_file
from llmflow.workflow.kind import Kind
from llmflow.workflow.templates.template import fill
from llmflow.workflow.types import Outcome, Words
from llmflow.workflow.variables import Pool, number

#: What the run's inputs have for the node: {"method", "headers", "query_params", "body", "files"}, as Dify shows it.
SENT = "webhook_data"
RAW = "_webhook_raw"

_BINARY = "application/octet-stream"
_TEXT = "text/plain"
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_TRUTHS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
}


class Parameter(Lenient):
    """`type`: string, number, boolean, object, array[string] ..., file."""

    name: str
    type: str = "string"
    required: bool = False

    @field_validator("type", mode="before")
    @classmethod
    def _no_type(cls, value: object) -> object:
        return value or "string"


class WebhookData(NodeData):
    """`timeout`, `async_mode`: kept; a webhook answers as soon as its run is accepted, here as there. The addresses
    are of the installation that the file came from."""

    method: str = "get"
    content_type: str = "application/json"
    headers: list[Parameter] = Field(default_factory=list)
    params: list[Parameter] = Field(default_factory=list)
    body: list[Parameter] = Field(default_factory=list)
    status_code: int = Field(default=200, ge=200, le=599)
    response_body: str = ""
    timeout: int = 30
    async_mode: bool = True
    webhook_id: str | None = None
    webhook_url: str | None = None
    webhook_debug_url: str | None = None

    @field_validator("method", "content_type", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.strip().lower() if isinstance(value, str) else value

    @field_validator("headers", "params", "body", mode="before")
    @classmethod
    def _no_parameters(cls, value: object) -> object:
        return value or []

    @field_validator("response_body", mode="before")
    @classmethod
    def _no_body(cls, value: object) -> object:
        return value or ""


def accepted(
    data: WebhookData,
    *,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    body: Mapping[str, Any],
    files: Mapping[str, Any],
) -> dict[str, Any]:
    """What was sent, its declared parts as their types want them; what was not declared stays as it is. Raises
    UsageError (webhook_input_invalid) naming the part that is missing or of another type."""
    lower = {name.lower().replace("-", "_") for name in headers}
    for header in data.headers:
        if header.required and header.name.lower().replace("-", "_") not in lower:
            raise _missing("header", header)
    is_form = data.content_type in _FORMS
    if data.content_type in (_TEXT, _BINARY):
        if any(part.required for part in data.body) and not body.get("raw"):
            raise UsageError("The body is empty.", code=_CODE, param="body")
        typed = dict(body)
    else:
        plain = [part for part in data.body if part.type != "file"]
        typed = _typed("body", plain, body, is_text=is_form)
        for part in data.body:
            if part.type == "file" and part.required and part.name not in files:
                raise _missing("file", part)
    return {
        "method": data.method.upper(),
        "headers": dict(headers),
        "query_params": _typed("query", data.params, query, is_text=True),
        "body": typed,
        "files": dict(files),
    }


def outputs_of(data: WebhookData, sent: Mapping[str, Any]) -> dict[str, Any]:
    """The node's outputs: None for a declared part that did not come."""
    headers = {name.lower().replace("-", "_"): value for name, value in (sent.get("headers") or {}).items()}
    query, body, files = (sent.get(name) or {} for name in ("query_params", "body", "files"))
    found: dict[str, Any] = {}
    for header in data.headers:
        found[header.name.replace("-", "_")] = headers.get(header.name.lower().replace("-", "_"))
    for part in data.params:
        found[part.name] = query.get(part.name)
    for part in data.body:
        if data.content_type in (_TEXT, _BINARY):
            found[part.name] = body.get("raw")
        else:
            found[part.name] = (files if part.type == "file" else body).get(part.name)
    return {**found, RAW: dict(sent)}


def answer(data: WebhookData, node_id: str, outputs: Mapping[str, Any], system: Mapping[str, Any]) -> bytes:
    """The JSON that the caller gets: `response_body` with the node's outputs and sys variables filled in. Text that is
    no JSON becomes {"message": ...}, as Dify answers."""
    pool = Pool()
    pool.put(node_id, outputs)
    pool.put("sys", system)
    text = data.response_body.strip()
    content: Any = {"message": data.response_body}
    if not text:
        content = {"status": "success", "message": "Webhook processed successfully"}
    elif text[0] in "{[":
        try:
            content = json.loads(text)
        except json.JSONDecodeError:
            content = {"message": data.response_body}
    return json.dumps(_filled(content, pool), ensure_ascii=False).encode("utf-8", "replace")


def _filled(value: Any, pool: Pool) -> Any:
    """Filled within the JSON, so that no value breaks out of its place."""
    if isinstance(value, str):
        return fill(value, pool)
    if isinstance(value, dict):
        return {key: _filled(item, pool) for key, item in value.items()}
    return [_filled(item, pool) for item in value] if isinstance(value, list) else value


def _typed(where: str, parts: Sequence[Parameter], given: Mapping[str, Any], *, is_text: bool) -> dict[str, Any]:
    """`is_text`: all values came as text and are read; else they have a type already, which is looked at."""
    found = dict(given)
    for part in parts:
        if part.name not in given:
            if part.required:
                raise _missing(where, part)
            continue
        value = given[part.name]
        try:
            found[part.name] = _read(value, part.type) if is_text and isinstance(value, str) else value
        except ValueError as error:
            raise _wrong(where, part) from error
        if not _fits(found[part.name], part.type):
            raise _wrong(where, part)
    return found


def _read(text: str, type_name: str) -> Any:
    """Raises ValueError."""
    if type_name == "number":
        value = number(text)
        if value != value or value in (float("inf"), float("-inf")):
            raise ValueError(text)
        return int(value) if isinstance(value, float) and value.is_integer() else value
    if type_name == "boolean":
        if text.lower() not in _TRUTHS:
            raise ValueError(text)
        return _TRUTHS[text.lower()]
    if type_name == "object" or type_name.startswith("array"):
        return json.loads(text)
    return text


def _fits(value: Any, type_name: str) -> bool:
    if type_name.startswith("array[") and type_name.endswith("]"):
        return isinstance(value, list) and all(_fits(item, type_name[6:-1]) for item in value)
    if type_name == "file":
        return is_file(value)
    expected = _TYPES.get(type_name)
    if expected is None:
        return True
    is_number = type_name == "number"
    return isinstance(value, expected) and not (is_number and isinstance(value, bool))


_CODE = "webhook_input_invalid"


def _missing(where: str, part: Parameter) -> UsageError:
    return UsageError(f"The {where} `{part.name}` is required and missing.", code=_CODE, param=part.name)


def _wrong(where: str, part: Parameter) -> UsageError:
    return UsageError(f"`{part.name}` of the {where} must be of type {part.type}.", code=_CODE, param=part.name)


def run(data: WebhookData, context: Context) -> Outcome:
    sent = context.pool.owned(context.node.id).get(SENT) or {}
    return Outcome(outputs_of(data, sent), inputs={SENT: sent})


KIND = Kind(
    type="trigger-webhook",
    role="start",
    data=WebhookData,
    run=run,
    words=Words(
        "Webhook",
        "웹훅",
        "Starts a run when another system calls its address.",
        "다른 시스템이 주소를 호출하면 실행을 시작합니다.",
    ),
    outputs={RAW: "object"},
    fields={
        "method": Words("Method", "메서드", "The HTTP method that is taken.", "받아들이는 HTTP 메서드입니다."),
        "content_type": Words("Content type", "콘텐츠 형식", "Of the body.", "본문의 형식입니다."),
        "headers": Words("Headers", "헤더", "Given to the workflow.", "워크플로에 넘겨집니다."),
        "params": Words("Query parameters", "쿼리 매개변수", "Of the address.", "주소에 붙는 값입니다."),
        "body": Words("Body", "본문", "The values of the body.", "본문에 담기는 값입니다."),
        "status_code": Words("Status", "상태 코드", "Of the answer.", "응답의 상태 코드입니다."),
        "response_body": Words(
            "Answer", "응답 본문", "Sent as soon as the run is accepted.", "실행을 접수하는 즉시 보냅니다."
        ),
    },
)
