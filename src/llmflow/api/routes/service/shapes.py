"""Dify's JSON of messages, conversations and citations. Times are Unix seconds here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from llmflow.apps.forms.types import HumanForm
from llmflow.apps.types import Answer, ChatMessage, Citation, Conversation, EndUser, Thought, Usage

DEFAULT_USER = "DEFAULT-USER"  # where a request names nobody
NO_PARENT = "00000000-0000-0000-0000-000000000000"


def seconds(ms: int) -> int:
    return ms // 1000


def iso(ms: int) -> str:
    """Without a zone, as Dify writes UTC."""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def usage(used: Usage) -> dict[str, Any]:
    """Prices are strings and zero: LLMFlow counts tokens; what they cost is between you and your provider."""
    elapsed_s, first_s = used.elapsed_ms / 1000, used.first_token_ms / 1000
    return {
        "prompt_tokens": used.prompt_tokens,
        "prompt_unit_price": "0.0",
        "prompt_price_unit": "0.0",
        "prompt_price": "0.0",
        "completion_tokens": used.completion_tokens,
        "completion_unit_price": "0.0",
        "completion_price_unit": "0.0",
        "completion_price": "0.0",
        "total_tokens": used.prompt_tokens + used.completion_tokens,
        "total_price": "0.0",
        "currency": "USD",
        "latency": elapsed_s,
        "time_to_first_token": first_s,
        "time_to_generate": round(max(0.0, elapsed_s - first_s), 3),
    }


def metadata(answer: Answer, used: Usage, *, message_id: str, with_sources: bool) -> dict[str, Any]:
    """`llmflow` is ours: what kind of answer this is, and how to get a better one."""
    return {
        "annotation_reply": _annotation(answer.annotation_id),
        "retriever_resources": sources(list(answer.citations), message_id) if with_sources else [],
        "usage": usage(used),
        "llmflow": {"kind": answer.kind, "hint": answer.hint, "model": answer.model},
    }


def _annotation(id: str | None) -> dict[str, Any] | None:
    """Whose annotation it is stays here: API callers need not know the workspace's people."""
    return {"id": id, "account": {"id": "", "name": "LLMFlow"}} if id else None


def sources(citations: list[Citation], message_id: str) -> list[dict[str, Any]]:
    """Dify's retriever resources; `page`, `heading_path`, `scores` and `quote` are ours."""
    return [
        {
            "id": citation.chunk_id,
            "message_id": message_id,
            "position": citation.position,
            "dataset_id": citation.knowledge_id,
            "dataset_name": citation.knowledge,
            "document_id": citation.document_id,
            "document_name": citation.document,
            "data_source_type": "upload_file",
            "segment_id": citation.chunk_id,
            "retriever_from": "api",
            "score": citation.score,
            "hit_count": citation.hit_count,
            "word_count": len(citation.text),
            "segment_position": citation.ordinal + 1,
            "index_node_hash": citation.chunk_id.replace("-", ""),
            "content": citation.text,
            "summary": None,
            "created_at": seconds(citation.created_at),
            "page": citation.page,
            "heading_path": citation.heading_path,
            "scores": citation.scores,
            "quote": citation.quote,
        }
        for citation in citations
    ]


def end_user(user: EndUser) -> dict[str, Any]:
    return {
        "id": user.id,
        "type": "service-api",
        "is_anonymous": user.external_id == DEFAULT_USER,
        "session_id": user.external_id,
    }


def conversation(found: Conversation, introduction: str) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "inputs": found.inputs,
        "status": "normal",
        "introduction": introduction,
        "created_at": seconds(found.created_at),
        "updated_at": seconds(found.updated_at),
    }


def human_input(form: HumanForm, token: str | None) -> dict[str, Any]:
    """One of a message's extra contents: a form that is asked, or what was said in it. `token`: for those who may
    answer."""
    reply, asked = form.reply, form.asked
    definition = {
        "form_id": form.id,
        "node_id": form.node_id,
        "node_title": asked.title,
        "form_content": asked.content,
        "inputs": asked.inputs,
        "actions": asked.actions,
        "display_in_ui": asked.in_app,
        "form_token": token,
        "resolved_default_values": asked.defaults,
        "expiration_time": seconds(form.expires_at),
    }
    said = reply and {
        "node_id": form.node_id,
        "node_title": asked.title,
        "rendered_content": reply.content,
        "action_id": reply.action_id,
        "action_text": reply.action_text,
    }
    return {
        "type": "human_input",
        "workflow_run_id": form.run_id,
        "submitted": reply is not None,
        "form_definition": None if reply else definition,
        "form_submission_data": said,
    }


def message(
    found: ChatMessage, files: list[dict[str, Any]], extra: list[dict[str, Any]], *, with_sources: bool
) -> dict[str, Any]:
    """`extra`: forms that were asked for it. `llmflow` is ours. A message being written has status "normal", as in
    Dify; `llmflow.status` tells."""
    return {
        "id": found.id,
        "conversation_id": found.conversation_id,
        "parent_message_id": found.parent_id or NO_PARENT,
        "inputs": found.inputs,
        "query": found.query,
        "answer": found.answer,
        "feedback": {"rating": found.rating} if found.rating else None,
        "retriever_resources": sources(found.citations, found.id) if with_sources else [],
        "created_at": seconds(found.created_at),
        "agent_thoughts": [_thought(found.id, thought) for thought in found.thoughts],
        "message_files": files,
        "status": found.status if found.status in ("error", "paused") else "normal",
        "error": found.error or None,
        "extra_contents": extra,
        "llmflow": {"kind": found.kind, "model": found.model, "status": found.status},
    }


def _thought(message_id: str, thought: Thought) -> dict[str, Any]:
    return {
        "id": thought.id,
        "chain_id": None,
        "message_id": message_id,
        "position": thought.position,
        "thought": thought.thought,
        "tool": thought.tool,
        "tool_labels": thought.tool_labels,
        "tool_input": thought.tool_input,
        "observation": thought.observation,
        "files": thought.files,
        "created_at": seconds(thought.created_at),
    }
