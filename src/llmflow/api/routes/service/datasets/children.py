"""Child chunks: the parts by which a passage of a hierarchical document is found."""

from __future__ import annotations

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from llmflow.api.routes.service.datasets import shapes
from llmflow.api.routes.service.datasets.segments import check_open, segment
from llmflow.api.routes.service.dify import DatasetCall, answer, checked, dataset_operation, nothing
from llmflow.errors import NotFound, UsageError
from llmflow.knowledge.documents import check_mutable
from llmflow.knowledge.drafts import Draft, Edit
from llmflow.knowledge.types import Document, Passage
from llmflow.wiring import Platform


class ChildChunkPayload(msgspec.Struct, frozen=True):
    content: str


def routes(platform: Platform) -> list[Route]:
    of_segment = "/datasets/{dataset_id:uuid}/documents/{document_id:uuid}/segments/{segment_id:uuid}/child_chunks"
    one = of_segment + "/{child_chunk_id:uuid}"
    return [
        dataset_operation(platform, of_segment, "GET", _list),
        dataset_operation(platform, of_segment, "POST", _create),
        dataset_operation(platform, one, "PATCH", _change),
        dataset_operation(platform, one, "DELETE", _delete),
    ]


async def _list(call: DatasetCall) -> Response:
    _, document, passage = await segment(call)
    page, limit = call.page
    found, total = await call.platform.knowledge.passages.page(
        document, parent=passage.id, search=call.query("keyword") or "", offset=(page - 1) * limit, limit=limit
    )
    return answer(
        {
            "data": [shapes.child(part, document) for part in found],
            "total": total,
            "total_pages": -(-total // limit),
            "page": page,
            "limit": limit,
        }
    )


async def _create(call: DatasetCall) -> Response:
    base, document, passage = await segment(call)
    check_open(document)
    if shapes.form_of(document, base) != "hierarchical_model":
        raise UsageError("Only segments of a hierarchical document have child chunks.")
    wanted = checked(await call.body(), ChildChunkPayload)
    (made,) = await call.platform.knowledge.passages.add(document, [Draft(wanted.content)], parent=passage.id)
    return answer({"data": shapes.child(made, document)})


async def _change(call: DatasetCall) -> Response:
    document, part = await _part(call)
    check_mutable(document)
    wanted = checked(await call.body(), ChildChunkPayload)
    changed = await call.platform.knowledge.passages.edit(document, part.id, Edit(text=wanted.content))
    return answer({"data": shapes.child(changed, document)})


async def _delete(call: DatasetCall) -> Response:
    document, part = await _part(call)
    check_mutable(document)
    await call.platform.knowledge.passages.delete(document, [part.id])
    return nothing()


async def _part(call: DatasetCall) -> tuple[Document, Passage]:
    _, document, passage = await segment(call)
    try:
        part = await call.platform.knowledge.passages.get(document, str(call.request.path_params["child_chunk_id"]))
    except NotFound as error:
        raise NotFound("Child chunk not found.") from error
    if part.parent_id != passage.id:
        raise NotFound("Child chunk not found.")
    return document, part
