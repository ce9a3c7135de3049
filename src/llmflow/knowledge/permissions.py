"""Who may see documents: changed in the database, where it holds at once, then in the index.

A search looks at both. The index finds only rows that are open, so that hits are never missing; the database has the
last word over what is shown, so that nothing is shown that is open no more, whatever interrupts the index's change.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import sqlalchemy as sa

from llmflow.access.groups import clean_groups
from llmflow.knowledge import queries
from llmflow.knowledge.changes import Changes
from llmflow.knowledge.sight import seen_rows
from llmflow.knowledge.types import Choice, KnowledgeBase
from llmflow.ports.vector_store import VectorStore
from llmflow.store.database import Database
from llmflow.store.ids import now_ms
from llmflow.store.tables import documents, knowledge_bases

_AT_ONCE = 500  # documents


class Permissions:
    """`indexing`: of `Bases`."""

    def __init__(self, database: Database, vectors: VectorStore, changes: Changes, *, indexing: asyncio.Lock) -> None:
        self._database = database
        self._vectors = vectors
        self._changes = changes
        self._indexing = indexing

    async def open_base(self, base: KnowledgeBase, groups: Sequence[str]) -> None:
        """Who may see the base and those of its documents that name no groups of their own; () means everybody. Holds
        when this returns; what the index has yet to learn is only found by fewer meanwhile. Raises UsageError."""
        kept = clean_groups(groups)
        async with self._database.write() as connection:
            await queries.update_base(connection, base.id, groups=kept, updated_at=now_ms())
            as_base = [documents.c.knowledge_id == base.id, sa.cast(documents.c.groups, sa.Text) == "[]"]
            await connection.execute(sa.update(documents).where(*as_base).values(regroup=True))
        await self._settle(base.id)

    async def open_documents(self, base: KnowledgeBase, choice: Choice, groups: Sequence[str]) -> int:
        """Who may see the chosen documents; () means as their base says. How many there were. Raises UsageError."""
        kept = clean_groups(groups)
        async with self._database.write() as connection:
            only = seen_rows(base)
            count = await queries.update_chosen(
                connection, base.id, choice, only=only, groups=kept, regroup=True, updated_at=now_ms()
            )
        await self._settle(base.id)
        return count

    async def named(self, base: KnowledgeBase) -> list[tuple[list[str], int]]:
        """The lists of groups that documents name, of those whoever asks sees, and how many name each; first the one
        that most do. [] is: as the base says."""
        kept = sa.cast(documents.c.groups, sa.Text)
        async with self._database.read() as connection:
            rows = await connection.execute(
                sa.select(kept, sa.func.count())
                .where(*_of(base), *seen_rows(base))
                .group_by(kept)
                .order_by(sa.func.count().desc(), kept)
            )
            return [(json.loads(groups), count) for groups, count in rows]

    async def seen(self, base: KnowledgeBase) -> tuple[int, int]:
        """How many of the base's documents whoever asks sees, and how many there are."""
        async with self._database.read() as connection:
            count = sa.select(sa.func.count()).select_from(documents).where(*_of(base))
            seen = await connection.scalar(count.where(*seen_rows(base)))
            return seen or 0, await connection.scalar(count) or 0

    async def _settle(self, base_id: str) -> None:
        self._changes.tell(base_id)
        await self.finish(base_id)

    async def finish(self, base_id: str | None = None) -> None:
        """Tells the index what it does not know yet, also what a crash or a fault kept from it. Raises OrganError."""
        of_base = [] if base_id is None else [documents.c.knowledge_id == base_id]
        while await self._finish_some(of_base):
            pass

    async def _finish_some(self, where: Sequence[sa.ColumnElement[bool]]) -> bool:
        """False when there was nothing left."""
        async with self._indexing:
            async with self._database.read() as connection:
                rows = list(await connection.execute(_WAITING.where(documents.c.regroup, *where).limit(_AT_ONCE)))
            if not rows:
                return False
            alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
            for row in rows:
                collection = f"{row.base_id}.{row.embedding_model}"
                alike.setdefault((collection, tuple(row.groups or row.base_groups)), []).append(row.id)
            for (collection, groups), ids in alike.items():
                await self._vectors.set_groups(collection, document_ids=ids, groups=groups)
            async with self._database.write() as connection:
                for row in rows:  # one whose groups changed once more meanwhile stays for the next turn
                    same = sa.cast(documents.c.groups, sa.Text) == sa.cast(sa.literal(row.groups, sa.JSON), sa.Text)
                    base_same = sa.select(knowledge_bases.c.id).where(
                        knowledge_bases.c.id == row.base_id,
                        sa.cast(knowledge_bases.c.groups, sa.Text)
                        == sa.cast(sa.literal(row.base_groups, sa.JSON), sa.Text),
                    )
                    done = sa.update(documents).where(documents.c.id == row.id, same, base_same.exists())
                    await connection.execute(done.values(regroup=False))
            return True


_WAITING = (
    sa.select(
        documents.c.id,
        documents.c.groups,
        knowledge_bases.c.id.label("base_id"),
        knowledge_bases.c.embedding_model,
        knowledge_bases.c.groups.label("base_groups"),
    )
    .join(knowledge_bases, knowledge_bases.c.id == documents.c.knowledge_id)
    .order_by(documents.c.id)
)


def _of(base: KnowledgeBase) -> list[sa.ColumnElement[bool]]:
    return [documents.c.knowledge_id == base.id, documents.c.state != "deleting"]
