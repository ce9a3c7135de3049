"""Conversations by the words that were said in them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.apps.chat.queries import CONVERSATION, conversation_of
from llmflow.apps.types import Conversation, EndUser
from llmflow.store.tables import conversations as table
from llmflow.store.tables import messages

_MOST_WORDS = 8
_BEFORE, _AFTER = 24, 72  # characters shown around a word that was found


@dataclass(frozen=True, slots=True)
class Hit:
    """`excerpt`: the first place of a word, "" when only the name has it."""

    conversation: Conversation
    excerpt: str = ""


async def conversations(
    connection: AsyncConnection, user: EndUser, text: str, *, after: Conversation | None, limit: int
) -> list[Hit]:
    """Those of `user` that have every word of `text`, most recently changed first, from behind `after` on."""
    words = unicodedata.normalize("NFC", text).split()[:_MOST_WORDS]
    where: list[sa.ColumnElement[bool]] = [table.c.app_id == user.app_id, table.c.end_user_id == user.id]
    if after is not None:
        edge = sa.tuple_(sa.literal(after.updated_at), sa.literal(after.id))
        where.append(sa.tuple_(table.c.updated_at, table.c.id) < edge)
    for word in words:
        said = sa.exists().where(messages.c.conversation_id == table.c.id, _has(word))
        where.append(sa.or_(_like(table.c.name, word), said))
    newest = sa.select(*CONVERSATION).where(*where).order_by(table.c.updated_at.desc(), table.c.id.desc()).limit(limit)
    found = [conversation_of(row) for row in await connection.execute(newest)]
    excerpts = await _excerpts(connection, [one.id for one in found], words) if words else {}
    return [Hit(one, excerpts.get(one.id, "")) for one in found]


async def _excerpts(connection: AsyncConnection, ids: Sequence[str], words: Sequence[str]) -> dict[str, str]:
    rows = await connection.execute(
        sa.select(messages.c.conversation_id, messages.c.query, messages.c.answer)
        .where(messages.c.conversation_id.in_(ids), sa.or_(*(_has(word) for word in words)))
        .order_by(messages.c.created_at, messages.c.id)
    )
    found: dict[str, str] = {}
    for row in rows:
        if row.conversation_id not in found:
            places = (_around(text, words) for text in (row.query, row.answer))
            found[row.conversation_id] = next((place for place in places if place), "")
    return found


def _around(text: str, words: Sequence[str]) -> str:
    """One line around the first word found; "" when none is."""
    line = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text))
    match = re.search("|".join(map(re.escape, words)), line, re.IGNORECASE)
    if match is None:
        return ""
    start, end = max(0, match.start() - _BEFORE), match.end() + _AFTER
    return f"{'…' if start else ''}{line[start:end].strip()}{'…' if end < len(line) else ''}"


def _has(word: str) -> sa.ColumnElement[bool]:
    return sa.or_(_like(messages.c.query, word), _like(messages.c.answer, word))


def _like(column: sa.ColumnElement[str], word: str) -> sa.ColumnElement[bool]:
    """Whether the text has the word, its letters composed or apart, as whoever typed it had them."""
    forms = {unicodedata.normalize("NFC", word), unicodedata.normalize("NFD", word)}
    text = sa.cast(column, sa.Text)  # a pattern is no content
    return sa.or_(*(text.icontains(form, autoescape=True) for form in sorted(forms)))
