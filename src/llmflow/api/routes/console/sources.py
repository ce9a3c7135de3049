"""Where a knowledge base gets documents by itself: folders, addresses, buckets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from llmflow.access.types import Role
from llmflow.api import auth
from llmflow.knowledge.sources.types import Kind, Source, SourceFile

router = APIRouter(tags=["sources"])

_MOST_MINUTES = 525_600  # a year


class NewSource(BaseModel):
    """`settings` of a folder: path, include (patterns such as *.pdf; none: every file). Of urls: urls. Of s3: endpoint,
    bucket, prefix, region, access_key. `secrets`, of s3: secret_key, session_token."""

    kind: Kind
    name: str = Field(max_length=200)
    settings: dict[str, Any]
    secrets: dict[str, str] = {}
    every_minutes: int = Field(0, ge=0, le=_MOST_MINUTES, description="0: by hand alone")


class SourceChange(BaseModel):
    """What is left out stays as it is."""

    name: str | None = Field(None, max_length=200)
    settings: dict[str, Any] | None = None
    secrets: dict[str, str] | None = None
    every_minutes: int | None = Field(None, ge=0, le=_MOST_MINUTES)


@dataclass(frozen=True, slots=True)
class FilePage:
    files: list[SourceFile]
    total: int


@router.get("/knowledge/{base}/sources")
async def list_sources(base: str, request: Request) -> list[Source]:
    """With their last reports, the newest first; of one under way with how far it is."""
    caller = await auth.console_caller(request, needs="editor")
    platform = auth.platform_of(request)
    return await platform.knowledge.sources.all(await platform.knowledge.bases.get(caller.workspace_id, base))


@router.post("/knowledge/{base}/sources", status_code=201)
async def create_source(base: str, body: NewSource, request: Request) -> Source:
    caller = await auth.console_caller(request, needs="admin")
    platform = auth.platform_of(request)
    return await platform.knowledge.sources.create(
        await platform.knowledge.bases.get(caller.workspace_id, base),
        body.kind,
        body.name,
        body.settings,
        secrets=body.secrets,
        every_minutes=body.every_minutes,
    )


@router.patch("/sources/{source_id}")
async def change_source(source_id: str, body: SourceChange, request: Request) -> Source:
    return await auth.platform_of(request).knowledge.sources.change(
        await _source(request, source_id, "admin"),
        name=body.name,
        settings=body.settings,
        secrets=body.secrets,
        every_minutes=body.every_minutes,
    )


@router.delete("/sources/{source_id}", status_code=204)
async def delete_source(source_id: str, request: Request) -> None:
    """The documents it brought stay."""
    await auth.platform_of(request).knowledge.sources.delete(await _source(request, source_id, "admin"))


@router.post("/sources/{source_id}/synchronise", status_code=202)
async def synchronise_source(source_id: str, request: Request) -> Source:
    """New, changed and removed files become new, replaced and removed documents."""
    return await auth.platform_of(request).knowledge.sources.synchronise(await _source(request, source_id, "editor"))


@router.get("/sources/{source_id}/files")
async def list_source_files(
    source_id: str,
    request: Request,
    failed: bool = False,
    offset: int = Query(0, ge=0),
    limit: int = Query(100, ge=1, le=1000),
) -> FilePage:
    """By name; `failed`: only those with an error."""
    source = await _source(request, source_id, "editor")
    files, total = await auth.platform_of(request).knowledge.sources.files(
        source, failed=failed, offset=offset, limit=limit
    )
    return FilePage(files, total)


async def _source(request: Request, source_id: str, needs: Role) -> Source:
    caller = await auth.console_caller(request, needs=needs)
    return await auth.platform_of(request).knowledge.sources.get(caller.workspace_id, source_id)
