"""API keys."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from llmflow.access.types import ApiKey, KeyKind
from llmflow.api import auth

router = APIRouter(tags=["keys"])


class NewKey(BaseModel):
    kind: KeyKind
    name: str = Field("", max_length=200)
    app: str | None = Field(None, description="Id or name of the app, for a key of kind app")
    expires: str | None = Field(None, description="15m, 12h, 30d; none: never")


@dataclass(frozen=True, slots=True)
class MadeKey:
    key: ApiKey
    token: str  # shown this once


@router.get("/keys")
async def list_keys(request: Request) -> list[ApiKey]:
    caller = await auth.console_caller(request, needs="admin")
    return await auth.platform_of(request).keys.all(caller.workspace_id)


@router.post("/keys", status_code=201)
async def create_key(body: NewKey, request: Request) -> MadeKey:
    caller = await auth.console_caller(request, needs="admin")
    platform = auth.platform_of(request)
    app_id = (await platform.apps.catalogue.get(caller.workspace_id, body.app)).id if body.app else None
    key, token = await platform.keys.create(
        caller.workspace_id, body.kind, name=body.name, app_id=app_id, expires=body.expires
    )
    return MadeKey(key, token)


@router.delete("/keys/{key_id}", status_code=204)
async def revoke_key(key_id: str, request: Request) -> None:
    caller = await auth.console_caller(request, needs="admin")
    await auth.platform_of(request).keys.revoke(caller.workspace_id, key_id)
