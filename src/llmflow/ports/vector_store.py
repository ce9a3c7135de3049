"""Vector store: passages' vectors and keyword terms, searched under a filter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from llmflow.ports.embedding import Vectors
from llmflow.ports.health import Health

Ability = Literal["dense", "keyword", "filters"]


class IndexRow(msgspec.Struct, frozen=True):
    """What the index knows of a chunk. Its text stays in the database; `terms` are analysed words, in order."""

    chunk_id: str
    document_id: str
    terms: tuple[str, ...]
    groups: tuple[str, ...] = ()  # who may see it; () means everybody in the workspace


class Filter(msgspec.Struct, frozen=True):
    """Applied before the search, never after. None means: no such condition."""

    document_ids: tuple[str, ...] | None = None  # of these alone
    without_documents: tuple[str, ...] | None = None
    without_chunks: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None  # the caller's groups: rows with none, or with one of these


class Hit(msgspec.Struct, frozen=True):
    chunk_id: str
    score: float  # dense: cosine, -1..1; keyword: BM25, >= 0. Higher is nearer in both


class VectorStore(Protocol):
    """One collection per knowledge base and embedding model. Missing collections are empty, not errors."""

    @property
    def abilities(self) -> frozenset[Ability]:
        """What it really can do; what it lacks raises OrganError, it is not faked."""

    async def upsert(self, collection: str, rows: Sequence[IndexRow], vectors: Vectors) -> None:
        """Row i has vectors[i]. Replaces rows of the same chunk_id, so a repeat changes nothing. Durable on return,
        and seen by the next search."""

    async def delete(self, collection: str, *, document_ids: Sequence[str] = (), chunk_ids: Sequence[str] = ()) -> None:
        """Removes every row of these documents, and these rows; unknown ids are no error."""

    async def set_groups(self, collection: str, *, document_ids: Sequence[str], groups: Sequence[str]) -> None:
        """Who may see the rows of these documents from now on; () means everybody. Durable on return, and seen by the
        next search; unknown ids are no error."""

    async def dense(self, collection: str, vector: Vectors, *, top_k: int, where: Filter | None = None) -> list[Hit]:
        """The `top_k` nearest by cosine to `vector` (shape (dimensions,)), best first, ties by chunk_id."""

    async def keyword(
        self, collection: str, terms: Sequence[str], *, top_k: int, where: Filter | None = None
    ) -> list[Hit]:
        """The `top_k` best by BM25 over `terms` (any of them), best first. No terms, no hits."""

    async def chunk_ids(self, collection: str, *, document_id: str | None = None) -> list[str]:
        """Every chunk id of the collection, or of one document; for checks and counts."""

    async def drop(self, collection: str) -> None:
        """Removes the collection; a missing one is no error."""

    async def health(self) -> Health: ...

    async def close(self) -> None: ...
