"""Questions to a knowledge base: the passages that answer best."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from llmflow.api.routes.service.datasets import shapes
from llmflow.api.routes.service.datasets.bases import ExternalRetrievalModel
from llmflow.api.routes.service.dify import DatasetCall, answer, checked, dataset_operation
from llmflow.errors import UsageError
from llmflow.knowledge.conditions import read_conditions
from llmflow.knowledge.fields import values_of
from llmflow.knowledge.retrieval_model import RetrievalModel
from llmflow.knowledge.rule import kept_rule
from llmflow.knowledge.types import Found, KnowledgeBase
from llmflow.wiring import Platform


class HitTestingPayload(msgspec.Struct, frozen=True):
    """`external_retrieval_model`: of another server's knowledge, in place of the base's."""

    query: str
    retrieval_model: RetrievalModel | None = None
    external_retrieval_model: ExternalRetrievalModel | None = None


def routes(platform: Platform) -> list[Route]:
    one = "/datasets/{dataset_id:uuid}"
    return [
        dataset_operation(platform, f"{one}/retrieve", "POST", _retrieve),
        dataset_operation(platform, f"{one}/hit-testing", "POST", _retrieve),
    ]


async def _retrieve(call: DatasetCall) -> Response:
    base = await call.base()
    wanted = checked(await call.body(), HitTestingPayload)
    if not wanted.query.strip():
        raise UsageError("Query is required", param="query")
    rule = wanted.retrieval_model.rule() if wanted.retrieval_model else kept_rule(base.retrieval)
    if shapes.is_economy(base):
        rule = dataclasses.replace(rule, mode="keyword")
    if base.is_external and wanted.external_retrieval_model is not None:
        rule = wanted.external_retrieval_model.rule(rule)
    model = wanted.retrieval_model
    conditions = read_conditions(model.metadata_filtering_conditions if model else None)
    searched = await call.platform.knowledge.retriever.search([base], wanted.query, rule, conditions=conditions)
    if base.is_external:
        if searched.notes:  # nothing else was searched
            raise UsageError(searched.notes[0].text)
        records = [_plain(hit) for hit in searched.found]
    else:
        records = await _records(call, base, searched.found)
    return answer({"query": {"content": wanted.query}, "records": records})


def _plain(hit: Found) -> dict[str, Any]:
    """A passage of another server, as Dify shows it."""
    return {"content": hit.text, "title": hit.document, "score": hit.score, "metadata": hit.metadata}


async def _records(call: DatasetCall, base: KnowledgeBase, found: Sequence[Found]) -> list[dict[str, Any]]:
    """`llmflow` is ours: why a passage was found, and where it stands."""
    documents = {
        d.id: d for d in await call.platform.knowledge.documents.by_ids(base, [hit.document_id for hit in found])
    }
    passages = await call.platform.knowledge.documents.passages_by_id([hit.chunk_id for hit in found])
    fields = await call.platform.knowledge.fields.all(base)
    records = []
    for hit in found:
        document, passage = documents.get(hit.document_id), passages.get(hit.chunk_id)
        if document is None or passage is None:  # it was deleted a moment ago
            continue
        told = {
            "id": document.id,
            "data_source_type": "upload_file",
            "name": document.name,
            "doc_type": None,
            "doc_metadata": {v.field.name: v.value for v in values_of(document, fields)},
        }
        records.append(
            {
                "segment": {**shapes.segment(passage, document), "document": told},
                "child_chunks": [
                    {"id": child.chunk_id, "content": child.text, "position": child.ordinal + 1, "score": child.score}
                    for child in hit.children
                ],
                "score": hit.score,
                "tsne_position": None,
                "files": [],
                "summary": None,
                "llmflow": {"scores": hit.scores, "page": hit.page, "heading_path": hit.heading_path},
            }
        )
    return records
