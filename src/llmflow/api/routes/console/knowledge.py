"""Knowledge bases: their documents as a list, and how far they are."""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from llmflow.access.types import Role
from llmflow.api import auth
from llmflow.api.sse import EventStream, event
from llmflow.errors import NotFound
from llmflow.knowledge.evaluation.jobs import Running
from llmflow.knowledge.tags import Tag
from llmflow.knowledge.types import (
    Accepted,
    Anew,
    Choice,
    Display,
    Document,
    Flow,
    KnowledgeBase,
    Reading,
    Sort,
    State,
)
from llmflow.wiring import Platform

router = APIRouter(tags=["knowledge"])


class NewBase(BaseModel):
    name: str = Field(max_length=200)
    description: str = Field("", max_length=2000)


class BaseChange(BaseModel):
    """What is left out stays as it is."""

    name: str | None = Field(None, max_length=200)
    description: str | None = Field(None, max_length=2000)
    external_id: str | None = Field(None, max_length=500, description="What another server calls its knowledge")


class Chosen(BaseModel):
    """These documents, or without `ids` all in `state` whose name has `search` in it and that show themselves as
    `display` says."""

    ids: list[str] | None = Field(None, max_length=5000)
    state: State | None = None
    search: str = ""
    display: Display | None = None

    def choice(self) -> Choice:
        ids = None if self.ids is None else tuple(self.ids)
        return Choice(ids, self.state, unicodedata.normalize("NFC", self.search), self.display)


class Groups(BaseModel):
    groups: list[str] = Field(description="Who may see it; none: everybody, or of a document as its base says")


class ChosenGroups(Chosen, Groups):
    """Who may see the chosen documents."""


class Marked(Chosen):
    """`enabled`: whether they are searched. `archived`: whether they rest, neither searched nor changed."""

    enabled: bool | None = None
    archived: bool | None = None


@dataclass(frozen=True, slots=True)
class BaseWithCounts:
    base: KnowledgeBase
    documents: dict[str, int]  # by state
    tags: list[Tag]


@dataclass(frozen=True, slots=True)
class Count:
    count: int


@dataclass(frozen=True, slots=True)
class News:
    flow: Flow
    reading: list[Reading]
    anew: Anew | None  # embedding with another model, while it is under way
    evaluating: Running | None = None


@dataclass(frozen=True, slots=True)
class DocumentPage:
    documents: list[Document]
    total: int


@router.get("/knowledge")
async def list_bases(request: Request) -> list[BaseWithCounts]:
    caller = await auth.console_caller(request)
    room = auth.platform_of(request).knowledge
    found = await room.bases.all(caller.workspace_id)
    tags = await room.tags.of_bases([base.id for base in found])
    return [BaseWithCounts(base, await room.bases.counts(base.id), tags.get(base.id, [])) for base in found]


@router.post("/knowledge", status_code=201)
async def create_base(body: NewBase, request: Request) -> KnowledgeBase:
    caller = await auth.console_caller(request)
    bases = auth.platform_of(request).knowledge.bases
    return await bases.create(caller.workspace_id, body.name, description=body.description)


@router.get("/knowledge/{base}")
async def get_base(base: str, request: Request) -> BaseWithCounts:
    """By id or name."""
    found = await _base(request, base)
    room = auth.platform_of(request).knowledge
    tags = await room.tags.of_bases([found.id])
    return BaseWithCounts(found, await room.bases.counts(found.id), tags.get(found.id, []))


@router.patch("/knowledge/{base}")
async def change_base(base: str, body: BaseChange, request: Request) -> KnowledgeBase:
    caller = await auth.console_caller(request)
    bases = auth.platform_of(request).knowledge.bases
    return await bases.change(
        caller.workspace_id, base, name=body.name, description=body.description, external_id=body.external_id
    )


@router.delete("/knowledge/{base}", status_code=204)
async def delete_base(base: str, request: Request) -> None:
    """With its documents, and with its pipeline where it has one."""
    caller = await auth.console_caller(request)
    await auth.platform_of(request).pipelines.delete(caller.workspace_id, base)


@router.put("/knowledge/{base}/documents/{name:path}", status_code=202)
async def put_document(base: str, name: str, request: Request) -> Accepted:
    """The request's body is the file. 202: it is kept and will be ready or failed, whatever happens to this server.
    The same name replaces; the same bytes again are not indexed again (see `outcome`). Of an archive each file becomes
    a document of its own."""
    found = await _base(request, base)
    return await auth.platform_of(request).knowledge.documents.accept(found, name, request.stream())


@router.get("/knowledge/{base}/documents")
async def list_documents(
    base: str,
    request: Request,
    state: State | None = None,
    display: Display | None = None,
    search: str = "",
    inside: str = "",
    sort: Sort = "-created",
    offset: int = Query(0, ge=0),
    limit: int = Query(50, ge=1, le=1000),
) -> DocumentPage:
    """In the order of `sort` ("-": the greatest first), with live progress. `inside`: those that came out of the
    archive with this id."""
    platform = auth.platform_of(request)
    found = await _base(request, base)
    documents, total = await platform.knowledge.documents.page(
        found, state=state, display=display, search=search, inside=inside, sort=sort, offset=offset, limit=limit
    )
    return DocumentPage([platform.knowledge.progress.overlay(document) for document in documents], total)


@router.get("/knowledge/{base}/progress", response_model=News)
async def follow_progress(base: str, request: Request) -> Response:
    """Server-sent events, the first at once: how far the base's documents are. Each is a whole account; further ones
    come when something changed, at most two or three a second. The stream ends when the base is gone."""
    found = await _base(request, base)
    return EventStream(_news(auth.platform_of(request), found), ping=b": here\n\n")


async def _news(platform: Platform, base: KnowledgeBase) -> AsyncGenerator[bytes]:
    async with aclosing(platform.knowledge.changes.follow(base.id)) as changes:
        async for _ in changes:
            try:
                await platform.knowledge.bases.get(base.workspace_id, base.id)
            except NotFound:
                return
            room = platform.knowledge
            reading = room.progress.of(base.id)
            seen = {d.id for d in await room.documents.by_ids(base, [one.document_id for one in reading])}
            anew = await room.reembeddings.anew(base.id)
            shown = [one for one in reading if one.document_id in seen]
            news = News(await room.bases.flow(base.id), shown, anew, room.evaluating.running(base.id))
            yield event(msgspec.json.encode(news))


@router.post("/knowledge/{base}/retry", status_code=202)
async def retry_documents(base: str, body: Chosen, request: Request) -> Count:
    """Queues those of the chosen documents anew that have failed."""
    found = await _base(request, base)
    return Count(await auth.platform_of(request).knowledge.documents.retry(found, body.choice()))


@router.put("/knowledge/{base}/groups")
async def open_base(base: str, body: Groups, request: Request) -> KnowledgeBase:
    """Who may see the base and those of its documents that name no groups themselves. It holds at once."""
    found = await _base(request, base)
    platform = auth.platform_of(request)
    await platform.knowledge.permissions.open_base(found, body.groups)
    return await platform.knowledge.bases.by_id(found.workspace_id, found.id)


@router.post("/knowledge/{base}/open")
async def open_documents(base: str, body: ChosenGroups, request: Request) -> Count:
    """Who may see the chosen documents. It holds at once."""
    found = await _base(request, base)
    return Count(
        await auth.platform_of(request).knowledge.permissions.open_documents(found, body.choice(), body.groups)
    )


@router.post("/knowledge/{base}/mark")
async def mark_documents(base: str, body: Marked, request: Request) -> Count:
    """Takes the chosen documents out of the search or the archive, or brings them there; how many it changed. What is
    left out stays as it is."""
    found = await _base(request, base)
    documents = auth.platform_of(request).knowledge.documents
    count = 0
    if body.enabled is not None:
        count = await (documents.enable if body.enabled else documents.disable)(found, body.choice())
    if body.archived is not None:
        count = max(count, await (documents.archive if body.archived else documents.unarchive)(found, body.choice()))
    return Count(count)


@router.post("/knowledge/{base}/remove", status_code=202)
async def remove_documents(base: str, body: Chosen, request: Request) -> Count:
    """Deletes the chosen documents. They leave every list at once; passages and files follow."""
    found = await _base(request, base)
    return Count(await auth.platform_of(request).knowledge.documents.delete_many(found, body.choice()))


async def _base(request: Request, id_or_name: str, *, needs: Role | None = None) -> KnowledgeBase:
    caller = await auth.console_caller(request, needs=needs)
    return await auth.platform_of(request).knowledge.bases.get(caller.workspace_id, id_or_name)
