"""SQL of forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.apps.forms.types import Asked, HumanForm, Reply
from llmflow.store import batch
from llmflow.store.content import Content
from llmflow.store.tables import accounts, form_recipients, human_forms, workflow_runs

#: Of forms that a run went on with, in the transaction that has its going on.
TAKE = batch.update(human_forms, ("taken_at",))

_form = human_forms.c
_FORM = [human_forms.c[name] for name in human_forms.c.keys() if name != "digest"]  # noqa: SIM118 - no mapping
WITH_RUN = human_forms.outerjoin(workflow_runs, workflow_runs.c.id == _form.run_id)
_waiting = _form.status == sa.literal_column("'waiting'")
_untaken = sa.and_(_form.status != sa.literal_column("'waiting'"), _form.taken_at.is_(None))
_asked = msgspec.json.Decoder(Asked)
_reply = msgspec.json.Decoder(Reply)


INSERT = batch.insert(human_forms)
_INSERT_RECIPIENTS = batch.insert(form_recipients)


async def insert(connection: AsyncConnection, row: dict[str, Any], recipients: Sequence[dict[str, Any]]) -> None:
    """A form that is there already stays as it is, with its recipients."""
    done = await connection.execute(INSERT.statement, row)
    if done.rowcount and recipients:
        await connection.execute(_INSERT_RECIPIENTS.statement, list(recipients))


async def addresses(connection: AsyncConnection, workspace_id: str) -> dict[str, str]:
    """Of the workspace's members, by their ids."""
    rows = await connection.execute(
        sa.select(accounts.c.id, accounts.c.email).where(accounts.c.workspace_id == workspace_id)
    )
    return {row.id: row.email for row in rows}


async def address_of(connection: AsyncConnection, digest: str) -> tuple[str, str] | None:
    """The form that a recipient's own link leads to, and the address it was sent to."""
    which = sa.select(form_recipients.c.form_id, form_recipients.c.address).where(form_recipients.c.digest == digest)
    row = (await connection.execute(which)).one_or_none()
    return (row.form_id, row.address) if row else None


async def form(connection: AsyncConnection, which: sa.ColumnElement[bool]) -> HumanForm | None:
    found = sa.select(*_FORM, workflow_runs.c.status.label("run_status")).select_from(WITH_RUN).where(which)
    row = (await connection.execute(found)).one_or_none()
    return _shown(row) if row else None


async def forms(
    connection: AsyncConnection,
    where: Sequence[sa.ColumnElement[bool]],
    *,
    order: sa.ColumnElement[Any],
    offset: int,
    limit: int,
) -> list[HumanForm]:
    found = sa.select(*_FORM, workflow_runs.c.status.label("run_status")).select_from(WITH_RUN).where(*where)
    rows = await connection.execute(found.order_by(order, _form.id).offset(offset).limit(limit))
    return [_shown(row) for row in rows]


async def of_runs(connection: AsyncConnection, run_ids: Sequence[str]) -> list[HumanForm]:
    """As they were asked."""
    found = sa.select(*_FORM, workflow_runs.c.status.label("run_status")).select_from(WITH_RUN)
    rows = await connection.execute(found.where(_form.run_id.in_(list(run_ids))).order_by(_form.created_at, _form.id))
    return [_shown(row) for row in rows]


async def told(connection: AsyncConnection, form_ids: Sequence[str], account_id: str) -> set[str]:
    """Those of the forms that the account was told of."""
    table = form_recipients.c
    found = sa.select(table.form_id).where(table.form_id.in_(list(form_ids)), table.account_id == account_id)
    return set(await connection.scalars(found))


def by_id(form_id: str) -> sa.ColumnElement[bool]:
    return _form.id == form_id


def by_digest(digest: str) -> sa.ColumnElement[bool]:
    return _form.digest == digest


async def submit(connection: AsyncConnection, form_id: str, *, answer: Content, kind: str, by: str, now: int) -> bool:
    """False when somebody was quicker, the time is over, or the run is: of all who try, one is let through."""
    over = sa.exists().where(workflow_runs.c.id == _form.run_id, workflow_runs.c.status.not_in(["running", "paused"]))
    done = await connection.execute(
        sa.update(human_forms)
        .where(_form.id == form_id, _waiting, _form.expires_at > now, ~over)
        .values(status="submitted", answer=answer, answered_as=kind, answered_by=by, answered_at=now)
    )
    return done.rowcount == 1


async def expire(connection: AsyncConnection, now: int) -> list[str]:
    """Ends what nobody answered in time; the runs that asked."""
    late = (await connection.execute(sa.select(_form.id, _form.run_id).where(_waiting, _form.expires_at <= now))).all()
    if late:
        await connection.execute(
            sa.update(human_forms)
            .where(_form.id == sa.bindparam("late"), _waiting)
            .values(status="timeout", answered_at=now),
            [{"late": row.id} for row in late],
        )
    return list(dict.fromkeys(row.run_id for row in late))


async def next_expiry(connection: AsyncConnection) -> int | None:
    """When the next form that waits is too late."""
    found: int | None = await connection.scalar(sa.select(sa.func.min(_form.expires_at)).where(_waiting))
    return found


async def untaken(connection: AsyncConnection, run_id: str) -> list[HumanForm]:
    """What is answered, or too late, and the run does not know yet; as it happened."""
    rows = await connection.execute(
        sa.select(*_FORM, sa.null().label("run_status"))
        .where(_form.run_id == run_id, _untaken)
        .order_by(_form.answered_at, _form.id)
    )
    return [_shown(row) for row in rows]


async def runs_to_go_on(connection: AsyncConnection) -> list[str]:
    """Paused runs with answers that they do not know yet."""
    rows = await connection.execute(
        sa.select(_form.run_id)
        .join(workflow_runs, workflow_runs.c.id == _form.run_id)
        .where(_untaken, workflow_runs.c.status == "paused")
        .distinct()
    )
    return list(rows.scalars())


async def take(connection: AsyncConnection, ids: Sequence[str], now: int) -> None:
    await connection.execute(sa.update(human_forms).where(_form.id.in_(list(ids))).values(taken_at=now))


def _shown(row: Any) -> HumanForm:
    values = dict(row._mapping)
    answer = values.pop("answer")
    reply = _reply.decode(answer) if answer else None
    return HumanForm(**{**values, "at": tuple(values["at"]), "asked": _asked.decode(values["asked"]), "reply": reply})
