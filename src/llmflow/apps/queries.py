"""SQL of apps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.apps.chat.file_queries import delete_files_of_app
from llmflow.apps.types import (
    App,
    AppContents,
    ChatConfig,
)
from llmflow.store.tables import (
    annotation_hits,
    annotation_replies,
    api_keys,
    app_annotations,
    app_versions,
    apps,
    conversation_variables,
    conversations,
    deliveries,
    end_users,
    feedbacks,
    files,
    knowledge_bases,
    messages,
    sites,
    triggers,
    workflow_runs,
)
from llmflow.workflow.journal.queries import delete_runs

_APP = [apps.c[name] for name in App.__dataclass_fields__]


async def insert_app(connection: AsyncConnection, app: App) -> None:
    values = {name: getattr(app, name) for name in App.__dataclass_fields__}
    await connection.execute(apps.insert().values(**{**values, "config": msgspec.to_builtins(app.config)}))


async def all_apps(connection: AsyncConnection, workspace_id: str) -> list[App]:
    rows = await connection.execute(sa.select(*_APP).where(apps.c.workspace_id == workspace_id).order_by(apps.c.id))
    return [_app(row) for row in rows]


async def app(connection: AsyncConnection, workspace_id: str, id_or_name: str) -> App | None:
    """By id, else by name."""
    rows = await connection.execute(
        sa.select(*_APP).where(
            apps.c.workspace_id == workspace_id, sa.or_(apps.c.id == id_or_name, apps.c.name == id_or_name)
        )
    )
    found = [_app(row) for row in rows]
    return min(found, key=lambda a: a.id != id_or_name) if found else None


async def update_app(connection: AsyncConnection, app_id: str, seen_at: int | None, **values: Any) -> bool:
    """False when the app is gone, or was changed since `seen_at`."""
    where = [apps.c.id == app_id, *([apps.c.updated_at == seen_at] if seen_at is not None else [])]
    result = await connection.execute(sa.update(apps).where(*where).values(**values))
    return result.rowcount > 0


async def contents_of_app(connection: AsyncConnection, app_id: str) -> AppContents:
    tables = {"conversations": conversations, "end_users": end_users, "files": files, "keys": api_keys}
    counts = [
        sa.select(sa.func.count()).where(table.c.app_id == app_id).scalar_subquery().label(name)
        for name, table in tables.items()
    ]
    return AppContents(**(await connection.execute(sa.select(*counts))).one()._mapping)


async def base_read_by(connection: AsyncConnection, app_id: str) -> str | None:
    """The name of the knowledge base whose pipeline the app is."""
    found: str | None = await connection.scalar(
        sa.select(knowledge_bases.c.name).where(knowledge_bases.c.pipeline_id == app_id).limit(1)
    )
    return found


async def names_of_users(
    connection: AsyncConnection, workspace_id: str, ids: Sequence[str]
) -> list[tuple[str, str, str, str]]:
    """Users of apps: id, source, the name that the source gave, the app's name."""
    rows = await connection.execute(
        sa.select(end_users.c.id, end_users.c.source, end_users.c.external_id, apps.c.name)
        .join(apps, apps.c.id == end_users.c.app_id)
        .where(end_users.c.workspace_id == workspace_id, end_users.c.id.in_(ids))
    )
    return [(row.id, row.source, row.external_id, row.name) for row in rows]


async def delete_app(connection: AsyncConnection, app_id: str) -> set[str]:
    """With all that is its own; the digests of files that were sent to it."""
    digests = await delete_files_of_app(connection, app_id)
    await delete_runs(connection, workflow_runs.c.app_id == app_id)
    for table in (
        annotation_hits,
        annotation_replies,
        app_annotations,
        feedbacks,
        messages,
        conversation_variables,
        conversations,
        end_users,
        api_keys,
        sites,
        deliveries,
        triggers,
        app_versions,
    ):
        await connection.execute(sa.delete(table).where(table.c.app_id == app_id))
    await connection.execute(sa.delete(apps).where(apps.c.id == app_id))
    return digests


def _app(row: Any) -> App:
    values = dict(row._mapping)
    return App(**{**values, "config": msgspec.convert(values["config"], ChatConfig)})
