"""What a base's documents say of themselves: fields with a name and a type, and their values."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.errors import Conflict, NotFound, UsageError
from llmflow.knowledge import queries
from llmflow.knowledge.conditions import BUILT_IN, FieldType
from llmflow.knowledge.types import Document, KnowledgeBase
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms
from llmflow.store.tables import documents, knowledge_fields
from llmflow.store.unique import unique

_MOST_CHARACTERS = 8_000
_AT_ONCE = 500  # documents whose values are rewritten in one statement's parameters


@dataclass(frozen=True, slots=True)
class Field:
    """`type`: a string, a number, or a time in Unix seconds."""

    id: str
    knowledge_id: str
    name: str
    type: FieldType
    created_at: int


@dataclass(frozen=True, slots=True)
class Value:
    field: Field
    value: str | int | float | None


class Fields:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, base: KnowledgeBase) -> list[Field]:
        """In the order they were made."""
        return (await self.of_bases([base.id])).get(base.id, [])

    async def of_bases(self, base_ids: Sequence[str]) -> dict[str, list[Field]]:
        async with self._database.read() as connection:
            rows = await connection.execute(
                sa.select(*_FIELD).where(knowledge_fields.c.knowledge_id.in_(base_ids)).order_by(knowledge_fields.c.id)
            )
        found: dict[str, list[Field]] = {}
        for row in rows:
            found.setdefault(row.knowledge_id, []).append(Field(**row._mapping))
        return found

    async def counts(self, base: KnowledgeBase) -> dict[str, int]:
        """How many documents say something of each field, by its id."""
        async with self._database.read() as connection:
            rows = await connection.scalars(sa.select(documents.c.metadata).where(*_describing(base)))
        counts: dict[str, int] = {}
        for said in rows:
            for field_id in said:
                counts[field_id] = counts.get(field_id, 0) + 1
        return counts

    async def create(self, base: KnowledgeBase, name: str, type: str) -> Field:
        """Raises UsageError for a name or a type that is none and Conflict for a taken name."""
        if type not in get_args(FieldType):
            raise UsageError(f"type must be one of {', '.join(get_args(FieldType))}.", param="type")
        field = Field(new_id(), base.id, _checked(name), type, now_ms())  # type: ignore[arg-type]  # checked above
        with unique(Conflict("Metadata name already exists.", param="name")):
            async with self._database.write() as connection:
                if not await queries.lock_base(connection, base.id):
                    raise NotFound(f"The knowledge base `{base.name}` was deleted.", param="knowledge")
                await connection.execute(
                    knowledge_fields.insert().values(
                        id=field.id,
                        workspace_id=base.workspace_id,
                        knowledge_id=base.id,
                        name=field.name,
                        type=field.type,
                        created_at=field.created_at,
                    )
                )
        return field

    async def rename(self, base: KnowledgeBase, field_id: str, name: str) -> Field:
        """Raises NotFound, UsageError for a name that is none and Conflict for a taken one."""
        name = _checked(name)
        with unique(Conflict("Metadata name already exists.", param="name")):
            async with self._database.write() as connection:
                result = await connection.execute(
                    sa.update(knowledge_fields).where(*_one(base, field_id)).values(name=name)
                )
        if not result.rowcount:
            raise NotFound("Metadata not found.")
        return next(field for field in await self.all(base) if field.id == field_id)

    async def delete(self, base: KnowledgeBase, field_id: str) -> None:
        """With what documents say of it. Raises NotFound."""
        async with self._database.write() as connection:
            await queries.lock_base(connection, base.id)  # nobody describes a document meanwhile
            result = await connection.execute(sa.delete(knowledge_fields).where(*_one(base, field_id)))
            if not result.rowcount:
                raise NotFound("Metadata not found.")
            await _forget(connection, base, field_id)

    async def checked(self, base: KnowledgeBase, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values by field id as they are kept: numbers and times (Unix seconds) as numbers, also where they come as
        text. Raises UsageError for what is of no field or of another type."""
        fields = {field.id: field for field in await self.all(base)}
        found = {}
        for field_id, value in values.items():
            field = fields.get(field_id)
            if field is None:
                raise UsageError(f"There is no metadata field {field_id}.", param="id")
            found[field_id] = _value(field, value)
        return found


def values_of(document: Document, fields: Sequence[Field]) -> list[Value]:
    """In the order of the fields."""
    return [Value(field, document.metadata[field.id]) for field in fields if field.id in document.metadata]


def _value(field: Field, value: Any) -> str | int | float | None:
    if value is None:
        return None
    if field.type == "string":
        if not isinstance(value, str | int | float):
            raise UsageError(f"`{field.name}` takes a text.", param=field.name)
        text = unicodedata.normalize("NFC", str(value)).replace("\x00", "")
        if len(text) > _MOST_CHARACTERS:
            raise UsageError(f"`{field.name}` takes at most {_MOST_CHARACTERS} characters.", param=field.name)
        return text
    number = _number(value, is_time=field.type == "time")
    if number is None:
        wanted = "a time: Unix seconds, or 2026-01-31T09:00:00" if field.type == "time" else "a number"
        raise UsageError(f"`{field.name}` takes {wanted}.", param=field.name)
    return number


def _number(value: Any, *, is_time: bool) -> int | float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if abs(value) < 2**53 else float(value) if abs(value) < 10**300 else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if not isinstance(value, str):
        return None
    try:
        return _number(float(value) if not value.strip().lstrip("-").isdigit() else int(value), is_time=is_time)
    except ValueError:
        pass
    try:
        return int(datetime.fromisoformat(value.strip()).timestamp()) if is_time else None
    except (ValueError, OverflowError):
        return None


_FIELD = [knowledge_fields.c[name] for name in Field.__dataclass_fields__]


def _one(base: KnowledgeBase, field_id: str) -> list[sa.ColumnElement[bool]]:
    return [knowledge_fields.c.id == field_id, knowledge_fields.c.knowledge_id == base.id]


def _describing(base: KnowledgeBase) -> list[sa.ColumnElement[bool]]:
    """Documents of the base that say something."""
    return [
        documents.c.knowledge_id == base.id,
        documents.c.state != "deleting",
        sa.cast(documents.c.metadata, sa.Text) != "{}",
    ]


async def _forget(connection: AsyncConnection, base: KnowledgeBase, field_id: str) -> None:
    found = await connection.execute(sa.select(documents.c.id, documents.c.metadata).where(*_describing(base)))
    rows = [
        {"of_id": id, "new_metadata": {key: value for key, value in said.items() if key != field_id}}
        for id, said in found
        if field_id in said
    ]
    update = sa.update(documents).where(documents.c.id == sa.bindparam("of_id"))
    update = update.values(metadata=sa.bindparam("new_metadata", type_=sa.JSON))
    for start in range(0, len(rows), _AT_ONCE):
        await connection.execute(update, rows[start : start + _AT_ONCE])


def _checked(name: str) -> str:
    name = unicodedata.normalize("NFC", name.strip()).replace("\x00", "")
    if not 1 <= len(name) <= 255:
        raise UsageError("Metadata name must have 1 to 255 characters.", param="name")
    if name in BUILT_IN:
        raise UsageError("Metadata name already exists in Built-in fields.", param="name")
    return name
