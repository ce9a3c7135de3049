"""The documents of `passages` as the database has them: what a search asks of it before it begins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sqlalchemy as sa

from benchmarks.passages import IN_A_DOCUMENT, SHARES, chunk_id, document_id, groups_of
from llmflow.gateway.asker import Asker, speak_for
from llmflow.knowledge import queries
from llmflow.knowledge.conditions import Condition, Conditions
from llmflow.knowledge.reach import reach
from llmflow.knowledge.types import KnowledgeBase
from llmflow.ports.vector_store import Filter
from llmflow.store.content import Scope
from llmflow.store.database import Database
from llmflow.store.tables import chunks, documents, knowledge_fields

_AT_ONCE = 2_000  # documents
_TEXT = "연차는 입사한 날부터 셉니다. Work rules hold for everybody who works here. " * 15  # 1 kB, as passages have
_FIELD = "team"


class InSql:
    def __init__(self, database: Database, base: KnowledgeBase) -> None:
        self._database, self._base = database, base

    async def by_groups(self, share: str) -> Filter:
        """What somebody of the group `share` may find; "all": an admin, who sees all."""
        speak_for(Asker(self._base.workspace_id, groups=(share,), sees_all=share == "all"))
        async with self._database.read() as connection:
            return await reach(connection, [self._base])

    async def by_condition(self, share: str) -> Filter:
        """The documents whose metadata fit a condition that a `share` of them does."""
        speak_for(Asker(self._base.workspace_id, sees_all=True))
        meant = Conditions((Condition(_FIELD, "contains", f"[{share}]"),))
        async with self._database.read() as connection:
            return await reach(connection, [self._base], meant)


@asynccontextmanager
async def filled(url: str, passages: int) -> AsyncIterator[InSql]:
    """`url`: of an empty database, sqlite:///path or postgresql://..."""
    database = Database(url)
    await database.open()
    base = KnowledgeBase("kb", "w", "bench", "", "e5", 400, 0, {}, {}, [], {}, None, None, "", 1, 1)
    own = {"workspace_id": base.workspace_id, "knowledge_id": base.id}
    text = await database.boundary.admit_one(Scope("knowledge", base.id), _TEXT)
    try:
        async with database.write() as connection:
            await queries.insert_base(connection, base)
            field = {"id": "f", "name": _FIELD, "type": "string", "created_at": 1}
            await connection.execute(sa.insert(knowledge_fields).values(own | field))
            count = passages // IN_A_DOCUMENT
            for start in range(0, count, _AT_ONCE):
                numbers = range(start, min(count, start + _AT_ONCE))
                rows = [own | _document(number) for number in numbers]
                await connection.execute(sa.insert(documents), rows)
                parts = range(numbers.start * IN_A_DOCUMENT, numbers.stop * IN_A_DOCUMENT)
                await connection.execute(sa.insert(chunks), [own | _chunk(part) | {"text": text} for part in parts])
        yield InSql(database, base)
    finally:
        await database.close()


def _document(number: int) -> dict[str, object]:
    groups = groups_of(number)
    return {
        "id": document_id(number),
        "name": f"규정 {number}.txt",
        "digest": "0" * 64,
        "size": 4096,
        "state": "ready",
        "warnings": [],
        "groups": list(groups),
        "metadata": {"f": "".join(f"[{share}]" for share in SHARES if share in groups)},
        "created_at": number,
        "updated_at": number,
    }


def _chunk(number: int) -> dict[str, object]:
    place = {"id": chunk_id(number), "document_id": document_id(number // IN_A_DOCUMENT)}
    return place | {"ordinal": number % IN_A_DOCUMENT, "tokens": 250, "heading_path": [], "kind": "text"}
