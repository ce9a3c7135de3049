"""Feedback: what end users think of answers."""

from __future__ import annotations

from llmflow.apps.chat import queries
from llmflow.apps.types import EndUser, Rating, Review, StoredFeedback
from llmflow.errors import NotFound, UsageError
from llmflow.store.content import Scope
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms


class Feedbacks:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def rate(
        self,
        workspace_id: str,
        user: EndUser,
        message_id: str,
        rating: Rating | None,
        *,
        content: str | None = None,
        correction: str | None = None,
    ) -> None:
        """One opinion for each user and message; None takes it back. `content`: why; `correction`: the answer as it
        should have been. Raises NotFound, and UsageError for taking back what was never said."""
        async with self._database.read() as connection:
            message = await queries.message(connection, user.app_id, user.id, message_id)
        if message is None:
            raise NotFound("Message Not Exists.", code="message_not_exists")
        scope = Scope("conversation", message.conversation_id)
        why, right = await self._database.boundary.admit(scope, [content or "", correction or ""])
        now = now_ms()
        async with self._database.write() as connection:
            if rating is not None:
                await queries.put_feedback(
                    connection,
                    id=new_id(),
                    workspace_id=workspace_id,
                    app_id=user.app_id,
                    conversation_id=message.conversation_id,
                    message_id=message.id,
                    end_user_id=user.id,
                    rating=rating,
                    content=why or None,
                    correction=right or None,
                    created_at=now,
                    updated_at=now,
                )
            elif not await queries.delete_feedback(connection, message.id, user.id):
                raise UsageError("rating cannot be None when feedback not exists", param="rating")

    async def page(self, app_id: str, *, page: int = 1, limit: int = 20) -> list[StoredFeedback]:
        """Of the people that API callers name. Newest first; pages count from 1."""
        async with self._database.read() as connection:
            return await queries.page_of_feedback(connection, app_id, offset=(page - 1) * limit, limit=limit)

    async def reviews(self, app_id: str, *, page: int = 1, limit: int = 20) -> list[Review]:
        """Everybody's, with the questions and answers it is about. Newest first; pages count from 1."""
        async with self._database.read() as connection:
            return await queries.page_of_reviews(connection, app_id, offset=(page - 1) * limit, limit=limit)
