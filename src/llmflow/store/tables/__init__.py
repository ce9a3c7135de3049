"""Every table, by the part of LLMFlow whose it is.

Conventions: text UUIDv7 ids; times are Unix milliseconds, UTC; `workspace_id` on every row. Columns of people's words
are `ContentText` (see content.py); lists and small records are JSON.
"""

from __future__ import annotations

from llmflow.store.tables.access import (
    accounts,
    api_keys,
    invitations,
    secrets,
    sessions,
    workspaces,
)
from llmflow.store.tables.apps import (
    annotation_hits,
    annotation_replies,
    app_annotations,
    app_versions,
    apps,
    end_users,
    sites,
)
from llmflow.store.tables.chat import (
    conversation_variables,
    conversations,
    feedbacks,
    file_uses,
    files,
    messages,
)
from llmflow.store.tables.columns import (
    metadata,
)
from llmflow.store.tables.gateway import (
    model_connections,
    model_prices,
    model_routes,
    quota_windows,
    quotas,
    spend,
)
from llmflow.store.tables.knowledge import (
    chunks,
    documents,
    external_apis,
    knowledge_bases,
    knowledge_fields,
    knowledge_tags,
    reembeddings,
    retrieval_evaluations,
    retrieval_questions,
    source_files,
    sources,
    tags_of_knowledge,
    unsettled_chunks,
    vectors_due,
    written_pairs,
)
from llmflow.store.tables.runs import (
    deliveries,
    form_recipients,
    human_forms,
    run_events,
    triggers,
    workflow_runs,
)
from llmflow.store.tables.tools import (
    tool_collections,
)
from llmflow.store.tables.traces import (
    spans,
)

__all__ = [
    "accounts",
    "annotation_hits",
    "annotation_replies",
    "api_keys",
    "app_annotations",
    "app_versions",
    "apps",
    "chunks",
    "conversation_variables",
    "conversations",
    "deliveries",
    "documents",
    "end_users",
    "external_apis",
    "feedbacks",
    "file_uses",
    "files",
    "form_recipients",
    "human_forms",
    "invitations",
    "knowledge_bases",
    "knowledge_fields",
    "knowledge_tags",
    "messages",
    "metadata",
    "model_connections",
    "model_prices",
    "model_routes",
    "quota_windows",
    "quotas",
    "reembeddings",
    "retrieval_evaluations",
    "retrieval_questions",
    "run_events",
    "secrets",
    "sessions",
    "sites",
    "source_files",
    "sources",
    "spans",
    "spend",
    "tags_of_knowledge",
    "tool_collections",
    "triggers",
    "unsettled_chunks",
    "vectors_due",
    "workflow_runs",
    "workspaces",
    "written_pairs",
]
