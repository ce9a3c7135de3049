"""Managed organs: servers that LLMFlow installs and runs itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from llmflow.api import auth
from llmflow.api.sse import EventStream, event
from llmflow.managed.install import build_of
from llmflow.managed.recipe import Recipe
from llmflow.managed.servers import Servers, ServerState

router = APIRouter(tags=["organs"])


class Start(BaseModel):
    chosen: dict[str, str | int] | None = Field(
        None, description="Values of its choices; those left out have their defaults. null: as it was started last"
    )


class AdapterPath(BaseModel):
    path: str = Field(min_length=1, max_length=4000, description="A folder on the machine that LLMFlow runs on")


@dataclass(frozen=True, slots=True)
class ServerChoice:
    name: str
    default: str | int
    help: str


@dataclass(frozen=True, slots=True)
class ServerModel:
    name: str
    about: str


@dataclass(frozen=True, slots=True)
class ManagedServer:
    """A server and how it is. `needs_*`: estimates of its recipe. `pinned`: values that llmflow.yaml chose; null where
    no organ of llmflow.yaml uses it."""

    title: str
    summary: str
    licence: str
    homepage: str
    ports: tuple[str, ...]
    needs_memory_mb: int
    needs_disk_mb: int
    build: str  # what this machine would get: cpu or gpu
    choices: list[ServerChoice]
    models: list[ServerModel]
    pinned: dict[str, str | int] | None
    state: ServerState


@dataclass(frozen=True, slots=True)
class ServerLog:
    lines: list[str]


@router.get("/organs/managed")
async def list_managed(request: Request) -> list[ManagedServer]:
    """The servers that can be installed and run here, and how they are."""
    servers = await _servers(request)
    return [_one(servers, state) for state in servers.states()]


@router.get("/organs/managed/{name}/events", response_model=ServerState)
async def follow_managed(name: str, request: Request) -> Response:
    """Server-sent events, the first at once: how it is, again after each change (an installation's progress too), and
    every few seconds while it runs."""
    servers = await _servers(request)
    servers.recipe(name)  # raises for a name that nobody has
    return EventStream(_news(servers, name), ping=b": here\n\n")


async def _news(servers: Servers, name: str) -> AsyncGenerator[bytes]:
    async with aclosing(servers.follow(name)) as news:
        async for state in news:
            yield event(msgspec.json.encode(state))


@router.post("/organs/managed/{name}/install", status_code=202)
async def install_managed(name: str, request: Request) -> ManagedServer:
    """Begins to build its environment, which takes minutes; what is whole already is left alone."""
    servers = await _servers(request)
    servers.install(name)
    return _one(servers, servers.state(name))


@router.post("/organs/managed/{name}/start", status_code=202)
async def start_managed(name: str, body: Start, request: Request) -> ManagedServer:
    """Begins to run it, now and at each start of LLMFlow. With other values than before it is started anew."""
    servers = await _servers(request)
    await servers.start(name, body.chosen)
    return _one(servers, servers.state(name))


@router.post("/organs/managed/{name}/stop")
async def stop_managed(name: str, request: Request) -> ManagedServer:
    """Ends it, and an installation under way; answers when nothing of it is left."""
    servers = await _servers(request)
    await servers.stop(name)
    return _one(servers, servers.state(name))


@router.delete("/organs/managed/{name}", status_code=204)
async def remove_managed(name: str, request: Request) -> None:
    """Stops it and deletes its environment, its models and its logs."""
    await (await _servers(request)).remove(name)


@router.put("/organs/managed/{name}/adapters/{adapter}", status_code=204)
async def load_adapter(name: str, adapter: str, body: AdapterPath, request: Request) -> None:
    """Serves a LoRA adapter of the model as a model of its own, now and at each start; in the place of one of that
    name."""
    await _servers(request)
    await auth.platform_of(request).adapters.load(name, adapter, Path(body.path))


@router.delete("/organs/managed/{name}/adapters/{adapter}", status_code=204)
async def unload_adapter(name: str, adapter: str, request: Request) -> None:
    """Serves it no longer."""
    await _servers(request)
    await auth.platform_of(request).adapters.unload(name, adapter)


@router.get("/organs/managed/{name}/log")
async def read_log(
    name: str, request: Request, lines: int = Query(200, ge=1, le=5000), install: bool = False
) -> ServerLog:
    """The last lines of what it printed, or of its last installation. Its key is masked."""
    servers = await _servers(request)
    return ServerLog(servers.log(name, lines, install=install))


async def _servers(request: Request) -> Servers:
    await auth.console_caller(request, needs="admin")
    return auth.platform_of(request).servers


def _one(servers: Servers, state: ServerState) -> ManagedServer:
    recipe: Recipe = servers.recipe(state.name)
    pinned = servers.pinned.get(state.name)
    return ManagedServer(
        title=recipe.title,
        summary=recipe.summary,
        licence=recipe.licence,
        homepage=recipe.homepage,
        ports=recipe.ports,
        needs_memory_mb=recipe.memory_mb,
        needs_disk_mb=recipe.disk_mb,
        build=build_of(recipe)[0],
        choices=[ServerChoice(one.name, one.default, one.help) for one in recipe.choices],
        models=[ServerModel(one.name, one.about) for one in recipe.models],
        pinned=None if pinned is None else dict(pinned),
        state=state,
    )
