"""The reply made of annotations: switched on and off, each as a job, since the questions must be embedded first."""

from __future__ import annotations

from typing import Literal

from llmflow.apps.annotations import queries
from llmflow.apps.annotations.near import Nearness
from llmflow.apps.types import App
from llmflow.errors import NotFound
from llmflow.gateway.gateway import Gateway
from llmflow.ports.jobs import Jobs, JobStatus
from llmflow.store.database import Database
from llmflow.store.ids import new_id

Action = Literal["enable", "disable"]


class AnnotationReply:
    def __init__(self, database: Database, gateway: Gateway, near: Nearness, jobs: Jobs) -> None:
        self._database = database
        self._gateway = gateway
        self._near = near
        self._jobs = jobs
        jobs.register(_kind("enable"), self._enable)
        jobs.register(_kind("disable"), self._disable)

    async def is_on(self, app: App) -> bool:
        return await self._near.is_on(app.id)

    async def switch(self, app: App, action: Action, *, model: str, score_threshold: float) -> str:
        """Begins; the job's id. `score_threshold`: the least cosine, 0..1, of a question that is answered so."""
        if action == "enable":
            async with self._database.write() as connection:
                await queries.put_reply(
                    connection,
                    app_id=app.id,
                    workspace_id=app.workspace_id,
                    is_on=False,
                    embedding_model=model,
                    score_threshold=score_threshold,
                )
            self._near.forget(app.id)
        job_id = new_id()
        await self._jobs.submit(_kind(action), [app.id], job_id=job_id)
        return job_id

    async def status(self, action: Action, job_id: str) -> JobStatus | None:
        """None for no such job of this action."""
        found = await self._jobs.status(job_id)
        return found if found is not None and found.kind == _kind(action) else None

    async def _enable(self, ids: tuple[str, ...]) -> None:
        (app_id,) = ids
        async with self._database.read() as connection:
            wanted = await queries.reply(connection, app_id)
        if wanted is None:
            return  # the app was deleted meanwhile
        here = await self._gateway.embedding_model()
        if wanted.embedding_model not in ("", here):
            message = f"There is no embedding model '{wanted.embedding_model}'. There is: {here}."
            raise NotFound(message, code="model_unknown")
        await self._near.embed_missing(app_id)
        await self._switch(app_id, is_on=True)

    async def _disable(self, ids: tuple[str, ...]) -> None:
        (app_id,) = ids
        await self._switch(app_id, is_on=False)

    async def _switch(self, app_id: str, *, is_on: bool) -> None:
        async with self._database.write() as connection:
            await queries.switch_reply(connection, app_id, is_on=is_on)
        self._near.forget(app_id)


def _kind(action: Action) -> str:
    return f"annotation-reply-{action}"
