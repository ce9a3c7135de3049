"""Dify's `process_rule`: how a document is cut, in its words and in ours.

Ours, kept with the document, {} being as the base says: `max_tokens`, `overlap_tokens`; `separator`, at which it is
cut first; `clean`, a list of remove_extra_spaces and remove_urls_emails; `method` parent_child with `parent`
(paragraph or full-doc) and `child`, the same sizes for the parts; `method` qa with the `language` that questions and
answers are written in.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from llmflow.errors import UsageError
from llmflow.knowledge.types import Document, KnowledgeBase

Form = Literal["text_model", "hierarchical_model", "qa_model"]
_METHODS: dict[Form, dict[str, str]] = {
    "text_model": {},
    "hierarchical_model": {"method": "parent_child"},
    "qa_model": {"method": "qa"},
}
_CLEANINGS = ("remove_extra_spaces", "remove_urls_emails")
_Tokens = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class PreProcessing(msgspec.Struct, frozen=True):
    id: str
    enabled: bool = True


class Segmentation(msgspec.Struct, frozen=True):
    separator: str | None = None
    max_tokens: _Tokens | None = None
    chunk_overlap: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None = None


class Rules(msgspec.Struct, frozen=True):
    pre_processing_rules: list[PreProcessing] | None = None
    segmentation: Segmentation | None = None
    parent_mode: Literal["full-doc", "paragraph"] | None = None
    subchunk_segmentation: Segmentation | None = None


class ProcessRule(msgspec.Struct, frozen=True):
    mode: Literal["automatic", "custom", "hierarchical"]
    rules: Rules | None = None


def chunking(rule: ProcessRule | None, form: Form | None, language: str | None = None) -> dict[str, Any] | None:
    """Ours; None where nothing is said. `language`: of what a model writes, where it does. Raises UsageError for a
    clean-up that there is not."""
    if rule is None and form in (None, "text_model"):
        return None
    if rule is not None and rule.mode == "hierarchical" and form is None:
        form = "hierarchical_model"
    said: dict[str, Any] = dict(_METHODS[form or "text_model"])
    if form == "qa_model" and language:
        said["language"] = language
    if rule is None or rule.mode == "automatic" or rule.rules is None:
        return said
    said |= _sizes(rule.rules.segmentation)
    wanted = [one.id for one in rule.rules.pre_processing_rules or [] if one.enabled]
    unknown = [one for one in wanted if one not in (*_CLEANINGS, "remove_stopwords")]
    if unknown:
        raise UsageError(f"`{unknown[0]}` is no pre-processing rule.", param="process_rule")
    cleanings = [one for one in _CLEANINGS if one in wanted]
    if cleanings:
        said["clean"] = cleanings
    if form == "hierarchical_model":
        said["parent"] = rule.rules.parent_mode or "paragraph"
        said["child"] = _sizes(rule.rules.subchunk_segmentation)
    return said


def _sizes(given: Segmentation | None) -> dict[str, Any]:
    if given is None:
        return {}
    named = {"separator": given.separator, "max_tokens": given.max_tokens, "overlap_tokens": given.chunk_overlap}
    return {name: value for name, value in named.items() if value not in (None, "")}


def process_rule(document: Document, base: KnowledgeBase) -> dict[str, Any]:
    """Dify's words for how a document is cut."""
    said = document.chunking or base.chunking
    sizes = {"max_tokens": base.chunk_tokens, "overlap_tokens": base.overlap_tokens, **said}
    cleanings = said.get("clean", [])
    rules: dict[str, Any] = {
        "pre_processing_rules": [{"id": one, "enabled": one in cleanings} for one in _CLEANINGS],
        "segmentation": _segmentation(sizes),
    }
    if said.get("method") == "parent_child":
        rules |= {
            "parent_mode": said.get("parent", "paragraph"),
            "subchunk_segmentation": _segmentation(said.get("child") or {}),
        }
        return {"mode": "hierarchical", "rules": rules}
    return {"mode": "custom" if said else "automatic", "rules": rules}


def _segmentation(sizes: dict[str, Any]) -> dict[str, Any]:
    return {
        "separator": sizes.get("separator", "\n\n"),
        "max_tokens": sizes.get("max_tokens"),
        "chunk_overlap": sizes.get("overlap_tokens"),
    }
