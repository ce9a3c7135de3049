"""Models: what there is to ask, and the model servers that people connect."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from llmflow.api import auth
from llmflow.errors import UsageError
from llmflow.gateway.types import Address, Connection, Protocols, Tried
from llmflow.ports.health import Health

router = APIRouter(tags=["models"])


class Server(BaseModel):
    """Where a model server is. The address is the administrator's word: it may lie in the company's own network; only
    a cloud's metadata addresses are refused."""

    url: str = Field(min_length=1, max_length=2000, description="With or without /v1")
    api_key: str | None = Field(None, max_length=4000, description="null: the one kept, if any; empty: none")
    model: str = Field("", max_length=300, description="Its default; empty: the first one it lists")
    context_tokens: int = Field(8192, ge=256, le=100_000_000, description="Where the server does not say")

    kind: Protocols | None = Field(None, description="The protocol it speaks; null: OpenAI's, or the one kept")


class Trial(Server):
    connection: str | None = Field(None, description="Id of the connection whose kept key is meant")


class NewConnection(Server):
    name: str = Field(max_length=100)
    is_default: bool = False
    untested: bool = Field(False, description="Keep it although nobody answers there now")


class ChangedConnection(BaseModel):
    """Only what is given changes."""

    name: str | None = Field(None, max_length=100)
    url: str | None = Field(None, min_length=1, max_length=2000)
    api_key: str | None = Field(None, max_length=4000, description="null: as it was; empty: none")
    model: str | None = Field(None, max_length=300)
    context_tokens: int | None = Field(None, ge=256, le=100_000_000)
    is_default: bool | None = None
    kind: Protocols | None = None
    untested: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    id: str
    context_tokens: int
    languages: tuple[str, ...] | None  # none: any
    vision: bool
    owned_by: str
    server: str  # the connection's name; "default": the organ of llmflow.yaml


@dataclass(frozen=True, slots=True)
class TriedModel:
    id: str
    context_tokens: int
    vision: bool


@dataclass(frozen=True, slots=True)
class TrialReport:
    models: list[TriedModel]  # the default first
    model: str  # the one that was asked
    reply: str
    first_ms: int  # until its first piece
    total_ms: int


@dataclass(frozen=True, slots=True)
class KeptConnection:
    connection: Connection
    tried: TrialReport | None  # none: it was kept untested, or nothing changed that a test would show


@dataclass(frozen=True, slots=True)
class ConnectionState:
    connection: Connection
    health: Health


@router.get("/models")
async def models(request: Request) -> list[Model]:
    """The models there are, those of the default server first."""
    await auth.console_caller(request)
    found = await auth.platform_of(request).gateway.deployments()
    return [
        Model(one.info.id, one.info.context_tokens, one.info.languages, one.info.vision, one.info.owned_by, one.name)
        for one in found
    ]


@router.get("/models/connections")
async def connections(request: Request) -> list[ConnectionState]:
    """The connected model servers, each asked how it is. Keys are never shown."""
    caller = await auth.console_caller(request, needs="admin")
    kept = auth.platform_of(request).connections
    all_of_them = await kept.all(caller.workspace_id)
    states = await asyncio.gather(*(kept.state(one) for one in all_of_them))
    return [ConnectionState(one, state) for one, state in zip(all_of_them, states, strict=True)]


@router.post("/models/connections/test")
async def test(body: Trial, request: Request) -> TrialReport:
    """Asks a server for its models and for a short answer; keeps nothing. Errors: model_unreachable, model_key_wrong,
    model_address_wrong, model_timeout, model_missing, model_unknown, model_failed, address_blocked."""
    caller = await auth.console_caller(request, needs="admin")
    kept = auth.platform_of(request).connections
    connection = await kept.get(caller.workspace_id, body.connection) if body.connection else None
    return _report(await kept.try_out(await _address(request, body, connection)))


@router.post("/models/connections", status_code=201)
async def connect(body: NewConnection, request: Request) -> KeptConnection:
    """Connects a model server: tested, kept, and served at once. What the test raises, this raises and keeps nothing,
    unless `untested` says so."""
    caller = await auth.console_caller(request, needs="admin")
    kept = auth.platform_of(request).connections
    address = await _address(request, body, None)
    tried = None if body.untested else await kept.try_out(address)
    made = await kept.create(caller.workspace_id, body.name, address, is_default=body.is_default)
    return KeptConnection(made, _report(tried) if tried else None)


@router.patch("/models/connections/{connection}")
async def change(connection: str, body: ChangedConnection, request: Request) -> KeptConnection:
    """By id or name; tested again where address, key or model change. `is_default`: it answers requests that name no
    model; false gives that back to the organ of llmflow.yaml."""
    caller = await auth.console_caller(request, needs="admin")
    kept = auth.platform_of(request).connections
    before = await kept.get(caller.workspace_id, connection)
    wanted = Server(
        url=before.url if body.url is None else body.url,
        api_key=body.api_key,
        model=before.model if body.model is None else body.model,
        context_tokens=body.context_tokens or before.context_tokens,
        kind=body.kind or before.kind,
    )
    address = await _address(request, wanted, before)
    is_moved = (wanted.url, wanted.model, wanted.kind) != (before.url, before.model, before.kind)
    is_moved = is_moved or body.api_key is not None
    tried = await kept.try_out(address) if is_moved and not body.untested else None
    name = before.name if body.name is None else body.name
    changed = await kept.change(before, name, address, is_default=body.is_default)
    return KeptConnection(changed, _report(tried) if tried else None)


@router.delete("/models/connections/{connection}", status_code=204)
async def disconnect(connection: str, request: Request) -> None:
    """By id or name. Apps that name its models answer with an error until they name another."""
    caller = await auth.console_caller(request, needs="admin")
    kept = auth.platform_of(request).connections
    await kept.remove(await kept.get(caller.workspace_id, connection))


async def _address(request: Request, server: Server, connection: Connection | None) -> Address:
    """Where to ask, and with which key: a kept one goes only to the address that it was kept for."""
    key = server.api_key
    if key is None and connection is not None and connection.has_key:
        if server.url != connection.url:
            raise UsageError(
                "The kept key is for the address it was given for.",
                param="api_key",
                hint="Give the key for the new address, or an empty one.",
            )
        key = (await auth.platform_of(request).connections.address(connection)).api_key
    kind = server.kind or (connection.kind if connection else "openai")
    return Address(server.url.strip(), key or "", server.model.strip(), server.context_tokens, kind)


def _report(tried: Tried) -> TrialReport:
    found = [TriedModel(one.id, one.context_tokens, one.vision) for one in tried.models]
    return TrialReport(found, tried.model, tried.reply, tried.first_ms, tried.total_ms)
