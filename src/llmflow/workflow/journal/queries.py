"""SQL of runs and their events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.store import batch
from llmflow.store.tables import form_recipients, human_forms, run_events, workflow_runs
from llmflow.workflow.events import Event, decode
from llmflow.workflow.journal.stored import StoredRun

INSERT_RUN = batch.insert(workflow_runs)
INSERT_EVENTS = batch.insert(run_events)
UPDATE_RUN = batch.update(
    workflow_runs,
    (
        "status",
        "outputs",
        "error",
        "error_code",
        "elapsed_ms",
        "total_tokens",
        "total_steps",
        "exceptions_count",
        "finished_at",
    ),
)

_RUN = [workflow_runs.c[name] for name in StoredRun.__dataclass_fields__]
_object = msgspec.json.Decoder(dict[str, Any])
_open = workflow_runs.c.status.in_([sa.literal_column("'running'"), sa.literal_column("'paused'")])


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which runs of an app; None: all. Times are Unix milliseconds. `keyword`: part of the inputs or the outputs."""

    status: str | None = None
    keyword: str | None = None
    before: int | None = None
    after: int | None = None
    end_user_ids: Sequence[str] | None = None
    account_id: str | None = None


async def run(connection: AsyncConnection, run_id: str) -> StoredRun | None:
    row = (await connection.execute(sa.select(*_RUN).where(workflow_runs.c.id == run_id))).one_or_none()
    return _run(row) if row else None


async def page_of_runs(
    connection: AsyncConnection, app_id: str, wanted: Wanted, *, offset: int, limit: int
) -> tuple[list[StoredRun], int]:
    """The newest first, and how many there are in all."""
    where = _where(app_id, wanted)
    total = int(await connection.scalar(sa.select(sa.func.count()).select_from(workflow_runs).where(*where)) or 0)
    rows = await connection.execute(
        sa.select(*_RUN)
        .where(*where)
        .order_by(workflow_runs.c.created_at.desc(), workflow_runs.c.id.desc())
        .offset(offset)
        .limit(limit)
    )
    return [_run(row) for row in rows], total


async def open_runs(connection: AsyncConnection, status: str) -> list[str]:
    """Ids of runs that run or are paused, oldest first; quick however many others there are."""
    rows = await connection.execute(
        sa.select(workflow_runs.c.id).where(_open, workflow_runs.c.status == status).order_by(workflow_runs.c.id)
    )
    return [row.id for row in rows]


async def events_after(connection: AsyncConnection, run_id: str, after: int = 0) -> list[Event]:
    """The run's events from number `after` + 1 on, in order."""
    where = [run_events.c.run_id == run_id]
    if after:
        inside = sa.select(sa.func.max(run_events.c.first)).where(
            run_events.c.run_id == run_id, run_events.c.first <= after + 1
        )
        where.append(run_events.c.first >= sa.func.coalesce(inside.scalar_subquery(), 0))
    rows = (
        await connection.execute(
            sa.select(run_events.c.first, run_events.c.events).where(*where).order_by(run_events.c.first)
        )
    ).all()
    return [
        decode(line) for row in rows for number, line in enumerate(row.events.split("\n"), row.first) if number > after
    ]


def with_forks(ids: sa.Select[tuple[str]]) -> sa.Select[tuple[str]]:
    """These runs, and all that were forked from them, however often."""
    family = sa.select(workflow_runs.c.id).where(workflow_runs.c.id.in_(ids)).cte("family", recursive=True)
    forked = sa.select(workflow_runs.c.id).join(family, workflow_runs.c.parent_id == family.c.id)
    return sa.select(family.union(forked).c.id)


async def delete_runs(connection: AsyncConnection, which: sa.ColumnElement[bool]) -> None:
    """Runs, with their events and what they asked people."""
    of_them = sa.select(workflow_runs.c.id).where(which)
    asked = sa.select(human_forms.c.id).where(human_forms.c.run_id.in_(of_them))
    await connection.execute(sa.delete(form_recipients).where(form_recipients.c.form_id.in_(asked)))
    await connection.execute(sa.delete(human_forms).where(human_forms.c.run_id.in_(of_them)))
    await connection.execute(sa.delete(run_events).where(run_events.c.run_id.in_(of_them)))
    await connection.execute(sa.delete(workflow_runs).where(which))


def _where(app_id: str, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    table = workflow_runs.c
    where: list[sa.ColumnElement[bool]] = [table.app_id == app_id]
    if wanted.status:
        where.append(table.status == wanted.status)
    if wanted.before is not None:
        where.append(table.created_at <= wanted.before)
    if wanted.after is not None:
        where.append(table.created_at >= wanted.after)
    if wanted.end_user_ids is not None:
        where.append(table.end_user_id.in_(wanted.end_user_ids))
    if wanted.account_id is not None:
        where.append(table.account_id == wanted.account_id)
    if wanted.keyword:
        part = f"%{_escaped(wanted.keyword)}%"
        words = (sa.type_coerce(column, sa.Text) for column in (table.inputs, table.outputs))  # read, not written
        where.append(sa.or_(*(column.like(part, escape="\\") for column in words)))
    return where


def _escaped(keyword: str) -> str:
    """For LIKE, on text that is JSON."""
    text = msgspec.json.encode(keyword).decode()[1:-1]
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _run(row: Any) -> StoredRun:
    values = dict(row._mapping)
    return StoredRun(
        **{**values, "inputs": _object.decode(values["inputs"]), "outputs": _object.decode(values["outputs"])}
    )
