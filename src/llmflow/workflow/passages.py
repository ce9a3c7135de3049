"""Knowledge for nodes: a search's passages in the form Dify's knowledge-retrieval gives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from llmflow.errors import NodeFailed
from llmflow.knowledge.retrieve import Retriever
from llmflow.knowledge.rule import SearchRule
from llmflow.knowledge.types import Found, KnowledgeBase, Mode
from llmflow.workflow.context import Search

Bases = Callable[[Sequence[str]], Awaitable[Sequence[KnowledgeBase]]]
"""The knowledge bases of these ids that the run may read; others are left out."""


class Passages:
    """Searches the knowledge a workflow names."""

    def __init__(self, retriever: Retriever, bases: Bases) -> None:
        self._retriever = retriever
        self._bases = bases

    async def __call__(self, search: Search) -> list[dict[str, Any]]:
        """Best first. Raises NodeFailed when one of the bases is not there."""
        bases = await self._bases(search.knowledge)
        missing = set(search.knowledge) - {base.id for base in bases}
        if missing:
            text = f"There is no knowledge base {', '.join(sorted(missing))}."
            raise NodeFailed(text, code="node_invalid", hint="Choose one; an imported app needs its data sets mapped.")
        rule = SearchRule(
            mode=_mode(search), dense_weight=search.vector_weight, top_k=search.top_k, threshold=search.threshold
        )
        searched = await self._retriever.search(bases, search.query, rule)
        return [_passage(position, hit) for position, hit in enumerate(searched.found, 1)]


def _mode(search: Search) -> Mode:
    if search.vector_weight is None or 0 < search.vector_weight < 1:
        return "hybrid"
    return "dense" if search.vector_weight else "keyword"


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
            "child_chunks": [],
            "segment_hit_count": hit.hit_count,
            "segment_word_count": len(hit.text),
            "segment_position": hit.ordinal + 1,
            "segment_index_node_hash": hit.chunk_id,
            "page": hit.page,
            "doc_metadata": None,
        },
        "title": hit.document,
        "content": hit.text,
        "url": None,
        "icon": None,
        "files": [],
    }
