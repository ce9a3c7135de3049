"""Conversations, and the files in them."""

from __future__ import annotations

import sqlalchemy as sa

from llmflow.store.content import ContentText
from llmflow.store.tables.columns import content, count, json, metadata, own_id, ref, text, time

files = sa.Table(
    "files",
    metadata,
    own_id(),
    ref("workspace_id"),
    ref("app_id"),
    ref("end_user_id"),
    sa.Column("name", sa.String(500), nullable=False),
    sa.Column("extension", sa.String(20), nullable=False),
    text("media_type"),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, index=True),
    content("text", null=True),  # what a reader made of it, once somebody needed that
    time("created_at"),
)

file_uses = sa.Table(  # what is used by nothing goes after a day
    "file_uses",
    metadata,
    sa.Column("file_id", sa.String(36), primary_key=True),
    sa.Column("used_by", sa.String(36), primary_key=True, index=True),  # a message, or a run outside of a chat
    ref("workspace_id"),
    ref("app_id", index=True),
)

conversations = sa.Table(
    "conversations",
    metadata,
    own_id(),
    ref("workspace_id"),
    ref("app_id"),
    ref("end_user_id"),
    content("name"),
    content("inputs"),  # JSON object
    time("created_at"),
    time("updated_at"),
    sa.Index("ix_conversations_app_id_end_user_id_updated_at", "app_id", "end_user_id", "updated_at"),
)

messages = sa.Table(
    "messages",
    metadata,
    own_id(),
    ref("workspace_id"),
    ref("app_id"),
    ref("conversation_id"),
    ref("parent_id", null=True),
    ref("end_user_id"),
    content("query"),
    content("answer"),
    content("inputs"),  # JSON object
    content("citations"),  # JSON list of apps.types.Citation
    sa.Column("thoughts", ContentText, nullable=False, server_default="[]"),  # JSON list of apps.types.Thought
    json("files"),  # ids of files and remote URLs: [{"type", "transfer_method", "url"|"upload_file_id"}]
    sa.Column("status", sa.String(12), nullable=False),  # running, normal, paused, error, stopped
    text("error", default=""),
    sa.Column("kind", sa.String(12), nullable=False, server_default=""),  # generated, quoted, unknown
    text("model", default=""),
    count("prompt_tokens"),
    count("completion_tokens"),
    count("first_token_ms"),
    count("elapsed_ms"),
    time("created_at"),
    ref("workflow_run_id", null=True),
    sa.Index("ix_messages_conversation_id_created_at", "conversation_id", "created_at"),
)

conversation_variables = sa.Table(
    "conversation_variables",
    metadata,
    own_id(),
    ref("workspace_id"),
    ref("app_id"),
    ref("conversation_id"),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("type", sa.String(20), nullable=False),  # Dify's: string, number, array[object] ...
    content("value"),  # JSON
    time("created_at"),
    time("updated_at"),
    sa.UniqueConstraint("conversation_id", "name"),
)

feedbacks = sa.Table(
    "feedbacks",
    metadata,
    own_id(),
    ref("workspace_id"),
    ref("app_id"),
    ref("conversation_id"),
    ref("message_id"),
    ref("end_user_id"),
    sa.Column("rating", sa.String(10), nullable=False),  # like, dislike
    content("content", null=True),
    content("correction", null=True),  # the answer as it should have been
    time("created_at"),
    time("updated_at"),
    sa.UniqueConstraint("message_id", "end_user_id"),
    sa.Index("ix_feedbacks_app_id_created_at", "app_id", "created_at"),
)
