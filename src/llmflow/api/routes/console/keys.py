"""API keys."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from llmflow.access.types import ApiKey, KeyKind
from llmflow.api import auth
from llmflow.api.routes.console.bounds import Bounds
from llmflow.errors import LLMFlowError

router = APIRouter(tags=["keys"])


class NewKey(BaseModel):
    kind: KeyKind
    name: str = Field("", max_length=200)
    app: str | None = Field(None, description="Id or name of the app, for a key of kind app")
    expires: str | None = Field(None, description="15m, 12h, 30d; none: never")
    limits: Bounds | None = Field(None, description="What it may use, from its first call on")
    groups: list[str] | None = Field(None, description="Which documents the key opens beside those of everybody")


class KeyChange(BaseModel):
    groups: list[str]


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
        caller.workspace_id, body.kind, name=body.name, app_id=app_id, expires=body.expires, groups=body.groups or ()
    )
    if body.limits is not None:
        try:
            await platform.quotas.put(caller.workspace_id, "key", key.id, **body.limits.model_dump())
        except LLMFlowError:  # nobody has the key yet: one without its limits must not stay
            await platform.keys.revoke(caller.workspace_id, key.id)
            raise
    return MadeKey(key, token)


@router.patch("/keys/{key_id}")
async def change_key(key_id: str, body: KeyChange, request: Request) -> ApiKey:
    """Gives the key its groups; it opens their documents from the next request on, and others no more."""
    caller = await auth.console_caller(request, needs="admin")
    return await auth.platform_of(request).keys.set_groups(caller.workspace_id, key_id, body.groups)


@router.delete("/keys/{key_id}", status_code=204)
async def revoke_key(key_id: str, request: Request) -> None:
    """Its limits go with it; what it spent stays."""
    caller = await auth.console_caller(request, needs="admin")
    platform = auth.platform_of(request)
    await platform.keys.revoke(caller.workspace_id, key_id)
    for one in await platform.quotas.all(caller.workspace_id):
        if (one.quota.subject, one.quota.subject_id) == ("key", key_id):
            await platform.quotas.delete(caller.workspace_id, one.quota.id)
