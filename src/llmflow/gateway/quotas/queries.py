"""SQL of quotas, of what was taken of them, of spend and of prices."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.gateway.quotas.prices import Price
from llmflow.gateway.quotas.types import Quota, Spent, Sums, Window
from llmflow.store import batch
from llmflow.store.database import Database
from llmflow.store.tables import model_prices, quota_windows, quotas, spend

_SUMS = tuple(Sums.__slots__)
_ADD_SPENT = batch.add(spend, [field.name for field in dataclasses.fields(Spent)], _SUMS)


# quotas


def _quota(row: sa.Row[Any]) -> Quota:
    values = dict(row._mapping)
    models = values["models"]
    return Quota(**values | {"models": None if models is None else tuple(models)})


async def all_quotas(connection: AsyncConnection, workspace_id: str) -> list[Quota]:
    rows = await connection.execute(
        sa.select(quotas).where(quotas.c.workspace_id == workspace_id).order_by(quotas.c.id)
    )
    return [_quota(row) for row in rows]


async def put_quota(connection: AsyncConnection, quota: Quota) -> None:
    values = dataclasses.asdict(quota)
    done = await connection.execute(sa.update(quotas).where(quotas.c.id == quota.id).values(**values))
    if not done.rowcount:
        await connection.execute(quotas.insert().values(**values))


async def delete_quota(connection: AsyncConnection, workspace_id: str, quota_id: str) -> bool:
    done = await connection.execute(
        sa.delete(quotas).where(quotas.c.workspace_id == workspace_id, quotas.c.id == quota_id)
    )
    await connection.execute(sa.delete(quota_windows).where(quota_windows.c.quota_id == quota_id))
    return bool(done.rowcount)


# what was taken


def _this(window: Window) -> sa.ColumnElement[bool]:
    return sa.and_(
        quota_windows.c.quota_id == window.quota_id,
        quota_windows.c.measure == window.measure,
        quota_windows.c.start == window.start,
    )


async def taken(connection: AsyncConnection, window: Window) -> int:
    found = await connection.scalar(sa.select(quota_windows.c.taken).where(_this(window)))
    return int(found or 0)


async def take(connection: AsyncConnection, window: Window, amount: int) -> bool:
    """One statement, so that no two processes take the same: whether it was still there."""
    is_sqlite = connection.dialect.name == "sqlite"
    insert: Any = (sqlite.insert if is_sqlite else postgresql.insert)(quota_windows)
    insert = insert.values(
        workspace_id=window.workspace_id,
        quota_id=window.quota_id,
        measure=window.measure,
        start=window.start,
        taken=amount,
    )
    total = quota_windows.c.taken + amount
    done = await connection.execute(
        insert.on_conflict_do_update(
            index_elements=["quota_id", "measure", "start"], set_={"taken": total}, where=total <= window.bound
        ).returning(quota_windows.c.taken)
    )
    return done.first() is not None


async def give_back(connection: AsyncConnection, window: Window, amount: int) -> None:
    """`amount` below zero: used beyond what was taken."""
    await connection.execute(sa.update(quota_windows).where(_this(window)).values(taken=quota_windows.c.taken - amount))


async def taken_of(connection: AsyncConnection, quota_ids: Sequence[str], *, month: int, minute: int) -> list[Window]:
    """What was taken of quotas since the month's and the minute's beginning; `bound` is what was taken."""
    is_money = quota_windows.c.measure == "money"
    is_current = sa.or_(quota_windows.c.start >= minute, sa.and_(is_money, quota_windows.c.start >= month))
    rows = await connection.execute(sa.select(quota_windows).where(quota_windows.c.quota_id.in_(quota_ids), is_current))
    return [Window(row.workspace_id, row.quota_id, row.measure, row.start, row.taken) for row in rows]


async def forget_minutes(connection: AsyncConnection, quota_id: str, before: int) -> None:
    mine = sa.and_(quota_windows.c.quota_id == quota_id, quota_windows.c.measure != "money")
    await connection.execute(sa.delete(quota_windows).where(mine, quota_windows.c.start < before))


async def forget_windows(connection: AsyncConnection, before: int) -> None:
    """Of minutes, days and months that are long over."""
    await connection.execute(sa.delete(quota_windows).where(quota_windows.c.start < before))


# spend


async def add_spent(database: Database, sums: Mapping[Spent, Sums]) -> None:
    rows = [dataclasses.asdict(about) | dataclasses.asdict(each) for about, each in sums.items()]
    await database.apply([(_ADD_SPENT, rows)])


async def spent(
    connection: AsyncConnection, workspace_id: str, by: Sequence[str], since: int, until: int
) -> list[dict[str, Any]]:
    """Sums from the day `since` to the day `until` (20261126, both included) for each group of `by`, dearest first."""
    columns = [spend.c[name] for name in by]
    sums = [sa.func.coalesce(sa.func.sum(spend.c[name]), 0).label(name) for name in _SUMS]
    rows = await connection.execute(
        sa.select(*columns, *sums)
        .where(spend.c.workspace_id == workspace_id, spend.c.day >= since, spend.c.day <= until)
        .group_by(*columns)
        .order_by(sa.desc("nano_usd"), sa.desc("requests"))
    )
    return [{**row._mapping, **{name: int(row._mapping[name]) for name in _SUMS}} for row in rows]


# prices


async def own_prices(connection: AsyncConnection, workspace_id: str) -> dict[str, Price]:
    rows = await connection.execute(sa.select(model_prices).where(model_prices.c.workspace_id == workspace_id))
    return {row.model: Price(row.input_usd, row.output_usd, is_own=True) for row in rows}


async def put_price(connection: AsyncConnection, workspace_id: str, model: str, price: Price | None) -> None:
    """None: the list's again."""
    mine = sa.and_(model_prices.c.workspace_id == workspace_id, model_prices.c.model == model)
    await connection.execute(sa.delete(model_prices).where(mine))
    if price is not None:
        await connection.execute(
            model_prices.insert().values(
                workspace_id=workspace_id, model=model, input_usd=price.input, output_usd=price.output
            )
        )
