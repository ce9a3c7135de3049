"""Which annotation a question is nearest to: cosines with all of an app's, in memory; thousands cost a millisecond."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from llmflow.apps.annotations import queries
from llmflow.apps.annotations.types import Near, ReplySettings
from llmflow.apps.known import Known
from llmflow.gateway.gateway import Gateway
from llmflow.ports.embedding import Vectors
from llmflow.store.database import Database

_APPS = 64  # whose vectors are kept in memory
_MOST_SETTINGS = 10_000
_AT_ONCE = 64  # questions embedded at a time
_STORED = "<f4"


@dataclass(frozen=True, slots=True)
class _Space:
    """Row i of `vectors` is that of the annotation `ids[i]`."""

    ids: tuple[str, ...]
    vectors: Vectors


class Nearness:
    def __init__(self, database: Database, gateway: Gateway) -> None:
        self._database = database
        self._gateway = gateway
        self._settings: Known[str, ReplySettings] = Known(_MOST_SETTINGS)
        self._spaces: Known[str, _Space] = Known(_APPS)

    async def is_on(self, app_id: str) -> bool:
        return (await self._reply(app_id)).is_on

    async def nearest(self, app_id: str, question: str) -> Near | None:
        """The nearest annotation, where it is as near as the app's settings want; None also where its reply is off.
        Raises what the embedding organ raises."""
        settings = await self._reply(app_id)
        if not settings.is_on:
            return None
        space = await self._space(app_id)
        if not space.ids:
            return None
        (asked,) = await self._gateway.embed("", [question], "query")
        scores = space.vectors @ asked
        best = int(np.argmax(scores))
        score = float(scores[best])
        if score < settings.score_threshold:
            return None
        async with self._database.read() as connection:
            found = await queries.annotation(connection, app_id, space.ids[best])
        return Near(found, score) if found else None

    async def embed_missing(self, app_id: str) -> None:
        """Vectors for all questions that have none of the embedding organ's model. Raises what the organ raises."""
        model = await self._gateway.embedding_model()
        while True:
            async with self._database.read() as connection:
                rows = await queries.without_vector(connection, app_id, model, limit=_AT_ONCE)
            if not rows:
                break
            found = await self._gateway.embed("", [question for _, _, question in rows], "query")
            ready = [
                (id, seen, vector.astype(_STORED).tobytes()) for (id, seen, _), vector in zip(rows, found, strict=True)
            ]
            async with self._database.write() as connection:
                await queries.put_vectors(connection, model, ready)
        self.forget(app_id)

    def forget(self, app_id: str) -> None:
        """Something of the app's annotations or of its reply changed."""
        self._settings.forget(app_id)
        self._spaces.forget(app_id)

    async def _reply(self, app_id: str) -> ReplySettings:
        async def look() -> ReplySettings:
            async with self._database.read() as connection:
                return await queries.reply(connection, app_id) or ReplySettings(app_id, False, "", 1.0)

        return await self._settings.get(app_id, look)

    async def _space(self, app_id: str) -> _Space:
        async def look() -> _Space:
            model = await self._gateway.embedding_model()
            async with self._database.read() as connection:
                rows = await queries.vectors(connection, app_id, model)
            if not rows:
                return _Space((), np.empty((0, 0), np.float32))
            matrix = np.frombuffer(b"".join(raw for _, raw in rows), _STORED).reshape(len(rows), -1)
            return _Space(tuple(id for id, _ in rows), matrix.astype(np.float32))

        return await self._spaces.get(app_id, look)
