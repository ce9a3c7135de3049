"""The documents that questions name, as the base has them and as far as whoever asks may see them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.knowledge.evaluation.types import Asked, Expected, Fault, Judged, Problem
from llmflow.knowledge.sight import seen_rows
from llmflow.knowledge.types import KnowledgeBase
from llmflow.store.tables import documents

_AT_ONCE = 2_000  # values of one IN list
_COLUMNS = [documents.c[name] for name in ("id", "name", "state", "enabled", "archived", "chunk_count")]


@dataclass(frozen=True, slots=True)
class _Document:
    id: str
    name: str
    state: str
    enabled: bool
    archived: bool
    chunk_count: int


async def resolved(
    connection: AsyncConnection, base: KnowledgeBase, asked: Sequence[Asked]
) -> tuple[list[Judged], list[Problem]]:
    """Questions with their documents, and why others cannot be asked. A document is meant by its id, its name, or its
    name without regard to case or without its ending where only one is called so."""
    known = await _documents(connection, base, {name for one in asked for name in one.documents})
    questions: list[Judged] = []
    problems: list[Problem] = []
    for one in asked:
        expected: dict[str, Expected] = {}
        wrong = None
        for name in one.documents:
            found = known.get(name, [])
            wrong = wrong or _wrong(base, one.line, name, found)
            if wrong is None:
                expected[found[0].id] = Expected(found[0].id, found[0].name)
        if wrong is None:
            questions.append(Judged(len(questions), one.question, list(expected.values()), one.passage))
        else:
            problems.append(wrong)
    return questions, problems


async def visible(connection: AsyncConnection, base: KnowledgeBase, ids: Iterable[str]) -> set[str]:
    """Those of the documents that whoever asks may see; one that is gone is seen by nobody."""
    wanted = sorted(set(ids))
    seen: set[str] = set()
    for start in range(0, len(wanted), _AT_ONCE):
        some = documents.c.id.in_(wanted[start : start + _AT_ONCE])
        of_base = documents.c.knowledge_id == base.id
        seen.update(await connection.scalars(sa.select(documents.c.id).where(of_base, some, *seen_rows(base))))
    return seen


def _wrong(base: KnowledgeBase, line: int, name: str, found: Sequence[_Document]) -> Problem | None:
    """Why no search could find it, so that its question would say nothing."""
    fault: Fault
    if not found:
        fault, text = "document_unknown", f"`{base.name}` has no document `{name}`."
    elif len(found) > 1:
        fault, text = "document_ambiguous", f"Several documents are called `{name}`; give the whole name or the id."
    elif not found[0].enabled or found[0].archived:
        fault, text = "document_off", f"`{name}` is switched off or archived, so no search finds it."
    elif not found[0].chunk_count:
        fault, text = "document_unread", f"`{name}` is {found[0].state} and has no passages yet."
    else:
        return None
    return Problem(line, fault, text, name)


async def _documents(
    connection: AsyncConnection, base: KnowledgeBase, names: set[str]
) -> Mapping[str, list[_Document]]:
    where = [documents.c.knowledge_id == base.id, documents.c.state != "deleting", *seen_rows(base)]
    known: dict[str, list[_Document]] = {}
    wanted = sorted(names)
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        is_meant = sa.or_(documents.c.name.in_(some), documents.c.id.in_(some))
        for row in await connection.execute(sa.select(*_COLUMNS).where(*where, is_meant)):
            document = _Document(**row._mapping)
            for key in {document.id, document.name} & names:
                known[key] = [document]
    left = names - known.keys()
    if not left:
        return known
    loosely: dict[str, list[_Document]] = {}
    for row in await connection.execute(sa.select(*_COLUMNS).where(*where).order_by(documents.c.id)):
        document = _Document(**row._mapping)
        for key in _loose(document.name):
            loosely.setdefault(key, []).append(document)
    for name in left:
        found = next((loosely[key] for key in _loose(name) if key in loosely), None)
        if found is not None:
            known[name] = found
    return known


def _loose(name: str) -> list[str]:
    """What a name is known by when it is not given to the letter, the nearest first."""
    folded = unicodedata.normalize("NFC", name).casefold()
    stem, dot, suffix = folded.rpartition(".")
    return list(dict.fromkeys([folded, stem if dot and len(suffix) <= 5 else folded]))
