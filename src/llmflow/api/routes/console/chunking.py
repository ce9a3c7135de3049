"""How a knowledge base's documents are cut: the setting, what it would make of a document, and cutting them again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from llmflow.api import auth
from llmflow.knowledge.types import Choice, KnowledgeBase
from llmflow.ports.chunker import Chunk
from llmflow.wiring import Platform

router = APIRouter(tags=["chunking"])


class Cutting(BaseModel):
    """The fields of a rule (see docs/chunking.md); {}: as the server's settings say."""

    chunking: dict[str, Any] = Field({})


@dataclass(frozen=True, slots=True)
class CutPart:
    text: str
    tokens: int


@dataclass(frozen=True, slots=True)
class CutPassage:
    """A passage as it would be. `parts`: what would be searched in its stead."""

    text: str
    tokens: int
    page: int | None
    heading_path: list[str]
    kind: str
    answer: str | None
    parts: list[CutPart]


@dataclass(frozen=True, slots=True)
class CutDocument:
    """`total`: passages of the whole document; only the first of them are shown."""

    passages: list[CutPassage]
    total: int


@dataclass(frozen=True, slots=True)
class Recut:
    count: int


_SHOWN = 100


@router.get("/knowledge/{base}/chunking")
async def get_chunking(base: str, request: Request) -> Cutting:
    """How documents are cut."""
    _, found = await _base(request, base)
    return Cutting(chunking=found.chunking)


@router.put("/knowledge/{base}/chunking")
async def set_chunking(base: str, body: Cutting, request: Request) -> Cutting:
    """Cuts documents otherwise from now on. Those that are there stay as they are until they are cut again."""
    platform, found = await _base(request, base)
    return Cutting(chunking=(await platform.knowledge.bases.set_chunking(found, body.chunking)).chunking)


@router.post("/knowledge/{base}/chunking/apply", status_code=202)
async def cut_again(base: str, request: Request) -> Recut:
    """Cuts all ready documents again as the base says now, one after the other, with their progress. They are found as
    they are until then; passages that stay the same are not embedded again."""
    platform, found = await _base(request, base)
    return Recut(await platform.knowledge.documents.cut_again(found, Choice()))


@router.post("/documents/{document_id}/chunking/preview")
async def preview_chunking(document_id: str, body: Cutting, request: Request) -> CutDocument:
    """The passages that a document would have under a rule; nothing is stored."""
    caller = await auth.console_caller(request)
    platform = auth.platform_of(request)
    document = await platform.knowledge.documents.get(caller.workspace_id, document_id)
    base = await platform.knowledge.bases.get(caller.workspace_id, document.knowledge_id)
    chunks = await platform.knowledge.reader.preview(base, document, body.chunking)
    return CutDocument([_preview(chunk) for chunk in chunks[:_SHOWN]], len(chunks))


def _preview(chunk: Chunk) -> CutPassage:
    return CutPassage(
        text=chunk.text,
        tokens=chunk.tokens,
        page=chunk.page,
        heading_path=list(chunk.heading_path),
        kind=chunk.kind,
        answer=chunk.answer,
        parts=[CutPart(part.text, part.tokens) for part in chunk.parts],
    )


async def _base(request: Request, id_or_name: str) -> tuple[Platform, KnowledgeBase]:
    caller = await auth.console_caller(request)
    platform = auth.platform_of(request)
    return platform, await platform.knowledge.bases.get(caller.workspace_id, id_or_name)
