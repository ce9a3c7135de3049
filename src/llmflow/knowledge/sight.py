"""Who sees what: which documents are open to whoever this task works for.

A document is open to its own groups; where it names none, to its base's; where that names none either, to everybody in
the workspace. A person's and a key's groups are proved (gateway/asker.py); what a request says of itself opens nothing.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa

from llmflow.gateway.asker import asker, speak_for
from llmflow.knowledge.types import Document, KnowledgeBase
from llmflow.store.tables import documents


def seen_groups() -> tuple[str, ...] | None:
    """The groups whose documents may be found, beside those of everybody; None: every document is open. LLMFlow's own
    work (nobody asked) finds what is open to everybody."""
    who = asker()
    return None if who.sees_all else who.groups


@contextmanager
def looking_as(groups: Sequence[str], *, sees_all: bool) -> Iterator[None]:
    """Inside, documents are there as for somebody of these groups; what a search costs stays the asker's."""
    before = asker()
    speak_for(dataclasses.replace(before, groups=tuple(groups), sees_all=sees_all))
    try:
        yield
    finally:
        speak_for(before)


def _managed_groups() -> tuple[str, ...] | None:
    """As `seen_groups`, for what is listed and looked after: there LLMFlow's own work sees all."""
    return None if not asker().workspace_id else seen_groups()


def may_find(document: Document, base_groups: Sequence[str]) -> bool:
    """Whether a search may show the document's passages."""
    return _is_open(document.groups or base_groups, seen_groups())


def may_ask(base: KnowledgeBase) -> bool:
    """Whether a search may ask another server for this base; its passages have no groups of their own."""
    return _is_open(base.groups, seen_groups())


def sees(document: Document, base_groups: Sequence[str]) -> bool:
    """Whether the document is there for whoever lists and looks after documents."""
    return _is_open(document.groups or base_groups, _managed_groups())


def sees_base(base: KnowledgeBase) -> bool:
    return _is_open(base.groups, _managed_groups())


def seen_rows(base: KnowledgeBase) -> list[sa.ColumnElement[bool]]:
    """Conditions on rows of `documents` of a base that is seen; none where all are."""
    groups = _managed_groups()
    if groups is None:
        return []
    kept = sa.cast(documents.c.groups, sa.Text)
    # a name's own quotes are escaped, so only at its start stands one behind a bracket or a space; LIKE would take HR
    # for hr on SQLite
    is_named = [
        sa.func.replace(kept, f"{before}{json.dumps(group)}", "") != kept for group in groups for before in "[ "
    ]
    as_base = kept == "[]" if _is_open(base.groups, groups) else sa.false()
    return [sa.or_(as_base, *is_named)]


def _is_open(to: Iterable[str], groups: tuple[str, ...] | None) -> bool:
    to = set(to)
    return groups is None or not to or not to.isdisjoint(groups)
