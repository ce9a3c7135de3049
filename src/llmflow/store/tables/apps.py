"""Apps, their pages and users, and the answers that people gave."""

from __future__ import annotations

import sqlalchemy as sa

from llmflow.store.tables.columns import content, count, flag, json, metadata, own_id, ref, text, time

apps = sa.Table(
    "apps",
    metadata,
    own_id(),
    ref("workspace_id"),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("mode", sa.String(20), nullable=False),  # Dify's: chat, completion, agent-chat, advanced-chat, workflow
    text("description", default=""),
    json("config"),  # apps.types.ChatConfig
    time("created_at"),
    time("updated_at"),
    sa.UniqueConstraint("workspace_id", "name"),
)

app_versions = sa.Table(
    "app_versions",
    metadata,
    own_id(),
    ref("workspace_id"),
    ref("app_id"),
    sa.Column("number", sa.Integer, nullable=False),  # 0: the draft; published ones count from 1
    text("name", default=""),
    text("note", default=""),
    text("sealed"),  # apps.types.Design as JSON under crypto.Cipher: prompts, addresses and secrets; purpose = app_id
    sa.Column("hash", sa.String(64), nullable=False),  # of `sealed`: another one after each save
    ref("author", null=True),  # the account; None: a key, or LLMFlow itself
    time("created_at"),
    time("updated_at"),
    sa.UniqueConstraint("app_id", "number"),
)

sites = sa.Table(
    "sites",
    metadata,
    own_id(),
    ref("workspace_id", index=True),
    sa.Column("app_id", sa.String(36), nullable=False, unique=True),
    sa.Column("code", sa.String(64), nullable=False, unique=True),  # the end of the page's address
    flag("is_on", default=False),
    json("settings"),  # apps.types.SiteSettings
    time("expires_at", null=True),
    time("created_at"),
    time("updated_at"),
)

end_users = sa.Table(
    "end_users",
    metadata,
    own_id(),
    ref("workspace_id"),
    ref("app_id"),
    sa.Column("source", sa.String(10), nullable=False, server_default="api"),  # api, account, public
    sa.Column("external_id", sa.String(255), nullable=False),  # of an account: its id; else the caller's word
    time("created_at"),
    sa.UniqueConstraint("app_id", "source", "external_id"),
)

app_annotations = sa.Table(
    "app_annotations",
    metadata,
    own_id(),
    ref("workspace_id"),
    ref("app_id"),
    content("question"),
    content("answer"),
    count("hit_count"),
    sa.Column("vector", sa.LargeBinary, nullable=True),  # of the question: little-endian float32
    text("vector_model", default=""),
    time("created_at"),
    time("updated_at"),
    sa.Index("ix_app_annotations_app_id_created_at", "app_id", "created_at"),
)

annotation_replies = sa.Table(
    "annotation_replies",
    metadata,
    sa.Column("app_id", sa.String(36), primary_key=True),
    ref("workspace_id"),
    flag("is_on", default=False),
    text("embedding_model"),  # as it was asked for
    sa.Column("score_threshold", sa.Float, nullable=False),
)

annotation_hits = sa.Table(
    "annotation_hits",
    metadata,
    sa.Column("message_id", sa.String(36), primary_key=True),
    ref("workspace_id"),
    ref("app_id", index=True),
    ref("conversation_id", index=True),
    ref("annotation_id", index=True),
    sa.Column("score", sa.Float, nullable=False),
    time("created_at"),
)
