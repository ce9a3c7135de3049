"""Tags of knowledge bases."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from llmflow.api import auth
from llmflow.knowledge.tags import Tag

router = APIRouter(tags=["knowledge"])


class TagName(BaseModel):
    name: str = Field(max_length=50)


class TagsOfBase(BaseModel):
    tags: list[str] = Field(max_length=100, description="Ids; those and no others")


@router.get("/knowledge-tags")
async def list_tags(request: Request) -> list[Tag]:
    """The newest first."""
    caller = await auth.console_caller(request)
    return await auth.platform_of(request).knowledge.tags.all(caller.workspace_id)


@router.post("/knowledge-tags", status_code=201)
async def create_tag(body: TagName, request: Request) -> Tag:
    caller = await auth.console_caller(request)
    return await auth.platform_of(request).knowledge.tags.create(caller.workspace_id, body.name)


@router.patch("/knowledge-tags/{tag_id}")
async def rename_tag(tag_id: str, body: TagName, request: Request) -> Tag:
    caller = await auth.console_caller(request)
    return await auth.platform_of(request).knowledge.tags.rename(caller.workspace_id, tag_id, body.name)


@router.delete("/knowledge-tags/{tag_id}", status_code=204)
async def delete_tag(tag_id: str, request: Request) -> None:
    """Takes it off the bases that have it."""
    caller = await auth.console_caller(request)
    await auth.platform_of(request).knowledge.tags.delete(caller.workspace_id, tag_id)


@router.put("/knowledge/{base}/tags")
async def tag_base(base: str, body: TagsOfBase, request: Request) -> list[Tag]:
    """The base's tags afterwards."""
    caller = await auth.console_caller(request)
    room = auth.platform_of(request).knowledge
    found = await room.bases.get(caller.workspace_id, base)
    await room.tags.put(found, body.tags)
    return (await room.tags.of_bases([found.id])).get(found.id, [])
