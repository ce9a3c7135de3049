"""The SQL of lanes: documents that wait for a job, and those that a job has taken."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.store.tables import documents, knowledge_bases


def _are_slow(is_so: bool) -> sa.ColumnElement[bool]:
    """Documents that a pipeline reads or a model writes questions from, or the others."""
    base, own = knowledge_bases.c, documents.c.chunking
    says_nothing = sa.cast(own, sa.Text) == "{}"
    asks = sa.func.coalesce(own["method"].as_string() == "qa", False)
    by_base = sa.and_(says_nothing, sa.func.coalesce(base.chunking["method"].as_string() == "qa", False))
    is_slow = sa.or_(base.pipeline_id.is_not(None), asks, by_base)
    of_base = sa.select(base.id).where(base.id == documents.c.knowledge_id, is_slow if is_so else sa.not_(is_slow))
    return sa.exists(of_base)


async def undispatched(connection: AsyncConnection, limit: int, *, slow: bool) -> list[str]:
    """Accepted documents that no job has taken yet, oldest first."""
    where = (documents.c.state == "queued", documents.c.job_id.is_(None), _are_slow(slow))
    rows = await connection.scalars(sa.select(documents.c.id).where(*where).order_by(documents.c.id).limit(limit))
    return list(rows)


async def unfinished_jobs(connection: AsyncConnection, *, slow: bool) -> dict[str, list[str]]:
    """Documents that a job has taken and not finished, by job."""
    rows = await connection.execute(
        sa.select(documents.c.job_id, documents.c.id)
        .where(documents.c.state.in_(("queued", "running")), documents.c.job_id.is_not(None), _are_slow(slow))
        .order_by(documents.c.id)
    )
    found: dict[str, list[str]] = {}
    for job_id, document_id in rows:
        found.setdefault(job_id, []).append(document_id)
    return found
