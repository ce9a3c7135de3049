"""The forms of a workspace as people find them: what waits, what was answered, by whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.apps.forms import queries
from llmflow.apps.forms.forms import Forms
from llmflow.apps.forms.types import HumanForm, State
from llmflow.errors import NotFound
from llmflow.store.database import Database
from llmflow.store.tables import accounts, apps, end_users, form_recipients, human_forms, workflow_runs


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody who was told of a form. `mail`: waiting, sent, failed; off: no mail server is configured."""

    address: str
    mail: str
    error: str
    sent_at: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """`state`: expired: nobody answered in time, or the run is over. `answered_by`: a name or an address, "" for
    whoever had the link."""

    form: HumanForm
    state: State
    app_name: str
    answered_by: str


class Inbox:
    def __init__(self, database: Database, forms: Forms) -> None:
        self._database = database
        self._forms = forms

    async def page(
        self, workspace_id: str, *, only: str | None, waiting: bool, offset: int, limit: int
    ) -> tuple[list[Entry], int]:
        """Those that wait, the most urgent first, or those that are over, the newest first; and how many. `only`: the
        account that was told of them; None: all."""
        where = [human_forms.c.workspace_id == workspace_id, *self._where(only, waiting=waiting)]
        order = human_forms.c.expires_at if waiting else human_forms.c.created_at.desc()
        joined = queries.WITH_RUN
        async with self._database.read() as connection:
            total = await connection.scalar(sa.select(sa.func.count()).select_from(joined).where(*where))
            found = await queries.forms(connection, where, order=order, offset=offset, limit=limit)
            return await self._entries(connection, found), int(total or 0)

    async def waiting(self, workspace_id: str, *, only: str | None) -> int:
        """How many wait."""
        where = [human_forms.c.workspace_id == workspace_id, *self._where(only, waiting=True)]
        async with self._database.read() as connection:
            found = sa.select(sa.func.count()).select_from(queries.WITH_RUN).where(*where)
            return int(await connection.scalar(found) or 0)

    async def get(self, workspace_id: str, form_id: str, *, only: str | None) -> tuple[Entry, list[Told]]:
        """Raises NotFound (form_not_found), also for a form that `only` was not told of."""
        form = await self._forms.get(workspace_id, form_id)
        table = form_recipients.c
        told = sa.select(table.address, table.mail, table.error, table.sent_at, table.account_id)
        async with self._database.read() as connection:
            rows = (await connection.execute(told.where(table.form_id == form_id).order_by(table.id))).all()
            if only is not None and only not in [row.account_id for row in rows]:
                raise NotFound("Form not found", code="form_not_found")
            (entry,) = await self._entries(connection, [form])
        return entry, [Told(row.address, row.mail, row.error, row.sent_at) for row in rows]

    def _where(self, only: str | None, *, waiting: bool) -> list[sa.ColumnElement[bool]]:
        open = sa.and_(
            human_forms.c.status == "waiting",
            human_forms.c.expires_at > self._forms.now(),
            workflow_runs.c.status.in_(["running", "paused"]),
        )
        where = [open if waiting else sa.not_(sa.func.coalesce(open, sa.false()))]
        if only is not None:
            table = form_recipients.c
            where.append(sa.exists().where(table.form_id == human_forms.c.id, table.account_id == only))
        return where

    async def _entries(self, connection: AsyncConnection, found: list[HumanForm]) -> list[Entry]:
        names = await _names(connection, apps, [form.app_id for form in found], apps.c.name)
        people = await _names(connection, accounts, _by(found, "account"), accounts.c.name)
        users = await _names(connection, end_users, _by(found, "end_user"), end_users.c.external_id)
        who = {"account": people, "end_user": users}
        return [
            Entry(
                form,
                self._forms.state(form),
                names.get(form.app_id, ""),
                who.get(form.answered_as, {}).get(form.answered_by, form.answered_by),
            )
            for form in found
        ]


def _by(found: list[HumanForm], kind: str) -> list[str]:
    return [form.answered_by for form in found if form.answered_as == kind]


async def _names(
    connection: AsyncConnection, table: sa.Table, ids: list[str], column: sa.ColumnElement[Any]
) -> dict[str, str]:
    if not ids:
        return {}
    rows = await connection.execute(sa.select(table.c.id, column.label("name")).where(table.c.id.in_(set(ids))))
    return {row.id: row.name for row in rows}
