"""Segments, Dify's word for the passages of a document: list, add, look at, change, delete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from llmflow.api.routes.service.datasets import shapes
from llmflow.api.routes.service.dify import DatasetCall, answer, checked, dataset_operation, nothing
from llmflow.errors import NotFound, UsageError
from llmflow.knowledge.documents import check_mutable
from llmflow.knowledge.drafts import Draft, Edit
from llmflow.knowledge.types import Document, KnowledgeBase, Passage
from llmflow.wiring import Platform

_MOST_AT_ONCE = 1_000


class SegmentCreateItem(msgspec.Struct, frozen=True):
    content: str
    answer: str | None = None
    keywords: list[str] | None = None


class SegmentCreatePayload(msgspec.Struct, frozen=True):
    segments: list[SegmentCreateItem]


class SegmentUpdateArgs(msgspec.Struct, frozen=True):
    """What is left out, or null, stays as it is, the child chunks too unless they are to be made anew."""

    content: str | None = None
    answer: str | None = None
    keywords: list[str] | None = None
    enabled: bool | None = None
    regenerate_child_chunks: bool | None = None


class SegmentUpdatePayload(msgspec.Struct, frozen=True):
    segment: SegmentUpdateArgs


def routes(platform: Platform) -> list[Route]:
    all_of_them = "/datasets/{dataset_id:uuid}/documents/{document_id:uuid}/segments"
    one = all_of_them + "/{segment_id:uuid}"
    return [
        dataset_operation(platform, all_of_them, "GET", _list),
        dataset_operation(platform, all_of_them, "POST", _create),
        dataset_operation(platform, one, "GET", _get),
        dataset_operation(platform, one, "POST", _change),
        dataset_operation(platform, one, "PATCH", _change),
        dataset_operation(platform, one, "DELETE", _delete),
    ]


async def _list(call: DatasetCall) -> Response:
    """Every passage is read completely, so that those of another `status` are none."""
    base, document = await call.document()
    page, limit = call.page
    statuses = call.request.query_params.getlist("status")
    found: list[Passage] = []
    total = 0
    if not statuses or "completed" in statuses:
        found, total = await call.platform.knowledge.passages.page(
            document, search=call.query("keyword") or "", offset=(page - 1) * limit, limit=limit
        )
    return answer(
        {
            "data": await _shown(call, document, found),
            "doc_form": shapes.form_of(document, base),
            "total": total,
            "has_more": page * limit < total,
            "limit": limit,
            "page": page,
        }
    )


async def _create(call: DatasetCall) -> Response:
    base, document = await call.document()
    check_open(document)
    wanted = checked(await call.body(), SegmentCreatePayload).segments
    if not wanted:
        raise UsageError("Segments is required", param="segments")
    if len(wanted) > _MOST_AT_ONCE:
        raise UsageError(f"Exceeded maximum segments limit of {_MOST_AT_ONCE}.", param="segments")
    form = shapes.form_of(document, base)
    if form == "qa_model" and not all(item.answer and item.answer.strip() for item in wanted):
        raise UsageError("Answer is required", param="answer")
    drafts = [Draft(item.content, item.answer, tuple(item.keywords or ())) for item in wanted]
    made = await call.platform.knowledge.passages.add(document, drafts)
    return answer({"data": await _shown(call, document, made), "doc_form": form})


async def _get(call: DatasetCall) -> Response:
    base, document, passage = await segment(call)
    return await _answered(call, base, document, passage)


async def _change(call: DatasetCall) -> Response:
    base, document, passage = await segment(call)
    check_mutable(document)
    wanted = checked(await call.body(), SegmentUpdatePayload).segment
    keywords = None if wanted.keywords is None else tuple(wanted.keywords)
    recut = bool(wanted.regenerate_child_chunks)
    edit = Edit(text=wanted.content, answer=wanted.answer, keywords=keywords, recut=recut)
    if edit != Edit(recut=recut):
        passage = await call.platform.knowledge.passages.edit(document, passage.id, edit)
    if wanted.enabled is not None and wanted.enabled != passage.enabled:  # with its parts
        await call.platform.knowledge.passages.switch(document, [passage.id], enabled=wanted.enabled)
        passage = await call.platform.knowledge.passages.get(document, passage.id)
    return await _answered(call, base, document, passage)


async def _delete(call: DatasetCall) -> Response:
    _, document, passage = await segment(call)
    check_mutable(document)
    await call.platform.knowledge.passages.delete(document, [passage.id])
    return nothing()


def check_open(document: Document) -> None:
    """Raises NotFound in Dify's words for a document that takes no passages now, and Forbidden
    (archived_document_immutable)."""
    check_mutable(document)
    if document.state != "ready":
        raise NotFound("Document is not completed.")
    if not document.enabled:
        raise NotFound("Document is disabled.")


async def segment(call: DatasetCall) -> tuple[KnowledgeBase, Document, Passage]:
    """The passage that the path names, its document and its base. Raises NotFound in Dify's words."""
    base, document = await call.document()
    try:
        passage = await call.platform.knowledge.passages.get(document, str(call.request.path_params["segment_id"]))
    except NotFound as error:
        raise NotFound("Segment not found.") from error
    if passage.parent_id is not None:
        raise NotFound("Segment not found.")
    return base, document, passage


async def _answered(call: DatasetCall, base: KnowledgeBase, document: Document, passage: Passage) -> Response:
    (told,) = await _shown(call, document, [passage])
    return answer({"data": told, "doc_form": shapes.form_of(document, base)})


async def _shown(call: DatasetCall, document: Document, passages: Sequence[Passage]) -> list[dict[str, Any]]:
    parts = await call.platform.knowledge.passages.parts(document, [passage.id for passage in passages])
    by = document.created_by or document.workspace_id
    return [
        {
            **shapes.segment(passage, document),
            "updated_at": shapes.changed_at(passage, document),
            "updated_by": by,
            "child_chunks": [shapes.child(part, document) for part in parts.get(passage.id, [])],
            "attachments": [],
            "summary": None,
        }
        for passage in passages
    ]
