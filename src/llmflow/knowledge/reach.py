"""Which documents and passages a search may find, decided in SQL before it begins."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.knowledge.conditions import Conditions, Field, where
from llmflow.knowledge.sight import seen_groups
from llmflow.knowledge.types import KnowledgeBase
from llmflow.ports.vector_store import Filter
from llmflow.store.tables import chunks, documents, knowledge_fields
from llmflow.store.tables.knowledge import CHUNK_IS_OFF, DOCUMENT_IS_CLOSED, DOCUMENT_IS_OFF


async def fields_of(connection: AsyncConnection, bases: Sequence[KnowledgeBase]) -> list[Field]:
    """What the bases' documents say of themselves, by name."""
    columns = [knowledge_fields.c[name] for name in ("id", "knowledge_id", "name", "type")]
    of_bases = knowledge_fields.c.knowledge_id.in_([base.id for base in bases])
    rows = await connection.execute(sa.select(*columns).where(of_bases).order_by(knowledge_fields.c.name))
    return [Field(**row._mapping) for row in rows]


async def reach(
    connection: AsyncConnection, bases: Sequence[KnowledgeBase], conditions: Conditions | None = None
) -> Filter:
    """Open to whoever asks, without documents and passages that are switched off or archived, and of the documents
    those that `conditions` fit. Of two lists that say the same, the shorter; where no document is closed to anybody,
    groups filter nothing. Raises UsageError for a value that does not fit its field."""
    ids = [base.id for base in bases]
    of_bases = documents.c.knowledge_id.in_(ids)
    off_chunks = sa.select(chunks.c.id).where(chunks.c.knowledge_id.in_(ids), CHUNK_IS_OFF)
    without_chunks = tuple(await connection.scalars(off_chunks)) or None
    groups = seen_groups()
    if groups is not None and not await _is_closed(connection, bases):
        groups = None
    if conditions is None:
        off = tuple(await connection.scalars(sa.select(documents.c.id).where(of_bases, DOCUMENT_IS_OFF)))
        return Filter(without_documents=off or None, without_chunks=without_chunks, groups=groups)
    fits = sa.func.coalesce(where(conditions, await fields_of(connection, bases)), sa.false())
    is_meant = sa.and_(fits, sa.not_(DOCUMENT_IS_OFF))
    half = (await connection.scalar(sa.select(sa.func.count()).where(of_bases)) or 0) // 2
    meant = sa.select(documents.c.id).where(of_bases, is_meant).limit(half + 1)
    found = tuple(await connection.scalars(meant))
    if len(found) <= half:
        return Filter(document_ids=found, without_chunks=without_chunks, groups=groups)
    rest = tuple(await connection.scalars(sa.select(documents.c.id).where(of_bases, sa.not_(is_meant))))
    return Filter(without_documents=rest or None, without_chunks=without_chunks, groups=groups)


async def _is_closed(connection: AsyncConnection, bases: Sequence[KnowledgeBase]) -> bool:
    """Whether any of the documents is not open to everybody."""
    if any(base.groups for base in bases):
        return True
    of_bases = documents.c.knowledge_id.in_([base.id for base in bases])
    closed = sa.select(documents.c.id).where(of_bases, DOCUMENT_IS_CLOSED).limit(1)
    return (await connection.execute(closed)).first() is not None
