"""Dify's JSON of knowledge bases, documents and passages. Times are Unix seconds here."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import msgspec

from llmflow.api.routes.service.shapes import seconds
from llmflow.knowledge.conditions import BUILT_IN
from llmflow.knowledge.external import ExternalApi
from llmflow.knowledge.fields import Field, Value
from llmflow.knowledge.retrieval_model import RetrievalModel, shown, words
from llmflow.knowledge.rule import kept_rule
from llmflow.knowledge.tags import Tag
from llmflow.knowledge.types import Display, Document, KnowledgeBase, Passage, Stage, State

#: Our keys of `KnowledgeBase.service`.
INDEXING, PERMISSION, RETRIEVAL, BUILT_IN_FIELDS, FORM = (
    "indexing_technique",
    "permission",
    "retrieval_model",
    "built_in_fields",
    "doc_form",
)
_STAGES: dict[Stage, str] = {
    "": "parsing",
    "unpack": "parsing",
    "parse": "parsing",
    "chunk": "splitting",
    "ask": "splitting",
    "embed": "indexing",
    "index": "indexing",
}
_LANGUAGES = {"ko": "Korean", "en": "English"}
_STATES: dict[State, str] = {"queued": "waiting", "ready": "completed", "failed": "error", "deleting": "completed"}


def dataset(
    base: KnowledgeBase,
    *,
    documents: int,
    available: int,
    words: int,
    apps: int,
    tags: Sequence[Tag],
    fields: Sequence[Field],
    embedding_model: str,
    author: str,
    api: ExternalApi | None,
    is_published: bool,
) -> dict[str, Any]:
    """`embedding_model`: of the server; a base that holds something has its own. `api`: of another server's base.
    `is_published`: whether its pipeline is."""
    service = base.service
    technique = service.get(INDEXING, "high_quality")
    is_dense = technique == "high_quality"
    by = base.created_by or base.workspace_id
    return {
        "id": base.id,
        "name": base.name,
        "description": base.description,
        "provider": "external" if base.is_external else "vendor",
        "permission": service.get(PERMISSION, "all_team_members"),
        "data_source_type": "upload_file" if documents else None,
        "indexing_technique": technique,
        "app_count": apps,
        "document_count": documents,
        "word_count": words,
        "created_by": by,
        "author_name": author,
        "created_at": seconds(base.created_at),
        "updated_by": by,
        "updated_at": seconds(base.updated_at),
        "embedding_model": (base.embedding_model or embedding_model) if is_dense else None,
        "embedding_model_provider": "embedding" if is_dense else None,
        "embedding_available": True,
        "retrieval_model_dict": retrieval_model(base),
        "summary_index_setting": {
            "enable": None,
            "model_name": None,
            "model_provider_name": None,
            "summary_prompt": None,
        },
        "tags": [{"id": tag.id, "name": tag.name, "type": "knowledge"} for tag in tags],
        "doc_form": service.get(FORM, "text_model") if documents else None,
        "external_knowledge_info": {
            "external_knowledge_id": base.external_id or None,
            "external_knowledge_api_id": base.external_api_id,
            "external_knowledge_api_name": api.name if api else None,
            "external_knowledge_api_endpoint": api.url if api else None,
        },
        "external_retrieval_model": _external_model(base),
        "doc_metadata": [{"id": field.id, "name": field.name, "type": field.type} for field in fields],
        "built_in_field_enabled": has_built_in(base),
        "pipeline_id": base.pipeline_id,
        "runtime_mode": "general" if base.pipeline_id is None else "rag_pipeline",
        "chunk_structure": structure_of(base),
        "icon_info": {"icon_type": None, "icon": None, "icon_background": None, "icon_url": None},
        "is_published": is_published,
        "total_documents": documents,
        "total_available_documents": available,
        "enable_api": True,
        "is_multimodal": False,
    }


def retrieval_model(base: KnowledgeBase) -> dict[str, Any]:
    """How the base is searched, in Dify's words: what a client said where it still holds, else as it is here."""
    kept, rule = base.service.get(RETRIEVAL), kept_rule(base.retrieval)
    if isinstance(kept, dict) and msgspec.convert(kept, RetrievalModel).rule() == rule:
        return shown(kept)
    said = words(rule)
    return shown(said | {"search_method": "keyword_search"} if is_economy(base) else said)


def _external_model(base: KnowledgeBase) -> dict[str, Any]:
    rule = kept_rule(base.retrieval)
    enabled = rule.threshold is not None if base.is_external else None
    return {"top_k": rule.top_k, "score_threshold": rule.threshold or 0.0, "score_threshold_enabled": enabled}


def structure_of(base: KnowledgeBase) -> str | None:
    """How its pipeline cuts; None where it has none."""
    return None if base.pipeline_id is None else str(base.service.get(FORM, "text_model"))


def is_economy(base: KnowledgeBase) -> bool:
    """Whether a client asked for a base that is searched by words alone."""
    return base.service.get(INDEXING) == "economy"


def has_built_in(base: KnowledgeBase) -> bool:
    return base.service.get(BUILT_IN_FIELDS) is True


def indexing_status(state: State, stage: Stage) -> str:
    return _STATES.get(state) or _STAGES[stage]


def display_status(document: Document) -> Display:
    match document.state:
        case "queued":
            return "queuing"
        case "running":
            return "indexing"
        case "failed":
            return "error"
    if document.archived:
        return "archived"
    return "available" if document.enabled else "disabled"


def _media_type(document: Document) -> str:
    if document.media_type:
        return document.media_type
    return "text/plain" if document.source == "text" else mimetypes.guess_type(document.name)[0] or ""


def upload(document: Document) -> dict[str, Any]:
    """The file behind a document; a document and its file have one id here."""
    suffix = PurePath(document.name).suffix.removeprefix(".").lower()
    return {
        "id": document.id,
        "name": document.name,
        "size": document.size,
        "extension": suffix or ("txt" if document.source == "text" else ""),
        "mime_type": _media_type(document),
        "created_by": document.created_by or document.workspace_id,
        "created_at": document.created_at / 1000,
    }


def _values(document: Document, values: Sequence[Value], *, built_in: bool) -> list[dict[str, Any]]:
    """What the document says of itself, by fields of the base, then what is known of every document."""
    own = [{"id": v.field.id, "name": v.field.name, "type": v.field.type, "value": v.value} for v in values]
    return own + (built_in_values(document) if built_in else [])


def built_in_values(document: Document) -> list[dict[str, Any]]:
    known = {
        "document_name": document.name,
        "uploader": document.created_by or "",
        "upload_date": seconds(document.created_at),
        "last_update_date": seconds(document.updated_at),
        "source": document.source,
    }
    return [{"id": "built-in", "name": n, "type": type, "value": known[n]} for n, type in BUILT_IN.items()]


def _common(document: Document, base: KnowledgeBase, *, position: int, hits: int) -> dict[str, Any]:
    return {
        "id": document.id,
        "position": position,
        "data_source_type": "upload_file",
        "dataset_process_rule_id": base.id,
        "name": document.name,
        "created_from": "api",
        "created_by": document.created_by or document.workspace_id,
        "created_at": seconds(document.created_at),
        "tokens": document.token_count,
        "indexing_status": indexing_status(document.state, document.stage),
        "error": document.error_message or None,
        "enabled": document.enabled,
        "disabled_at": None,
        "disabled_by": None,
        "archived": document.archived,
        "display_status": display_status(document),
        "hit_count": hits,
        "doc_form": form_of(document, base),
        "summary_index_status": None,
        "need_summary": False,
    }


def form_of(document: Document, base: KnowledgeBase) -> str:
    """Dify's name of how the document is cut."""
    if (structure := structure_of(base)) is not None:
        return structure
    method = (document.chunking or base.chunking).get("method")
    return {"parent_child": "hierarchical_model", "qa": "qa_model"}.get(str(method), "text_model")


def document(
    document: Document, base: KnowledgeBase, *, position: int, hits: int, values: Sequence[Value]
) -> dict[str, Any]:
    """As it stands in a list."""
    return {
        **_common(document, base, position=position, hits=hits),
        "data_source_info": {"upload_file_id": document.id},
        "data_source_detail_dict": {"upload_file": upload(document)},
        "word_count": document.word_count,
        "doc_metadata": _values(document, values, built_in=has_built_in(base)),
    }


def document_alone(
    document: Document,
    base: KnowledgeBase,
    *,
    position: int,
    hits: int,
    values: Sequence[Value],
    metadata: str,
    rule: dict[str, Any],
) -> dict[str, Any]:
    """As it is looked at. `metadata`: all, only or without. `rule`: how it was cut."""
    said = {"doc_type": None, "doc_metadata": _values(document, values, built_in=has_built_in(base))}
    if metadata == "only":
        return {"id": document.id, **said}
    took_s = None if document.indexed_at is None else max(0, document.indexed_at - document.created_at) / 1000
    file = upload(document)
    told = {
        **_common(document, base, position=position, hits=hits),
        "data_source_info": {"upload_file": {**file, "created_at": int(file["created_at"])}},
        "dataset_process_rule": rule,
        "document_process_rule": rule,
        "doc_language": document.chunking.get("language") or _LANGUAGES.get(document.language, ""),
        "completed_at": None if document.indexed_at is None else seconds(document.indexed_at),
        "updated_at": seconds(document.updated_at),
        "indexing_latency": took_s,
        "segment_count": document.chunk_count,
        "average_segment_length": document.word_count / document.chunk_count if document.chunk_count else 0,
    }
    return told if metadata == "without" else {**told, **said}


def progress(document: Document) -> dict[str, Any]:
    """How far it is. Times that are not kept are those of what comes after."""
    started = seconds(document.created_at) if document.state != "queued" else None
    done = None if document.state != "ready" or document.indexed_at is None else seconds(document.indexed_at)
    is_cut = document.state == "ready" or document.stage in ("embed", "index")
    return {
        "id": document.id,
        "indexing_status": indexing_status(document.state, document.stage),
        "processing_started_at": started,
        "parsing_completed_at": done,
        "cleaning_completed_at": done,
        "splitting_completed_at": done,
        "completed_at": done,
        "paused_at": None,
        "error": document.error_message or None,
        "stopped_at": None,
        "completed_segments": document.chunk_count if done is not None else document.done if is_cut else 0,
        "total_segments": document.chunk_count if done is not None else document.total if is_cut else 0,
    }


def segment(passage: Passage, document: Document) -> dict[str, Any]:
    """A passage; the same keys in a list and in a search."""
    done = seconds(document.indexed_at or document.updated_at)
    by = document.created_by or document.workspace_id
    return {
        "id": passage.id,
        "position": passage.ordinal + 1,
        "document_id": document.id,
        "content": passage.text,
        "sign_content": passage.text,
        "answer": passage.answer,
        "word_count": len(passage.text) + len(passage.answer or ""),
        "tokens": passage.tokens,
        "keywords": list(passage.keywords),
        "index_node_id": passage.id,
        "index_node_hash": passage.id.replace("-", ""),
        "hit_count": passage.hit_count,
        "enabled": passage.enabled,
        "disabled_at": None,
        "disabled_by": None,
        "status": "completed",
        "created_by": by,
        "created_at": seconds(document.created_at),
        "indexing_at": done,
        "completed_at": done,
        "error": None,
        "stopped_at": None,
    }


def child(part: Passage, document: Document) -> dict[str, Any]:
    return {
        "id": part.id,
        "segment_id": part.parent_id,
        "content": part.text,
        "position": part.ordinal + 1,
        "word_count": len(part.text),
        "type": "automatic" if part.made == "cut" else "customized",
        "created_at": seconds(document.indexed_at or document.created_at),
        "updated_at": changed_at(part, document),
    }


def changed_at(passage: Passage, document: Document) -> int:
    return seconds(passage.edited_at or document.indexed_at or document.updated_at)
