"""The SQL of lanes: documents that wait for a job, and those that a job has taken."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.store.tables import documents, knowledge_bases


def _of_pipelines(is_so: bool) -> sa.ColumnElement[bool]:
    """Documents of bases that a pipeline reads, or of the others."""
    pipeline = knowledge_bases.c.pipeline_id
    which = pipeline.is_not(None) if is_so else pipeline.is_(None)
    return documents.c.knowledge_id.in_(sa.select(knowledge_bases.c.id).where(which))


async def undispatched(connection: AsyncConnection, limit: int, *, of_pipelines: bool) -> list[str]:
    """Accepted documents that no job has taken yet, oldest first."""
    where = (documents.c.state == "queued", documents.c.job_id.is_(None), _of_pipelines(of_pipelines))
    rows = await connection.scalars(sa.select(documents.c.id).where(*where).order_by(documents.c.id).limit(limit))
    return list(rows)


async def unfinished_jobs(connection: AsyncConnection, *, of_pipelines: bool) -> dict[str, list[str]]:
    """Documents that a job has taken and not finished, by job."""
    rows = await connection.execute(
        sa.select(documents.c.job_id, documents.c.id)
        .where(
            documents.c.state.in_(("queued", "running")), documents.c.job_id.is_not(None), _of_pipelines(of_pipelines)
        )
        .order_by(documents.c.id)
    )
    found: dict[str, list[str]] = {}
    for job_id, document_id in rows:
        found.setdefault(job_id, []).append(document_id)
    return found
