"""SQL of OpenAPI collections."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.store.tables import tool_collections as table
from llmflow.tools.openapi.types import Collection, Operation, Scheme

_SHOWN = [
    table.c.id,
    table.c.workspace_id,
    table.c.name,
    table.c.description,
    table.c.source_url,
    table.c.base_url,
    table.c.scheme,
    table.c.sealed_secret.is_not(None).label("has_secret"),
    table.c.created_at,
    table.c.updated_at,
]


async def collections(connection: AsyncConnection, workspace_id: str) -> list[Collection]:
    """By name."""
    rows = await connection.execute(
        sa.select(*_SHOWN).where(table.c.workspace_id == workspace_id).order_by(table.c.name, table.c.id)
    )
    found = []
    for row in rows:
        values = dict(row._mapping)
        scheme = msgspec.convert(values["scheme"], Scheme)
        found.append(Collection(**values | {"scheme": scheme, "has_secret": bool(values["has_secret"])}))
    return found


async def kept(connection: AsyncConnection, collection_id: str) -> tuple[list[Operation], str | None]:
    """A collection's operations and its sealed secret; nothing of one that is gone."""
    row = (
        await connection.execute(
            sa.select(table.c.operations, table.c.sealed_secret).where(table.c.id == collection_id)
        )
    ).first()
    return (msgspec.json.decode(row.operations, type=list[Operation]), row.sealed_secret) if row else ([], None)


async def insert(connection: AsyncConnection, **values: Any) -> None:
    await connection.execute(table.insert().values(**values))


async def update(connection: AsyncConnection, collection_id: str, **values: Any) -> None:
    await connection.execute(sa.update(table).where(table.c.id == collection_id).values(**values))


async def delete(connection: AsyncConnection, collection_id: str) -> None:
    await connection.execute(sa.delete(table).where(table.c.id == collection_id))
