"""Conversations of an app's end users: list, name, delete, read."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llmflow.apps.chat import queries, search
from llmflow.apps.chat.doors import Doors
from llmflow.apps.chat.queries import ConversationOrder
from llmflow.apps.chat.search import Hit
from llmflow.apps.known import Known
from llmflow.apps.runs.runs import Runs
from llmflow.apps.types import ChatMessage, Conversation, EndUser, Source
from llmflow.errors import NotFound, UsageError
from llmflow.knowledge.originals import Originals
from llmflow.store.content import Scope
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms

_NAME_CHARACTERS = 50


class Conversations:
    def __init__(self, database: Database, originals: Originals, runs: Runs, doors: Doors) -> None:
        self._doors = doors
        self._database = database
        self._users: Known[tuple[str, Source, str], EndUser] = Known(10_000)  # they never change
        self._originals = originals
        self._runs = runs

    async def user(self, workspace_id: str, app_id: str, external_id: str, *, source: Source = "api") -> EndUser:
        """The end user of that name, made when first seen. Raises UsageError for an overlong name."""
        if len(external_id) > 255:
            raise UsageError("`user` may have 255 characters at most.", param="user")

        async def look() -> EndUser:
            found = await self.known_user(app_id, external_id, source=source)
            if found is not None:
                return found
            new = EndUser(new_id(), workspace_id, app_id, external_id, now_ms(), source)
            async with self._database.write() as connection:
                await queries.insert_end_user(connection, new)
                return await queries.end_user(connection, app_id, source, external_id) or new

        return await self._users.get((app_id, source, external_id), look)

    async def known_user(self, app_id: str, external_id: str, *, source: Source = "api") -> EndUser | None:
        """The end user of that name, None when never seen."""
        async with self._database.read() as connection:
            return await queries.end_user(connection, app_id, source, external_id)

    async def user_by_id(self, app_id: str, user_id: str) -> EndUser:
        """One of those that API callers name. Raises NotFound."""
        async with self._database.read() as connection:
            found = await queries.end_user_by_id(connection, app_id, "api", user_id)
        if found is None:
            raise NotFound("End user not found.", code="end_user_not_found")
        return found

    async def ids_of(self, app_id: str, external_id: str) -> list[str]:
        """Ids of the end user that API callers name so; [] for nobody."""
        async with self._database.read() as connection:
            found = await queries.end_user(connection, app_id, "api", external_id)
        return [found.id] if found else []

    async def users_by_id(self, ids: Sequence[str]) -> dict[str, EndUser]:
        if not ids:
            return {}
        async with self._database.read() as connection:
            return {user.id: user for user in await queries.end_users_by_id(connection, ids)}

    async def get(self, user: EndUser, conversation_id: str) -> Conversation:
        """Raises NotFound (conversation_not_exists), also for one of somebody else."""
        async with self._database.read() as connection:
            found = await queries.conversation(connection, user.app_id, user.id, conversation_id)
        if found is None:
            raise NotFound("Conversation Not Exists.", code="conversation_not_exists")
        return found

    async def page(
        self, user: EndUser, *, order: ConversationOrder = "-updated_at", last_id: str | None = None, limit: int = 20
    ) -> tuple[list[Conversation], bool]:
        """Those behind the one with `last_id`, and whether there are more. Raises NotFound."""
        async with self._database.read() as connection:
            after = None
            if last_id:
                after = await queries.conversation(connection, user.app_id, user.id, last_id)
                if after is None:
                    raise NotFound("Last Conversation Not Exists.", code="last_conversation_not_exists")
            found = await queries.page_of_conversations(
                connection, user.app_id, user.id, order=order, after=after, limit=limit + 1
            )
        return found[:limit], len(found) > limit

    async def search(
        self, user: EndUser, words: str = "", *, last_id: str | None = None, limit: int = 30
    ) -> tuple[list[Hit], bool]:
        """Those that say each of `words` in their name, a question or an answer (all, for ""); newest first, behind
        the one with `last_id`; and whether there are more. Raises NotFound."""
        after = await self.get(user, last_id) if last_id else None
        async with self._database.read() as connection:
            found = await search.conversations(connection, user, words, after=after, limit=limit + 1)
        return found[:limit], len(found) > limit

    async def rename(self, user: EndUser, conversation_id: str, name: str | None) -> Conversation:
        """`name` None: after the first question. Raises NotFound (conversation_not_exists, no_messages)."""
        found = await self.get(user, conversation_id)
        if name is None:
            async with self._database.read() as connection:
                first = await queries.first_query(connection, found.id)
            if first is None:
                raise UsageError("The conversation has no messages.", code="no_messages")
            name = name_after(first)
        content = await self._database.boundary.admit_one(Scope("conversation", found.id), name)
        async with self._database.write() as connection:
            await queries.update_conversation(connection, found.id, name=content, updated_at=now_ms())
        return await self.get(user, conversation_id)

    async def delete(self, user: EndUser, conversation_id: str) -> None:
        """With its messages, their feedback, the runs that answered them with all forks, and the files that were sent
        in it and in no other; what runs is stopped first. Raises NotFound."""
        found = await self.get(user, conversation_id)
        async with self._doors.closed(found.id):
            await self._runs.end(found.app_id, found.id)
            async with self._database.write() as connection:
                digests = await queries.delete_conversation(connection, found.id)
        await self._originals.remove(digests)

    async def messages(
        self, user: EndUser, conversation_id: str, *, first_id: str | None = None, limit: int = 20
    ) -> tuple[list[ChatMessage], bool]:
        """The newest, or those before the one with `first_id`; oldest first. Raises NotFound."""
        found = await self.get(user, conversation_id)
        async with self._database.read() as connection:
            before = None
            if first_id:
                before = await queries.message(connection, user.app_id, user.id, first_id)
                if before is None or before.conversation_id != found.id:
                    raise NotFound("First Message Not Exists.", code="first_message_not_exists")
            page = await queries.messages_before(connection, found.id, before=before, limit=limit + 1)
        return page[-limit:], len(page) > limit

    async def tree(self, user: EndUser, conversation_id: str) -> tuple[Conversation, list[ChatMessage]]:
        """The conversation with the messages of all its branches, oldest first. Raises NotFound."""
        found = await self.get(user, conversation_id)
        async with self._database.read() as connection:
            return found, await queries.all_messages(connection, found.id)

    async def message(self, user: EndUser, message_id: str) -> ChatMessage:
        """Raises NotFound (message_not_exists), also for one of somebody else."""
        async with self._database.read() as connection:
            found = await queries.message(connection, user.app_id, user.id, message_id)
        if found is None:
            raise NotFound("Message Not Exists.", code="message_not_exists")
        return found


def name_after(question: str) -> str:
    """A conversation's name: its first question in one line, cut at a word."""
    line = re.sub(r"\s+", " ", question).strip()
    if len(line) <= _NAME_CHARACTERS:
        return line or "New conversation"
    cut = line[:_NAME_CHARACTERS]
    return f"{cut[: cut.rfind(' ')] if ' ' in cut[20:] else cut}…"
