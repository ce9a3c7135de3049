"""The contract of ports/tracing.py, and the way of a span from OpenTelemetry into the database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import sqlalchemy as sa
from opentelemetry import trace

from llmflow.organs.tracing.bridge import attach
from llmflow.organs.tracing.store import StoreTracing
from llmflow.ports.tracing import Span
from llmflow.store.database import Database
from llmflow.store.spans import delete_old_spans, write_spans
from llmflow.store.tables import spans as table


def _organ(database: Database) -> StoreTracing:
    async def write(spans: Sequence[Span]) -> None:
        await write_spans(database, "w", spans)

    return StoreTracing(write_spans=write)


def _span(span_id: str, *, start_ns: int = 1) -> Span:
    return Span(
        "t" * 32, span_id.rjust(16, "0"), None, "retrieve", start_ns, start_ns + 5, True, {"hits": 3, "언어": "ko"}
    )


async def test_spans_are_kept_once_however_often_they_come(database: Database) -> None:
    organ = _organ(database)
    await organ.export([])
    await organ.export([_span("1"), _span("2")])
    await organ.export([_span("2"), _span("3")])
    async with database.read() as connection:
        rows = (await connection.execute(sa.select(table).order_by(table.c.span_id))).all()
    assert [row.span_id for row in rows] == [_span(i).span_id for i in ("1", "2", "3")]
    assert rows[0].attributes == {"hits": 3, "언어": "ko"}
    assert (await organ.health()).ok
    await organ.close()


async def test_old_spans_are_deleted(database: Database) -> None:
    await _organ(database).export([_span("1", start_ns=1), _span("2", start_ns=1 << 62)])
    assert await delete_old_spans(database, 30) == 1


async def test_a_span_of_the_code_reaches_the_database_with_its_parent(database: Database) -> None:
    processor = attach(_organ(database))
    tracer = trace.get_tracer("test")
    with tracer.start_as_current_span("outer"), tracer.start_as_current_span("inner") as inner:
        inner.set_attribute("llmflow.workspace_id", "other")
    await asyncio.to_thread(processor.shutdown)
    async with database.read() as connection:
        rows = {row.name: row for row in await connection.execute(sa.select(table))}
    assert rows["inner"].parent_id == rows["outer"].span_id
    assert rows["inner"].trace_id == rows["outer"].trace_id
    assert (rows["inner"].workspace_id, rows["outer"].workspace_id) == ("other", "w")
    assert rows["inner"].end_ns >= rows["inner"].start_ns
