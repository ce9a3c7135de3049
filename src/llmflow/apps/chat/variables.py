"""The variables of a chatflow's conversations: read and written by its runs, and over the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.apps.chat.queries import as_json
from llmflow.apps.types import App, EndUser
from llmflow.errors import NotFound, UsageError
from llmflow.store import batch
from llmflow.store.batch import Row
from llmflow.store.content import Scope
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms
from llmflow.store.tables import conversation_variables
from llmflow.store.tables import conversations as conversations_table
from llmflow.workflow.types import Typed
from llmflow.workflow.variables import type_name

INSERT_VARIABLE = batch.insert(conversation_variables)
PUT_VARIABLE = batch.upsert(conversation_variables, ("conversation_id", "name"), ("type", "value", "updated_at"))

_COLUMNS = [conversation_variables.c[name] for name in ("id", "name", "type", "value", "created_at", "updated_at")]


@dataclass(frozen=True, slots=True)
class Variable:
    """`type`: Dify's: string, number, array[object] ...; times are Unix milliseconds."""

    id: str
    name: str
    type: str
    value: Any
    created_at: int
    updated_at: int


class Variables:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, user: EndUser, conversation_id: str, *, name: str | None, last_id: str | None, limit: int
    ) -> tuple[list[Variable], bool]:
        """Those behind the one with `last_id`, and whether there are more. Raises NotFound (conversation_not_exists),
        UsageError for a `last_id` of no variable here."""
        where = [conversation_variables.c.conversation_id == conversation_id]
        if name is not None:
            where.append(conversation_variables.c.name == name)
        if last_id is not None:
            where.append(conversation_variables.c.id > last_id)
        found = sa.select(*_COLUMNS).where(*where).order_by(conversation_variables.c.id).limit(limit + 1)
        async with self._database.read() as connection:
            await _check(connection, user, conversation_id)
            if last_id is not None and await connection.scalar(_which(conversation_id, last_id)) is None:
                raise UsageError("Last Conversation Variable Not Exists.", param="last_id")
            rows = (await connection.execute(found)).all()
        return [_variable(row) for row in rows[:limit]], len(rows) > limit

    async def write(self, user: EndUser, conversation_id: str, variable_id: str, value: Any) -> Variable:
        """Raises NotFound (conversation_not_exists, variable_not_exists) and UsageError (type_mismatch)."""
        which = sa.and_(
            conversation_variables.c.id == variable_id, conversation_variables.c.conversation_id == conversation_id
        )
        content = await self._database.boundary.admit_one(Scope("conversation", conversation_id), as_json(value))
        async with self._database.write() as connection:
            await _check(connection, user, conversation_id)
            row = (await connection.execute(sa.select(*_COLUMNS).where(which).with_for_update())).one_or_none()
            if row is None:
                raise NotFound("Conversation Variable Not Exists.", code="variable_not_exists")
            if not _takes(row.type, value):
                message = f"Type mismatch: variable '{row.name}' expects {row.type}, but got {type_name(value)} type"
                raise UsageError(message, code="type_mismatch", param="value")
            changed = sa.update(conversation_variables).where(which).values(value=content, updated_at=now_ms())
            await connection.execute(changed)
            row = (await connection.execute(sa.select(*_COLUMNS).where(which))).one()
        return _variable(row)


def _which(conversation_id: str, variable_id: str) -> sa.Select[tuple[str]]:
    table = conversation_variables.c
    return sa.select(table.id).where(table.id == variable_id, table.conversation_id == conversation_id)


async def values(connection: AsyncConnection, conversation_id: str) -> dict[str, Any]:
    """All variables of a conversation by name."""
    table = conversation_variables.c
    rows = await connection.execute(sa.select(table.name, table.value).where(table.conversation_id == conversation_id))
    return {row.name: msgspec.json.decode(row.value) for row in rows}


async def variable_rows(
    database: Database, app: App, conversation_id: str, variables: Mapping[str, Typed]
) -> list[Row]:
    """For INSERT_VARIABLE and PUT_VARIABLE."""
    if not variables:
        return []
    now = now_ms()
    words = [as_json(typed.value) for typed in variables.values()]
    kept = await database.boundary.admit(Scope("conversation", conversation_id), words)
    return [
        {
            "id": new_id(),
            "workspace_id": app.workspace_id,
            "app_id": app.id,
            "conversation_id": conversation_id,
            "name": name,
            "type": typed.type or type_name(typed.value),
            "value": value,
            "created_at": now,
            "updated_at": now,
        }
        for (name, typed), value in zip(variables.items(), kept, strict=True)
    ]


async def _check(connection: AsyncConnection, user: EndUser, conversation_id: str) -> None:
    """Raises NotFound for a conversation that is not the user's."""
    mine = sa.select(conversations_table.c.id).where(
        conversations_table.c.id == conversation_id,
        conversations_table.c.app_id == user.app_id,
        conversations_table.c.end_user_id == user.id,
    )
    if await connection.scalar(mine) is None:
        raise NotFound("Conversation Not Exists.", code="conversation_not_exists")


def _takes(type: str, value: Any) -> bool:
    """May a variable of that type have this value?"""
    found = type_name(value)
    if type in ("number", "integer", "float"):
        return found == "number"
    if type.startswith("array"):
        wanted = type[6:-1]
        return isinstance(value, list) and (wanted in ("any", "") or all(type_name(v) == wanted for v in value))
    return found == ("string" if type == "secret" else type)


def _variable(row: Any) -> Variable:
    values = dict(row._mapping)
    return Variable(**{**values, "value": msgspec.json.decode(values["value"])})
