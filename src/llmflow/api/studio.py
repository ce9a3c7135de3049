"""Serves Studio: the files `make studio` builds into static/. Every address that is nobody else's opens its page.

Routes of this room stand last: they take what no other surface took. Hashed files are kept by browsers for a year, the
page itself is asked for anew each time. Files stand compressed beside themselves (name.br, name.gz), so nothing is
compressed while serving.
"""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from llmflow.errors import NotFound

STATIC = Path(__file__).parent / "static"

_API = ("api", "v1", "retrieval", "mcp", "triggers", "healthz", "readyz", "metrics")  # never a page, also mistyped
_CODINGS = (("br", ".br"), ("gzip", ".gz"))
_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}


def policy(*, connect: str = "'self'", form: str = "'self'", ancestors: str = "'none'") -> str:
    """The content security policy of a page: nothing of another host, nothing inline."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            f"connect-src {connect}",
            "worker-src 'self' blob:",
            "manifest-src 'self'",
            "base-uri 'none'",
            f"form-action {form}",
            f"frame-ancestors {ancestors}",
        )
    )


HEADERS = {
    "Content-Security-Policy": policy(),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
_KEEP = "public, max-age=31536000, immutable"
_ASK = "no-cache"

UNBUILT = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>LLMFlow</title></head><body>
<h1>LLMFlow is running; Studio is not built</h1>
<p>Build it in the folder of the source with <code>make studio</code> (Node 20.19 or newer, or the one it installs),
then reload this page.</p>
<p>Meanwhile: <code>llmflow ask demo "연차는 며칠인가요?"</code>, <code>llmflow doctor</code>,
<a href="/api/v1/openapi.json">/api/v1/openapi.json</a>.</p>
</body></html>
"""


@dataclass(frozen=True, slots=True)
class File:
    """A file's bytes as they are sent. `coding`: "" as it is; `etag` is of these bytes."""

    content: bytes
    media_type: str
    coding: str
    etag: str


def studio_routes(static: Path = STATIC) -> list[BaseRoute]:
    """The routes of Studio, to stand after all others. `static`: the folder of the built files; it may be absent, and
    may come while the server runs."""

    async def asset(request: Request) -> Response:
        """A file whose name carries the hash of its content."""
        found = await load(static, f"assets/{request.path_params['name']}", request)
        if found is None:
            raise NotFound("There is no such file.", hint="Reload the page: Studio was built anew since it was opened.")
        return _answer(request, found, _KEEP)

    async def page(request: Request) -> Response:
        """A file of the top folder, or the page that draws every address."""
        path: str = request.path_params["path"]
        if path.partition("/")[0] in _API:
            raise NotFound(f"There is nothing at /{path}.")
        found = await load(static, path, request) if path else None
        found = found or await load(static, "index.html", request)
        if found is None:
            return Response(UNBUILT, media_type="text/html", headers={**HEADERS, "Cache-Control": "no-store"})
        return _answer(request, found, _ASK)

    return [Route("/assets/{name:path}", asset), Route("/{path:path}", page)]


def _answer(request: Request, found: File, caching: str) -> Response:
    headers = {**HEADERS, "Cache-Control": caching, "ETag": found.etag, "Vary": "Accept-Encoding"}
    known = (tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(","))
    if found.etag in known:
        return Response(status_code=304, headers=headers)
    if found.coding:
        headers["Content-Encoding"] = found.coding
    return Response(found.content, media_type=found.media_type, headers=headers)


async def load(root: Path, name: str, request: Request) -> File | None:
    """A built file as this reader takes it; None when there is none."""
    accepted = {part.partition(";")[0].strip() for part in request.headers.get("accept-encoding", "").split(",")}
    return await asyncio.to_thread(_read, root, name, accepted)


def _read(root: Path, name: str, accepted: set[str]) -> File | None:
    """The file, compressed where the reader takes it and it is there; None for no file and for what lies outside."""
    if "\0" in name:
        return None
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()) or not path.is_file():
        return None
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    for coding, suffix in _CODINGS:
        beside = path.with_name(path.name + suffix)
        if coding in accepted and beside.is_file():
            return _file(beside.read_bytes(), media_type, coding)
    return _file(path.read_bytes(), media_type, "")


def _file(content: bytes, media_type: str, coding: str) -> File:
    return File(content, media_type, coding, f'"{hashlib.sha256(content).hexdigest()[:32]}"')
