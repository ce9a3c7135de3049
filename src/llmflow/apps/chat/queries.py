"""SQL of conversations: the people who ask, what was said, and what they think of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.apps.chat.file_queries import delete_files_of_conversation
from llmflow.apps.types import (
    ChatMessage,
    Citation,
    Conversation,
    EndUser,
    Review,
    Source,
    StoredFeedback,
    Thought,
)
from llmflow.store.tables import (
    annotation_hits,
    conversation_variables,
    conversations,
    end_users,
    feedbacks,
    messages,
    workflow_runs,
)
from llmflow.workflow.journal.queries import delete_runs, with_forks

ConversationOrder = Literal["created_at", "-created_at", "updated_at", "-updated_at"]

_USER = [end_users.c[name] for name in EndUser.__dataclass_fields__]
_FEEDBACK = [feedbacks.c[name] for name in StoredFeedback.__dataclass_fields__]
CONVERSATION = [conversations.c[name] for name in Conversation.__dataclass_fields__]
_SAID = {"rating": feedbacks.c.rating, "reason": feedbacks.c.content, "correction": feedbacks.c.correction}
_MESSAGE = [messages.c[name] for name in ChatMessage.__dataclass_fields__ if name not in _SAID]
_RATED = sa.select(*_MESSAGE, *(column.label(name) for name, column in _SAID.items())).outerjoin_from(
    messages,
    feedbacks,
    sa.and_(feedbacks.c.message_id == messages.c.id, feedbacks.c.end_user_id == messages.c.end_user_id),
)

_citations = msgspec.json.Decoder(list[Citation])
_thoughts = msgspec.json.Decoder(list[Thought])
_object = msgspec.json.Decoder(dict[str, Any])


def _insert(connection: AsyncConnection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that knows ON CONFLICT."""
    return (sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert)(table)


# people who ask


async def end_user(connection: AsyncConnection, app_id: str, source: Source, external_id: str) -> EndUser | None:
    row = (
        await connection.execute(
            sa.select(*_USER).where(
                end_users.c.app_id == app_id,
                end_users.c.source == source,
                end_users.c.external_id == external_id,
            )
        )
    ).one_or_none()
    return EndUser(**row._mapping) if row else None


async def end_user_by_id(connection: AsyncConnection, app_id: str, source: Source, user_id: str) -> EndUser | None:
    row = (
        await connection.execute(
            sa.select(*_USER).where(
                end_users.c.app_id == app_id, end_users.c.source == source, end_users.c.id == user_id
            )
        )
    ).one_or_none()
    return EndUser(**row._mapping) if row else None


async def end_users_by_id(connection: AsyncConnection, ids: Sequence[str]) -> list[EndUser]:
    rows = await connection.execute(sa.select(*_USER).where(end_users.c.id.in_(list(ids))))
    return [EndUser(**row._mapping) for row in rows]


async def insert_end_user(connection: AsyncConnection, user: EndUser) -> None:
    """Leaves the one that another request made meanwhile."""
    values = {name: getattr(user, name) for name in EndUser.__dataclass_fields__}
    await connection.execute(_insert(connection, end_users).values(**values).on_conflict_do_nothing())


# conversations


async def insert_conversation(connection: AsyncConnection, **values: Any) -> None:
    await connection.execute(conversations.insert().values(**values))


async def conversation(
    connection: AsyncConnection, app_id: str, end_user_id: str, conversation_id: str
) -> Conversation | None:
    row = (
        await connection.execute(
            sa.select(*CONVERSATION).where(
                conversations.c.id == conversation_id,
                conversations.c.app_id == app_id,
                conversations.c.end_user_id == end_user_id,
            )
        )
    ).one_or_none()
    return conversation_of(row) if row else None


async def page_of_conversations(
    connection: AsyncConnection,
    app_id: str,
    end_user_id: str,
    *,
    order: ConversationOrder,
    after: Conversation | None,
    limit: int,
) -> list[Conversation]:
    """Up to `limit` in `order`, from behind `after` on."""
    key = conversations.c[order.lstrip("-")]
    row_key = sa.tuple_(key, conversations.c.id)
    where = [conversations.c.app_id == app_id, conversations.c.end_user_id == end_user_id]
    if after is not None:
        edge = sa.tuple_(sa.literal(getattr(after, key.name)), sa.literal(after.id))
        where.append(row_key < edge if order.startswith("-") else row_key > edge)
    sort = [key.desc(), conversations.c.id.desc()] if order.startswith("-") else [key, conversations.c.id]
    rows = await connection.execute(sa.select(*CONVERSATION).where(*where).order_by(*sort).limit(limit))
    return [conversation_of(row) for row in rows]


async def update_conversation(connection: AsyncConnection, conversation_id: str, **values: Any) -> None:
    await connection.execute(sa.update(conversations).where(conversations.c.id == conversation_id).values(**values))


async def runs_of_conversation(connection: AsyncConnection, conversation_id: str) -> set[str]:
    """Ids of the runs that answered in it, and of those forked from them."""
    return set(await connection.scalars(_runs_of(conversation_id)))


async def delete_conversation(connection: AsyncConnection, conversation_id: str) -> set[str]:
    """With all that was said, sent and run in it; the digests of files that nothing else uses."""
    digests = await delete_files_of_conversation(connection, conversation_id)
    await delete_runs(connection, workflow_runs.c.id.in_(_runs_of(conversation_id)))
    for table in (annotation_hits, feedbacks, messages, conversation_variables):
        await connection.execute(sa.delete(table).where(table.c.conversation_id == conversation_id))
    await connection.execute(sa.delete(conversations).where(conversations.c.id == conversation_id))
    return digests


def _runs_of(conversation_id: str) -> sa.Select[tuple[str]]:
    return with_forks(sa.select(messages.c.workflow_run_id).where(messages.c.conversation_id == conversation_id))


# messages


async def insert_message(connection: AsyncConnection, **values: Any) -> None:
    await connection.execute(messages.insert().values(**values))


async def finish_message(connection: AsyncConnection, message_id: str, **values: Any) -> bool:
    """False when the message is gone: its conversation was deleted meanwhile."""
    result = await connection.execute(sa.update(messages).where(messages.c.id == message_id).values(**values))
    return result.rowcount > 0


async def message(connection: AsyncConnection, app_id: str, end_user_id: str, message_id: str) -> ChatMessage | None:
    own = (messages.c.app_id == app_id, messages.c.end_user_id == end_user_id)
    row = (await connection.execute(_RATED.where(messages.c.id == message_id, *own))).one_or_none()
    return _message(row) if row else None


async def messages_before(
    connection: AsyncConnection, conversation_id: str, *, before: ChatMessage | None = None, limit: int
) -> list[ChatMessage]:
    """The newest `limit`, or those just before `before`; oldest first, each with its user's opinion."""
    where = [messages.c.conversation_id == conversation_id]
    if before is not None:
        edge = sa.tuple_(sa.literal(before.created_at), sa.literal(before.id))
        where.append(sa.tuple_(messages.c.created_at, messages.c.id) < edge)
    newest = _RATED.where(*where).order_by(messages.c.created_at.desc(), messages.c.id.desc()).limit(limit)
    return [_message(row) for row in await connection.execute(newest)][::-1]


async def all_messages(connection: AsyncConnection, conversation_id: str) -> list[ChatMessage]:
    """Every branch; oldest first, each with its user's opinion."""
    every = _RATED.where(messages.c.conversation_id == conversation_id)
    return [_message(row) for row in await connection.execute(every.order_by(messages.c.created_at, messages.c.id))]


async def branch(
    connection: AsyncConnection, conversation_id: str, last_id: str | None, *, limit: int
) -> list[ChatMessage]:
    """The message `last_id` (None: the newest) and up to `limit` - 1 that it follows; oldest first. [] when it is not
    in this conversation."""
    start = sa.select(messages.c.id, messages.c.parent_id, sa.literal(1).label("depth")).where(
        messages.c.conversation_id == conversation_id
    )
    if last_id is None:
        newest = start.order_by(messages.c.created_at.desc(), messages.c.id.desc()).limit(1).subquery()
        start = sa.select(newest.c.id, newest.c.parent_id, newest.c.depth)
    else:
        start = start.where(messages.c.id == last_id)
    chain = start.cte("chain", recursive=True)
    chain = chain.union_all(
        sa.select(messages.c.id, messages.c.parent_id, chain.c.depth + 1).where(
            messages.c.id == chain.c.parent_id, chain.c.depth < limit
        )
    )
    found = sa.select(*_MESSAGE).join(chain, chain.c.id == messages.c.id).order_by(chain.c.depth.desc())
    return [_message(row) for row in await connection.execute(found)]


async def count_messages(connection: AsyncConnection, conversation_id: str) -> int:
    found = sa.select(sa.func.count()).where(messages.c.conversation_id == conversation_id)
    return int(await connection.scalar(found) or 0)


async def first_query(connection: AsyncConnection, conversation_id: str) -> str | None:
    found: str | None = await connection.scalar(
        sa.select(messages.c.query)
        .where(messages.c.conversation_id == conversation_id)
        .order_by(messages.c.created_at, messages.c.id)
        .limit(1)
    )
    return found


async def mark_crashed(connection: AsyncConnection, before: int, error: str) -> int:
    """Messages a dead process left unfinished, of all that began before `before`, but for those that a run of a
    workflow writes, which goes on; how many."""
    result = await connection.execute(
        sa.update(messages)
        .where(messages.c.status == "running", messages.c.created_at < before, messages.c.workflow_run_id.is_(None))
        .values(status="error", error=error)
    )
    return int(result.rowcount)


# feedback


async def put_feedback(connection: AsyncConnection, **values: Any) -> None:
    """Replaces what this user said of this message before."""
    statement = _insert(connection, feedbacks).values(**values)
    changed = {name: values[name] for name in ("rating", "content", "correction", "updated_at")}
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["message_id", "end_user_id"], set_=changed)
    )


async def delete_feedback(connection: AsyncConnection, message_id: str, end_user_id: str) -> bool:
    """Whether there was one."""
    result = await connection.execute(
        sa.delete(feedbacks).where(feedbacks.c.message_id == message_id, feedbacks.c.end_user_id == end_user_id)
    )
    return bool(result.rowcount)


async def page_of_feedback(
    connection: AsyncConnection, app_id: str, *, offset: int, limit: int
) -> list[StoredFeedback]:
    """Of the people that API callers name; newest first."""
    rows = await connection.execute(
        sa.select(*_FEEDBACK)
        .join(end_users, end_users.c.id == feedbacks.c.end_user_id)
        .where(feedbacks.c.app_id == app_id, end_users.c.source == "api")
        .order_by(feedbacks.c.created_at.desc(), feedbacks.c.id.desc())
        .offset(offset)
        .limit(limit)
    )
    return [StoredFeedback(**row._mapping) for row in rows]


async def page_of_reviews(connection: AsyncConnection, app_id: str, *, offset: int, limit: int) -> list[Review]:
    """Everybody's feedback with its question and answer, newest first."""
    rows = await connection.execute(
        sa.select(
            *(feedbacks.c[name] for name in ("message_id", "conversation_id", "created_at", "updated_at")),
            *(column.label(name) for name, column in _SAID.items()),
            messages.c.query.label("question"),
            messages.c.answer,
            messages.c.model,
            end_users.c.source,
            end_users.c.external_id,
        )
        .join(messages, messages.c.id == feedbacks.c.message_id)
        .join(end_users, end_users.c.id == feedbacks.c.end_user_id)
        .where(feedbacks.c.app_id == app_id)
        .order_by(feedbacks.c.created_at.desc(), feedbacks.c.id.desc())
        .offset(offset)
        .limit(limit)
    )
    return [Review(**row._mapping) for row in rows]


def as_json(value: object) -> str:
    """JSON text for a content column; it still has to pass the boundary."""
    return msgspec.json.encode(value).decode()


def conversation_of(row: Any) -> Conversation:
    values = dict(row._mapping)
    return Conversation(**{**values, "inputs": _object.decode(values["inputs"])})


def _message(row: Any) -> ChatMessage:
    values = dict(row._mapping)
    inputs, citations = _object.decode(values["inputs"]), _citations.decode(values["citations"])
    thoughts = _thoughts.decode(values["thoughts"])
    return ChatMessage(**{**values, "inputs": inputs, "citations": citations, "thoughts": thoughts})
