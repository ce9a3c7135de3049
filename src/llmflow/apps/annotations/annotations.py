"""Annotations of an app: make, list, change, delete."""

from __future__ import annotations

from llmflow.apps.annotations import queries
from llmflow.apps.annotations.near import Nearness
from llmflow.apps.annotations.types import Annotation
from llmflow.apps.types import App
from llmflow.errors import NotFound, OrganError, TooMany, UsageError
from llmflow.store.content import Scope
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms

_QUESTION = 10_000  # characters
_ANSWER = 100_000


class Annotations:
    def __init__(self, database: Database, near: Nearness) -> None:
        self._database = database
        self._near = near

    async def page(
        self, app: App, *, keyword: str = "", page: int = 1, limit: int = 20
    ) -> tuple[list[Annotation], int]:
        """The newest first, pages count from 1; and how many there are in all."""
        async with self._database.read() as connection:
            return await queries.page(connection, app.id, keyword, offset=(page - 1) * limit, limit=limit)

    async def create(self, app: App, question: str, answer: str) -> Annotation:
        """Raises UsageError for an empty or overlong one."""
        id, now = new_id(), now_ms()
        said, given = await self._admitted(id, question, answer)
        async with self._database.write() as connection:
            await queries.insert(
                connection,
                id=id,
                workspace_id=app.workspace_id,
                app_id=app.id,
                question=said,
                answer=given,
                hit_count=0,
                created_at=now,
                updated_at=now,
            )
        await self._changed(app)
        return Annotation(id, app.workspace_id, app.id, question, answer, 0, now, now)

    async def change(self, app: App, annotation_id: str, question: str, answer: str) -> Annotation:
        """Raises NotFound, and UsageError as `create`."""
        said, given = await self._admitted(annotation_id, question, answer)
        async with self._database.write() as connection:
            before = await queries.annotation(connection, app.id, annotation_id)
            if before is None:
                raise _gone()
            now = max(now_ms(), before.updated_at + 1)  # a vector on its way is of the question before
            values = {"question": said, "answer": given, "updated_at": now, "vector": None}
            await queries.update(connection, app.id, annotation_id, **values)
        await self._changed(app)
        return Annotation(
            annotation_id, app.workspace_id, app.id, question, answer, before.hit_count, before.created_at, now
        )

    async def delete(self, app: App, annotation_id: str) -> None:
        """Raises NotFound."""
        async with self._database.write() as connection:
            if not await queries.delete(connection, app.id, annotation_id):
                raise _gone()
        self._near.forget(app.id)

    async def _admitted(self, id: str, question: str, answer: str) -> list[str]:
        for name, text, most in (("question", question, _QUESTION), ("answer", answer, _ANSWER)):
            if not text.strip():
                raise UsageError(f"{name} is empty.", param=name)
            if len(text) > most:
                raise UsageError(f"{name} may have {most} characters at most.", param=name)
        return list(await self._database.boundary.admit(Scope("annotation", id), [question, answer]))

    async def _changed(self, app: App) -> None:
        """Where the reply is on, the new question is found at once; an organ that does not answer finds it later, when
        the next change comes or the reply is switched on anew."""
        is_on = await self._near.is_on(app.id)
        self._near.forget(app.id)
        if is_on:
            try:
                await self._near.embed_missing(app.id)
            except (OrganError, TooMany):
                return


def _gone() -> NotFound:
    return NotFound("Annotation not found")
