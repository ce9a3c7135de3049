"""Knowledge for nodes: a search's passages in the form Dify's knowledge-retrieval gives."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from llmflow.errors import NodeFailed, UsageError
from llmflow.knowledge.retrieve import Retriever
from llmflow.knowledge.rule import common_rule
from llmflow.knowledge.types import Found, KnowledgeBase, Note, Searched
from llmflow.workflow.context import Retrieved, Search

Bases = Callable[[Sequence[str]], Awaitable[Sequence[KnowledgeBase]]]
"""The knowledge bases of these ids that the run may read; others are left out."""


class Passages:
    """Searches the knowledge a workflow names."""

    def __init__(self, retriever: Retriever, bases: Bases) -> None:
        self._retriever = retriever
        self._bases = bases

    async def __call__(self, search: Search) -> Retrieved:
        """Best first. Raises NodeFailed when one of the bases is not there, and for a rule or a condition that is
        none."""
        bases = await self._bases(search.knowledge)
        missing = set(search.knowledge) - {base.id for base in bases}
        if missing:
            text = f"There is no knowledge base {', '.join(sorted(missing))}."
            raise NodeFailed(text, code="node_invalid", hint="Choose one; an imported app needs its data sets mapped.")
        notes: list[Note] = []
        if search.one_of is not None:
            model, options = search.one_of.model, search.one_of.options
            bases, notes = await self._retriever.choose(bases, search.query, model=model, options=options)
        rule = dataclasses.replace(common_rule(bases), **search.wishes)
        try:
            searched = await self._retriever.search(bases, search.query, rule, conditions=search.conditions)
        except UsageError as error:
            raise NodeFailed(error.message, code="node_invalid") from error
        searched = dataclasses.replace(searched, notes=[*notes, *searched.notes])
        passages = [_passage(position, hit) for position, hit in enumerate(searched.found, 1)]
        return Retrieved(passages, _told(searched, bases if search.one_of else ()))


def _told(searched: Searched, chosen: Sequence[KnowledgeBase]) -> dict[str, Any]:
    """What is worth a reader's while; nothing of an ordinary search."""
    told: dict[str, Any] = {}
    if len(searched.wordings) > 1:
        told["wordings"] = searched.wordings
    if searched.conditions is not None:
        told["conditions"] = msgspec.to_builtins(searched.conditions)
    if chosen:
        told["searched"] = [base.name for base in chosen]
    if searched.notes:
        told["notes"] = msgspec.to_builtins(searched.notes)
    return told


def _passage(position: int, hit: Found) -> dict[str, Any]:
    return {
        "metadata": {
            "_source": "knowledge",
            "position": position,
            "dataset_id": hit.knowledge_id,
            "dataset_name": hit.knowledge,
            "document_id": hit.document_id,
            "document_name": hit.document,
            "data_source_type": "upload_file",
            "segment_id": hit.chunk_id,
            "retriever_from": "workflow",
            "score": hit.score,
            "child_chunks": [
                {"id": child.chunk_id, "content": child.text, "position": child.ordinal + 1, "score": child.score}
                for child in hit.children
            ],
            "segment_hit_count": hit.hit_count,
            "segment_word_count": len(hit.text),
            "segment_position": hit.ordinal + 1,
            "segment_index_node_hash": hit.chunk_id,
            "page": hit.page,
            "doc_metadata": hit.metadata,
        },
        "title": hit.document,
        "content": hit.text if hit.answer is None else f"question:{hit.text} \nanswer:{hit.answer}",
        "url": None,
        "icon": None,
        "files": [],
    }
