"""A Milvus server: standalone, distributed or hosted. One Milvus collection for each of ours.

Reads wait for this process's own last write (`consistency: session`), at most 200 ms and only right after one, so a
search sees what was acknowledged without asking for a strong read each time.

Segments that grow are closed once writing pauses, so that fresh rows are soon searched by the index that was asked for:
left alone, Milvus closes them after minutes, and until then searches many rows by a coarse index of its own.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from urllib.parse import urlsplit

from pymilvus import AsyncMilvusClient

from llmflow.errors import ConfigError
from llmflow.organs.vector_store.milvus_collection import Collection
from llmflow.organs.vector_store.milvus_layout import layout_of
from llmflow.organs.vector_store.milvus_store import FAULTS, MilvusStore

_FRESH_ROWS = 5_000  # fewer are searched one by one, which misses nothing
_PAUSE_S = 12.0  # a server takes one such call in ten seconds

_log = logging.getLogger(__name__)


class MilvusVectorStore(MilvusStore):
    """Raises ConfigError for an option that is wrong."""

    def __init__(
        self,
        url: str,
        *,
        token: str = "",
        database: str = "",
        ca_path: str = "",
        index: str = "HNSW",
        build: str = "",
        search: str = "",
        metric: str = "cosine",
        shards: int = 1,
        partitions: int = 0,
        replicas: int = 1,
        consistency: str = "session",
        timeout_s: float = 30.0,
    ) -> None:
        layout = layout_of(
            index=index,
            build=build,
            search=search,
            metric=metric,
            shards=shards,
            partitions=partitions,
            replicas=replicas,
            consistency=consistency,
        )
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            message = f"organs.vector_store.url: {parts.scheme or url!r} is no address like http://127.0.0.1:19530."
            raise ConfigError(message, code="setting_value")
        if parts.username or parts.password:
            raise ConfigError("organs.vector_store.url: the password belongs into `token`.", code="setting_value")
        super().__init__(url, layout, timeout_s=timeout_s)
        secure = {"secure": True} if parts.scheme == "https" else {}
        ca = {"server_pem_path": ca_path} if ca_path else {}
        self._options: dict[str, Any] = {"token": token, "db_name": database, **secure, **ca}
        self._pauses: dict[Collection, asyncio.TimerHandle] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        for pause in self._pauses.values():
            pause.cancel()
        self._pauses.clear()
        for task in self._closing:
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)
        await super().close()

    async def _written(self, collection: Collection) -> None:
        if (pause := self._pauses.pop(collection, None)) is not None:
            pause.cancel()
        if collection.unflushed >= _FRESH_ROWS:
            self._pauses[collection] = asyncio.get_running_loop().call_later(_PAUSE_S, self._paused, collection)

    def _paused(self, collection: Collection) -> None:
        del self._pauses[collection]
        task = asyncio.create_task(self._close_segments(collection))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _close_segments(self, collection: Collection) -> None:
        try:
            await collection.flush()
        except FAULTS as error:  # Milvus does it by itself, later
            _log.warning("Milvus did not close what was written: %s", error)

    async def _client(self) -> Any:
        return AsyncMilvusClient(self._where, dedicated=True, timeout=self._timeout_s, **self._options)
