"""Every table. Conventions: text UUIDv7 ids; times are Unix milliseconds, UTC; `workspace_id` on every row.

Columns of people's words are `ContentText` (see content.py); lists and small records are JSON.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from llmflow.store.content import ContentText

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> sa.Column[str]:
    return sa.Column("id", sa.String(36), primary_key=True)


def _ref(name: str, *, null: bool = False, index: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.String(36), nullable=null, index=index)


def _time(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, nullable=null)


def _text(name: str, *, null: bool = False, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=null, server_default=default)


def _content(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, ContentText, nullable=null)


def _count(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0")


def _flag(name: str, *, default: bool) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.true() if default else sa.false())


def _json(name: str, *, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON, nullable=False, server_default=default)


workspaces = sa.Table("workspaces", metadata, _id(), _text("name"), _time("created_at"))

accounts = sa.Table(
    "accounts",
    metadata,
    _id(),
    _ref("workspace_id", index=True),
    sa.Column("email", sa.String(320), nullable=False, unique=True),  # lower case
    _text("name"),
    _text("password_hash"),
    _flag("must_change_password", default=False),
    sa.Column("role", sa.String(20), nullable=False),  # owner, admin, editor, member
    sa.Column("preferences", sa.JSON, nullable=False, server_default="{}"),
    _json("groups", default="[]"),  # which documents it may see beside those of everybody
    _time("created_at"),
    _time("last_seen_at", null=True),
)

invitations = sa.Table(
    "invitations",
    metadata,
    _id(),
    _ref("workspace_id", index=True),
    sa.Column("email", sa.String(320), nullable=False),  # lower case
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),  # of the link's token
    _time("created_at"),
    _time("expires_at"),
    _time("accepted_at", null=True),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),  # of the cookie's token
    _ref("workspace_id"),
    _ref("account_id", index=True),
    _time("created_at"),
    _time("expires_at"),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    _id(),
    _ref("workspace_id", index=True),
    sa.Column("kind", sa.String(10), nullable=False),  # app, dataset, model, admin
    _ref("app_id", null=True, index=True),
    _text("name"),
    sa.Column("hint", sa.String(20), nullable=False),  # first letters, to tell keys apart
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    _json("groups", default="[]"),  # which documents it may see beside those of everybody
    _time("created_at"),
    _time("expires_at", null=True),
    _time("last_used_at", null=True),
)

secrets = sa.Table(
    "secrets",
    metadata,
    _id(),
    _ref("workspace_id"),
    sa.Column("name", sa.String(200), nullable=False),
    _text("sealed"),  # crypto.Cipher, purpose = name
    _time("created_at"),
    sa.UniqueConstraint("workspace_id", "name"),
)

model_connections = sa.Table(
    "model_connections",
    metadata,
    _id(),
    _ref("workspace_id"),
    sa.Column("name", sa.String(100), nullable=False),
    _text("url"),
    _text("sealed_key", null=True),  # crypto.Cipher, purpose = model_connections/id
    sa.Column("kind", sa.String(20), nullable=False, server_default="openai"),  # the protocol its server speaks
    _text("model", default=""),  # "": the first one the server lists
    sa.Column("context_tokens", sa.Integer, nullable=False),
    _flag("is_default", default=False),
    _time("created_at"),
    _time("updated_at"),
    sa.UniqueConstraint("workspace_id", "name"),
)

quotas = sa.Table(
    "quotas",
    metadata,
    _id(),
    _ref("workspace_id"),
    sa.Column("subject", sa.String(20), nullable=False),  # workspace, key, account, end_user, app, group
    sa.Column("subject_id", sa.String(200), nullable=False),  # "": the workspace
    sa.Column("models", sa.JSON(none_as_null=True), nullable=True),  # names with *; NULL: any
    sa.Column("requests_per_minute", sa.BigInteger, nullable=True),
    sa.Column("tokens_per_minute", sa.BigInteger, nullable=True),
    sa.Column("budget_nano_usd", sa.BigInteger, nullable=True),
    sa.Column("period", sa.String(10), nullable=False),  # day, month
    _time("created_at"),
    _time("updated_at"),
    sa.UniqueConstraint("workspace_id", "subject", "subject_id"),
)

quota_windows = sa.Table(
    "quota_windows",
    metadata,
    _ref("workspace_id"),
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
    _count("requests"),
    _count("failures"),
    _count("estimated"),
    _count("prompt_tokens"),
    _count("completion_tokens"),
    _count("nano_usd"),
)

model_prices = sa.Table(  # a workspace's own, in US dollars for a million tokens
    "model_prices",
    metadata,
    sa.Column("workspace_id", sa.String(36), primary_key=True),
    sa.Column("model", sa.String(300), primary_key=True),
    sa.Column("input_usd", sa.Float, nullable=False),
    sa.Column("output_usd", sa.Float, nullable=False),
)

tool_collections = sa.Table(
    "tool_collections",
    metadata,
    _id(),
    _ref("workspace_id"),
    sa.Column("name", sa.String(100), nullable=False),
    _text("description", default=""),
    _text("source_url", default=""),  # "": uploaded
    _text("base_url", default=""),
    _text("operations"),  # tools/openapi Operation, JSON
    _json("scheme"),  # how the server is shown the credential
    _text("sealed_secret", null=True),  # crypto.Cipher, purpose = tool_collections/id
    _time("created_at"),
    _time("updated_at"),
    sa.UniqueConstraint("workspace_id", "name"),
)

model_routes = sa.Table(
    "model_routes",
    metadata,
    _id(),
    _ref("workspace_id"),
    sa.Column("name", sa.String(200), nullable=False),
    _json("route"),  # as llmflow.yaml has it under models
    _time("created_at"),
    _time("updated_at"),
    sa.UniqueConstraint("workspace_id", "name"),
)

knowledge_bases = sa.Table(
    "knowledge_bases",
    metadata,
    _id(),
    _ref("workspace_id"),
    sa.Column("name", sa.String(200), nullable=False),
    _text("description", default=""),
    _text("embedding_model"),
    sa.Column("chunk_tokens", sa.Integer, nullable=False),
    sa.Column("overlap_tokens", sa.Integer, nullable=False),
    _json("chunking", default="{}"),  # how its documents are cut
    _json("retrieval", default="{}"),  # how it is searched unless a caller says otherwise
    _json("groups", default="[]"),  # who may see its documents, unless a document says otherwise; none: everybody
    _json("service", default="{}"),  # what clients of the Service API set, and are shown
    _ref("created_by", null=True),  # an account or a key; NULL: unknown
    _ref("external_api_id", null=True, index=True),  # of whose knowledge it is; it then has no documents of its own
    _text("external_id", default=""),  # what that server calls it
    _time("created_at"),
    _time("updated_at"),
    sa.UniqueConstraint("workspace_id", "name"),
)

external_apis = sa.Table(
    "external_apis",  # servers of knowledge, by Dify's External Knowledge API
    metadata,
    _id(),
    _ref("workspace_id"),
    sa.Column("name", sa.String(100), nullable=False),
    _text("url"),  # without /retrieval
    _text("sealed_key", null=True),  # crypto.Cipher, purpose = external_apis/id
    _time("created_at"),
    _time("updated_at"),
    sa.UniqueConstraint("workspace_id", "name"),
)

knowledge_fields = sa.Table(
    "knowledge_fields",  # what a base's documents say of themselves
    metadata,
    _id(),
    _ref("workspace_id"),
    _ref("knowledge_id"),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("type", sa.String(10), nullable=False),  # string, number, time
    _time("created_at"),
    sa.UniqueConstraint("knowledge_id", "name"),
)

knowledge_tags = sa.Table(
    "knowledge_tags",
    metadata,
    _id(),
    _ref("workspace_id"),
    sa.Column("name", sa.String(50), nullable=False),
    _time("created_at"),
    sa.UniqueConstraint("workspace_id", "name"),
)

tags_of_knowledge = sa.Table(
    "tags_of_knowledge",
    metadata,
    sa.Column("tag_id", sa.String(36), primary_key=True),
    sa.Column("knowledge_id", sa.String(36), primary_key=True, index=True),
    _ref("workspace_id"),
)

documents = sa.Table(
    "documents",
    metadata,
    _id(),
    _ref("workspace_id"),
    _ref("knowledge_id"),
    sa.Column("name", sa.String(500), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, index=True),  # of the bytes, in blobs
    sa.Column("size", sa.BigInteger, nullable=False),
    _text("media_type", default=""),
    sa.Column("state", sa.String(12), nullable=False),  # queued, running, ready, failed, deleting
    sa.Column("stage", sa.String(12), nullable=False, server_default=""),  # parse, chunk, embed, index
    _count("done"),  # of the stage's units: pages or passages
    _count("total"),
    _ref("job_id", null=True, index=True),
    _text("error_code", default=""),
    _text("error_message", default=""),
    _text("error_hint", default=""),
    _json("warnings"),
    sa.Column("pages", sa.Integer, nullable=True),
    _count("chunk_count"),
    _count("token_count"),
    sa.Column("language", sa.String(8), nullable=False, server_default=""),
    _flag("enabled", default=True),  # searched; one that is not stays as it is
    _flag("archived", default=False),  # neither searched nor changed
    _json("groups", default="[]"),  # who may see it; none: as the base says
    _flag("regroup", default=False),  # the index does not know yet who may see it
    _json("metadata", default="{}"),  # by the id of the base's field
    sa.Column("source", sa.String(20), nullable=False, server_default="upload"),
    _text("source_ref", default=""),  # where its source has it
    _json("chunking", default="{}"),  # how it is cut; {}: as the base says
    _count("word_count"),  # characters of its passages
    _ref("created_by", null=True),  # an account or a key; NULL: unknown
    _time("created_at"),
    _time("updated_at"),
    _time("indexed_at", null=True),
    sa.UniqueConstraint("knowledge_id", "name"),
    sa.Index("ix_documents_knowledge_id_created_at", "knowledge_id", "created_at"),
    sa.Index("ix_documents_state", "state"),
)

chunks = sa.Table(
    "chunks",
    metadata,
    _id(),
    _ref("workspace_id"),
    _ref("knowledge_id", index=True),
    _ref("document_id"),
    sa.Column("ordinal", sa.Integer, nullable=False),  # from 0, in reading order
    _content("text"),
    sa.Column("tokens", sa.Integer, nullable=False),
    sa.Column("page", sa.Integer, nullable=True),
    sa.Column("page_end", sa.Integer, nullable=True),
    _json("heading_path"),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("boxes", sa.JSON, nullable=False, server_default="[]"),  # ports.chunker.PageBox
    _count("hit_count"),
    _ref("parent_id", null=True),  # of a part that is searched in its stead; a chunk with parts is in no index itself
    _content("answer", null=True),  # of a question
    _json("keywords", default="[]"),
    _flag("enabled", default=True),
    sa.Column("digest", sa.String(64), nullable=False, server_default=""),  # of what its document says here
    sa.Column("made", sa.String(8), nullable=False, server_default="cut"),  # cut, edited, added, removed
    _ref("origin_id", null=True),  # the first of those that people merged into it or split off it
    _time("edited_at", null=True),
    sa.Index("ix_chunks_document_id_ordinal", "document_id", "ordinal"),
)

unsettled_chunks = sa.Table(
    "unsettled_chunks",  # of which the index may say something else than `chunks`; also some that are gone there
    metadata,
    _id(),
    _ref("workspace_id"),
    _ref("knowledge_id"),
    _ref("document_id", index=True),
)

apps = sa.Table(
    "apps",
    metadata,
    _id(),
    _ref("workspace_id"),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("mode", sa.String(20), nullable=False),  # Dify's: chat, completion, agent-chat, advanced-chat, workflow
    _text("description", default=""),
    _json("config"),  # apps.types.ChatConfig
    _time("created_at"),
    _time("updated_at"),
    sa.UniqueConstraint("workspace_id", "name"),
)

app_versions = sa.Table(
    "app_versions",
    metadata,
    _id(),
    _ref("workspace_id"),
    _ref("app_id"),
    sa.Column("number", sa.Integer, nullable=False),  # 0: the draft; published ones count from 1
    _text("name", default=""),
    _text("note", default=""),
    _text("sealed"),  # apps.types.Design as JSON under crypto.Cipher: prompts, addresses and secrets; purpose = app_id
    sa.Column("hash", sa.String(64), nullable=False),  # of `sealed`: another one after each save
    _ref("author", null=True),  # the account; None: a key, or LLMFlow itself
    _time("created_at"),
    _time("updated_at"),
    sa.UniqueConstraint("app_id", "number"),
)

sites = sa.Table(
    "sites",
    metadata,
    _id(),
    _ref("workspace_id", index=True),
    sa.Column("app_id", sa.String(36), nullable=False, unique=True),
    sa.Column("code", sa.String(64), nullable=False, unique=True),  # the end of the page's address
    _flag("is_on", default=False),
    _json("settings"),  # apps.types.SiteSettings
    _time("expires_at", null=True),
    _time("created_at"),
    _time("updated_at"),
)

end_users = sa.Table(
    "end_users",
    metadata,
    _id(),
    _ref("workspace_id"),
    _ref("app_id"),
    sa.Column("source", sa.String(10), nullable=False, server_default="api"),  # api, account, public
    sa.Column("external_id", sa.String(255), nullable=False),  # of an account: its id; else the caller's word
    _time("created_at"),
    sa.UniqueConstraint("app_id", "source", "external_id"),
)

files = sa.Table(
    "files",
    metadata,
    _id(),
    _ref("workspace_id"),
    _ref("app_id"),
    _ref("end_user_id"),
    sa.Column("name", sa.String(500), nullable=False),
    sa.Column("extension", sa.String(20), nullable=False),
    _text("media_type"),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, index=True),
    _content("text", null=True),  # what a reader made of it, once somebody needed that
    _time("created_at"),
)

file_uses = sa.Table(  # what is used by nothing goes after a day
    "file_uses",
    metadata,
    sa.Column("file_id", sa.String(36), primary_key=True),
    sa.Column("used_by", sa.String(36), primary_key=True, index=True),  # a message, or a run outside of a chat
    _ref("workspace_id"),
    _ref("app_id", index=True),
)

conversations = sa.Table(
    "conversations",
    metadata,
    _id(),
    _ref("workspace_id"),
    _ref("app_id"),
    _ref("end_user_id"),
    _content("name"),
    _content("inputs"),  # JSON object
    _time("created_at"),
    _time("updated_at"),
    sa.Index("ix_conversations_app_id_end_user_id_updated_at", "app_id", "end_user_id", "updated_at"),
)

messages = sa.Table(
    "messages",
    metadata,
    _id(),
    _ref("workspace_id"),
    _ref("app_id"),
    _ref("conversation_id"),
    _ref("parent_id", null=True),
    _ref("end_user_id"),
    _content("query"),
    _content("answer"),
    _content("inputs"),  # JSON object
    _content("citations"),  # JSON list of apps.types.Citation
    sa.Column("thoughts", ContentText, nullable=False, server_default="[]"),  # JSON list of apps.types.Thought
    _json("files"),  # ids of files and remote URLs: [{"type", "transfer_method", "url"|"upload_file_id"}]
    sa.Column("status", sa.String(12), nullable=False),  # running, normal, paused, error, stopped
    _text("error", default=""),
    sa.Column("kind", sa.String(12), nullable=False, server_default=""),  # generated, quoted, unknown
    _text("model", default=""),
    _count("prompt_tokens"),
    _count("completion_tokens"),
    _count("first_token_ms"),
    _count("elapsed_ms"),
    _time("created_at"),
    _ref("workflow_run_id", null=True),
    sa.Index("ix_messages_conversation_id_created_at", "conversation_id", "created_at"),
)

app_annotations = sa.Table(
    "app_annotations",
    metadata,
    _id(),
    _ref("workspace_id"),
    _ref("app_id"),
    _content("question"),
    _content("answer"),
    _count("hit_count"),
    sa.Column("vector", sa.LargeBinary, nullable=True),  # of the question: little-endian float32
    _text("vector_model", default=""),
    _time("created_at"),
    _time("updated_at"),
    sa.Index("ix_app_annotations_app_id_created_at", "app_id", "created_at"),
)

annotation_replies = sa.Table(
    "annotation_replies",
    metadata,
    sa.Column("app_id", sa.String(36), primary_key=True),
    _ref("workspace_id"),
    _flag("is_on", default=False),
    _text("embedding_model"),  # as it was asked for
    sa.Column("score_threshold", sa.Float, nullable=False),
)

annotation_hits = sa.Table(
    "annotation_hits",
    metadata,
    sa.Column("message_id", sa.String(36), primary_key=True),
    _ref("workspace_id"),
    _ref("app_id", index=True),
    _ref("conversation_id", index=True),
    _ref("annotation_id", index=True),
    sa.Column("score", sa.Float, nullable=False),
    _time("created_at"),
)

conversation_variables = sa.Table(
    "conversation_variables",
    metadata,
    _id(),
    _ref("workspace_id"),
    _ref("app_id"),
    _ref("conversation_id"),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("type", sa.String(20), nullable=False),  # Dify's: string, number, array[object] ...
    _content("value"),  # JSON
    _time("created_at"),
    _time("updated_at"),
    sa.UniqueConstraint("conversation_id", "name"),
)

workflow_runs = sa.Table(
    "workflow_runs",
    metadata,
    _id(),
    _ref("workspace_id"),
    _ref("app_id"),
    _ref("version_id"),  # Dify's workflow_id: of a published version, or of the draft
    _text("graph", null=True),  # the draft's, as it was; a published version keeps its own
    _ref("task_id"),
    sa.Column("source", sa.String(20), nullable=False),  # service-api, console, openai-api, webhook, schedule
    _ref("trigger_id", null=True),
    _ref("key_id", null=True),  # that it was asked with
    _ref("end_user_id", null=True),
    _ref("account_id", null=True),
    _ref("conversation_id", null=True),
    _ref("message_id", null=True),
    _ref("parent_id", null=True),  # the run it was forked from
    _text("forked_node", null=True),
    sa.Column(
        "status", sa.String(20), nullable=False
    ),  # running, paused, succeeded, partial-succeeded, failed, stopped
    _content("inputs"),  # JSON object, with the system's variables
    _content("outputs"),  # JSON object
    _content("error"),
    _text("error_code"),
    _count("elapsed_ms"),
    _count("total_tokens"),
    _count("total_steps"),
    _count("exceptions_count"),
    _time("created_at"),
    _time("finished_at", null=True),
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
    _ref("workspace_id"),
    _content("events"),  # JSON lines, in order
)

triggers = sa.Table(
    "triggers",
    metadata,
    _id(),
    _ref("workspace_id"),
    _ref("app_id"),
    sa.Column("node_id", sa.String(255), nullable=False),  # of the version in force
    sa.Column("kind", sa.String(10), nullable=False),  # webhook, schedule
    sa.Column("code", sa.String(64), nullable=True, unique=True),  # the end of a webhook's address
    _flag("is_on", default=True),
    _flag("needs_secret", default=True),
    _text("sealed_secret", null=True),  # crypto.Cipher, purpose = triggers/id
    _time("next_at", null=True),  # of a schedule; None: never
    _time("created_at"),
    _time("updated_at"),
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
    _id(),
    _ref("workspace_id"),
    _ref("app_id", index=True),
    _ref("trigger_id"),
    sa.Column("key", sa.String(64), nullable=True),  # of what must not be done twice; None: nobody says
    sa.Column("status", sa.Integer, nullable=False),  # of the answer, as in HTTP
    _content("answer", null=True),  # JSON
    _text("error_code", default=""),
    _ref("run_id", null=True),
    _time("created_at"),
    sa.UniqueConstraint("trigger_id", "key"),
    sa.Index("ix_deliveries_trigger_id_created_at", "trigger_id", "created_at"),
)

human_forms = sa.Table(  # what runs ask people
    "human_forms",
    metadata,
    _id(),  # of the node's execution
    _ref("workspace_id"),
    _ref("app_id"),
    _ref("run_id", index=True),
    _text("node_id"),
    _json("at"),  # the rounds around the node
    sa.Column("digest", sa.String(64), nullable=False, unique=True),  # of the link's token
    _content("asked"),  # apps.forms.types.Asked as JSON
    sa.Column("status", sa.String(12), nullable=False),  # waiting, submitted, timeout
    _content("answer", null=True),  # apps.forms.types.Reply as JSON
    sa.Column("answered_as", sa.String(10), nullable=False, server_default=""),  # account, end_user, link
    sa.Column("answered_by", sa.String(320), nullable=False, server_default=""),  # that one's id
    _time("created_at"),
    _time("expires_at"),
    _time("answered_at", null=True),
    _time("taken_at", null=True),  # when the run went on with it
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
    _id(),
    _ref("workspace_id"),
    _ref("form_id", index=True),
    _ref("account_id", null=True, index=True),
    sa.Column("address", sa.String(320), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),  # of their own link's token
    sa.Column("letter", sa.Integer, nullable=False),  # which of Asked.letters
    sa.Column("mail", sa.String(10), nullable=False),  # waiting, sent, failed; off: none can be sent
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    _text("error", default=""),
    _time("next_at", null=True),  # when it is tried again
    _time("created_at"),
    _time("sent_at", null=True),
    sa.Index(
        "ix_form_recipients_next_at",
        "next_at",
        sqlite_where=sa.text("mail = 'waiting'"),
        postgresql_where=sa.text("mail = 'waiting'"),
    ),
)

feedbacks = sa.Table(
    "feedbacks",
    metadata,
    _id(),
    _ref("workspace_id"),
    _ref("app_id"),
    _ref("conversation_id"),
    _ref("message_id"),
    _ref("end_user_id"),
    sa.Column("rating", sa.String(10), nullable=False),  # like, dislike
    _content("content", null=True),
    _content("correction", null=True),  # the answer as it should have been
    _time("created_at"),
    _time("updated_at"),
    sa.UniqueConstraint("message_id", "end_user_id"),
    sa.Index("ix_feedbacks_app_id_created_at", "app_id", "created_at"),
)

spans = sa.Table(
    "spans",
    metadata,
    sa.Column("span_id", sa.String(16), primary_key=True),
    _ref("workspace_id"),
    sa.Column("trace_id", sa.String(32), nullable=False, index=True),
    sa.Column("parent_id", sa.String(16), nullable=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("start_ns", sa.BigInteger, nullable=False, index=True),
    sa.Column("end_ns", sa.BigInteger, nullable=False),
    _flag("ok", default=True),
    _json("attributes"),
)
