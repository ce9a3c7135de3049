"""Spans in the database: written in batches, deleted when old."""

from __future__ import annotations

import time
from collections.abc import Sequence

import sqlalchemy as sa

from llmflow.ports.tracing import Span
from llmflow.store.batch import insert
from llmflow.store.database import Database
from llmflow.store.tables import spans as table

_INSERT = insert(table)


async def write_spans(database: Database, workspace_id: str, spans: Sequence[Span]) -> None:
    """Keeps them; one that is there already is left."""
    rows = [
        {
            "span_id": span.span_id,
            "workspace_id": span.attributes.get("llmflow.workspace_id", workspace_id),
            "trace_id": span.trace_id,
            "parent_id": span.parent_id,
            "name": span.name[:200],
            "start_ns": span.start_ns,
            "end_ns": span.end_ns,
            "ok": span.ok,
            "attributes": span.attributes,
        }
        for span in spans
    ]
    await database.apply([(_INSERT, rows)])


async def delete_old_spans(database: Database, keep_days: int) -> int:
    """How many were deleted."""
    before = time.time_ns() - keep_days * 86_400 * 1_000_000_000
    async with database.write() as connection:
        result = await connection.execute(sa.delete(table).where(table.c.start_ns < before))
        return int(result.rowcount)
