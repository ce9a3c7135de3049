"""Who may do what."""

from __future__ import annotations

import sqlalchemy as sa

from llmflow.store.tables.columns import flag, json, metadata, own_id, ref, text, time

workspaces = sa.Table("workspaces", metadata, own_id(), text("name"), time("created_at"))

accounts = sa.Table(
    "accounts",
    metadata,
    own_id(),
    ref("workspace_id", index=True),
    sa.Column("email", sa.String(320), nullable=False, unique=True),  # lower case
    text("name"),
    text("password_hash"),
    flag("must_change_password", default=False),
    sa.Column("role", sa.String(20), nullable=False),  # owner, admin, editor, member
    sa.Column("preferences", sa.JSON, nullable=False, server_default="{}"),
    json("groups", default="[]"),  # which documents it may see beside those of everybody
    time("created_at"),
    time("last_seen_at", null=True),
)

invitations = sa.Table(
    "invitations",
    metadata,
    own_id(),
    ref("workspace_id", index=True),
    sa.Column("email", sa.String(320), nullable=False),  # lower case
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),  # of the link's token
    time("created_at"),
    time("expires_at"),
    time("accepted_at", null=True),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),  # of the cookie's token
    ref("workspace_id"),
    ref("account_id", index=True),
    time("created_at"),
    time("expires_at"),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    own_id(),
    ref("workspace_id", index=True),
    sa.Column("kind", sa.String(10), nullable=False),  # app, dataset, model, admin
    ref("app_id", null=True, index=True),
    text("name"),
    sa.Column("hint", sa.String(20), nullable=False),  # first letters, to tell keys apart
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    json("groups", default="[]"),  # which documents it may see beside those of everybody
    time("created_at"),
    time("expires_at", null=True),
    time("last_used_at", null=True),
)

secrets = sa.Table(
    "secrets",
    metadata,
    own_id(),
    ref("workspace_id"),
    sa.Column("name", sa.String(200), nullable=False),
    text("sealed"),  # crypto.Cipher, purpose = name
    time("created_at"),
    sa.UniqueConstraint("workspace_id", "name"),
)
