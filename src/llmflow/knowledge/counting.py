"""SQL that counts: names taken, documents, words, citations."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.knowledge.queries import DISPLAYED
from llmflow.knowledge.types import Contents, Document
from llmflow.store.tables import chunks, documents


async def has_name(connection: AsyncConnection, base_id: str, name: str) -> bool:
    found = sa.select(documents.c.id).where(documents.c.knowledge_id == base_id, documents.c.name == name)
    return (await connection.execute(found)).one_or_none() is not None


async def count_names(connection: AsyncConnection, base_id: str, stem: str, ending: str) -> int:
    """How many documents have this name, or it with a number."""
    is_numbered = sa.and_(
        documents.c.name.startswith(f"{stem} (", autoescape=True),
        documents.c.name.endswith(f"){ending}", autoescape=True),
    )
    of_base = documents.c.knowledge_id == base_id
    counted = sa.select(sa.func.count()).where(of_base, sa.or_(documents.c.name == f"{stem}{ending}", is_numbered))
    return int(await connection.scalar(counted) or 0)


async def contents(connection: AsyncConnection, base_ids: Sequence[str]) -> dict[str, Contents]:
    """Of the bases that hold anything."""
    rows = await connection.execute(
        sa.select(
            documents.c.knowledge_id,
            sa.func.count(),
            sa.func.count(sa.case((sa.and_(*DISPLAYED["available"]), 1))),
            sa.func.sum(documents.c.word_count),
        )
        .where(documents.c.knowledge_id.in_(base_ids), documents.c.state != "deleting")
        .group_by(documents.c.knowledge_id)
    )
    return {row[0]: Contents(row[1], row[2], int(row[3])) for row in rows}


async def place_of(connection: AsyncConnection, document: Document) -> int:
    """Which document of its base it is, from 1, in the order they came."""
    earlier = (documents.c.knowledge_id == document.knowledge_id, documents.c.id <= document.id)
    counted = sa.select(sa.func.count()).where(*earlier, documents.c.state != "deleting")
    return int(await connection.scalar(counted) or 1)


async def hits_of(connection: AsyncConnection, document_ids: Sequence[str]) -> dict[str, int]:
    """How often passages of each were cited."""
    rows = await connection.execute(
        sa.select(chunks.c.document_id, sa.func.sum(chunks.c.hit_count))
        .where(chunks.c.document_id.in_(document_ids))
        .group_by(chunks.c.document_id)
    )
    return {row[0]: int(row[1]) for row in rows}


async def children_counted(connection: AsyncConnection, parent_ids: Sequence[str]) -> dict[str, int]:
    """How many passages that can be found each parent has."""
    rows = await connection.execute(
        sa.select(chunks.c.parent_id, sa.func.count())
        .where(chunks.c.parent_id.in_(parent_ids), chunks.c.enabled, chunks.c.made != "removed")
        .group_by(chunks.c.parent_id)
    )
    return {row[0]: row[1] for row in rows}


async def has_parents(connection: AsyncConnection, knowledge_id: str) -> bool:
    """Whether any passage of the base stands in a greater one."""
    child = sa.select(chunks.c.id).where(chunks.c.knowledge_id == knowledge_id, chunks.c.parent_id.is_not(None))
    return (await connection.execute(child.limit(1))).first() is not None
