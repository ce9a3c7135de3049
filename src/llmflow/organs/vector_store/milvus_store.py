"""The `vector_store` port over the client of Milvus, whichever server is at its other end."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import grpc
from pymilvus import MilvusException

from llmflow.errors import InternalError, OrganError
from llmflow.organs.vector_store.milvus_collection import Collection, Server
from llmflow.organs.vector_store.milvus_layout import Layout
from llmflow.ports.embedding import Vectors
from llmflow.ports.health import Health
from llmflow.ports.vector_store import Ability, Filter, Hit, IndexRow

logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it logs, with tracebacks, whatever it raises

PREFIX = "llmflow_"
_SPARE = 8  # hits asked for beyond top_k, so that ties at the edge are cut by chunk_id
_HEALTH_S = 5.0
_SETTLE_S = 600.0
_WITH_WORDS = (2, 5)  # the first version with BM25
_NO_DATABASE = 800
FAULTS = (MilvusException, grpc.RpcError, TimeoutError, OSError)  # what the client raises


class MilvusStore(ABC):
    """One client. Collections are opened when first asked for, and made by their first upsert."""

    def __init__(self, where: str, layout: Layout, *, timeout_s: float) -> None:
        self._where = where
        self._layout = layout
        self._timeout_s = timeout_s
        self._server: Server | None = None
        self._version = ""
        self._connecting = asyncio.Lock()
        self._collections: dict[str, Collection] = {}

    @abstractmethod
    async def _client(self) -> Any:
        """A client of its own, an AsyncMilvusClient, which need not be connected yet."""

    @property
    def abilities(self) -> frozenset[Ability]:
        """Without keyword once a server before 2.5 was met."""
        if self._server is not None and not self._server.has_words:
            return frozenset(("dense", "filters"))
        return frozenset(("dense", "keyword", "filters"))

    async def upsert(self, collection: str, rows: Sequence[IndexRow], vectors: Vectors) -> None:
        if len(rows) != len(vectors):
            raise InternalError(f"{len(rows)} rows came with {len(vectors)} vectors.")
        if not rows:
            return
        with self._told():
            found = await self._collection(collection)
            await found.upsert(rows, vectors)
            await self._written(found)

    async def delete(self, collection: str, *, document_ids: Sequence[str] = (), chunk_ids: Sequence[str] = ()) -> None:
        if document_ids or chunk_ids:
            with self._told():
                found = await self._collection(collection)
                await found.delete(document_ids=document_ids, chunk_ids=chunk_ids)

    async def set_groups(self, collection: str, *, document_ids: Sequence[str], groups: Sequence[str]) -> None:
        if document_ids:
            with self._told():
                found = await self._collection(collection)
                await found.set_groups(document_ids, groups)
                await self._written(found)

    async def dense(self, collection: str, vector: Vectors, *, top_k: int, where: Filter | None = None) -> list[Hit]:
        with self._told():
            if top_k <= 0 or _excludes_all(where):
                return []
            found = await (await self._collection(collection)).dense(vector, where=where, limit=top_k + _SPARE)
        return _best(found, top_k)

    async def keyword(
        self, collection: str, terms: Sequence[str], *, top_k: int, where: Filter | None = None
    ) -> list[Hit]:
        with self._told():
            asked = [term for term in dict.fromkeys(terms) if term.strip()]
            if top_k <= 0 or not asked or _excludes_all(where):
                return []
            found = await (await self._collection(collection)).keyword(asked, where=where, limit=top_k + _SPARE)
        return _best([hit for hit in found if hit[1] > 0], top_k)

    async def chunk_ids(self, collection: str, *, document_id: str | None = None) -> list[str]:
        with self._told():
            return sorted(await (await self._collection(collection)).chunk_ids(document_id=document_id))

    async def drop(self, collection: str) -> None:
        with self._told():
            await (await self._collection(collection)).drop()

    async def health(self) -> Health:
        try:
            with self._told():
                server = await self._connected(timeout_s=_HEALTH_S)
                names = await server.client.list_collections(timeout=_HEALTH_S)
        except OrganError as error:
            return Health(ok=False, where=self._where, detail=error.message, hint=error.hint)
        ours = sum(name.startswith(PREFIX) for name in names)
        detail = f"{ours} collections"
        if not server.has_words:
            detail += "; no keyword search, which Milvus has from 2.5 on"
        refused = [one.refused for one in self._collections.values() if one.refused]
        hint = "Build the index of these anew with the model in use." if refused else ""
        detail = ". ".join([detail, *refused])
        return Health(ok=not refused, where=self._where, version=self._version, detail=detail, hint=hint)

    async def settle(self, collection: str) -> None:
        """Closes what grows and waits until it is indexed; for benchmarks, not part of the port."""
        with self._told():
            found = await self._collection(collection)
            await found.flush()
            async with asyncio.timeout(_SETTLE_S):  # a server may have an index that it never builds
                indexed, rows = await found.indexed_rows()
                while indexed < rows:
                    await asyncio.sleep(0.2)
                    indexed, rows = await found.indexed_rows()

    async def close(self) -> None:
        self._collections.clear()
        if self._server is not None:
            await self._server.client.close()
            self._server = None

    async def _written(self, collection: Collection) -> None:  # noqa: B027 - nothing, unless a store says so
        """Called after each write of rows."""

    async def _collection(self, label: str) -> Collection:
        server = await self._connected(timeout_s=self._timeout_s)
        if label not in self._collections:
            self._collections[label] = Collection(server, _collection_name(label), label)
        return self._collections[label]

    async def _connected(self, *, timeout_s: float) -> Server:
        async with self._connecting:
            if self._server is None:
                client = await self._client()
                try:
                    self._version = await client.get_server_version(timeout=timeout_s)
                    self._server = _server(client, self._version, self._layout, self._timeout_s)
                except BaseException:
                    await client.close()
                    raise
        return self._server

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except FAULTS as error:
            raise told(error, self._where) from error


def told(error: Exception, where: str) -> OrganError:
    """What the client raised, with what to do about it."""
    text = _first_line(error)
    status = _status_of(error)
    if "No space left on device" in text:
        return OrganError("No space left for the vector store.", code="disk_full")
    if status is grpc.StatusCode.UNAUTHENTICATED:
        why = "no token was given" if "missing" in _first_line(_root_of(error)) else "it does not know the token"
        hint = "Set organs.vector_store.token to user:password or an API key of that Milvus."
        return OrganError(f"Milvus at {where} let nobody in: {why}.", hint=hint)
    if status is grpc.StatusCode.PERMISSION_DENIED or "permission deny" in text:
        hint = "Give the role of organs.vector_store.token what it lacks, or another token."
        return OrganError(f"Milvus at {where} does not allow it: {text}", hint=hint)
    if status in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED) or isinstance(error, TimeoutError):
        hint = "Start it, or correct organs.vector_store.url; a firewall may stand between."
        return OrganError(f"Milvus at {where} does not answer.", hint=hint)
    if isinstance(error, MilvusException) and error.code == _NO_DATABASE:
        hint = "Make it there, or correct organs.vector_store.database."
        return OrganError(f"Milvus at {where} has no such database.", hint=hint)
    return OrganError(f"Milvus failed: {text}", hint=f"The server at {where} has more in its own log.")


def _status_of(error: BaseException | None) -> Any:
    """The status of the call at the bottom of it; None when no call failed."""
    code = getattr(_root_of(error), "code", None)
    return code() if code else None


def _root_of(error: BaseException | None) -> BaseException | None:
    """The failed call that led to it; None when none did. The client raises errors as causes of themselves."""
    seen: set[int] = set()
    while error is not None and not isinstance(error, grpc.RpcError) and id(error) not in seen:
        seen.add(id(error))
        error = error.__cause__
    return error if isinstance(error, grpc.RpcError) else None


def _first_line(error: BaseException | None) -> str:
    details = getattr(error, "details", None)
    text = str(getattr(error, "message", "") or (details() if details else error))
    return text.splitlines()[0][:300] if text else type(error).__name__


def _server(client: Any, version: str, layout: Layout, timeout_s: float) -> Server:
    if version.startswith("milvus_lite"):
        # no scalar index: a kill amid writing one makes the collection unreadable for good, and it filters as quickly
        return Server(client, layout, groups="text", has_words=True, scalar_indexes={}, timeout_s=timeout_s)
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    has_words = numbers >= _WITH_WORDS
    if layout.partitions and not has_words:
        message = f"Milvus {version} puts rows that are written again into wrong partitions."
        hint = "Use Milvus 2.5 or newer, or set organs.vector_store.partitions to 0."
        raise OrganError(message, code="organ_unable", hint=hint)
    scalars = {"document_id": "INVERTED", "groups": "INVERTED"} if has_words else {"document_id": "Trie"}
    return Server(client, layout, groups="array", has_words=has_words, scalar_indexes=scalars, timeout_s=timeout_s)


def _collection_name(label: str) -> str:
    """Readable, of what Milvus takes, and different for every collection."""
    readable = re.sub(r"\W+", "_", label, flags=re.ASCII)[:40].strip("_")
    return f"{PREFIX}{readable or 'c'}_{hashlib.sha256(label.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def _best(found: list[tuple[str, float]], top_k: int) -> list[Hit]:
    """A vector of zeros may have no cosine (NaN) and is then never found."""
    hits = [Hit(chunk_id=chunk_id, score=score) for chunk_id, score in found if score == score]
    return sorted(hits, key=lambda hit: (-hit.score, hit.chunk_id))[:top_k]


def _excludes_all(where: Filter | None) -> bool:
    return where is not None and where.document_ids is not None and not where.document_ids
