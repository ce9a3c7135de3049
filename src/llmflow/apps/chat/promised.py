"""Conversations promised before anybody can have them: a question for the first administrator, answered once.

The promise is the conversation itself, empty, under an id that follows from its question, and owned by a stand-in until
the account is there. An answer keeps it; a crash before that leaves it to the next start; who deletes it is not asked
again.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.apps.chat.conversations import name_after
from llmflow.apps.types import App, EndUser
from llmflow.store.content import Scope
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms
from llmflow.store.tables import conversations, end_users, messages

_STAND_IN = "first administrator"


def _id(app: App, question: str) -> str:
    return str(uuid.uuid5(uuid.UUID(app.id), question))


async def promise(database: Database, app: App, questions: Sequence[str]) -> None:
    """Keeps that these questions are to be asked; again, it changes nothing."""
    now = now_ms()
    for question in questions:
        scope = Scope("conversation", _id(app, question))
        name, inputs = await database.boundary.admit(scope, [name_after(question), "{}"])
        async with database.write() as connection:
            owner = await _stand_in(connection, app)
            values = {"id": scope.id, "name": name, "inputs": inputs, "created_at": now, "updated_at": now}
            values |= {"workspace_id": app.workspace_id, "app_id": app.id, "end_user_id": owner}
            insert = (sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert)(conversations)
            await connection.execute(insert.values(**values).on_conflict_do_nothing())


async def hand_over(database: Database, app: App, account_id: str) -> EndUser | None:
    """Gives what was promised to the account, whom it belongs to from then on. None when it owns nothing here."""
    mine = (end_users.c.app_id == app.id, end_users.c.source == "account")
    async with database.write() as connection:
        has_own = await connection.scalar(sa.select(end_users.c.id).where(*mine, end_users.c.external_id == account_id))
        if has_own is None:
            await connection.execute(
                sa.update(end_users).where(*mine, end_users.c.external_id == _STAND_IN).values(external_id=account_id)
            )
        columns = [end_users.c[name] for name in EndUser.__dataclass_fields__]
        row = (
            await connection.execute(sa.select(*columns).where(*mine, end_users.c.external_id == account_id))
        ).one_or_none()
    return EndUser(**row._mapping) if row else None


async def due(database: Database, app: App, user: EndUser, questions: Sequence[str]) -> list[tuple[str, str]]:
    """(conversation id, question) of what is promised and was never answered; what a stop of the server left of an
    attempt is removed."""
    found: list[tuple[str, str]] = []
    async with database.write() as connection:
        for question in questions:
            id = _id(app, question)
            where = (conversations.c.id == id, conversations.c.end_user_id == user.id)
            if await connection.scalar(sa.select(conversations.c.id).where(*where)) is None:
                continue
            cut_off = sa.or_(
                messages.c.error.startswith("interrupted"),
                sa.and_(messages.c.status == "stopped", sa.func.length(messages.c.answer) == 0),
            )
            await connection.execute(sa.delete(messages).where(messages.c.conversation_id == id, cut_off))
            said = sa.select(messages.c.id).where(messages.c.conversation_id == id).limit(1)
            if await connection.scalar(said) is None:
                found.append((id, question))
    return found


async def _stand_in(connection: AsyncConnection, app: App) -> str:
    where = (
        end_users.c.app_id == app.id,
        end_users.c.source == "account",
        end_users.c.external_id == _STAND_IN,
    )
    found: str | None = await connection.scalar(sa.select(end_users.c.id).where(*where))
    if found is not None:
        return found
    user = EndUser(new_id(), app.workspace_id, app.id, _STAND_IN, now_ms(), "account")
    values = {name: getattr(user, name) for name in EndUser.__dataclass_fields__}
    await connection.execute(end_users.insert().values(**values))
    return user.id
