"""A server that tools ask, and what their calls may reach."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from llmflow.config.settings import Workflow
from llmflow.net.client import Guard, HttpClient
from llmflow.net.exchange import Exchange
from llmflow.tools.types import Scope


@dataclass
class Seen:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Server:
    """Answers by path and keeps what it was asked; anything else it answers with what it was asked."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(Seen(request.method, request.path_qs, dict(request.headers), await request.read()))
        match request.path:
            case "/page":
                return web.Response(text="<h1>휴가</h1><p>15일입니다.</p>", content_type="text/html")
            case "/plain":
                return web.Response(text="그냥 글")
            case "/report.pdf":
                return web.Response(body=b"%PDF-1.4 \0", content_type="application/pdf")
            case "/gone":
                return web.Response(status=404, text="없습니다")
            case "/large":
                return web.Response(text="가" * 500_000)
            case "/endless":
                response = web.StreamResponse()
                await response.prepare(request)
                for _ in range(40):
                    await response.write(b"x" * 1_000_000)
                return response
            case "/away":
                raise web.HTTPFound(request.query["to"])
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        return web.json_response({"path": request.path_qs, "headers": headers})


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


async def _keep(body: bytes, name: str, media_type: str) -> dict[str, Any]:
    return {"filename": name, "mime_type": media_type, "size": len(body)}


async def _text(name: str, content: bytes) -> str:
    return f"{name}: {content.decode('utf-8', 'replace')}"


@pytest.fixture
async def scope() -> AsyncIterator[Scope]:
    """May reach the server, and no other private address."""
    client = HttpClient(guard=Guard(["127.0.0.1"]))
    yield Scope(http=Exchange(client), keep_file=_keep, text_of=_text, limits=Workflow())
    await client.close()


@pytest.fixture
async def guarded() -> AsyncIterator[Scope]:
    """May reach public addresses alone."""
    client = HttpClient(guard=Guard())
    yield Scope(http=Exchange(client), keep_file=_keep, text_of=_text, limits=Workflow())
    await client.close()
