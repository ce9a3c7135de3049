"""Asks an operation's server: arguments to an address, headers and a body, with the collection's credential."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from yarl import URL

from llmflow.errors import LLMFlowError, NodeFailed
from llmflow.net.multipart import Part, form
from llmflow.tools.answers import of_http
from llmflow.tools.openapi.types import Body, Credential, Operation, Parameter
from llmflow.tools.requests import request
from llmflow.tools.types import FileValue, Scope, ToolAnswer

_RESERVED = ":/?#[]@!$&'()*+,;="
_SEPARATORS = {"spaceDelimited": " ", "pipeDelimited": "|", "tabDelimited": "\t"}
_MASK = "****************"
_LEAST_MASKED = 6  # letters of a secret; a shorter one would mask half an answer


@dataclass(frozen=True, slots=True)
class Target:
    """Where operations are asked, and the credential that their server alone is shown."""

    base_url: str
    credential: Credential


async def ask(operation: Operation, target: Target, arguments: Mapping[str, Any], scope: Scope) -> ToolAnswer:
    """Raises NodeFailed (tool_input_invalid, tool_failed, http_failed) and Forbidden (address_blocked). The credential
    is in no error and no answer."""
    try:
        return _masked(await _asked(operation, target, arguments, scope), target.credential)
    except NodeFailed as error:
        message = _hidden(error.message, target.credential)
        raise NodeFailed(message, code=error.code, hint=error.hint, param=error.param) from None
    except LLMFlowError as error:
        error.message = _hidden(error.message, target.credential)
        raise


async def _asked(operation: Operation, target: Target, arguments: Mapping[str, Any], scope: Scope) -> ToolAnswer:
    server = operation.server or target.base_url
    if not server:
        raise NodeFailed("The document names no server; give its address on the page Tools.", code="tool_failed")
    query: list[str] = []
    headers: list[tuple[str, str]] = [("Accept", "application/json, text/*;q=0.9, */*;q=0.5")]
    cookies: list[str] = []
    path = operation.path
    for parameter in operation.parameters:
        value = arguments.get(parameter.argument)
        if value is None:
            if parameter.where == "path":
                raise _wrong(parameter.argument, "is missing")
            continue
        match parameter.where:
            case "path":
                path = path.replace("{" + parameter.name + "}", _in_path(parameter, value))
            case "query":
                query += _in_query(parameter, value)
            case "header":
                headers.append((parameter.name, _line(parameter.argument, _simple(parameter, value, ""))))
            case "cookie":
                cookies.append(f"{parameter.name}={quote(_simple(parameter, value, ''), safe='')}")
    body, media_type = await _written(operation.body, arguments, scope) if operation.body else (None, "")
    if media_type:
        headers.append(("Content-Type", media_type))
    private: tuple[str, ...] = ()
    if origin(server) == origin(target.base_url):
        private = _shown(target.credential, query, headers, cookies)
    if cookies:
        headers.append(("Cookie", "; ".join(cookies)))
    sent = request(
        scope,
        operation.method,
        _joined(server, path, query),
        headers=tuple(headers),
        private=private,
        body=body,
    )
    return await of_http(await scope.http(sent), scope, hide=partial(_hidden, credential=target.credential))


def _shown(
    credential: Credential, query: list[str], headers: list[tuple[str, str]], cookies: list[str]
) -> tuple[str, ...]:
    """Adds the credential; the headers that hold it. It stands for an argument of its name."""
    scheme, secret = credential.scheme, credential.secret
    if not secret and not credential.user:
        return ()
    name, value = "Authorization", ""
    match scheme.kind:
        case "none":
            return ()
        case "bearer":
            value = f"Bearer {secret}"
        case "basic":
            value = "Basic " + base64.b64encode(f"{credential.user}:{secret}".encode()).decode()
        case "api_key" if scheme.where == "query":
            key = quote(scheme.name, safe="")
            query[:] = [*(part for part in query if part.partition("=")[0] != key), f"{key}={quote(secret, safe='')}"]
            return ()
        case "api_key" if scheme.where == "cookie":
            cookies.append(f"{scheme.name}={secret}")
            return ("Cookie",)
        case "api_key":
            name, value = scheme.name, secret
    headers[:] = [*(one for one in headers if one[0].lower() != name.lower()), (name, value)]
    return (name,)


def _joined(server: str, path: str, query: Sequence[str]) -> str:
    parts = urlsplit(server)
    joined = "&".join([*([parts.query] if parts.query else []), *query])
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/") + "/" + path.lstrip("/"), joined, ""))


def origin(url: str) -> tuple[str, str]:
    """Scheme and host of an address: whom a credential is shown."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _in_path(parameter: Parameter, value: Any) -> str:
    """A value fills its place and leads nowhere else: it is one segment, and neither empty nor dots."""
    prefix = {"label": ".", "matrix": f";{parameter.name}="}.get(parameter.style, "")
    text = _simple(parameter, value, "")
    if not text.strip() or set(text) <= {"."}:
        raise _wrong(parameter.argument, "is no part of a path")
    return prefix + quote(text, safe=",")


def _in_query(parameter: Parameter, value: Any) -> Iterator[str]:
    safe = _RESERVED if parameter.keeps_reserved else ""
    name = quote(parameter.name, safe="[]")

    def pair(key: str, one: Any) -> str:
        return f"{key}={quote(_text(one), safe=safe)}"

    if parameter.is_json:
        yield pair(name, _json(value))
    elif isinstance(value, Mapping):
        if parameter.style == "deepObject":
            yield from (pair(f"{name}[{quote(str(key), safe='')}]", one) for key, one in value.items())
        elif parameter.explode:
            yield from (pair(quote(str(key), safe=""), one) for key, one in value.items())
        else:
            yield f"{name}={','.join(quote(_text(part), safe=safe) for item in value.items() for part in item)}"
    elif isinstance(value, list):
        if parameter.explode and parameter.style not in _SEPARATORS:
            yield from (pair(name, one) for one in value)
        else:
            separator = quote(_SEPARATORS.get(parameter.style, ","), safe=",")
            yield f"{name}={separator.join(quote(_text(one), safe=safe) for one in value)}"
    else:
        yield pair(name, value)


def _simple(parameter: Parameter, value: Any, empty: str) -> str:
    """As headers and paths carry it."""
    if parameter.is_json:
        return _json(value)
    if isinstance(value, Mapping):
        pairs = value.items()
        if parameter.explode:
            return ",".join(f"{key}={_text(one)}" for key, one in pairs)
        return ",".join(_text(part) for item in pairs for part in item)
    if isinstance(value, list):
        return ",".join(map(_text, value))
    return _text(value) or empty


async def _written(body: Body, arguments: Mapping[str, Any], scope: Scope) -> tuple[bytes | None, str]:
    if body.argument:
        value = arguments.get(body.argument)
        if value is None:
            return None, ""
        return await _whole(body, value, scope)
    given = {name: arguments[argument] for argument, name in body.fields.items() if arguments.get(argument) is not None}
    match body.kind:
        case "form":
            return urlencode([(name, _text(one)) for name, value in given.items() for one in _each(value)]).encode(), (
                body.media_type
            )
        case "multipart":
            return form([part async for part in _parts(body, given, scope)])
        case _:
            return _json(given).encode(), _json_type(body)


async def _whole(body: Body, value: Any, scope: Scope) -> tuple[bytes, str]:
    match body.kind:
        case "binary":
            file = value if isinstance(value, Mapping) else {}
            return await scope.read_file(file), str(file.get("mime_type") or body.media_type)
        case "text":
            return _text(value).encode(), body.media_type
        case "form":
            pairs = value.items() if isinstance(value, Mapping) else []
            return urlencode([(name, _text(one)) for name, many in pairs for one in _each(many)]).encode(), (
                body.media_type
            )
        case "multipart":
            fields = value if isinstance(value, Mapping) else {}
            return form([part async for part in _parts(_with_files(body, fields), fields, scope)])
        case _:
            return _json(value).encode(), _json_type(body)


def _with_files(body: Body, fields: Mapping[str, Any]) -> Body:
    """A form that no schema describes: what looks like a file is one."""
    files = tuple(name for name, value in fields.items() if isinstance(value, Mapping) and "related_id" in value)
    return Body(body.media_type, body.kind, files=files)


async def _parts(body: Body, given: Mapping[str, Any], scope: Scope) -> Any:
    for name, value in given.items():
        for one in _each(value):
            if name in body.files and isinstance(one, Mapping):
                file: FileValue = one
                media_type = str(file.get("mime_type") or "application/octet-stream")
                yield Part(name, await scope.read_file(file), str(file.get("filename") or "file"), media_type)
            else:
                yield Part(name, _text(one).encode(), media_type="application/json" if _is_nested(one) else "")


def _json_type(body: Body) -> str:
    return body.media_type if "*" not in body.media_type and body.media_type else "application/json"


def _each(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping | list)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return _json(value) if value is None or _is_nested(value) else str(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _line(argument: str, value: str) -> str:
    if re.search(r"[\r\n\0]", value):
        raise _wrong(argument, "is more than one line")
    return value


def _wrong(argument: str, how: str) -> NodeFailed:
    return NodeFailed(f"The parameter `{argument}` {how}.", code="tool_input_invalid", param=argument)


def _masked(answer: ToolAnswer, credential: Credential) -> ToolAnswer:
    """A server may say what it was sent."""
    if not any(secret in answer.text for secret in _secrets(credential)):
        return answer
    text = _hidden(answer.text, credential)
    values = [_without(value, credential) for value in answer.json]
    return replace(answer, text=text, json=values)


def _without(value: Any, credential: Credential) -> Any:
    """A JSON value, its strings masked."""
    if isinstance(value, str):
        return _hidden(value, credential)
    if isinstance(value, list):
        return [_without(one, credential) for one in value]
    if isinstance(value, dict):
        return {_hidden(name, credential): _without(one, credential) for name, one in value.items()}
    return value


def _hidden(text: str, credential: Credential) -> str:
    for secret in _secrets(credential):
        text = text.replace(secret, _MASK)
    return text


def _secrets(credential: Credential) -> list[str]:
    """The ways in which the credential may be written, the longest first."""
    secret = credential.secret
    if len(secret) < _LEAST_MASKED:
        return []
    basic = base64.b64encode(f"{credential.user}:{secret}".encode()).decode()
    sent = URL(f"http://x/?{quote(secret, safe='')}").raw_query_string  # as the client writes it
    found = {basic, secret, sent, quote(secret, safe=""), _json(secret)[1:-1], json.dumps(secret)[1:-1]}
    return sorted(found, key=len, reverse=True)
