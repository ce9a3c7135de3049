"""Knowledge of other servers, by Dify's External Knowledge API: their addresses and keys."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from llmflow.api import auth
from llmflow.knowledge.external import ExternalApi, Tried
from llmflow.knowledge.types import KnowledgeBase

router = APIRouter(tags=["knowledge"])


class NewApi(BaseModel):
    """The address is the administrator's word: it may lie in the company's own network."""

    name: str = Field(max_length=100)
    url: str = Field(min_length=1, max_length=2000, description="Without /retrieval, which is asked")
    key: str = Field("", max_length=4000, description="Sent as a bearer token; kept sealed and never shown")


class ChangedApi(BaseModel):
    """What is left out stays; another address needs the key again."""

    name: str | None = Field(None, max_length=100)
    url: str | None = Field(None, min_length=1, max_length=2000)
    key: str | None = Field(None, max_length=4000)


class NewExternalBase(BaseModel):
    name: str = Field(max_length=200)
    description: str = Field("", max_length=2000)
    knowledge_id: str = Field(max_length=500, description="What the server calls the knowledge")


class Trial(BaseModel):
    """`knowledge_id`: what the server calls the knowledge; none: only whether the server is there."""

    knowledge_id: str = Field("", max_length=500)
    query: str = Field("test", min_length=1, max_length=1000)


class NewTrial(Trial):
    url: str = Field(min_length=1, max_length=2000, description="Without /retrieval, which is asked")
    key: str = Field("", max_length=4000)


@router.get("/external-knowledge")
async def list_external(request: Request) -> list[ExternalApi]:
    caller = await auth.console_caller(request, needs="editor")
    return await auth.platform_of(request).knowledge.external.all(caller.workspace_id)


@router.post("/external-knowledge", status_code=201)
async def create_external(body: NewApi, request: Request) -> ExternalApi:
    """Keeps a server that answers. It is tried as Dify tries one: with the key and without a body."""
    caller = await auth.console_caller(request, needs="admin")
    return await auth.platform_of(request).knowledge.external.create(caller.workspace_id, body.name, body.url, body.key)


@router.patch("/external-knowledge/{api}")
async def change_external(api: str, body: ChangedApi, request: Request) -> ExternalApi:
    """By id or name. Another address or key is tried first."""
    caller = await auth.console_caller(request, needs="admin")
    external = auth.platform_of(request).knowledge.external
    found = await external.get(caller.workspace_id, api)
    return await external.change(found, name=body.name, url=body.url, key=body.key)


@router.delete("/external-knowledge/{api}", status_code=204)
async def delete_external(api: str, request: Request) -> None:
    caller = await auth.console_caller(request, needs="admin")
    external = auth.platform_of(request).knowledge.external
    await external.delete(await external.get(caller.workspace_id, api))


@router.post("/external-knowledge/try")
async def try_external(body: NewTrial, request: Request) -> Tried:
    """How a server answers that is not kept yet."""
    await auth.console_caller(request, needs="admin")
    external = auth.platform_of(request).knowledge.external
    return await external.try_out(body.url, body.key, body.knowledge_id, body.query)


@router.post("/external-knowledge/{api}/try")
async def try_kept_external(api: str, body: Trial, request: Request) -> Tried:
    """How a server answers that is kept."""
    caller = await auth.console_caller(request)
    external = auth.platform_of(request).knowledge.external
    return await external.try_kept(await external.get(caller.workspace_id, api), body.knowledge_id, body.query)


@router.post("/external-knowledge/{api}/bases", status_code=201)
async def create_external_base(api: str, body: NewExternalBase, request: Request) -> KnowledgeBase:
    """A knowledge base that is asked there; it has no documents here and is searched together with others."""
    caller = await auth.console_caller(request)
    platform = auth.platform_of(request)
    found = await platform.knowledge.external.get(caller.workspace_id, api)
    return await platform.knowledge.bases.create(
        caller.workspace_id,
        body.name,
        description=body.description,
        created_by=caller.account_id or caller.key_id,
        external_api_id=found.id,
        external_id=body.knowledge_id,
    )
