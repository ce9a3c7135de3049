"""A vector store in memory: the fake that ships. Exact, small, gone with the process."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import msgspec

from llmflow.errors import OrganError
from llmflow.ports.embedding import Vectors
from llmflow.ports.health import Health
from llmflow.ports.vector_store import Ability, Filter, Hit, IndexRow

_K1, _B = 1.2, 0.75  # BM25's usual constants


class MemoryVectorStore:
    def __init__(self) -> None:
        self._collections: dict[str, dict[str, tuple[IndexRow, Vectors]]] = {}

    @property
    def abilities(self) -> frozenset[Ability]:
        return frozenset(("dense", "keyword", "filters"))

    async def upsert(self, collection: str, rows: Sequence[IndexRow], vectors: Vectors) -> None:
        kept = self._collections.setdefault(collection, {})
        for vector in vectors[:1]:
            _check_dimensions(kept, vector)
        kept.update({row.chunk_id: (row, vector) for row, vector in zip(rows, vectors, strict=True)})

    async def delete(self, collection: str, *, document_ids: Sequence[str] = (), chunk_ids: Sequence[str] = ()) -> None:
        of, gone = set(document_ids), set(chunk_ids)
        kept = self._collections.get(collection, {})
        self._collections[collection] = {
            i: entry for i, entry in kept.items() if i not in gone and entry[0].document_id not in of
        }

    async def set_groups(self, collection: str, *, document_ids: Sequence[str], groups: Sequence[str]) -> None:
        meant, kept = set(document_ids), self._collections.get(collection, {})
        for chunk_id, (row, vector) in kept.items():
            if row.document_id in meant:
                kept[chunk_id] = (msgspec.structs.replace(row, groups=tuple(groups)), vector)

    async def dense(self, collection: str, vector: Vectors, *, top_k: int, where: Filter | None = None) -> list[Hit]:
        _check_dimensions(self._collections.get(collection, {}), vector)
        length = math.sqrt(float(vector @ vector)) or 1.0
        hits = [Hit(row.chunk_id, float(vector @ other) / length) for row, other in self._visible(collection, where)]
        return _best(hits, top_k)

    async def keyword(
        self, collection: str, terms: Sequence[str], *, top_k: int, where: Filter | None = None
    ) -> list[Hit]:
        rows = [row for row, _ in self._visible(collection, None)]
        if not rows or not terms:
            return []
        mean_length = sum(len(row.terms) for row in rows) / len(rows) or 1.0
        spread = Counter(term for row in rows for term in set(row.terms))
        hits = []
        for row, _ in self._visible(collection, where):
            counts = Counter(row.terms)
            score = 0.0
            for term in set(terms) & counts.keys():
                idf = math.log(1 + (len(rows) - spread[term] + 0.5) / (spread[term] + 0.5))
                length = _K1 * (1 - _B + _B * len(row.terms) / mean_length)
                score += idf * counts[term] * (_K1 + 1) / (counts[term] + length)
            if score > 0:
                hits.append(Hit(row.chunk_id, score))
        return _best(hits, top_k)

    async def chunk_ids(self, collection: str, *, document_id: str | None = None) -> list[str]:
        rows = (row for row, _ in self._collections.get(collection, {}).values())
        return [row.chunk_id for row in rows if document_id in (None, row.document_id)]

    async def drop(self, collection: str) -> None:
        self._collections.pop(collection, None)

    async def health(self) -> Health:
        return Health(ok=True, where="memory", detail=f"{sum(map(len, self._collections.values()))} rows")

    async def close(self) -> None:
        self._collections.clear()

    def _visible(self, collection: str, where: Filter | None) -> list[tuple[IndexRow, Vectors]]:
        entries = list(self._collections.get(collection, {}).values())
        if where and where.document_ids is not None:
            entries = [e for e in entries if e[0].document_id in where.document_ids]
        if where and where.without_documents:
            entries = [e for e in entries if e[0].document_id not in where.without_documents]
        if where and where.without_chunks:
            entries = [e for e in entries if e[0].chunk_id not in where.without_chunks]
        if where and where.groups is not None:
            entries = [e for e in entries if not e[0].groups or set(e[0].groups) & set(where.groups)]
        return entries


def _check_dimensions(kept: dict[str, tuple[IndexRow, Vectors]], vector: Vectors) -> None:
    there = next((len(other) for _, other in kept.values()), len(vector))
    if there != len(vector):
        raise OrganError(
            f"The index holds vectors of {there} numbers, the embedding model gives {len(vector)}.",
            hint="Build the knowledge base's index anew with the model in use.",
        )


def _best(hits: list[Hit], top_k: int) -> list[Hit]:
    return sorted(hits, key=lambda hit: (-hit.score, hit.chunk_id))[:top_k]
