"""What strangers see of an app, a conversation, a message, a citation: no ids of documents, no names of bases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llmflow.api.routes.public.visit import shown
from llmflow.apps.chat.search import Hit
from llmflow.apps.chat.turns import Turn
from llmflow.apps.forms.in_chat import ShownForm
from llmflow.apps.types import App, ChatMessage, Citation, Site
from llmflow.errors import LLMFlowError

MOST_LETTERS = 4_000  # of a question


def page(site: Site, app: App) -> dict[str, Any]:
    """`language`: of the app's answers, "" for the question's own."""
    config = app.config
    return {
        "title": site.settings.title or app.name,
        "welcome": site.settings.welcome or config.opening_statement,
        "description": app.description,
        "icon": config.icon,
        "icon_background": config.icon_background,
        "suggested_questions": config.suggested_questions,
        "citations": site.settings.citations,
        "language": config.language,
        "most_letters": MOST_LETTERS,
    }


def citations(site: Site, app: App, found: Sequence[Citation]) -> list[dict[str, Any]]:
    """None where the page shows none, and only of knowledge the app still has."""
    if not site.settings.citations:
        return []
    return [
        {
            "position": citation.position,
            "document": citation.document,
            "text": citation.text,
            "quote": citation.quote,
            "page": citation.page,
            "heading_path": citation.heading_path,
        }
        for citation in found
        if citation.knowledge_id in app.config.knowledge
    ]


def conversation(hit: Hit, *, is_running: bool) -> dict[str, Any]:
    found = hit.conversation
    return {
        "id": found.id,
        "name": found.name,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
        "excerpt": hit.excerpt,
        "running": is_running,
    }


def message(site: Site, app: App, found: ChatMessage, turn: Turn | None, forms: Sequence[ShownForm]) -> dict[str, Any]:
    """A question and its answer; those with one parent are branches. Why one failed is told in few words."""
    failed = shown(LLMFlowError("The answer was cut off.", code="interrupted")).body()["error"]
    return {
        "id": found.id,
        "parent_id": found.parent_id,
        "question": found.query,
        "answer": found.answer,
        "status": "running" if turn else found.status,
        "error": failed if found.status == "error" else None,
        "kind": found.kind,
        "model": "",
        "citations": citations(site, app, found.citations),
        "files": [],
        "forms": forms,
        "created_at": found.created_at,
        "elapsed_ms": found.elapsed_ms,
        "task_id": turn.id if turn else None,
        "rating": found.rating,
        "reason": found.reason,
        "correction": None,
    }
