"""What the index knows of a passage: the text that is embedded, and the words that are searched."""

from __future__ import annotations

from collections.abc import Sequence

from llmflow.knowledge.terms import terms
from llmflow.knowledge.types import Document, KnowledgeBase, Passage
from llmflow.ports.vector_store import IndexRow


def embedded(heading_path: Sequence[str], text: str) -> str:
    """A passage says little without the headings above it."""
    return f"{' > '.join(heading_path)}\n{text}" if heading_path else text


def index_row(base: KnowledgeBase, document: Document, passage: Passage) -> IndexRow:
    """A question is found by the words of its answer too, and every passage by its keywords."""
    parts = (embedded(passage.heading_path, passage.text), passage.answer or "", *passage.keywords)
    return IndexRow(
        chunk_id=passage.id,
        document_id=passage.document_id,
        terms=tuple(terms("\n".join(part for part in parts if part))),
        groups=tuple(document.groups or base.groups),
    )
