"""SQL of triggers and of what was delivered to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.apps.triggers.types import Answered, Delivery, Trigger
from llmflow.store import batch
from llmflow.store.tables import deliveries, triggers, workflow_runs

INSERT_DELIVERY = batch.insert(deliveries)

_TRIGGER = [triggers.c[name] for name in Trigger.__dataclass_fields__]


async def insert_trigger(connection: AsyncConnection, trigger: Trigger) -> None:
    values = {name: getattr(trigger, name) for name in Trigger.__dataclass_fields__}
    await connection.execute(triggers.insert().values(**values))


async def update_trigger(connection: AsyncConnection, trigger_id: str, **values: Any) -> None:
    await connection.execute(sa.update(triggers).where(triggers.c.id == trigger_id).values(**values))


async def delete_triggers(connection: AsyncConnection, ids: Sequence[str]) -> None:
    """With what was delivered to them; their runs stay."""
    await connection.execute(sa.delete(deliveries).where(deliveries.c.trigger_id.in_(ids)))
    await connection.execute(sa.delete(triggers).where(triggers.c.id.in_(ids)))


async def triggers_of(connection: AsyncConnection, app_id: str) -> list[Trigger]:
    rows = await connection.execute(sa.select(*_TRIGGER).where(triggers.c.app_id == app_id).order_by(triggers.c.id))
    return [Trigger(**row._mapping) for row in rows]


async def trigger(connection: AsyncConnection, app_id: str, trigger_id: str) -> Trigger | None:
    where = sa.and_(triggers.c.app_id == app_id, triggers.c.id == trigger_id)
    row = (await connection.execute(sa.select(*_TRIGGER).where(where))).one_or_none()
    return Trigger(**row._mapping) if row else None


async def trigger_by_code(connection: AsyncConnection, code: str) -> Trigger | None:
    row = (await connection.execute(sa.select(*_TRIGGER).where(triggers.c.code == code))).one_or_none()
    return Trigger(**row._mapping) if row else None


async def trigger_by_id(connection: AsyncConnection, trigger_id: str) -> Trigger | None:
    row = (await connection.execute(sa.select(*_TRIGGER).where(triggers.c.id == trigger_id))).one_or_none()
    return Trigger(**row._mapping) if row else None


async def due_triggers(connection: AsyncConnection, now: int) -> list[Trigger]:
    """Those that are on and whose time has come, the longest due first."""
    where = sa.and_(triggers.c.next_at <= now, triggers.c.is_on)
    rows = await connection.execute(sa.select(*_TRIGGER).where(where).order_by(triggers.c.next_at))
    return [Trigger(**row._mapping) for row in rows]


async def next_due(connection: AsyncConnection) -> int | None:
    """The soonest time of all."""
    found: int | None = await connection.scalar(sa.select(sa.func.min(triggers.c.next_at)).where(triggers.c.is_on))
    return found


async def set_next(connection: AsyncConnection, trigger_id: str, *, seen: int, next_at: int | None) -> None:
    """Unless somebody else set it since it was `seen`."""
    where = sa.and_(triggers.c.id == trigger_id, triggers.c.next_at == seen)
    await connection.execute(sa.update(triggers).where(where).values(next_at=next_at))


async def answered(connection: AsyncConnection, trigger_id: str, key: str) -> Answered | None:
    """What was answered to a delivery of this key that started a run."""
    where = sa.and_(deliveries.c.trigger_id == trigger_id, deliveries.c.key == key)
    row = (await connection.execute(sa.select(deliveries.c.status, deliveries.c.answer).where(where))).one_or_none()
    return Answered(row.status, (row.answer or "").encode()) if row else None


async def insert_delivery(connection: AsyncConnection, **values: Any) -> None:
    await connection.execute(deliveries.insert().values(**values))


async def newest_deliveries(connection: AsyncConnection, trigger_id: str, *, limit: int) -> list[Delivery]:
    columns = [deliveries.c[name] for name in Delivery.__dataclass_fields__ if name != "run_status"]
    rows = await connection.execute(
        sa.select(*columns, workflow_runs.c.status.label("run_status"))
        .select_from(deliveries.outerjoin(workflow_runs, workflow_runs.c.id == deliveries.c.run_id))
        .where(deliveries.c.trigger_id == trigger_id)
        .order_by(deliveries.c.created_at.desc(), deliveries.c.id.desc())
        .limit(limit)
    )
    return [Delivery(**row._mapping) for row in rows]


async def delete_old_deliveries(connection: AsyncConnection, before: int) -> None:
    await connection.execute(sa.delete(deliveries).where(deliveries.c.created_at < before))
