"""What one process changed and others keep in memory: told over PostgreSQL's LISTEN and NOTIFY, so that nobody asks."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import sqlalchemy as sa

from llmflow.errors import LLMFlowError
from llmflow.store.database import Database

_CHANNEL = "llmflow_news"
_AGAIN_S = (0.5, 1.0, 2.0, 5.0)
_LAST_S = 1.0  # at the end, for what is still to be told
#: Who only listens does not notice by itself that the other machine is gone.
_PATIENCE: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
_log = logging.getLogger(__name__)

#: What changed ("keys", "routes"), and whose or which one.
Tell = Callable[[str, str], None]
Hear = Callable[[str], Awaitable[None] | None]


def nobody(topic: str, id: str) -> None:
    """Where there is one process."""


class News:
    """`hear`: by topic, what to do about an id that another process told of; "" means that any may have changed: at the
    beginning, and after the connection was lost for a while. What could not be done is done once it can be. Until
    `open` nothing is told: there is nobody to hear it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._hear: dict[str, Hear] = {}
        self._listening: asyncio.Task[None] | None = None
        self._telling: set[asyncio.Task[None]] = set()

    def on(self, topic: str, hear: Hear) -> None:
        self._hear[topic] = hear

    async def open(self) -> None:
        """Listens from now on; what changed while this process started is heard of. Raises psycopg.OperationalError,
        and what hearing raises."""
        connection = await self._connect()
        try:
            await self._hear_all()
        except BaseException:
            await connection.close()
            raise
        self._listening = asyncio.create_task(self._listen(connection), name="news")

    def tell(self, topic: str, id: str) -> None:
        """Call it after the change is committed. Does not wait."""
        if self._listening is not None:
            task = asyncio.create_task(self._send(f"{os.getpid()} {topic} {id}"))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def _send(self, text: str) -> None:
        for pause_s in (*_AGAIN_S, None):
            try:
                async with self._database.write() as connection:
                    await connection.execute(sa.select(sa.func.pg_notify(_CHANNEL, text)))
                return
            except LLMFlowError as error:
                if pause_s is None:
                    _log.warning("Other processes were not told of a change: %s", error)
                    return
            await asyncio.sleep(pause_s)

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        url = self._database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        connection = await psycopg.AsyncConnection.connect(url, autocommit=True, **_PATIENCE)
        await connection.execute(f"LISTEN {_CHANNEL}")
        return connection

    async def _listen(self, connection: psycopg.AsyncConnection[Any] | None) -> None:
        lost = 0
        while True:
            try:
                if connection is None:
                    connection = await self._connect()
                    await self._hear_all()
                lost = 0
                async for notice in connection.notifies():
                    sender, topic, id = notice.payload.split(" ", 2)
                    if sender != str(os.getpid()):
                        await self._heard(topic, id)
            except (psycopg.Error, OSError, LLMFlowError) as error:  # what was missed is made up for when it is back
                _log.warning("No word from other processes: %s", error)
            finally:
                if connection is not None:
                    await connection.close()
                    connection = None
            await asyncio.sleep(_AGAIN_S[min(lost, len(_AGAIN_S) - 1)])
            lost += 1

    async def _hear_all(self) -> None:
        for topic in self._hear:
            await self._heard(topic, "")

    async def _heard(self, topic: str, id: str) -> None:
        hear = self._hear.get(topic)
        doing = hear(id) if hear is not None else None
        if doing is not None:
            await doing

    async def close(self) -> None:
        if self._telling:
            _, late = await asyncio.wait(self._telling, timeout=_LAST_S)
            for telling in late:
                telling.cancel()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
            self._listening = None
