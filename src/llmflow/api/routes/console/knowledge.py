"""Knowledge bases, their documents, passages and search."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from llmflow.api import auth
from llmflow.errors import UsageError
from llmflow.knowledge.documents import Accepted
from llmflow.knowledge.types import Document, Found, KnowledgeBase, Mode, Passage, State

router = APIRouter(tags=["knowledge"])


class NewBase(BaseModel):
    name: str = Field(max_length=200)
    description: str = Field("", max_length=2000)


class Search(BaseModel):
    query: str = Field(max_length=8000)
    mode: Mode = "hybrid"
    top_k: int = Field(10, ge=1, le=100)


@dataclass(frozen=True, slots=True)
class BaseWithCounts:
    base: KnowledgeBase
    documents: dict[str, int]  # by state


@dataclass(frozen=True, slots=True)
class DocumentPage:
    documents: list[Document]
    total: int


@router.get("/knowledge")
async def list_bases(request: Request) -> list[BaseWithCounts]:
    caller = await auth.console_caller(request)
    bases = auth.platform_of(request).bases
    return [BaseWithCounts(base, await bases.counts(base.id)) for base in await bases.all(caller.workspace_id)]


@router.post("/knowledge", status_code=201)
async def create_base(body: NewBase, request: Request) -> KnowledgeBase:
    caller = await auth.console_caller(request)
    bases = auth.platform_of(request).bases
    return await bases.create(caller.workspace_id, body.name, description=body.description)


@router.get("/knowledge/{base}")
async def get_base(base: str, request: Request) -> BaseWithCounts:
    """By id or name."""
    found = await _base(request, base)
    return BaseWithCounts(found, await auth.platform_of(request).bases.counts(found.id))


@router.delete("/knowledge/{base}", status_code=204)
async def delete_base(base: str, request: Request) -> None:
    caller = await auth.console_caller(request)
    await auth.platform_of(request).bases.delete(caller.workspace_id, base)


@router.put("/knowledge/{base}/documents/{name:path}", status_code=202)
async def put_document(base: str, name: str, request: Request) -> Accepted:
    """The request's body is the file. 202: it is kept and will be ready or failed, whatever happens to this server.
    The same name replaces; the same bytes again are not indexed again (see `outcome`)."""
    found = await _base(request, base)
    return await auth.platform_of(request).documents.accept(found, name, request.stream())


@router.get("/knowledge/{base}/documents")
async def list_documents(
    base: str,
    request: Request,
    state: State | None = None,
    search: str = "",
    offset: int = Query(0, ge=0),
    limit: int = Query(50, ge=1, le=1000),
) -> DocumentPage:
    """Newest first, with live progress."""
    platform = auth.platform_of(request)
    found = await _base(request, base)
    documents, total = await platform.documents.page(found, state=state, search=search, offset=offset, limit=limit)
    return DocumentPage([platform.progress.overlay(document) for document in documents], total)


@router.get("/documents/{document_id}")
async def get_document(document_id: str, request: Request) -> Document:
    platform = auth.platform_of(request)
    caller = await auth.console_caller(request)
    return platform.progress.overlay(await platform.documents.get(caller.workspace_id, document_id))


@router.get("/documents/{document_id}/passages")
async def list_passages(
    document_id: str, request: Request, offset: int = Query(0, ge=0), limit: int = Query(100, ge=1, le=1000)
) -> list[Passage]:
    """In reading order."""
    platform = auth.platform_of(request)
    caller = await auth.console_caller(request)
    document = await platform.documents.get(caller.workspace_id, document_id)
    return await platform.documents.passages(document, offset=offset, limit=limit)


@router.post("/documents/{document_id}/retry", status_code=202)
async def retry_document(document_id: str, request: Request) -> Document:
    """Queues a failed document anew."""
    platform = auth.platform_of(request)
    caller = await auth.console_caller(request)
    document = await platform.documents.get(caller.workspace_id, document_id)
    if document.state != "failed":
        raise UsageError(f"`{document.name}` has not failed; it is {document.state}.")
    await platform.documents.retry(document)
    return await platform.documents.get(caller.workspace_id, document_id)


@router.delete("/documents/{document_id}", status_code=204)
async def delete_document(document_id: str, request: Request) -> None:
    platform = auth.platform_of(request)
    caller = await auth.console_caller(request)
    document = await platform.documents.get(caller.workspace_id, document_id)
    base = await platform.bases.get(caller.workspace_id, document.knowledge_id)
    await platform.documents.delete(base, document)


@router.post("/knowledge/{base}/search")
async def search(base: str, body: Search, request: Request) -> list[Found]:
    """The best passages with the scores of each search."""
    caller = await auth.console_caller(request, needs="member")
    found = await auth.platform_of(request).bases.get(caller.workspace_id, base)
    return await auth.platform_of(request).retriever.search([found], body.query, mode=body.mode, top_k=body.top_k)


async def _base(request: Request, id_or_name: str) -> KnowledgeBase:
    caller = await auth.console_caller(request)
    return await auth.platform_of(request).bases.get(caller.workspace_id, id_or_name)
