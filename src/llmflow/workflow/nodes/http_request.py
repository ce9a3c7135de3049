"""http-request: one request to an address on the public internet, its answer as text or as a file."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any, Literal
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from pydantic import Field, field_validator

from llmflow.errors import NodeFailed
from llmflow.net.messages import HttpAnswer, HttpRequest
from llmflow.net.multipart import Part, form
from llmflow.workflow.context import Context
from llmflow.workflow.data import Lenient, NodeData
from llmflow.workflow.files import files_in
from llmflow.workflow.kind import Kind
from llmflow.workflow.templates.template import parts, selectors
from llmflow.workflow.types import Outcome, Words
from llmflow.workflow.variables import text_of

_SAFE = frozenset({"get", "head", "options"})
_METHODS = _SAFE | {"post", "put", "patch", "delete"}
_MASK = "****************"


class AuthorizationConfig(Lenient):
    type: Literal["basic", "bearer", "custom"] = "bearer"
    api_key: str = ""
    header: str = ""

    @field_validator("api_key", "header", mode="before")
    @classmethod
    def _no_text(cls, value: Any) -> Any:
        return value or ""


class Authorization(Lenient):
    type: Literal["no-auth", "api-key"] = "no-auth"
    config: AuthorizationConfig | None = None


class BodyItem(Lenient):
    key: str = ""
    type: Literal["text", "file"] = "text"
    value: str = ""
    file: list[str] = Field(default_factory=list)

    @field_validator("file", mode="before")
    @classmethod
    def _no_file(cls, value: Any) -> Any:
        return value or []


class Body(Lenient):
    """`data` is a plain text in old files; there, lines of `key:value` are a form."""

    type: Literal["none", "form-data", "x-www-form-urlencoded", "raw-text", "json", "binary"] = "none"
    data: list[BodyItem] = Field(default_factory=list)

    @field_validator("data", mode="before")
    @classmethod
    def _old_text(cls, value: Any, info: Any) -> Any:
        if not isinstance(value, str):
            return value or []
        if info.data.get("type") in ("form-data", "x-www-form-urlencoded"):
            return [{"key": key, "value": text} for key, text in _pairs(value)]
        return [{"value": value}] if value else []


class Timeout(Lenient):
    """Seconds; 0 and absent mean the platform's."""

    connect: float | None = None
    read: float | None = None
    write: float | None = None


class HttpData(NodeData):
    method: str = "get"
    url: str = ""
    authorization: Authorization = Authorization()
    headers: str = ""
    params: str = ""
    body: Body = Body()
    timeout: Timeout = Timeout()
    ssl_verify: bool = True

    @field_validator("headers", "params", mode="before")
    @classmethod
    def _no_lines(cls, value: Any) -> Any:
        return value or ""

    @field_validator("authorization", "body", "timeout", mode="before")
    @classmethod
    def _nothing(cls, value: Any) -> Any:
        return value or {}

    @field_validator("ssl_verify", mode="before")
    @classmethod
    def _verified(cls, value: Any) -> Any:
        return True if value is None else value

    @field_validator("method")
    @classmethod
    def _known(cls, value: str) -> str:
        if value.lower() not in _METHODS:
            raise ValueError(f"{value} is no method of HTTP")
        return value.lower()


async def run(data: HttpData, context: Context) -> Outcome:
    request, shown = await _request(data, context)
    process_data = {"request": shown}
    try:
        answer = await context.outside.http(request)
        outputs = await _outputs(answer, request, context)
    except NodeFailed as error:
        error.process_data = process_data
        raise
    if answer.status >= 400 and (data.error_strategy or data.retry_config.retry_enabled):
        text = f"Request failed with status code {answer.status}"
        raise NodeFailed(text, code="http_failed", outputs=outputs, process_data=process_data)
    return Outcome(outputs, process_data=process_data)


async def _request(data: HttpData, context: Context) -> tuple[HttpRequest, str]:
    """What to send, and how it is shown: without what authorizes it."""
    url = _url(data, context)
    headers, private = _headers(data.headers, context)
    if data.authorization.type == "api-key":
        name, value = _authorization(data.authorization, context)
        headers = [pair for pair in headers if pair[0].lower() != name.lower()] + [(name, value)]
        private.append(name)
    body, media_type = await _body(data.body, context)
    if data.body.type == "form-data":
        headers = [pair for pair in headers if pair[0].lower() != "content-type"]
    if media_type and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", media_type))
    limits = context.limits
    request = HttpRequest(
        method=data.method.upper(),
        url=url,
        headers=tuple(headers),
        private=tuple(private),
        body=body,
        connect_s=min(data.timeout.connect or 10.0, limits.http_seconds),
        read_s=min(data.timeout.read or limits.http_seconds, limits.http_seconds),
        verify=data.ssl_verify,
        text_bytes=limits.http_text_kb * 1024,
        file_bytes=limits.http_file_kb * 1024,
    )
    return request, _shown(request)


def _url(data: HttpData, context: Context) -> str:
    url = context.fill(data.url).strip()
    if not url.startswith(("http://", "https://")):
        raise NodeFailed("The address must begin with http:// or https://.", code="http_failed")
    given = [(context.fill(name.strip()), context.fill(value)) for name, value in _pairs(data.params)]
    if not given:
        return url
    address = urlsplit(url)
    query = "&".join(filter(None, [address.query, urlencode(given, quote_via=quote)]))
    return urlunsplit((address.scheme, address.netloc, address.path, query, address.fragment))


def _headers(lines: str, context: Context) -> tuple[list[tuple[str, str]], list[str]]:
    """The headers, and the names of those with a secret. A value cannot begin another header; a line that is one
    variable alone may hold several."""
    found: list[tuple[str, str]] = []
    private: list[str] = []
    for line in lines.splitlines():
        if ":" in line:
            new = [(context.fill(name), " ".join(context.fill(value).split("\n"))) for name, value in _pairs(line)]
        else:
            new = list(_pairs(context.fill(line)))
        found += new
        if context.holds_secret(line):
            private += [name for name, _ in new]
    return found, private


def _authorization(authorization: Authorization, context: Context) -> tuple[str, str]:
    config = authorization.config or AuthorizationConfig()
    key = context.fill(config.api_key).strip()
    if not key:
        raise NodeFailed("The key for the authorization is empty.", code="http_failed")
    name = context.fill(config.header).strip() or "Authorization"
    if config.type == "bearer":
        return name, f"Bearer {key}"
    if config.type == "basic":
        return name, f"Basic {base64.b64encode(key.encode()).decode() if ':' in key else key}"
    return name, key


async def _body(body: Body, context: Context) -> tuple[bytes | None, str]:
    """(bytes, media type); media type "" where the node's headers must say."""
    match body.type:
        case "none":
            return None, ""
        case "raw-text":
            return context.fill(_only(body)).encode(), "text/plain"
        case "json":
            return _json(_only(body), context), "application/json"
        case "binary":
            files = list(files_in(context.get(body.data[0].file))) if body.data else []
            if not files:
                raise NodeFailed("There is no file to send.", code="node_input_invalid")
            return await context.outside.read_file(files[0]), str(files[0].get("mime_type") or "")
        case "x-www-form-urlencoded":
            fields = [(context.fill(item.key), context.fill(item.value)) for item in body.data]
            return urlencode(fields).encode(), "application/x-www-form-urlencoded"
        case "form-data":
            return await _form(body, context)


def _only(body: Body) -> str:
    return body.data[0].value if body.data else ""


def _json(template: str, context: Context) -> bytes:
    """The template filled so that it stays JSON: a value between quotes is escaped unless it already is. So nothing a
    user types can break out of its place."""
    found: list[str] = []
    in_text = False
    for part in parts(template):
        if isinstance(part, str):
            found.append(part)
            in_text ^= len(_QUOTE.findall(part)) % 2 == 1
            continue
        value = context.get(part)
        if in_text:
            found.append(_escaped(text_of(value)))
        else:
            found.append(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    text = "".join(found)
    if not text.strip():
        return b""
    try:
        return json.dumps(json.loads(text, strict=False), ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise NodeFailed(f"The body is no JSON: {error}", code="node_input_invalid") from error


_QUOTE = re.compile(r'(?<!\\)(?:\\\\)*"')


def _escaped(text: str) -> str:
    try:
        json.loads(f'"{text}"', strict=False)
    except json.JSONDecodeError:
        return json.dumps(text, ensure_ascii=False)[1:-1]
    return text


async def _form(body: Body, context: Context) -> tuple[bytes, str]:
    parts: list[Part] = []
    for item in body.data:
        key = context.fill(item.key)
        if item.type == "text":
            parts.append(Part(key, context.fill(item.value).encode()))
            continue
        for file in files_in(context.get(item.file)):
            media_type = str(file.get("mime_type") or "application/octet-stream")
            content = await context.outside.read_file(file)
            parts.append(Part(key, content, str(file.get("filename") or "file"), media_type))
    return form(parts)


def _pairs(lines: str) -> Iterator[tuple[str, str]]:
    """`key:value`, one a line; a key alone has the value ""."""
    for line in lines.splitlines():
        key, _, value = line.partition(":")
        if key.strip():
            yield key.strip(), value.strip()


def _shown(request: HttpRequest) -> str:
    """The request as text, secrets masked, a long body cut."""
    address = urlsplit(request.url)
    path = urlunsplit(("", "", address.path or "/", address.query, ""))
    hidden = {name.lower() for name in request.private} | {"authorization", "cookie"}
    lines = [f"{request.method} {path} HTTP/1.1", f"Host: {address.hostname or ''}"]
    lines += [f"{name}: {_MASK if name.lower() in hidden else value}" for name, value in request.headers]
    body = (request.body or b"")[:4000].decode("utf-8", "replace")
    return "\r\n".join([*lines, "", body])


async def _outputs(answer: HttpAnswer, request: HttpRequest, context: Context) -> dict[str, Any]:
    files: list[dict[str, Any]] = []
    text = ""
    if answer.is_file:
        files.append(await context.outside.keep_file(answer.body, answer.file_name, answer.media_type))
    else:
        if len(answer.body) > request.text_bytes:
            raise NodeFailed(f"The answer is larger than {request.text_bytes // 1024} KB.", code="http_failed")
        text = answer.text()
    return {"status_code": answer.status, "body": text, "headers": dict(answer.headers), "files": files}


def _reads(data: HttpData) -> list[tuple[str, ...] | list[str]]:
    texts = [data.url, data.headers, data.params, *(text for item in data.body.data for text in (item.key, item.value))]
    config = data.authorization.config
    texts += [config.api_key, config.header] if config else []
    found: list[tuple[str, ...] | list[str]] = [selector for text in texts for selector in selectors(text)]
    return found + [item.file for item in data.body.data if item.file]


KIND = Kind(
    type="http-request",
    data=HttpData,
    run=run,
    safe=lambda data: data.method in _SAFE,
    reads=_reads,
    outputs={"status_code": "number", "body": "string", "headers": "object", "files": "array[file]"},
    words=Words("HTTP request", "HTTP 요청", "Asks an address on the internet.", "인터넷 주소에 요청을 보냅니다."),
    fields={
        "method": Words("Method", "메서드"),
        "url": Words("Address", "주소", "http:// or https://", "http:// 또는 https://로 시작합니다."),
        "authorization": Words("Authorization", "인증", "A key sent in a header.", "헤더로 보내는 키입니다."),
        "headers": Words("Headers", "헤더", "One a line, name:value.", "한 줄에 하나씩 이름:값으로 적습니다."),
        "params": Words("Parameters", "매개변수", "One a line, name:value.", "한 줄에 하나씩 이름:값으로 적습니다."),
        "body": Words("Body", "본문"),
        "timeout": Words("Timeouts", "제한 시간", "Seconds.", "초 단위입니다."),
        "ssl_verify": Words("Check the certificate", "인증서 확인"),
    },
)
