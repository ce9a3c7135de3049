"""Model servers already running on this machine: the quickest way up from the packaged model."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

import msgspec

from llmflow.errors import OrganError
from llmflow.net.client import HttpClient

ServerKind = Literal["ollama", "vllm", "llama.cpp", "lm studio"]
#: Where these servers listen when nobody changed it: Ollama, vLLM, llama.cpp, LM Studio, a second vLLM.
PORTS = (11434, 8000, 8080, 1234, 8001)
_WAIT_S = 0.5


@dataclass(frozen=True, slots=True)
class Found:
    """`url`: what organs.llm.url should say. `models`: as the server lists them; may be empty."""

    kind: ServerKind
    url: str
    models: tuple[str, ...]


async def discover(http: HttpClient, *, ports: tuple[int, ...] = PORTS) -> list[Found]:
    """The servers that answer on loopback within half a second, in the order of `ports`. Never raises.

    Asked for by people (`llmflow doctor`, an answer's hint), never at start.
    """

    async def look(port: int) -> Found | None:
        try:
            async with asyncio.timeout(_WAIT_S):
                return await _look(http, f"http://127.0.0.1:{port}")
        except (TimeoutError, OrganError):
            return None

    return [found for found in await asyncio.gather(*(look(port) for port in ports)) if found]


class _Model(msgspec.Struct):
    id: str
    owned_by: str | None = None


class _Models(msgspec.Struct):
    data: list[_Model] | None


async def _look(http: HttpClient, root: str) -> Found | None:
    response = await http.request("GET", f"{root}/v1/models", timeout_s=_WAIT_S, max_bytes=1_000_000)
    if response.status != 200:
        return None
    try:
        listed = msgspec.json.decode(response.body, type=_Models).data or []
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    kind = await _kind(http, root, {model.owned_by for model in listed})
    return Found(kind, f"{root}/v1", tuple(model.id for model in listed)) if kind else None


async def _kind(http: HttpClient, root: str, owners: set[str | None]) -> ServerKind | None:
    """By what each says of its models, else by a path that only it has. None: some other service (our own, say)."""
    if "vllm" in owners:
        return "vllm"
    if "llamacpp" in owners:
        return "llama.cpp"
    marks: tuple[tuple[str, bytes, ServerKind], ...] = (
        ("/api/version", b'"version"', "ollama"),
        ("/api/v0/models", b'"object"', "lm studio"),
    )
    for path, mark, kind in marks:
        response = await http.request("GET", root + path, timeout_s=_WAIT_S, max_bytes=1_000_000)
        if response.status == 200 and mark in response.body:
            return kind
    return None
