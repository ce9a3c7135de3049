"""What an OpenAPI document describes, as operations that can be called, and what of it cannot, with why."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec

from llmflow.errors import TooLarge, UsageError
from llmflow.tools.names import LONGEST_NAME
from llmflow.tools.openapi.operations import METHODS, Compiler
from llmflow.tools.openapi.read import read
from llmflow.tools.openapi.references import References
from llmflow.tools.openapi.schemas import shortened
from llmflow.tools.openapi.types import Described, Operation, Scheme, Skipped

MOST_OPERATIONS = 1500


def describe(content: bytes, *, max_bytes: int, source_url: str = "") -> Described:
    """`source_url`: where it was fetched; relative servers are beside it.

    Raises UsageError (openapi_unreadable) and TooLarge (openapi_too_large)."""
    root = read(content, max_bytes=max_bytes)
    references = References(root)
    base_url = _server(root, source_url) or _host(root, source_url)
    compiler = Compiler(references, consumes=root.get("consumes"))
    found: list[Operation] = []
    skipped: list[Skipped] = []
    names: set[str] = set()
    for path, method, item, operation in _listed(references, root["paths"], skipped):
        try:
            one = compiler.compiled(path, method, item, operation)
        except (LookupError, ValueError) as error:
            skipped.append(Skipped(f"{method.upper()} {path}", f"{error}."))
            continue
        server = _server(operation, base_url or source_url) or _server(item, base_url or source_url)
        name = _unique(one, names)
        names.add(name)
        found.append(msgspec.structs.replace(one, name=name, server="" if server == base_url else server))
        if len(found) > MOST_OPERATIONS:
            text = f"The document has more than {MOST_OPERATIONS} operations; no more become tools."
            raise TooLarge(text, code="openapi_too_large")
    if not found:
        why = f" {skipped[0].what}: {skipped[0].why}" if skipped else ""
        raise UsageError(f"The document describes no operation that can be called.{why}", code="openapi_unreadable")
    info = _mapping(root.get("info"))
    return Described(
        title=shortened(str(info.get("title") or ""), 100),
        description=shortened(str(info.get("description") or ""), 500),
        version=str(info.get("version") or "")[:50],
        base_url=base_url,
        operations=tuple(found),
        skipped=tuple(skipped),
        scheme=_scheme(references, root),
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _listed(
    references: References, paths: Mapping[str, Any], skipped: list[Skipped]
) -> Iterator[tuple[str, str, Mapping[str, Any], Mapping[str, Any]]]:
    for path, value in paths.items():
        if path.startswith("x-"):
            continue
        try:
            item, _ = references.whole(value)
        except LookupError as error:
            skipped.append(Skipped(path[:200], f"{error}."))
            continue
        for method in METHODS:
            if isinstance(operation := item.get(method), Mapping):
                yield path, method, item, operation


def _unique(operation: Operation, names: set[str]) -> str:
    """Stable: the same document gives the same names."""
    if operation.name not in names:
        return operation.name
    mark = hashlib.sha256(f"{operation.method} {operation.path}".encode()).hexdigest()[:6]
    return f"{operation.name[: LONGEST_NAME - 7]}_{mark}"


def _server(owner: Mapping[str, Any], beside: str) -> str:
    """The first server named, its variables at their defaults; "" where none is, or none that the web has."""
    listed = owner.get("servers")
    first = listed[0] if isinstance(listed, list) and listed else None
    if not isinstance(first, Mapping) or not isinstance(first.get("url"), str):
        return ""
    url = first["url"].strip()
    for name, variable in _mapping(first.get("variables")).items():
        url = url.replace("{" + str(name) + "}", str(_mapping(variable).get("default", "")))
    return _absolute(url, beside)


def _host(root: Mapping[str, Any], source_url: str) -> str:
    """Swagger 2.0's host, else where the document itself came from."""
    schemes = root.get("schemes")
    listed = [one for one in schemes if one in ("https", "http")] if isinstance(schemes, list) else []
    source = urlsplit(source_url)
    scheme = "https" if "https" in listed else listed[0] if listed else source.scheme or "https"
    host = root.get("host") if isinstance(root.get("host"), str) else source.netloc.rpartition("@")[2]
    base = root.get("basePath") if isinstance(root.get("basePath"), str) else ""
    return _absolute(f"{scheme}://{host}/{str(base).lstrip('/')}", "") if host else ""


def _absolute(url: str, beside: str) -> str:
    if "{" in url:
        return ""
    url = urljoin(beside, url) if beside else url
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url.rstrip("/") if parts.scheme in ("http", "https") and parts.hostname else ""


def _scheme(references: References, root: Mapping[str, Any]) -> Scheme:
    """How the document says its server wants to be shown a credential: the first way that is served here."""
    listed = _mapping(root.get("components")).get("securitySchemes") or root.get("securityDefinitions")
    known: dict[str, Scheme] = {}
    for name, value in _mapping(listed).items():
        try:
            one, _ = references.whole(value)
        except LookupError:
            continue
        kind, scheme = one.get("type"), str(one.get("scheme") or "").lower()
        if kind == "apiKey" and one.get("in") in ("header", "query", "cookie") and isinstance(one.get("name"), str):
            known[str(name)] = Scheme("api_key", one["name"], one["in"])
        elif kind == "basic" or (kind == "http" and scheme == "basic"):
            known[str(name)] = Scheme("basic")
        elif kind in ("oauth2", "openIdConnect") or (kind == "http" and scheme == "bearer"):
            known[str(name)] = Scheme("bearer")
    security = root.get("security")
    for asked in security if isinstance(security, list) else ():
        for name in _mapping(asked):
            if name in known:
                return known[name]
    return next(iter(known.values()), Scheme())
