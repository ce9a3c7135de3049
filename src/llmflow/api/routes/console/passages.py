"""A document's passages: add, edit, merge, split, switch off, remove; and the parts of one. documents.py lists them."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from llmflow.api import auth
from llmflow.knowledge.drafts import Draft, Edit
from llmflow.knowledge.types import Document, Passage
from llmflow.wiring import Platform

router = APIRouter(tags=["passages"])

_MOST_CHARACTERS = 40_000
_MOST_IDS = 1_000


class NewPassage(BaseModel):
    """`answer`: where `text` is a question. `after`: the passage it stands behind; None: at the end."""

    text: str = Field(max_length=_MOST_CHARACTERS)
    answer: str | None = Field(None, max_length=_MOST_CHARACTERS)
    keywords: list[str] = Field([], max_length=100)
    after: str | None = None


class PassageChange(BaseModel):
    """What is left out stays as it is."""

    text: str | None = Field(None, max_length=_MOST_CHARACTERS)
    answer: str | None = Field(None, max_length=_MOST_CHARACTERS)
    keywords: list[str] | None = Field(None, max_length=100)
    enabled: bool | None = None


class ChosenPassages(BaseModel):
    ids: list[str] = Field(max_length=_MOST_IDS)


class Switched(ChosenPassages):
    enabled: bool


class Cut(BaseModel):
    at: int = Field(ge=1)


@dataclass(frozen=True, slots=True)
class PassagePage:
    passages: list[Passage]
    total: int


@dataclass(frozen=True, slots=True)
class Changed:
    count: int


@router.post("/documents/{document_id}/passages", status_code=201)
async def add_passage(document_id: str, body: NewPassage, request: Request) -> Passage:
    """Writes a passage into a document that is ready. It is searched at once, and stays when the document is read
    again."""
    platform, document = await _document(request, document_id)
    draft = Draft(body.text, body.answer, tuple(body.keywords))
    return (await platform.knowledge.passages.add(document, [draft], after=body.after))[0]


@router.patch("/documents/{document_id}/passages/{passage_id}")
async def change_passage(document_id: str, passage_id: str, body: PassageChange, request: Request) -> Passage:
    """Other words, or in and out of the search."""
    platform, document = await _document(request, document_id)
    keywords = None if body.keywords is None else tuple(body.keywords)
    return await platform.knowledge.passages.edit(
        document, passage_id, Edit(body.text, body.answer, keywords, body.enabled)
    )


@router.delete("/documents/{document_id}/passages/{passage_id}", status_code=204)
async def delete_passage(document_id: str, passage_id: str, request: Request) -> None:
    """Removes a passage with its parts. It stays away as long as the document says the same there."""
    platform, document = await _document(request, document_id)
    await platform.knowledge.passages.get(document, passage_id)
    await platform.knowledge.passages.delete(document, [passage_id])


@router.post("/documents/{document_id}/passages/remove")
async def remove_passages(document_id: str, body: ChosenPassages, request: Request) -> Changed:
    """Removes several at once."""
    platform, document = await _document(request, document_id)
    return Changed(await platform.knowledge.passages.delete(document, body.ids))


@router.post("/documents/{document_id}/passages/switch")
async def switch_passages(document_id: str, body: Switched, request: Request) -> Changed:
    """Takes several out of the search, or brings them back."""
    platform, document = await _document(request, document_id)
    return Changed(await platform.knowledge.passages.switch(document, body.ids, enabled=body.enabled))


@router.post("/documents/{document_id}/passages/merge")
async def merge_passages(document_id: str, body: ChosenPassages, request: Request) -> Passage:
    """Neighbours as one passage, the first of them."""
    platform, document = await _document(request, document_id)
    return await platform.knowledge.passages.merge(document, body.ids)


@router.post("/documents/{document_id}/passages/{passage_id}/split")
async def split_passage(document_id: str, passage_id: str, body: Cut, request: Request) -> list[Passage]:
    """Two passages: the text before character `at`, and from there. A table is cut between its rows."""
    platform, document = await _document(request, document_id)
    return await platform.knowledge.passages.split(document, passage_id, body.at)


@router.get("/documents/{document_id}/passages/{passage_id}/parts")
async def list_parts(
    document_id: str,
    passage_id: str,
    request: Request,
    search: str = "",
    offset: int = Query(0, ge=0),
    limit: int = Query(100, ge=1, le=1000),
) -> PassagePage:
    """What is searched in the passage's stead, in reading order; none of a passage that is searched whole."""
    platform, document = await _document(request, document_id)
    found, total = await platform.knowledge.passages.page(
        document, parent=passage_id, search=search, offset=offset, limit=limit
    )
    return PassagePage(found, total)


@router.post("/documents/{document_id}/passages/{passage_id}/parts", status_code=201)
async def add_part(document_id: str, passage_id: str, body: NewPassage, request: Request) -> Passage:
    """A further part of a passage that is searched by its parts."""
    platform, document = await _document(request, document_id)
    return (await platform.knowledge.passages.add(document, [Draft(body.text)], parent=passage_id, after=body.after))[0]


async def _document(request: Request, document_id: str) -> tuple[Platform, Document]:
    caller = await auth.console_caller(request)
    platform = auth.platform_of(request)
    return platform, await platform.knowledge.documents.get(caller.workspace_id, document_id)
