"""What a home really holds, read without its server: rows, passages, vectors and files, compared with each other."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from llmflow.organs.vector_store.lancedb import LanceVectorStore
from llmflow.store.database import Database, sqlite_url
from llmflow.store.tables import chunks, documents, files, knowledge_bases, unsettled_chunks


@dataclass(frozen=True)
class Census:
    """`vectors`: chunk ids of every base's collection, as often as they are there. `unsettled`: ids of passages that
    the index is not known to follow. `blobs`: digests on the disk."""

    documents: list[dict[str, Any]]
    passages: list[dict[str, Any]]
    vectors: list[str]
    unsettled: list[str]
    blobs: set[str]
    used: set[str]

    def by_name(self) -> dict[str, dict[str, Any]]:
        found = {row["name"]: row for row in self.documents}
        assert len(found) == len(self.documents), "two documents have one name"
        return found

    def text_of(self, document_id: str) -> str:
        own = [row for row in self.passages if row["document_id"] == document_id and row["parent_id"] is None]
        return "\n".join(row["text"] for row in sorted(own, key=lambda row: row["ordinal"]))

    def check(self) -> None:
        """Every document is ready or failed; rows, passages, vectors and files tell the same story."""
        states = Counter(row["state"] for row in self.documents)
        assert states.keys() <= {"ready", "failed"}, states
        for row in self.documents:
            if row["state"] == "failed":
                assert row["error_code"], row
                assert row["error_hint"], row
                assert row["chunk_count"] == 0, row
        assert [i for i, n in Counter(self.vectors).items() if n > 1] == []
        in_sight = [row for row in self.passages if row["made"] != "removed"]
        searched = [row["id"] for row in in_sight if row["enabled"] and row["kind"] != "parent"]
        assert sorted(self.vectors) == sorted(searched)
        places = Counter((row["document_id"], row["parent_id"], row["ordinal"]) for row in in_sight)
        assert [place for place, n in places.items() if n > 1] == []
        tops = [row for row in in_sight if row["parent_id"] is None]
        counted = Counter(row["document_id"] for row in tops)
        assert {row["id"]: row["chunk_count"] for row in self.documents if row["chunk_count"]} == counted
        parents = {row["id"]: row["document_id"] for row in tops if row["kind"] == "parent"}
        parts = [row for row in in_sight if row["parent_id"] is not None]
        assert [row for row in parts if parents.get(row["parent_id"]) != row["document_id"]] == []
        assert parents.keys() == {row["parent_id"] for row in parts}
        assert self.unsettled == []
        assert self.blobs == self.used


def take_census(home: Path, store_url: str = "") -> Census:
    """Of a home whose server has stopped. `store_url`: its PostgreSQL database, "" for SQLite."""
    return asyncio.run(_taken(home, store_url or sqlite_url(home / "llmflow.db")))


async def _taken(home: Path, url: str) -> Census:
    database = Database(url)
    store = LanceVectorStore(home / "vectors")
    try:
        async with database.read() as connection:
            rows = [dict(row._mapping) for row in await connection.execute(sa.select(documents))]
            passages = [dict(row._mapping) for row in await connection.execute(sa.select(chunks))]
            bases = (await connection.execute(sa.select(knowledge_bases))).all()
            unsettled = list(await connection.scalars(sa.select(unsettled_chunks.c.id)))
            sent = set(await connection.scalars(sa.select(files.c.digest)))
        vectors = [i for base in bases for i in await store.chunk_ids(f"{base.id}.{base.embedding_model}")]
    finally:
        await store.close()
        await database.close()
    return Census(rows, passages, vectors, unsettled, blobs_of(home), {row["digest"] for row in rows} | sent)


def blobs_of(home: Path) -> set[str]:
    """Digests of the kept files; each file is what its name says."""
    found = {path for path in (home / "blobs").glob("??/??/*") if path.is_file()}
    for path in found:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    return {path.name for path in found}


def drafts_of(home: Path) -> list[Path]:
    """Uploads that were begun and neither kept nor discarded."""
    return list((home / "blobs" / "tmp").glob("*"))
