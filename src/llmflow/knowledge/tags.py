"""Tags of knowledge bases."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from llmflow.errors import Conflict, NotFound, UsageError
from llmflow.knowledge import queries
from llmflow.knowledge.types import KnowledgeBase
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms
from llmflow.store.tables import knowledge_tags, tags_of_knowledge
from llmflow.store.unique import unique


@dataclass(frozen=True, slots=True)
class Tag:
    """`bases`: how many knowledge bases have it."""

    id: str
    name: str
    bases: int


class Tags:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, workspace_id: str) -> list[Tag]:
        """The newest first."""
        async with self._database.read() as connection:
            rows = await connection.execute(
                sa.select(knowledge_tags.c.id, knowledge_tags.c.name, sa.func.count(tags_of_knowledge.c.knowledge_id))
                .join_from(knowledge_tags, tags_of_knowledge, _BOUND, isouter=True)
                .where(knowledge_tags.c.workspace_id == workspace_id)
                .group_by(knowledge_tags.c.id, knowledge_tags.c.name)
                .order_by(knowledge_tags.c.id.desc())
            )
        return [Tag(*row) for row in rows]

    async def of_bases(self, base_ids: Sequence[str]) -> dict[str, list[Tag]]:
        """Tags of each base; how many others have them is not counted here."""
        async with self._database.read() as connection:
            rows = await connection.execute(
                sa.select(tags_of_knowledge.c.knowledge_id, knowledge_tags.c.id, knowledge_tags.c.name)
                .join_from(knowledge_tags, tags_of_knowledge, _BOUND)
                .where(tags_of_knowledge.c.knowledge_id.in_(base_ids))
                .order_by(knowledge_tags.c.id)
            )
        found: dict[str, list[Tag]] = {}
        for base_id, id, name in rows:
            found.setdefault(base_id, []).append(Tag(id, name, 0))
        return found

    async def tagged(self, workspace_id: str, tag_ids: Sequence[str]) -> set[str]:
        """Ids of the bases that have every one of these tags."""
        wanted = set(tag_ids)
        async with self._database.read() as connection:
            rows = await connection.execute(
                sa.select(tags_of_knowledge.c.knowledge_id)
                .where(tags_of_knowledge.c.workspace_id == workspace_id, tags_of_knowledge.c.tag_id.in_(wanted))
                .group_by(tags_of_knowledge.c.knowledge_id)
                .having(sa.func.count() == len(wanted))
            )
        return {row[0] for row in rows}

    async def create(self, workspace_id: str, name: str) -> Tag:
        """Raises UsageError for a name that is none and Conflict for a taken one."""
        tag = Tag(new_id(), _checked(name), 0)
        with unique(Conflict("Tag name already exists", param="name")):
            async with self._database.write() as connection:
                await connection.execute(
                    knowledge_tags.insert().values(
                        id=tag.id, workspace_id=workspace_id, name=tag.name, created_at=now_ms()
                    )
                )
        return tag

    async def rename(self, workspace_id: str, tag_id: str, name: str) -> Tag:
        """Raises NotFound, UsageError for a name that is none and Conflict for a taken one."""
        name = _checked(name)
        with unique(Conflict("Tag name already exists", param="name")):
            async with self._database.write() as connection:
                result = await connection.execute(
                    sa.update(knowledge_tags).where(*_one(workspace_id, tag_id)).values(name=name)
                )
        if not result.rowcount:
            raise NotFound("Tag not found")
        return next(tag for tag in await self.all(workspace_id) if tag.id == tag_id)

    async def delete(self, workspace_id: str, tag_id: str) -> None:
        """Takes it off the bases that have it. Raises NotFound."""
        async with self._database.write() as connection:
            result = await connection.execute(sa.delete(knowledge_tags).where(*_one(workspace_id, tag_id)))
            if not result.rowcount:
                raise NotFound("Tag not found")
            await connection.execute(sa.delete(tags_of_knowledge).where(tags_of_knowledge.c.tag_id == tag_id))

    async def put(self, base: KnowledgeBase, tag_ids: Sequence[str]) -> None:
        """These and no others. Raises what `bind` raises."""
        await self.bind(base, tag_ids)
        async with self._database.write() as connection:
            others = tags_of_knowledge.c.tag_id.not_in(tag_ids)
            await connection.execute(
                sa.delete(tags_of_knowledge).where(tags_of_knowledge.c.knowledge_id == base.id, others)
            )

    async def bind(self, base: KnowledgeBase, tag_ids: Sequence[str]) -> None:
        """Once more does nothing. Raises NotFound for a tag that there is not."""
        wanted = list(dict.fromkeys(tag_ids))
        async with self._database.write() as connection:
            if not await queries.lock_base(connection, base.id):
                raise NotFound(f"The knowledge base `{base.name}` was deleted.", param="knowledge")
            of_workspace = knowledge_tags.c.workspace_id == base.workspace_id
            there = set(
                await connection.scalars(
                    sa.select(knowledge_tags.c.id).where(of_workspace, knowledge_tags.c.id.in_(wanted))
                )
            )
            if there != set(wanted):
                raise NotFound("Tag not found")
            has = set(
                await connection.scalars(
                    sa.select(tags_of_knowledge.c.tag_id).where(tags_of_knowledge.c.knowledge_id == base.id)
                )
            )
            rows = [
                {"tag_id": tag_id, "knowledge_id": base.id, "workspace_id": base.workspace_id}
                for tag_id in wanted
                if tag_id not in has
            ]
            if rows:
                await connection.execute(tags_of_knowledge.insert(), rows)

    async def unbind(self, base: KnowledgeBase, tag_ids: Sequence[str]) -> None:
        """Those it has."""
        async with self._database.write() as connection:
            await connection.execute(
                sa.delete(tags_of_knowledge).where(
                    tags_of_knowledge.c.knowledge_id == base.id, tags_of_knowledge.c.tag_id.in_(tag_ids)
                )
            )


_BOUND = tags_of_knowledge.c.tag_id == knowledge_tags.c.id


def _one(workspace_id: str, tag_id: str) -> list[sa.ColumnElement[bool]]:
    return [knowledge_tags.c.id == tag_id, knowledge_tags.c.workspace_id == workspace_id]


def _checked(name: str) -> str:
    name = unicodedata.normalize("NFC", name.strip()).replace("\x00", "")
    if not 1 <= len(name) <= 50:
        raise UsageError("Tag name must be between 1 and 50 characters.", param="name")
    return name
