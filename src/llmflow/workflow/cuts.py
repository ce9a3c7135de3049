"""Passages as a pipeline of knowledge gives them: Dify's three structures, and what they are here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from llmflow.errors import NodeFailed
from llmflow.knowledge.given import Cut

#: Dify's names of a structure, and what a value of it holds.
STRUCTURES = {
    "text_model": "general_chunks",
    "hierarchical_model": "parent_child_chunks",
    "qa_model": "qa_chunks",
}


def cuts_of(structure: str, value: Any) -> list[Cut]:
    """Raises NodeFailed (node_input_invalid) for a value of another structure, and where nothing is left of it."""
    key = STRUCTURES.get(structure)
    if key is None:
        raise NodeFailed(f"There is no structure of passages `{structure[:40]}`.", code="node_invalid")
    items = value.get(key) if isinstance(value, dict) else value
    if isinstance(items, str) and structure == "text_model":
        items = [items]
    if not isinstance(items, list):
        raise NodeFailed(f"The passages are no `{key}`, as {structure} has them.", code="node_input_invalid")
    read = {"text_model": _plain, "hierarchical_model": _parent, "qa_model": _pair}[structure]
    cuts = [cut for item in items if (cut := read(item)) is not None]
    if not cuts:
        raise NodeFailed("The pipeline gives no passages.", code="node_input_invalid")
    return cuts


def shown(structure: str, cuts: Sequence[Cut]) -> dict[str, Any]:
    """As a trial of the draft shows them."""
    told: dict[str, Any] = {"chunk_structure": structure, "total_segments": len(cuts)}
    if structure == "qa_model":
        return {**told, "qa_preview": [{"question": cut.text, "answer": cut.answer} for cut in cuts]}
    if structure == "hierarchical_model":
        return {**told, "preview": [{"content": cut.text, "child_chunks": list(cut.parts)} for cut in cuts]}
    return {**told, "preview": [{"content": cut.text} for cut in cuts]}


def _plain(item: Any) -> Cut | None:
    text = item.get("content") if isinstance(item, dict) else item
    return Cut(_text(text)) if _text(text) else None


def _parent(item: Any) -> Cut | None:
    if not isinstance(item, dict):
        raise _wrong("parent_content and child_contents")
    text = _text(item.get("parent_content"))
    children = item.get("child_contents")
    parts = tuple(_texts(children if isinstance(children, list) else ()))
    return Cut(text, parts=parts or (text,)) if text else None


def _pair(item: Any) -> Cut | None:
    if not isinstance(item, dict):
        raise _wrong("question and answer")
    question, answer = _text(item.get("question")), _text(item.get("answer"))
    return Cut(question, answer=answer) if question and answer else None


def _wrong(wanted: str) -> NodeFailed:
    return NodeFailed(f"A passage of this structure has {wanted}.", code="node_input_invalid")


def _texts(items: Iterable[Any]) -> Iterable[str]:
    for item in items:
        if text := _text(item.get("content") if isinstance(item, dict) else item):
            yield text


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else "" if value is None else str(value).strip()
