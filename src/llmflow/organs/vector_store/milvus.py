"""A Milvus server: standalone, distributed or hosted. One Milvus collection for each of ours.

Reads wait for this process's own last write (`consistency: session`), at most 200 ms and only right after one, so a
search sees what was acknowledged without asking for a strong read each time.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pymilvus import AsyncMilvusClient

from llmflow.errors import ConfigError
from llmflow.organs.vector_store.milvus_layout import layout_of
from llmflow.organs.vector_store.milvus_store import MilvusStore


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

    async def _client(self) -> Any:
        return AsyncMilvusClient(self._where, dedicated=True, timeout=self._timeout_s, **self._options)
