"""SQL of the gateway."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.gateway.types import Connection
from llmflow.store.tables import model_connections as table
from llmflow.store.tables import model_routes


def _shown(row: sa.Row[Any]) -> Connection:
    values = dict(row._mapping)
    return Connection(**values | {"has_key": bool(values["has_key"])})


_SHOWN = [
    table.c.id,
    table.c.workspace_id,
    table.c.name,
    table.c.url,
    table.c.sealed_key.is_not(None).label("has_key"),
    table.c.model,
    table.c.context_tokens,
    table.c.is_default,
    table.c.kind,
    table.c.created_at,
    table.c.updated_at,
]


async def connections(connection: AsyncConnection, workspace_id: str) -> list[Connection]:
    rows = await connection.execute(sa.select(*_SHOWN).where(table.c.workspace_id == workspace_id).order_by(table.c.id))
    return [_shown(row) for row in rows]


async def sealed_key(connection: AsyncConnection, connection_id: str) -> str | None:
    found: str | None = await connection.scalar(sa.select(table.c.sealed_key).where(table.c.id == connection_id))
    return found


async def insert(connection: AsyncConnection, **values: Any) -> None:
    await connection.execute(table.insert().values(**values))


async def update(connection: AsyncConnection, connection_id: str, **values: Any) -> None:
    await connection.execute(sa.update(table).where(table.c.id == connection_id).values(**values))


async def delete(connection: AsyncConnection, connection_id: str) -> None:
    await connection.execute(sa.delete(table).where(table.c.id == connection_id))


async def prefer(connection: AsyncConnection, workspace_id: str, connection_id: str | None) -> None:
    """Makes one the default, None: none."""
    await connection.execute(
        sa.update(table)
        .where(table.c.workspace_id == workspace_id)
        .values(is_default=table.c.id == connection_id if connection_id else sa.false())
    )


async def routes(connection: AsyncConnection, workspace_id: str) -> dict[str, Any]:
    """Plain values by name."""
    rows = await connection.execute(
        sa.select(model_routes.c.name, model_routes.c.route)
        .where(model_routes.c.workspace_id == workspace_id)
        .order_by(model_routes.c.id)
    )
    return {row.name: row.route for row in rows}


async def change_route(connection: AsyncConnection, workspace_id: str, name: str, **values: Any) -> bool:
    """Whether there was one."""
    result = await connection.execute(
        sa.update(model_routes)
        .where(model_routes.c.workspace_id == workspace_id, model_routes.c.name == name)
        .values(**values)
    )
    return bool(result.rowcount)


async def insert_route(connection: AsyncConnection, **values: Any) -> None:
    await connection.execute(model_routes.insert().values(**values))


async def delete_route(connection: AsyncConnection, workspace_id: str, name: str) -> bool:
    """Whether there was one."""
    result = await connection.execute(
        sa.delete(model_routes).where(model_routes.c.workspace_id == workspace_id, model_routes.c.name == name)
    )
    return bool(result.rowcount)
