"""How a knowledge base or a document is cut: what is kept of it, as a rule of the chunker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from llmflow.errors import UsageError
from llmflow.knowledge.types import Document, KnowledgeBase
from llmflow.ports.chunker import ChunkRule, Sizes

_LEAST_TOKENS = 16  # of a passage: less says too little to be found
_PARENT_TOKENS = 1_000  # a parent is not embedded, so the model's window does not bound it
_ASKED_TOKENS = 800  # of a part that a model is asked about: a page, so that few calls are made and answers are whole
_MOST_ASKED_TOKENS = 4_000
_UNBOUND = 10**9


def checked(kept: Mapping[str, Any]) -> dict[str, Any]:
    """The setting as it may be kept; {} is as the server's settings say. Raises UsageError for what no rule has."""
    try:
        msgspec.convert(dict(kept), ChunkRule)
    except msgspec.ValidationError as error:
        raise UsageError(f"No such rule of cutting: {error}.", param="chunking") from error
    child = dict(kept.get("child") or {})
    unknown = [name for name in kept if name not in ChunkRule.__struct_fields__]
    unknown += [name for name in child if name not in Sizes.__struct_fields__]
    if unknown:
        raise UsageError(f"A rule of cutting has no `{unknown[0]}`.", param="chunking")
    for sizes in (kept, child):
        most, shared = sizes.get("max_tokens", _PARENT_TOKENS), sizes.get("overlap_tokens", 0)
        if most < _LEAST_TOKENS or not 0 <= shared < most:
            raise UsageError(
                f"max_tokens is at least {_LEAST_TOKENS}, and overlap_tokens lies from 0 below it.", param="chunking"
            )
    return dict(kept)


def rule_of(base: KnowledgeBase, document: Document, *, most: int) -> ChunkRule:
    """As the document says, else as its base; the model that writes questions is the base's where the document names
    none. `most`: tokens that the embedding model reads of a passage."""
    said = dict(document.chunking or base.chunking)
    if said.get("method") == "qa" and not said.get("model"):
        said["model"] = base.chunking.get("model", "")
    return rule_from(base, said, most=most)


def rule_from(base: KnowledgeBase, said: Mapping[str, Any], *, most: int) -> ChunkRule:
    """The rule of a setting in this base."""
    # a text that names separators and no method is cut there, as clients of the Service API expect
    method = said.get("method") or ("fixed" if said.get("separator") else "headings")
    plain = {"max_tokens": base.chunk_tokens, "overlap_tokens": base.overlap_tokens}
    parts, bound = {"max_tokens": 120, "overlap_tokens": 0}, most
    if method == "parent_child":
        plain["max_tokens"], bound = _PARENT_TOKENS, _UNBOUND
    elif method == "qa":
        plain, parts, bound = {"max_tokens": _ASKED_TOKENS, "overlap_tokens": 0}, plain, _MOST_ASKED_TOKENS
    child = {**parts, **(said.get("child") or {})}
    rule = msgspec.convert({**plain, **said, "method": method, "child": child}, ChunkRule)
    size = max(_LEAST_TOKENS, min(rule.max_tokens, bound))
    return msgspec.structs.replace(
        rule,
        max_tokens=size,
        overlap_tokens=min(rule.overlap_tokens, size // 2) if said else rule.overlap_tokens,
        separator=_spelt(rule.separator),
        child=msgspec.structs.replace(
            rule.child,
            max_tokens=max(_LEAST_TOKENS, min(rule.child.max_tokens, most)),
            separator=_spelt(rule.child.separator),
        ),
    )


def _spelt(separator: str) -> str:
    """Line ends and tabs as people write them."""
    return separator.replace("\\n", "\n").replace("\\t", "\t")
