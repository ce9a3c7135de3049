"""SQL of public pages."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.apps.types import Site, SiteSettings
from llmflow.store.tables import sites

_SITE = [sites.c[name] for name in Site.__dataclass_fields__]


async def insert_site(connection: AsyncConnection, site: Site) -> None:
    values = {name: getattr(site, name) for name in Site.__dataclass_fields__}
    await connection.execute(sites.insert().values(**{**values, "settings": msgspec.to_builtins(site.settings)}))


async def update_site(connection: AsyncConnection, site_id: str, **values: Any) -> None:
    await connection.execute(sa.update(sites).where(sites.c.id == site_id).values(**values))


async def site_of(connection: AsyncConnection, app_id: str) -> Site | None:
    return await _one(connection, sites.c.app_id == app_id)


async def site_by_code(connection: AsyncConnection, code: str) -> Site | None:
    return await _one(connection, sites.c.code == code)


async def all_sites(connection: AsyncConnection, workspace_id: str) -> list[Site]:
    rows = await connection.execute(sa.select(*_SITE).where(sites.c.workspace_id == workspace_id).order_by(sites.c.id))
    return [_site(row) for row in rows]


async def _one(connection: AsyncConnection, where: sa.ColumnElement[bool]) -> Site | None:
    row = (await connection.execute(sa.select(*_SITE).where(where))).one_or_none()
    return _site(row) if row else None


def _site(row: Any) -> Site:
    values = dict(row._mapping)
    return Site(**{**values, "settings": msgspec.convert(values["settings"], SiteSettings)})
