"""How a knowledge base's documents are cut: the setting, what it would make of a document, and cutting them again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from llmflow.api import auth
from llmflow.gateway.quotas.prices import price_of
from llmflow.gateway.quotas.types import NANO
from llmflow.knowledge.pairs.writer import Written
from llmflow.knowledge.read import Preview
from llmflow.knowledge.types import Choice, KnowledgeBase
from llmflow.ports.chunker import Chunk
from llmflow.wiring import Platform

router = APIRouter(tags=["chunking"])


class Cutting(BaseModel):
    """The fields of a rule (see docs/chunking.md); {}: as the server's settings say."""

    chunking: dict[str, Any] = Field({})


class Previewing(Cutting):
    """`ask`: of how many parts, not asked about yet, a model writes questions now; what it says is kept."""

    ask: int = Field(0, ge=0, le=10)


@dataclass(frozen=True, slots=True)
class CutPart:
    text: str
    tokens: int


@dataclass(frozen=True, slots=True)
class CutPassage:
    """A passage as it would be. `parts`: what would be searched in its stead; `is_due`: it is what a model would be
    asked about, and its parts are the passages that it is without one."""

    text: str
    tokens: int
    page: int | None
    heading_path: list[str]
    kind: str
    answer: str | None
    parts: list[CutPart]
    is_due: bool


@dataclass(frozen=True, slots=True)
class CutQuestions:
    """What a model writes from: `known` of `parts` are answered. The rest takes about so many tokens of `model`, and
    `usd` by the price list (null: nobody says what it costs). `error_*`: why no model can, "" none."""

    model: str
    parts: int
    known: int
    input_tokens: int
    output_tokens: int
    usd: float | None
    error_code: str
    error_message: str
    error_hint: str


@dataclass(frozen=True, slots=True)
class CutDocument:
    """`total`: passages of the whole document; only the first of them are shown. `embed`: those that would be embedded
    anew. `share`: what the document has of the characters of all in its base; null: unknown."""

    passages: list[CutPassage]
    total: int
    embed: int
    share: float | None
    questions: CutQuestions | None


@dataclass(frozen=True, slots=True)
class Recut:
    count: int


_SHOWN = 100
_INSTRUCTION_TOKENS = 170
_TOLD = 1.2  # tokens of questions with their answers for each of the text: they say it again, with its subject


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
async def preview_chunking(document_id: str, body: Previewing, request: Request) -> CutDocument:
    """The passages that a document would have under a rule, and what it takes to make them; none is stored."""
    caller = await auth.console_caller(request)
    platform = auth.platform_of(request)
    document = await platform.knowledge.documents.get(caller.workspace_id, document_id)
    base = await platform.knowledge.bases.get(caller.workspace_id, document.knowledge_id)
    cut = await platform.knowledge.reader.preview(base, document, body.chunking, ask=body.ask)
    renewal = await platform.knowledge.ingest.planned(base, document, cut.chunks)
    contents = (await platform.knowledge.bases.contents([base.id])).get(base.id)
    return CutDocument(
        passages=[
            _preview(chunk, is_due=cut.written is not None and bool(chunk.parts)) for chunk in cut.chunks[:_SHOWN]
        ],
        total=len(cut.chunks),
        embed=len(renewal.searched),
        share=document.word_count / contents.words if contents and document.word_count else None,
        questions=await _questions(platform, caller.workspace_id, cut) if cut.written else None,
    )


def _preview(chunk: Chunk, *, is_due: bool) -> CutPassage:
    return CutPassage(
        text=chunk.text,
        tokens=chunk.tokens,
        page=chunk.page,
        heading_path=list(chunk.heading_path),
        kind=chunk.kind,
        answer=chunk.answer,
        parts=[CutPart(part.text, part.tokens) for part in chunk.parts],
        is_due=is_due,
    )


async def _questions(platform: Platform, workspace_id: str, cut: Preview) -> CutQuestions:
    written = cut.written or Written([])
    texts = sum(chunk.tokens for chunk in written.due)
    read, told = texts + _INSTRUCTION_TOKENS * len(written.due), round(texts * _TOLD)
    own = await platform.quotas.prices(workspace_id)
    price = price_of(written.model, own)
    is_known = price.input > 0 or price.output > 0 or written.model in own
    fault = cut.fault
    return CutQuestions(
        model=written.model,
        parts=written.parts,
        known=written.parts - len(written.due),
        input_tokens=read,
        output_tokens=told,
        usd=price.nano_usd(read, told) / NANO if is_known else None,
        error_code=fault.code if fault else "",
        error_message=fault.message if fault else "",
        error_hint=fault.hint if fault else "",
    )


async def _base(request: Request, id_or_name: str) -> tuple[Platform, KnowledgeBase]:
    caller = await auth.console_caller(request)
    platform = auth.platform_of(request)
    return platform, await platform.knowledge.bases.get(caller.workspace_id, id_or_name)
