"""The two searches of a question: by meaning and by words, over several bases at once, each and fused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from opentelemetry import trace

from llmflow.errors import Conflict, OrganError
from llmflow.knowledge.fuse import Fused, fuse
from llmflow.knowledge.language import language_of
from llmflow.knowledge.models import EmbeddingModels
from llmflow.knowledge.rule import SearchRule
from llmflow.knowledge.terms import query_terms
from llmflow.knowledge.types import KnowledgeBase, Note
from llmflow.knowledge.watch import Watch
from llmflow.ports.vector_store import Filter, Hit, VectorStore

_log = logging.getLogger(__name__)


class Legs:
    """Searches `bases`, which all hold something, with `where` applied inside the search."""

    def __init__(self, models: EmbeddingModels, vectors: VectorStore) -> None:
        self._models = models
        self._vectors = vectors

    async def by_rule(
        self,
        bases: Sequence[KnowledgeBase],
        query: str,
        rule: SearchRule,
        depth: int,
        where: Filter | None,
        watch: Watch,
    ) -> tuple[list[Fused], list[Note]]:
        """At most `depth` hits of each leg that the rule's mode has, best first, and what went without.

        Raises Conflict for a base whose model is not here any more, OrganError when an organ does not answer; a hybrid
        search goes on by words when nothing embeds the question, by meaning in a store without keyword search."""
        if rule.mode == "dense":
            hits = await watch.timed("dense", self.dense(bases, query, depth, where))
            return [Fused(hit.chunk_id, hit.score, hit.score, None) for hit in hits], []
        if rule.mode == "keyword":
            hits = await watch.timed("keyword", self.keyword(bases, query, depth, where))
            return [Fused(hit.chunk_id, hit.score, None, hit.score) for hit in hits], []
        (dense, notes), (keyword, more) = await asyncio.gather(
            watch.timed("dense", self._dense_if_up(bases, query, depth, where)),
            watch.timed("keyword", self._keyword_if_able(bases, query, depth, where)),
        )
        if notes and more and not dense:
            raise OrganError(f"Nothing could be searched. {notes[0].text} {more[0].text}", code="organ_unable")
        language, weight = language_of(query), rule.dense_weight
        return fuse(dense, keyword, language=language, dense_weight=weight, fusion=rule.fusion), [*notes, *more]

    async def _dense_if_up(
        self, bases: Sequence[KnowledgeBase], query: str, depth: int, where: Filter | None
    ) -> tuple[list[Hit], list[Note]]:
        found: list[list[Hit]] = []
        notes: list[Note] = []
        for alike in _by_model(bases):
            try:
                found.append(await self.dense(alike, query, depth, where))
            except (OrganError, Conflict) as error:
                _log.warning("Searching by keywords alone: %s", error)
                trace.get_current_span().set_attribute("llmflow.dense_failed", error.code)
                code = "embedding_changed" if isinstance(error, Conflict) else "dense_failed"
                notes.append(Note(code, f"Searched by words alone: {error.message}"))
        return _best(found, depth), notes

    async def _keyword_if_able(
        self, bases: Sequence[KnowledgeBase], query: str, depth: int, where: Filter | None
    ) -> tuple[list[Hit], list[Note]]:
        """Nothing, and a note, from a store that has no keyword search: Milvus before 2.5."""
        try:
            return await self.keyword(bases, query, depth, where), []
        except OrganError as error:
            if error.code != "organ_unable":
                raise
            return [], [Note("keyword_missing", f"Searched by meaning alone: {error.message}")]

    async def dense(self, bases: Sequence[KnowledgeBase], query: str, depth: int, where: Filter | None) -> list[Hit]:
        """Nearest by meaning, each base by its own model. Raises Conflict and OrganError."""
        found: list[list[Hit]] = []
        for alike in _by_model(bases):
            embedding = await self._models.for_search(alike[0])
            vector = (await embedding.embed([query], "query"))[0]
            found += await asyncio.gather(
                *(self._vectors.dense(base.collection, vector, top_k=depth, where=where) for base in alike)
            )
        return _best(found, depth)

    async def keyword(self, bases: Sequence[KnowledgeBase], query: str, depth: int, where: Filter | None) -> list[Hit]:
        """Best by BM25. Raises OrganError."""
        words = query_terms(query)
        found = await asyncio.gather(
            *(self._vectors.keyword(base.collection, words, top_k=depth, where=where) for base in bases)
        )
        return _best(found, depth)


def _by_model(bases: Sequence[KnowledgeBase]) -> list[list[KnowledgeBase]]:
    found: dict[str, list[KnowledgeBase]] = {}
    for base in bases:
        found.setdefault(base.embedding_model, []).append(base)
    return list(found.values())


def _best(lists: Sequence[list[Hit]], depth: int) -> list[Hit]:
    merged = [hit for hits in lists for hit in hits]
    return sorted(merged, key=lambda hit: (-hit.score, hit.chunk_id))[:depth] if len(lists) > 1 else merged
