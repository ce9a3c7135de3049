"""Spans."""

from __future__ import annotations

import sqlalchemy as sa

from llmflow.store.tables.columns import flag, json, metadata, ref

spans = sa.Table(
    "spans",
    metadata,
    sa.Column("span_id", sa.String(16), primary_key=True),
    ref("workspace_id"),
    sa.Column("trace_id", sa.String(32), nullable=False, index=True),
    sa.Column("parent_id", sa.String(16), nullable=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("start_ns", sa.BigInteger, nullable=False, index=True),
    sa.Column("end_ns", sa.BigInteger, nullable=False),
    flag("ok", default=True),
    json("attributes"),
)
