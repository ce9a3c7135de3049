"""SQL of the versions of apps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.apps.types import AppVersion
from llmflow.store.tables import app_versions

DRAFT = 0
_VERSION = [app_versions.c[name] for name in AppVersion.__dataclass_fields__]
_SEALED = [*_VERSION, app_versions.c.sealed]


async def insert_version(connection: AsyncConnection, version: AppVersion, sealed: str) -> None:
    values = {name: getattr(version, name) for name in AppVersion.__dataclass_fields__}
    await connection.execute(app_versions.insert().values(**values, sealed=sealed))


async def update_version(connection: AsyncConnection, version: AppVersion, seen_hash: str, **values: Any) -> bool:
    """False when the row is no longer as `seen_hash` saw it."""
    changed = await connection.execute(
        sa.update(app_versions)
        .where(app_versions.c.id == version.id, app_versions.c.hash == seen_hash)
        .values(**values)
    )
    return bool(changed.rowcount)


async def delete_version(connection: AsyncConnection, version: AppVersion) -> None:
    await connection.execute(sa.delete(app_versions).where(app_versions.c.id == version.id))


async def versions(connection: AsyncConnection, app_id: str) -> list[AppVersion]:
    """The published ones, newest first."""
    rows = await connection.execute(
        sa.select(*_VERSION)
        .where(app_versions.c.app_id == app_id, app_versions.c.number > DRAFT)
        .order_by(app_versions.c.number.desc())
    )
    return [AppVersion(**row._mapping) for row in rows]


async def version(connection: AsyncConnection, app_id: str, number: int) -> tuple[AppVersion, str] | None:
    """With what is sealed."""
    where = sa.and_(app_versions.c.app_id == app_id, app_versions.c.number == number)
    row = (await connection.execute(sa.select(*_SEALED).where(where))).one_or_none()
    return _with_sealed(row) if row else None


async def version_by_id(connection: AsyncConnection, app_id: str, version_id: str) -> tuple[AppVersion, str] | None:
    where = sa.and_(app_versions.c.app_id == app_id, app_versions.c.id == version_id)
    row = (await connection.execute(sa.select(*_SEALED).where(where))).one_or_none()
    return _with_sealed(row) if row else None


async def newest(connection: AsyncConnection, app_id: str) -> AppVersion | None:
    """The published version in force; None before the first."""
    rows = await connection.execute(
        sa.select(*_VERSION)
        .where(app_versions.c.app_id == app_id, app_versions.c.number > DRAFT)
        .order_by(app_versions.c.number.desc())
        .limit(1)
    )
    row = rows.one_or_none()
    return AppVersion(**row._mapping) if row else None


async def drafts_and_newest(connection: AsyncConnection, workspace_id: str) -> list[tuple[str, int, str]]:
    """Of every app its draft and its version in force, those that there are: app, number, hash."""
    of, newest = app_versions, app_versions.alias("newest")
    latest = sa.select(sa.func.max(newest.c.number)).where(newest.c.app_id == of.c.app_id).scalar_subquery()
    rows = await connection.execute(
        sa.select(of.c.app_id, of.c.number, of.c.hash).where(
            of.c.workspace_id == workspace_id, sa.or_(of.c.number == DRAFT, of.c.number == latest)
        )
    )
    return [(row.app_id, row.number, row.hash) for row in rows]


async def published(connection: AsyncConnection, app_ids: Sequence[str]) -> set[str]:
    where = (app_versions.c.app_id.in_(list(app_ids)), app_versions.c.number > DRAFT)
    return set(await connection.scalars(sa.select(app_versions.c.app_id).where(*where).distinct()))


async def count(connection: AsyncConnection, app_id: str) -> int:
    """Published versions."""
    found = await connection.scalar(
        sa.select(sa.func.count()).where(app_versions.c.app_id == app_id, app_versions.c.number > DRAFT)
    )
    return int(found or 0)


def _with_sealed(row: Any) -> tuple[AppVersion, str]:
    values = dict(row._mapping)
    sealed: str = values.pop("sealed")
    return AppVersion(**values), sealed
