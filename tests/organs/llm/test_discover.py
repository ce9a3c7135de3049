"""Model servers found on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from llmflow.net.client import HttpClient
from llmflow.organs.llm.discover import PORTS, Found, discover


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    client = HttpClient()
    yield client
    await client.close()


async def serve(models: Any, *paths: str, delay_s: float = 0.0) -> TestServer:
    async def listing(_: web.Request) -> web.Response:
        await asyncio.sleep(delay_s)
        return web.json_response(models)

    async def mark(_: web.Request) -> web.Response:
        return web.json_response({"version": "0.30.0", "object": "list"})

    app = web.Application()
    app.router.add_get("/v1/models", listing)
    for path in paths:
        app.router.add_get(path, mark)
    server = TestServer(app)
    await server.start_server()
    return server


def listed(owner: str, *names: str) -> dict[str, Any]:
    return {"object": "list", "data": [{"id": name, "object": "model", "owned_by": owner} for name in names]}


async def test_each_kind_of_server_is_known_by_what_it_says(http: HttpClient) -> None:
    servers = [
        await serve(listed("library", "qwen3:4b"), "/api/version"),
        await serve(listed("vllm", "Qwen/Qwen3-8B")),
        await serve(listed("llamacpp", "gemma.gguf")),
        await serve(listed("organization_owner"), "/api/v0/models"),
        await serve(listed("llmflow", "app/handbook")),  # another LLMFlow is no model server
        await serve({"data": "no list"}, "/api/version"),
        await serve(listed("vllm", "too slow"), delay_s=5),
    ]
    ports = tuple(server.port or 0 for server in servers)
    found = await discover(http, ports=ports)
    assert found == [
        Found("ollama", f"http://127.0.0.1:{ports[0]}/v1", ("qwen3:4b",)),
        Found("vllm", f"http://127.0.0.1:{ports[1]}/v1", ("Qwen/Qwen3-8B",)),
        Found("llama.cpp", f"http://127.0.0.1:{ports[2]}/v1", ("gemma.gguf",)),
        Found("lm studio", f"http://127.0.0.1:{ports[3]}/v1", ()),
    ]
    for server in servers:
        await server.close()


async def test_where_nothing_listens_nothing_is_found(http: HttpClient, unused_tcp_port: int) -> None:
    assert await discover(http, ports=(unused_tcp_port,)) == []
    assert {11434, 8000, 8080, 1234, 8001} == set(PORTS)
