"""A conversation as a file to keep: Markdown to read, JSON with everything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from llmflow.apps.types import ChatMessage, Citation, Conversation
from llmflow.knowledge.language import language_of

_KOREAN = {"question": "질문", "sources": "출처", "page": "{}쪽", "correction": "바로잡은 답변", "error": "오류"}
_ENGLISH = {"question": "Question", "sources": "Sources", "page": "p. {}", "correction": "Corrected answer"}
_ENGLISH |= {"error": "Error"}


def branch_of(messages: Sequence[ChatMessage], last_id: str | None = None) -> list[ChatMessage]:
    """The message `last_id` (None: the newest) and all it follows, oldest first; [] when it is not among `messages`,
    which are oldest first."""
    by_id = {message.id: message for message in messages}
    at = by_id.get(last_id) if last_id else (messages[-1] if messages else None)
    found: list[ChatMessage] = []
    while at is not None:
        found.append(at)
        at = by_id.get(at.parent_id or "")
    return found[::-1]


def markdown(conversation: Conversation, branch: Sequence[ChatMessage]) -> str:
    """The questions and answers of one branch with their sources, headings in the first question's language."""
    is_korean = bool(branch) and language_of(branch[0].query) == "ko"
    say = _KOREAN if is_korean else _ENGLISH
    parts = [f"# {conversation.name}", _time(conversation.created_at)]
    for number, message in enumerate(branch, 1):
        parts += [f"## {say['question']} {number}", _quoted(message.query)]
        if message.answer:
            parts.append(message.answer)
        if message.status == "error":
            parts.append(f"*{say['error']}: {message.error}*")
        if message.citations:
            sources = [f"- [{one.position}] {_source(one, say['page'])}" for one in message.citations]
            parts.append("\n".join([f"{say['sources']}:", "", *sources]))
        if message.correction:
            parts += [f"{say['correction']}:", _quoted(message.correction)]
    return "\n\n".join(parts) + "\n"


def record(conversation: Conversation, messages: Sequence[ChatMessage]) -> dict[str, Any]:
    """Every branch; `parent_id` tells which message each follows. Times are ISO 8601, UTC."""
    return {
        "id": conversation.id,
        "name": conversation.name,
        "created_at": _time(conversation.created_at),
        "messages": [
            {
                "id": message.id,
                "parent_id": message.parent_id,
                "created_at": _time(message.created_at),
                "question": message.query,
                "answer": message.answer,
                "status": message.status,
                "error": message.error,
                "kind": message.kind,
                "model": message.model,
                "citations": message.citations,
                "rating": message.rating,
                "reason": message.reason,
                "correction": message.correction,
            }
            for message in messages
        ],
    }


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def _source(citation: Citation, page: str) -> str:
    place = [page.format(citation.page)] if citation.page is not None else []
    return ", ".join([citation.document, *place, *citation.heading_path])


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
