"""SQL of embedding a base anew."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.knowledge.passage_queries import SEARCHED
from llmflow.knowledge.types import KnowledgeBase, Passage, Reembedding
from llmflow.store.ids import now_ms
from llmflow.store.tables import chunks, documents, knowledge_bases, reembeddings, vectors_due

_BASE = [knowledge_bases.c[field.name] for field in dataclasses.fields(KnowledgeBase)]
_PASSAGE = [chunks.c[field.name] for field in dataclasses.fields(Passage)]
_ROW = [column for column in reembeddings.c if column.name != "updated_at"]
_PASSAGES_AT_ONCE = 128  # so much is made again after a crash
_DOCUMENTS_AT_ONCE = 64


async def find(connection: AsyncConnection, knowledge_id: str) -> Reembedding | None:
    row = (await connection.execute(sa.select(*_ROW).where(reembeddings.c.knowledge_id == knowledge_id))).one_or_none()
    return Reembedding(**row._mapping) if row else None


async def all_of_them(connection: AsyncConnection) -> list[Reembedding]:
    rows = await connection.execute(sa.select(*_ROW).order_by(reembeddings.c.knowledge_id))
    return [Reembedding(**row._mapping) for row in rows]


async def all_bases(connection: AsyncConnection) -> list[KnowledgeBase]:
    """Of every workspace."""
    rows = await connection.execute(sa.select(*_BASE).order_by(knowledge_bases.c.id))
    return [KnowledgeBase(**row._mapping) for row in rows]


async def put(connection: AsyncConnection, row: Reembedding) -> None:
    """Instead of the one there is."""
    await forget(connection, row.knowledge_id)
    await connection.execute(reembeddings.insert().values(**dataclasses.asdict(row), updated_at=now_ms()))


async def change(connection: AsyncConnection, knowledge_id: str, **values: Any) -> None:
    where = reembeddings.c.knowledge_id == knowledge_id
    await connection.execute(sa.update(reembeddings).where(where).values(**values, updated_at=now_ms()))


async def forget(connection: AsyncConnection, knowledge_id: str) -> None:
    await connection.execute(sa.delete(reembeddings).where(reembeddings.c.knowledge_id == knowledge_id))


async def set_models(connection: AsyncConnection, knowledge_id: str, **models: str) -> None:
    """`embedding_model`, `next_model` or both."""
    where = knowledge_bases.c.id == knowledge_id
    await connection.execute(sa.update(knowledge_bases).where(where).values(**models))


async def count(connection: AsyncConnection, knowledge_id: str) -> int:
    """How many passages belong into the base's index."""
    where = (chunks.c.knowledge_id == knowledge_id, SEARCHED)
    return await connection.scalar(sa.select(sa.func.count()).select_from(chunks).where(*where)) or 0


async def note_due(connection: AsyncConnection, base: tuple[str, str], model: str, document_ids: Iterable[str]) -> None:
    """These documents' vectors of this model are due. `base`: its workspace's id and its own."""
    wanted = list(document_ids)
    have = set(
        await connection.scalars(
            sa.select(vectors_due.c.document_id).where(
                vectors_due.c.model == model, vectors_due.c.document_id.in_(wanted)
            )
        )
    )
    of_base = {"workspace_id": base[0], "knowledge_id": base[1], "model": model}
    rows = [{**of_base, "document_id": i} for i in wanted if i not in have]
    if rows:
        await connection.execute(vectors_due.insert(), rows)


async def note_all_due(connection: AsyncConnection, knowledge_id: str, model: str, *, since: int = 0) -> None:
    """Of every document that has passages and was indexed at `since` (milliseconds) or later. What was due is not."""
    await forget_due(connection, knowledge_id)
    of_base = [documents.c.knowledge_id == knowledge_id, documents.c.chunk_count > 0]
    if since:
        of_base.append(documents.c.indexed_at >= since)
    all_of_base = sa.select(
        documents.c.id, documents.c.workspace_id, documents.c.knowledge_id, sa.literal(model)
    ).where(*of_base)
    await connection.execute(
        vectors_due.insert().from_select(["document_id", "workspace_id", "knowledge_id", "model"], all_of_base)
    )


async def forget_due(connection: AsyncConnection, knowledge_id: str, document_ids: Sequence[str] | None = None) -> None:
    """Of these documents; None: of all."""
    where = [vectors_due.c.knowledge_id == knowledge_id]
    if document_ids is not None:
        where.append(vectors_due.c.document_id.in_(document_ids))
    await connection.execute(sa.delete(vectors_due).where(*where))


async def due(connection: AsyncConnection, knowledge_id: str, model: str) -> list[str]:
    """The next documents: some, with about a hundred passages together, or one with more."""
    rows = await connection.execute(
        sa.select(vectors_due.c.document_id, sa.func.coalesce(documents.c.chunk_count, 0))
        .outerjoin(documents, documents.c.id == vectors_due.c.document_id)
        .where(vectors_due.c.knowledge_id == knowledge_id, vectors_due.c.model == model)
        .order_by(vectors_due.c.document_id)
        .limit(_DOCUMENTS_AT_ONCE)
    )
    found: list[str] = []
    passages = 0
    for document_id, count in rows:
        passages += count
        if found and passages > _PASSAGES_AT_ONCE:
            break
        found.append(document_id)
    return found


async def left(connection: AsyncConnection, knowledge_id: str) -> tuple[int, int]:
    """Passages that are still due, and passages in all."""
    of_due = documents.c.id.in_(sa.select(vectors_due.c.document_id).where(vectors_due.c.knowledge_id == knowledge_id))
    counted = sa.func.sum(documents.c.chunk_count)
    row = (
        await connection.execute(
            sa.select(counted.filter(of_due), counted).where(documents.c.knowledge_id == knowledge_id)
        )
    ).one()
    return int(row[0] or 0), int(row[1] or 0)


async def passages(connection: AsyncConnection, document_ids: Sequence[str]) -> list[Passage]:
    """What the index holds of these documents."""
    rows = await connection.execute(
        sa.select(*_PASSAGE)
        .where(chunks.c.document_id.in_(document_ids), SEARCHED)
        .order_by(chunks.c.document_id, chunks.c.ordinal, chunks.c.id)
    )
    return [Passage(**row._mapping) for row in rows]
