"""One document: what became of it, its passages, its pages and its original."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response, StreamingResponse

from llmflow.api import auth
from llmflow.api.attachment import attachment
from llmflow.errors import UsageError
from llmflow.knowledge.types import Choice, Document, Passage
from llmflow.ports.parser import PageWords
from llmflow.wiring import Platform

router = APIRouter(tags=["documents"])


class DocumentChange(BaseModel):
    """What is left out stays as it is. `metadata`: values by the ids of the base's fields, all that it then has."""

    name: str | None = Field(None, max_length=500)
    metadata: dict[str, str | int | float | None] | None = None


_ASK = "private, no-cache"  # kept by the browser, and asked for each time whether it is still so and still allowed
_IMAGE: dict[int | str, dict[str, Any]] = {200: {"content": {"image/webp": {}}, "description": "The page"}}
_BYTES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {}}, "description": "The file"}
}


@router.get("/documents/{document_id}")
async def get_document(document_id: str, request: Request) -> Document:
    platform, document = await _document(request, document_id)
    return platform.knowledge.progress.overlay(document)


@router.patch("/documents/{document_id}")
async def change_document(document_id: str, body: DocumentChange, request: Request) -> Document:
    """Another name, or other metadata."""
    platform, document = await _document(request, document_id)
    if body.metadata is not None:
        base = await platform.knowledge.bases.get(document.workspace_id, document.knowledge_id)
        values = await platform.knowledge.fields.checked(base, body.metadata)
        document = await platform.knowledge.documents.set_metadata(document, values)
    if body.name is not None:
        document = await platform.knowledge.documents.rename(document, body.name)
    return document


@router.get("/documents/{document_id}/passages")
async def list_passages(
    document_id: str,
    request: Request,
    page: int | None = Query(None, ge=1),
    search: str = "",
    enabled: bool | None = None,
    holding: str = "",
    offset: int = Query(0, ge=0),
    limit: int = Query(100, ge=1, le=1000),
) -> list[Passage]:
    """In reading order. `page`: those that stand on it. `search`: whose text or answer has this in it. `holding`: the
    id of a passage; then the `limit` passages among which it stands."""
    platform, document = await _document(request, document_id)
    found, _ = await platform.knowledge.passages.page(
        document, on_page=page, search=search, enabled=enabled, holding=holding, offset=offset, limit=limit
    )
    return found


@router.get("/documents/{document_id}/pages/{page}", response_class=Response, responses=_IMAGE)
async def get_page(
    document_id: str, page: int, request: Request, width: int = Query(1200, ge=100, le=3000)
) -> Response:
    """A page (from 1) of a PDF or a picture as WebP, `width` pixels wide."""
    platform, document = await _document(request, document_id)
    tag = f'"{document.digest[:32]}-{page}-{width}"'
    headers = {"Cache-Control": _ASK, "ETag": tag, "X-Content-Type-Options": "nosniff"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    async with platform.organs.blobs.local(document.digest) as path:
        image = await platform.organs.parser.page_image(path, page, width=width)
    return Response(image, media_type="image/webp", headers=headers)


@router.get("/documents/{document_id}/pages/{page}/words")
async def get_words(document_id: str, page: int, request: Request) -> PageWords:
    """The size of a page and its words with their boxes, in points; none of a scanned page."""
    platform, document = await _document(request, document_id)
    async with platform.organs.blobs.local(document.digest) as path:
        return await platform.organs.parser.page_words(path, page)


@router.get("/documents/{document_id}/original", response_class=Response, responses=_BYTES)
async def get_original(document_id: str, request: Request) -> Response:
    """The file as it was uploaded, to keep; no browser shows or runs it."""
    platform, document = await _document(request, document_id)
    pieces = platform.organs.blobs.read(document.digest)
    return StreamingResponse(pieces, headers=attachment(document.name, document.size))


@router.post("/documents/{document_id}/retry", status_code=202)
async def retry_document(document_id: str, request: Request) -> Document:
    """Queues a failed document anew."""
    platform, document = await _document(request, document_id)
    if document.state != "failed":
        raise UsageError(f"`{document.name}` has not failed; it is {document.state}.")
    base = await platform.knowledge.bases.get(document.workspace_id, document.knowledge_id)
    await platform.knowledge.documents.retry(base, Choice(ids=(document.id,)))
    return await platform.knowledge.documents.get(document.workspace_id, document_id)


@router.delete("/documents/{document_id}", status_code=204)
async def delete_document(document_id: str, request: Request) -> None:
    platform, document = await _document(request, document_id)
    base = await platform.knowledge.bases.get(document.workspace_id, document.knowledge_id)
    await platform.knowledge.documents.delete(base, document)


async def _document(request: Request, document_id: str) -> tuple[Platform, Document]:
    caller = await auth.console_caller(request)
    platform = auth.platform_of(request)
    return platform, await platform.knowledge.documents.get(caller.workspace_id, document_id)
