"""What strangers see of an app, a conversation, a message, a citation: no ids of documents, no names of bases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llmflow.apps.types import App, ChatMessage, Citation, Conversation, Site

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


def conversation(found: Conversation) -> dict[str, Any]:
    return {"id": found.id, "name": found.name, "created_at": found.created_at, "updated_at": found.updated_at}


def message(site: Site, app: App, found: ChatMessage) -> dict[str, Any]:
    """`status`: running, normal, stopped or error."""
    return {
        "id": found.id,
        "question": found.query,
        "answer": found.answer,
        "status": found.status,
        "kind": found.kind,
        "citations": citations(site, app, found.citations),
        "rating": found.rating,
        "created_at": found.created_at,
    }
