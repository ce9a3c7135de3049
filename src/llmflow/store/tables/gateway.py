"""Model servers, routes, and what was used of them."""

from __future__ import annotations

import sqlalchemy as sa

from llmflow.store.tables.columns import count, flag, json, metadata, own_id, ref, text, time

model_connections = sa.Table(
    "model_connections",
    metadata,
    own_id(),
    ref("workspace_id"),
    sa.Column("name", sa.String(100), nullable=False),
    text("url"),
    text("sealed_key", null=True),  # crypto.Cipher, purpose = model_connections/id
    sa.Column("kind", sa.String(20), nullable=False, server_default="openai"),  # the protocol its server speaks
    text("model", default=""),  # "": the first one the server lists
    sa.Column("context_tokens", sa.Integer, nullable=False),
    flag("is_default", default=False),
    time("created_at"),
    time("updated_at"),
    sa.UniqueConstraint("workspace_id", "name"),
)

quotas = sa.Table(
    "quotas",
    metadata,
    own_id(),
    ref("workspace_id"),
    sa.Column("subject", sa.String(20), nullable=False),  # workspace, key, account, end_user, app, group
    sa.Column("subject_id", sa.String(200), nullable=False),  # "": the workspace
    sa.Column("models", sa.JSON(none_as_null=True), nullable=True),  # names with *; NULL: any
    sa.Column("requests_per_minute", sa.BigInteger, nullable=True),
    sa.Column("tokens_per_minute", sa.BigInteger, nullable=True),
    sa.Column("budget_nano_usd", sa.BigInteger, nullable=True),
    sa.Column("period", sa.String(10), nullable=False),  # day, month
    time("created_at"),
    time("updated_at"),
    sa.UniqueConstraint("workspace_id", "subject", "subject_id"),
)

quota_windows = sa.Table(
    "quota_windows",
    metadata,
    ref("workspace_id"),
    sa.Column("quota_id", sa.String(36), primary_key=True),
    sa.Column("measure", sa.String(10), primary_key=True),  # requests, tokens, money
    sa.Column("start", sa.BigInteger, primary_key=True),  # Unix seconds
    sa.Column("taken", sa.BigInteger, nullable=False),
)

spend = sa.Table(  # a row for each day and each who, how and which; "" where there is none
    "spend",
    metadata,
    sa.Column("day", sa.Integer, primary_key=True),  # 20261126, UTC
    sa.Column("workspace_id", sa.String(36), primary_key=True),
    sa.Column("key_id", sa.String(36), primary_key=True),
    sa.Column("account_id", sa.String(36), primary_key=True),
    sa.Column("app_id", sa.String(36), primary_key=True),
    sa.Column("end_user_id", sa.String(36), primary_key=True),
    sa.Column("operation", sa.String(40), primary_key=True),
    sa.Column("deployment", sa.String(100), primary_key=True),
    sa.Column("model", sa.String(300), primary_key=True),
    count("requests"),
    count("failures"),
    count("estimated"),
    count("prompt_tokens"),
    count("completion_tokens"),
    count("nano_usd"),
)

model_prices = sa.Table(  # a workspace's own, in US dollars for a million tokens
    "model_prices",
    metadata,
    sa.Column("workspace_id", sa.String(36), primary_key=True),
    sa.Column("model", sa.String(300), primary_key=True),
    sa.Column("input_usd", sa.Float, nullable=False),
    sa.Column("output_usd", sa.Float, nullable=False),
)

model_routes = sa.Table(
    "model_routes",
    metadata,
    own_id(),
    ref("workspace_id"),
    sa.Column("name", sa.String(200), nullable=False),
    json("route"),  # as llmflow.yaml has it under models
    time("created_at"),
    time("updated_at"),
    sa.UniqueConstraint("workspace_id", "name"),
)
