"""Runs of workflows, what starts them and what they ask."""

from __future__ import annotations

import sqlalchemy as sa

from llmflow.store.tables.columns import content, count, flag, json, metadata, own_id, ref, text, time

workflow_runs = sa.Table(
    "workflow_runs",
    metadata,
    own_id(),
    ref("workspace_id"),
    ref("app_id"),
    ref("version_id"),  # Dify's workflow_id: of a published version, or of the draft
    text("graph", null=True),  # the draft's, as it was; a published version keeps its own
    ref("task_id"),
    sa.Column("source", sa.String(20), nullable=False),  # service-api, console, openai-api, webhook, schedule
    ref("trigger_id", null=True),
    ref("key_id", null=True),  # that it was asked with
    ref("end_user_id", null=True),
    ref("account_id", null=True),
    ref("conversation_id", null=True),
    ref("message_id", null=True),
    ref("parent_id", null=True),  # the run it was forked from
    text("forked_node", null=True),
    sa.Column(
        "status", sa.String(20), nullable=False
    ),  # running, paused, succeeded, partial-succeeded, failed, stopped
    content("inputs"),  # JSON object, with the system's variables
    content("outputs"),  # JSON object
    content("error"),
    text("error_code"),
    count("elapsed_ms"),
    count("total_tokens"),
    count("total_steps"),
    count("exceptions_count"),
    time("created_at"),
    time("finished_at", null=True),
    sa.Index("ix_workflow_runs_app_id_created_at", "app_id", "created_at"),
    sa.Index(
        "ix_workflow_runs_parent_id",
        "parent_id",
        sqlite_where=sa.text("parent_id IS NOT NULL"),
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    ),
    sa.Index(
        "ix_workflow_runs_open",
        "status",
        sqlite_where=sa.text("status IN ('running', 'paused')"),
        postgresql_where=sa.text("status IN ('running', 'paused')"),
    ),
)

run_events = sa.Table(
    "run_events",
    metadata,
    sa.Column("run_id", sa.String(36), primary_key=True),
    sa.Column("first", sa.Integer, primary_key=True, autoincrement=False),  # number of the first event, from 1
    ref("workspace_id"),
    content("events"),  # JSON lines, in order
)

triggers = sa.Table(
    "triggers",
    metadata,
    own_id(),
    ref("workspace_id"),
    ref("app_id"),
    sa.Column("node_id", sa.String(255), nullable=False),  # of the version in force
    sa.Column("kind", sa.String(10), nullable=False),  # webhook, schedule
    sa.Column("code", sa.String(64), nullable=True, unique=True),  # the end of a webhook's address
    flag("is_on", default=True),
    flag("needs_secret", default=True),
    text("sealed_secret", null=True),  # crypto.Cipher, purpose = triggers/id
    time("next_at", null=True),  # of a schedule; None: never
    time("created_at"),
    time("updated_at"),
    sa.UniqueConstraint("app_id", "node_id"),
    sa.Index(
        "ix_triggers_next_at",
        "next_at",
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    ),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    own_id(),
    ref("workspace_id"),
    ref("app_id", index=True),
    ref("trigger_id"),
    sa.Column("key", sa.String(64), nullable=True),  # of what must not be done twice; None: nobody says
    sa.Column("status", sa.Integer, nullable=False),  # of the answer, as in HTTP
    content("answer", null=True),  # JSON
    text("error_code", default=""),
    ref("run_id", null=True),
    time("created_at"),
    sa.UniqueConstraint("trigger_id", "key"),
    sa.Index("ix_deliveries_trigger_id_created_at", "trigger_id", "created_at"),
)

human_forms = sa.Table(  # what runs ask people
    "human_forms",
    metadata,
    own_id(),  # of the node's execution
    ref("workspace_id"),
    ref("app_id"),
    ref("run_id", index=True),
    text("node_id"),
    json("at"),  # the rounds around the node
    sa.Column("digest", sa.String(64), nullable=False, unique=True),  # of the link's token
    content("asked"),  # apps.forms.types.Asked as JSON
    sa.Column("status", sa.String(12), nullable=False),  # waiting, submitted, timeout
    content("answer", null=True),  # apps.forms.types.Reply as JSON
    sa.Column("answered_as", sa.String(10), nullable=False, server_default=""),  # account, end_user, link
    sa.Column("answered_by", sa.String(320), nullable=False, server_default=""),  # that one's id
    time("created_at"),
    time("expires_at"),
    time("answered_at", null=True),
    time("taken_at", null=True),  # when the run went on with it
    sa.Index("ix_human_forms_workspace_id_created_at", "workspace_id", "created_at"),
    sa.Index(
        "ix_human_forms_waiting",
        "expires_at",
        sqlite_where=sa.text("status = 'waiting'"),
        postgresql_where=sa.text("status = 'waiting'"),
    ),
    sa.Index(
        "ix_human_forms_untaken",
        "run_id",
        sqlite_where=sa.text("status <> 'waiting' AND taken_at IS NULL"),
        postgresql_where=sa.text("status <> 'waiting' AND taken_at IS NULL"),
    ),
)

form_recipients = sa.Table(  # who is told of a form
    "form_recipients",
    metadata,
    own_id(),
    ref("workspace_id"),
    ref("form_id", index=True),
    ref("account_id", null=True, index=True),
    sa.Column("address", sa.String(320), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),  # of their own link's token
    sa.Column("letter", sa.Integer, nullable=False),  # which of Asked.letters
    sa.Column("mail", sa.String(10), nullable=False),  # waiting, sent, failed; off: none can be sent
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    text("error", default=""),
    time("next_at", null=True),  # when it is tried again
    time("created_at"),
    time("sent_at", null=True),
    sa.Index(
        "ix_form_recipients_next_at",
        "next_at",
        sqlite_where=sa.text("mail = 'waiting'"),
        postgresql_where=sa.text("mail = 'waiting'"),
    ),
)
