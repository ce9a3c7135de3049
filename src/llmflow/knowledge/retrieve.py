"""Questions to passages: dense, keyword, or both fused. Filters go into the search, not over its result."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import msgspec
from opentelemetry import trace

from llmflow.errors import OrganError, UsageError
from llmflow.knowledge import queries
from llmflow.knowledge.bases import check_model
from llmflow.knowledge.fuse import Fused, fuse
from llmflow.knowledge.language import language_of
from llmflow.knowledge.terms import query_terms
from llmflow.knowledge.types import Compared, Found, KnowledgeBase, Mode, Scores
from llmflow.ports.embedding import Embedding
from llmflow.ports.vector_store import Filter, Hit, VectorStore
from llmflow.store.database import Database

_CANDIDATES = 50  # of each search, before fusion
_MODES: tuple[Mode, ...] = ("dense", "keyword", "hybrid")
_MAX_QUERY = 8_000  # characters; the embedding model reads far fewer

_log = logging.getLogger(__name__)
_tracer = trace.get_tracer("llmflow.knowledge")


class Retriever:
    def __init__(self, database: Database, embedding: Embedding, vectors: VectorStore) -> None:
        self._database = database
        self._embedding = embedding
        self._vectors = vectors

    async def search(
        self,
        bases: Sequence[KnowledgeBase],
        query: str,
        *,
        mode: Mode = "hybrid",
        top_k: int = 10,
        where: Filter | None = None,
        dense_weight: float | None = None,
    ) -> list[Found]:
        """The `top_k` best passages of all `bases` together, best first. An empty query finds nothing.

        `dense_weight`: the dense search's share in a hybrid one, 0..1; None: as measured for the query's language.

        Raises UsageError for an unknown mode or a top_k outside 1..100, Conflict for a base whose vectors another
        model made, OrganError when an organ does not answer."""
        if mode not in _MODES:
            raise UsageError(f"`{mode}` is no search mode; there are {', '.join(_MODES)}.", param="mode")
        if not 1 <= top_k <= 100:
            raise UsageError("top_k must lie between 1 and 100.", param="top_k")
        query = query.strip()[:_MAX_QUERY]
        bases = [base for base in bases if base.embedding_model]  # the others hold nothing yet
        if not query or not bases:
            return []
        with _tracer.start_as_current_span("retrieve") as span:
            fused = await self._fused(bases, query, mode, max(top_k, _CANDIDATES), where, dense_weight)
            found = await self._found(bases, fused, top_k)
            span.set_attributes({"llmflow.mode": mode, "llmflow.bases": len(bases), "llmflow.hits": len(found)})
            return found

    async def compare(self, base: KnowledgeBase, query: str, *, top_k: int = 10) -> Compared:
        """The `top_k` best passages by meaning, by words and by both fused, beside each other, from one run of either
        search. Raises what `search` raises; unlike it, not without the embedding organ."""
        if not 1 <= top_k <= 100:
            raise UsageError("top_k must lie between 1 and 100.", param="top_k")
        query = query.strip()[:_MAX_QUERY]
        if not query or not base.embedding_model:
            return Compared([], [], [], [])
        depth = max(top_k, _CANDIDATES)
        dense, keyword = await asyncio.gather(
            self._dense([base], query, depth, None), self._keyword([base], query, depth, None)
        )
        fused = fuse(dense, keyword, language=language_of(query))
        by_id = {hit.chunk_id: hit for hit in fused}
        alone = [
            [msgspec.structs.replace(by_id[hit.chunk_id], score=hit.score) for hit in leg] for leg in (dense, keyword)
        ]
        by_meaning, by_words, both = [await self._found([base], leg, top_k) for leg in (*alone, fused)]
        return Compared(by_meaning, by_words, both, query_terms(query))

    async def _fused(
        self,
        bases: Sequence[KnowledgeBase],
        query: str,
        mode: Mode,
        depth: int,
        where: Filter | None,
        dense_weight: float | None,
    ) -> list[Fused]:
        if mode == "dense":
            hits = await self._dense(bases, query, depth, where)
            return [Fused(hit.chunk_id, hit.score, hit.score, None) for hit in hits]
        if mode == "keyword":
            hits = await self._keyword(bases, query, depth, where)
            return [Fused(hit.chunk_id, hit.score, None, hit.score) for hit in hits]
        dense, keyword = await asyncio.gather(
            self._dense_if_up(bases, query, depth, where), self._keyword(bases, query, depth, where)
        )
        return fuse(dense, keyword, language=language_of(query), dense_weight=dense_weight)

    async def _dense_if_up(
        self, bases: Sequence[KnowledgeBase], query: str, depth: int, where: Filter | None
    ) -> list[Hit]:
        """Nothing when the embedding organ is down: a hybrid search goes on by keywords, and its hits show it."""
        try:
            return await self._dense(bases, query, depth, where)
        except OrganError as error:
            _log.warning("Searching by keywords alone: %s", error)
            trace.get_current_span().set_attribute("llmflow.dense_failed", error.code)
            return []

    async def _dense(self, bases: Sequence[KnowledgeBase], query: str, depth: int, where: Filter | None) -> list[Hit]:
        vector = (await self._embedding.embed([query], "query"))[0]
        for base in bases:
            check_model(base, self._embedding.model)
        found = await asyncio.gather(
            *(self._vectors.dense(base.collection, vector, top_k=depth, where=where) for base in bases)
        )
        return _best(found, depth)

    async def _keyword(self, bases: Sequence[KnowledgeBase], query: str, depth: int, where: Filter | None) -> list[Hit]:
        words = query_terms(query)
        found = await asyncio.gather(
            *(self._vectors.keyword(base.collection, words, top_k=depth, where=where) for base in bases)
        )
        return _best(found, depth)

    async def _found(self, bases: Sequence[KnowledgeBase], fused: Sequence[Fused], top_k: int) -> list[Found]:
        """Hits with their text. A vector whose passage is gone (a deletion under way) is passed over."""
        names = {base.id: base.name for base in bases}
        async with self._database.read() as connection:
            passages = await queries.passages_by_id(connection, [hit.chunk_id for hit in fused])
            owners = await queries.documents_by_id(connection, {p.document_id for p in passages.values()})
        found = []
        for hit in fused:
            passage = passages.get(hit.chunk_id)
            document = owners.get(passage.document_id) if passage else None
            if passage is None or document is None or passage.knowledge_id not in names:
                continue
            found.append(
                Found(
                    document=document.name,
                    document_id=document.id,
                    chunk_id=passage.id,
                    text=passage.text,
                    score=hit.score,
                    scores=Scores(dense=hit.dense, keyword=hit.keyword),
                    page=passage.page,
                    heading_path=passage.heading_path,
                    ordinal=passage.ordinal,
                    tokens=passage.tokens,
                    kind=passage.kind,
                    knowledge_id=passage.knowledge_id,
                    knowledge=names[passage.knowledge_id],
                    created_at=document.created_at,
                    hit_count=passage.hit_count,
                )
            )
        return found[:top_k]


def _best(lists: Sequence[list[Hit]], depth: int) -> list[Hit]:
    merged = [hit for hits in lists for hit in hits]
    return sorted(merged, key=lambda hit: (-hit.score, hit.chunk_id))[:depth] if len(lists) > 1 else merged
