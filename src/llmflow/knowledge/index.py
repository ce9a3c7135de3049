"""The vector store as knowledge writes it: while a base is embedded anew, its new index follows the old one.

Whoever writes to the index that serves need not know of the other: what is written is noted as due for the new one,
and what is removed is removed from both. Writers hold `Bases.indexing`, as the one does who switches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from llmflow.errors import OrganError
from llmflow.knowledge import reembed_queries
from llmflow.knowledge.types import KnowledgeBase
from llmflow.ports.embedding import Vectors
from llmflow.ports.health import Health
from llmflow.ports.vector_store import Ability, Filter, Hit, IndexRow, VectorStore
from llmflow.store.database import Database


@dataclass(frozen=True, slots=True)
class _Follower:
    base: tuple[str, str]  # its workspace's id and its own
    model: str  # that the base is being embedded anew with
    collection: str
    is_searched: bool  # by words too: the old model is gone, so what is new comes here alone


class Index:
    """The `vector_store` port over the store that is configured."""

    def __init__(self, store: VectorStore, database: Database) -> None:
        self._store = store
        self._database = database
        self._followers: dict[str, _Follower] = {}  # by the collection that serves
        self._served: dict[str, str] = {}  # the collection that serves, by its follower's
        self._moved: dict[str, str] = {}  # collections that served once: what serves in their stead

    def follow(self, base: KnowledgeBase, *, is_searched: bool) -> None:
        """From now on the index of `base.next_model` follows the one that serves."""
        self.forget(base)
        follower = _Follower((base.workspace_id, base.id), base.next_model, base.next_collection, is_searched)
        self._followers[base.collection] = follower
        self._served[follower.collection] = base.collection
        self._moved.pop(follower.collection, None)

    def forget(self, base: KnowledgeBase) -> None:
        """Nothing follows the base's index any more."""
        follower = self._followers.pop(base.collection, None)
        if follower is not None:
            self._served.pop(follower.collection, None)

    def moved(self, base: KnowledgeBase) -> None:
        """The base as it was: its next index serves from now on."""
        self.forget(base)
        self._moved[base.collection] = base.next_collection

    @property
    def abilities(self) -> frozenset[Ability]:
        return self._store.abilities

    async def upsert(self, collection: str, rows: Sequence[IndexRow], vectors: Vectors) -> None:
        """Also raises OrganError when the base has moved to another model since it was read: try again."""
        if collection in self._moved:
            raise OrganError("The knowledge base changed its embedding model just now.", hint="Try again.")
        follower = self._followers.get(collection)
        if follower is not None:
            ids = sorted({row.document_id for row in rows})
            async with self._database.write() as connection:
                await reembed_queries.note_due(connection, follower.base, follower.model, ids)
        await self._store.upsert(collection, rows, vectors)

    async def delete(self, collection: str, *, document_ids: Sequence[str] = (), chunk_ids: Sequence[str] = ()) -> None:
        for one in self._alive(collection):
            await self._store.delete(one, document_ids=document_ids, chunk_ids=chunk_ids)

    async def set_groups(self, collection: str, *, document_ids: Sequence[str], groups: Sequence[str]) -> None:
        for one in self._alive(collection):
            await self._store.set_groups(one, document_ids=document_ids, groups=groups)

    async def dense(self, collection: str, vector: Vectors, *, top_k: int, where: Filter | None = None) -> list[Hit]:
        return await self._store.dense(collection, vector, top_k=top_k, where=where)

    async def keyword(
        self, collection: str, terms: Sequence[str], *, top_k: int, where: Filter | None = None
    ) -> list[Hit]:
        follower = self._followers.get(collection)
        if follower is None or not follower.is_searched:
            return await self._store.keyword(collection, terms, top_k=top_k, where=where)
        both = await asyncio.gather(
            *(self._store.keyword(c, terms, top_k=top_k, where=where) for c in (collection, follower.collection))
        )
        best: dict[str, Hit] = {}
        for hit in (hit for hits in both for hit in hits):
            if hit.chunk_id not in best or best[hit.chunk_id].score < hit.score:
                best[hit.chunk_id] = hit
        return sorted(best.values(), key=lambda hit: (-hit.score, hit.chunk_id))[:top_k]

    async def chunk_ids(self, collection: str, *, document_id: str | None = None) -> list[str]:
        return await self._store.chunk_ids(collection, document_id=document_id)

    async def drop(self, collection: str) -> None:
        for one in self._alive(collection):
            await self._store.drop(one)

    async def health(self) -> Health:
        return await self._store.health()

    async def close(self) -> None:
        """The store is closed by whoever made it."""

    def _alive(self, collection: str) -> list[str]:
        """The collection, and whatever else holds what is removed from it."""
        found = [collection]
        for one in found:
            follower = self._followers.get(one)
            beside = (follower.collection if follower else None, self._served.get(one), self._moved.get(one))
            found += [other for other in beside if other is not None and other not in found]
        return found
