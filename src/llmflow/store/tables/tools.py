"""Tools that people add."""

from __future__ import annotations

import sqlalchemy as sa

from llmflow.store.tables.columns import json, metadata, own_id, ref, text, time

tool_collections = sa.Table(
    "tool_collections",
    metadata,
    own_id(),
    ref("workspace_id"),
    sa.Column("name", sa.String(100), nullable=False),
    text("description", default=""),
    text("source_url", default=""),  # "": uploaded
    text("base_url", default=""),
    text("operations"),  # tools/openapi Operation, JSON
    json("scheme"),  # how the server is shown the credential
    text("sealed_secret", null=True),  # crypto.Cipher, purpose = tool_collections/id
    time("created_at"),
    time("updated_at"),
    sa.UniqueConstraint("workspace_id", "name"),
)
