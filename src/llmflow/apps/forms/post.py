"""Writes to those who shall answer forms. What is to be sent is rows; a server that dies loses none of it.

Failures never touch the run: a mail is tried again with growing pauses, and given up in the end; the form waits in the
inbox all the same."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

import sqlalchemy as sa

from llmflow.apps.forms import queries
from llmflow.apps.forms.forms import Forms
from llmflow.apps.forms.types import Mail
from llmflow.errors import LLMFlowError, OrganError, UsageError
from llmflow.net.mail import Mailer
from llmflow.store.database import Database
from llmflow.store.tables import form_recipients

_PAUSES_MS = (60_000, 300_000, 1_800_000, 7_200_000, 21_600_000)  # before the second try, the third ...
_AT_ONCE = 20
_AGAIN_S = 5.0
_LONGEST_S = 3600.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Due:
    id: str
    form_id: str
    address: str
    letter: int
    tries: int


class Post:
    """`base_url`: where people reach this server."""

    def __init__(self, database: Database, forms: Forms, mailer: Mailer, *, base_url: str) -> None:
        self._database = database
        self._forms = forms
        self._mailer = mailer
        self._base_url = base_url.rstrip("/")
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._more = False
        if mailer.can_send:
            forms.mail_begins = "waiting"
            forms.addressed = self.ring

    def ring(self) -> None:
        """There may be something to send; also to be called at start."""
        if not self._mailer.can_send:
            return
        self._more = True
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._work(), name="mail of forms")

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def settled(self) -> None:
        """Waits until all that is due is sent, or was tried."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _work(self) -> None:
        while self._more:
            self._more = False
            try:
                while due := await self._due():
                    for one in due:
                        await self._try(one)
                self._wait(await self._next())
            except OrganError as error:
                _log.warning("Mail waits for the database: %s", error)
                await asyncio.sleep(_AGAIN_S)
                self._more = True

    async def _due(self) -> list[_Due]:
        table = form_recipients.c
        which = sa.select(table.id, table.form_id, table.address, table.letter, table.tries).where(
            table.mail == sa.literal_column("'waiting'"), table.next_at <= self._forms.now()
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(which.order_by(table.next_at, table.id).limit(_AT_ONCE))).all()
        return [_Due(*row) for row in rows]

    async def _next(self) -> int | None:
        table = form_recipients.c
        async with self._database.read() as connection:
            found: int | None = await connection.scalar(
                sa.select(sa.func.min(table.next_at)).where(table.mail == sa.literal_column("'waiting'"))
            )
        return found

    def _wait(self, due: int | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if due is not None:
            wait_s = min(max(0.0, (due - self._forms.now()) / 1000), _LONGEST_S)
            self._timer = asyncio.get_running_loop().call_later(wait_s, self.ring)

    async def _try(self, one: _Due) -> None:
        now = self._forms.now()
        async with self._database.read() as connection:
            form = await queries.form(connection, queries.by_id(one.form_id))
        if form is None or not form.is_open or form.expires_at <= now:
            await self._keep(one, mail="failed", error="The form was over before.", next_at=None)
            return
        try:
            letter = form.asked.letters[one.letter]
            await self._mailer.send(one.address, letter.subject or form.asked.title, self._text(letter, one))
        except UsageError as error:
            await self._keep(one, mail="failed", error=error.message, next_at=None, tries=one.tries + 1)
        except LLMFlowError as error:
            is_last = one.tries >= len(_PAUSES_MS)
            _log.warning("A mail about a form was not sent: %s", error.message)
            await self._keep(
                one,
                mail="failed" if is_last else "waiting",
                error=error.message,
                next_at=None if is_last else now + _PAUSES_MS[one.tries],
                tries=one.tries + 1,
            )
        else:
            await self._keep(one, mail="sent", error="", next_at=None, sent_at=now, tries=one.tries + 1)

    def _text(self, letter: Mail, one: _Due) -> str:
        link = f"{self._base_url}/form/{self._forms.token(one.form_id, one.address)}"
        if "{{#url#}}" in letter.body:
            return letter.body.replace("{{#url#}}", link)
        return f"{letter.body}\n\n{link}".strip()

    async def _keep(self, one: _Due, **values: object) -> None:
        async with self._database.write() as connection:
            await connection.execute(sa.update(form_recipients).where(form_recipients.c.id == one.id).values(**values))
