"""LanceDB in a folder: one Lance table per collection, dense and BM25 search under a filter.

Every write is one atomic commit that the next search sees: what the indexes do not hold yet is searched flat. After
enough writes `_Collection.maintain` merges small files, brings the indexes up to date and drops old versions.

The vector index is IVF with 8-bit codes, searched whole up to 260,000 rows and ranked again by the true vectors. At
100,000 x 384 it builds in 4 CPU-s and answers in 8 ms at recall@10 1.00, on clustered and on random vectors; HNSW-SQ
takes 36 to 95 CPU-s for the same answers, 1-bit RaBitQ falls to .50 on random vectors, flat search takes 270 ms.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import logging
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from llmflow.errors import InternalError, OrganError
from llmflow.ports.embedding import Vectors
from llmflow.ports.health import Health
from llmflow.ports.vector_store import Ability, Filter, Hit, IndexRow

# Its native part reads this once, when it is loaded; on "warn" it reports its own routine on standard error.
os.environ.setdefault("LANCEDB_LOG", "error")

import lancedb
from lancedb.index import FTS, IvfSq, LabelList
from lancedb.query import MatchQuery

T = TypeVar("T")
log = logging.getLogger(__name__)

_ABILITIES: frozenset[Ability] = frozenset({"dense", "keyword", "filters"})
_EVERYBODY = "*"  # stands for no groups, so that one label index answers every permission filter
_VECTOR_INDEX_FROM = 8_000  # rows; below, flat search is exact and takes under 25 ms
_PARTITIONS_SEARCHED = 64  # of about 4,096 rows each
_REFINED = 3  # candidates a hit that are ranked again by their true vectors
_SPARE = 8  # hits asked for beyond top_k, so that ties at the edge are cut by chunk_id
_MAINTAIN_ROWS = 2_000  # unindexed rows cost a search 3 us (dense) and 2 us (keyword) each
_MAINTAIN_SHARE = 20  # or a 20th of a large collection: one pass costs about 4 us a row of the whole
_MAINTAIN_WRITES = 64
_MAX_SEGMENTS = 8  # each pass adds one to the vector index; then it is built anew
_KEEP_VERSIONS = timedelta(minutes=1)  # far longer than any search reads one
_ATTEMPTS = 5
_INDEX_CACHE, _METADATA_CACHE = 512 << 20, 64 << 20  # bytes; the defaults are 6 GB and 1 GB

# `terms` are analysed already: the index splits them at white space and leaves them as they are.
_FTS = FTS(
    base_tokenizer="whitespace",
    lower_case=False,
    stem=False,
    remove_stop_words=False,
    ascii_folding=False,
    max_token_length=None,
)
_FAULTS = (RuntimeError, ValueError, OSError)  # what LanceDB raises


class LanceVectorStore:
    """The `vector_store` port over LanceDB. One process owns the folder; searches run beside each other and beside
    the one writer a collection has at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: Any = None
        self._connecting = asyncio.Lock()
        self._collections: dict[str, _Collection] = {}

    @property
    def abilities(self) -> frozenset[Ability]:
        return _ABILITIES

    async def upsert(self, collection: str, rows: Sequence[IndexRow], vectors: Vectors) -> None:
        if len(rows) != len(vectors):
            raise InternalError(f"{len(rows)} rows came with {len(vectors)} vectors.")
        if not rows:
            return
        with _told():
            await (await self._collection(collection)).upsert(rows, vectors)

    async def delete(self, collection: str, *, document_ids: Sequence[str]) -> None:
        if not document_ids:
            return
        with _told():
            await (await self._collection(collection)).delete(document_ids)

    async def dense(self, collection: str, vector: Vectors, *, top_k: int, where: Filter | None = None) -> list[Hit]:
        with _told():
            table = await (await self._collection(collection)).table()
            if table is None or top_k <= 0 or _excludes_all(where):
                return []
            _check_dimensions(await table.schema(), len(vector))
            query = table.query().nearest_to(np.asarray(vector, dtype=np.float32)).distance_type("cosine")
            query = query.nprobes(_PARTITIONS_SEARCHED).refine_factor(_REFINED)
            found = await _run(query.select(["chunk_id", "_distance"]), where, top_k)
        distances = found["_distance"].to_pylist()
        return _best(found["chunk_id"].to_pylist(), [1.0 - distance for distance in distances], top_k)

    async def keyword(
        self, collection: str, terms: Sequence[str], *, top_k: int, where: Filter | None = None
    ) -> list[Hit]:
        with _told():
            table = await (await self._collection(collection)).table()
            asked = " ".join(dict.fromkeys(terms))
            if table is None or top_k <= 0 or not asked.strip() or _excludes_all(where):
                return []
            query = table.query().nearest_to_text(MatchQuery(asked, "terms"))
            found = await _run(query.select(["chunk_id", "_score"]), where, top_k)
        return _best(found["chunk_id"].to_pylist(), found["_score"].to_pylist(), top_k)

    async def chunk_ids(self, collection: str, *, document_id: str | None = None) -> list[str]:
        with _told():
            table = await (await self._collection(collection)).table()
            if table is None:
                return []
            query = table.query().select(["chunk_id"])
            if document_id is not None:
                query = query.where(f"document_id = {_quoted(document_id)}")
            found = await query.to_arrow()
        return sorted(found["chunk_id"].to_pylist())

    async def drop(self, collection: str) -> None:
        with _told():
            await (await self._collection(collection)).drop()

    async def health(self) -> Health:
        try:
            with _told():
                names = await (await self._connect()).table_names(limit=10_000)
        except OrganError as error:
            return Health(ok=False, where=str(self._path), detail=error.message, hint=error.hint)
        detail = f"{len(names)} collections"
        return Health(ok=True, where=str(self._path), version=lancedb.__version__, detail=detail)

    async def settled(self, collection: str) -> None:
        """Returns when no maintenance is under way; for benchmarks, not part of the port."""
        await (await self._collection(collection)).settled()

    async def close(self) -> None:
        for collection in self._collections.values():
            await collection.close()
        self._collections.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _connect(self) -> Any:
        async with self._connecting:
            if self._connection is None:
                await asyncio.to_thread(self._path.mkdir, parents=True, exist_ok=True, mode=0o700)
                session = lancedb.Session(
                    index_cache_size_bytes=_INDEX_CACHE, metadata_cache_size_bytes=_METADATA_CACHE
                )
                self._connection = await lancedb.connect_async(str(self._path), session=session)
        return self._connection

    async def _collection(self, name: str) -> _Collection:
        connection = await self._connect()
        if name not in self._collections:
            self._collections[name] = _Collection(connection, name)
        return self._collections[name]


class _Collection:
    """One Lance table, opened when first asked for and made by the first upsert."""

    def __init__(self, connection: Any, name: str) -> None:
        self._connection = connection
        self._name = _table_name(name)
        self._label = name
        self._table: Any = None
        self._writer = asyncio.Lock()
        self._unindexed = 0  # rows
        self._writes = 0  # since the last maintenance
        self._rows = 0
        self._maintenance: asyncio.Task[None] | None = None

    async def table(self) -> Any:
        """The Lance table; None when there is none."""
        if self._table is None:
            async with self._writer:
                await self._open()
        return self._table

    async def upsert(self, rows: Sequence[IndexRow], vectors: Vectors) -> None:
        async with self._writing():
            if self._table is None:
                schema = _schema(vectors.shape[1]).with_metadata({"llmflow.collection": self._label})
                await self._connection.create_table(self._name, schema=schema, exist_ok=True)
                await self._open()
            table = self._table
            _check_dimensions(await table.schema(), vectors.shape[1])
            batch = await asyncio.to_thread(_batch, rows, vectors)

            async def merge() -> None:
                # An index that lags behind makes a merge 30 times slower than reading every chunk id.
                builder = table.merge_insert("chunk_id").use_index(False)
                await builder.when_matched_update_all().when_not_matched_insert_all().execute(batch)

            await _retried(merge)
            self._written(len(rows))

    async def delete(self, document_ids: Sequence[str]) -> None:
        async with self._writing():
            table = self._table
            if table is not None:
                await _retried(lambda: table.delete(f"document_id IN ({_listed(document_ids)})"))
                self._written(0)

    async def drop(self) -> None:
        async with self._writer:
            await self._connection.drop_table(self._name, ignore_missing=True)
            self._table = None
            self._unindexed = self._writes = self._rows = 0

    async def close(self) -> None:
        if self._maintenance is not None:
            self._maintenance.cancel()
            await asyncio.gather(self._maintenance, return_exceptions=True)
        if self._table is not None:
            self._table.close()
            self._table = None

    async def settled(self) -> None:
        while self._maintenance is not None and not self._maintenance.done():
            await asyncio.wait([self._maintenance])

    async def maintain(self) -> None:
        """Merges small files, indexes new rows, drops old versions. Writers wait meanwhile, searches do not."""
        async with self._writer:
            table = self._table
            if table is None:
                return
            try:
                await _retried(lambda: table.optimize(cleanup_older_than=_KEEP_VERSIONS))
                self._rows = await table.count_rows()
                index = await table.index_stats("vector_idx")
                if self._rows >= _VECTOR_INDEX_FROM and (index is None or (index.num_indices or 0) > _MAX_SEGMENTS):
                    await _retried(lambda: table.create_index("vector", config=IvfSq(distance_type="cosine")))
            except _FAULTS as error:  # searches and writes go on without it; the next pass tries again
                log.warning("Maintenance of the vector store's %s failed: %s", self._name, error)
            self._unindexed = self._writes = 0

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[None]:
        async with self._writer:
            if self._table is None:
                await self._open()
            yield

    async def _open(self) -> None:
        """Opens the table if it exists and makes the indexes a crash may have left out. The caller has the lock."""
        if self._table is not None:
            return
        try:
            table = await self._connection.open_table(self._name)
        except ValueError as error:
            if "not found" in str(error):
                return
            raise
        have = {index.name for index in await table.list_indices()}
        if "terms_idx" not in have:
            await table.create_index("terms", config=_FTS)
        if "groups_idx" not in have:
            await table.create_index("groups", config=LabelList())
        self._rows = await table.count_rows()
        stats = await table.index_stats("terms_idx")
        self._unindexed = stats.num_unindexed_rows if stats else self._rows
        self._table = table
        self._maintain_if_due()

    def _written(self, rows: int) -> None:
        self._unindexed += rows
        self._rows += rows
        self._writes += 1
        self._maintain_if_due()

    def _maintain_if_due(self) -> None:
        due = self._unindexed >= max(_MAINTAIN_ROWS, self._rows // _MAINTAIN_SHARE)
        if (due or self._writes >= _MAINTAIN_WRITES) and (self._maintenance is None or self._maintenance.done()):
            self._maintenance = asyncio.create_task(self.maintain())


def _table_name(collection: str) -> str:
    """Readable, safe as a folder's name and different for every collection."""
    readable = re.sub(r"[^A-Za-z0-9_-]+", "_", collection)[:40].strip("_-")
    return f"{readable or 'c'}-{hashlib.sha256(collection.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def _schema(dimensions: int) -> Any:
    return pa.schema(
        [
            pa.field("chunk_id", pa.string(), nullable=False),
            pa.field("document_id", pa.string(), nullable=False),
            pa.field("groups", pa.list_(pa.string())),
            pa.field("terms", pa.string()),
            pa.field("vector", pa.list_(pa.float32(), dimensions)),
        ]
    )


def _batch(rows: Sequence[IndexRow], vectors: Vectors) -> Any:
    """One Arrow table; of rows with the same chunk_id the last one counts."""
    last = {row.chunk_id: number for number, row in enumerate(rows)}
    if len(last) < len(rows):
        rows, vectors = [rows[number] for number in last.values()], vectors[list(last.values())]
    dimensions = vectors.shape[1]
    flat = np.ascontiguousarray(vectors, dtype=np.float32).reshape(-1)
    groups = [[f"g:{group}" for group in row.groups] or [_EVERYBODY] for row in rows]
    columns = [
        pa.array([row.chunk_id for row in rows], pa.string()),
        pa.array([row.document_id for row in rows], pa.string()),
        pa.array(groups, pa.list_(pa.string())),
        pa.array([" ".join(row.terms) for row in rows], pa.string()),
        pa.FixedSizeListArray.from_arrays(pa.array(flat, pa.float32()), dimensions),
    ]
    return pa.table(columns, schema=_schema(dimensions))


async def _run(query: Any, where: Filter | None, top_k: int) -> Any:
    condition = _condition(where)
    if condition:
        query = query.where(condition)  # LanceDB filters before it searches unless told otherwise
    return await query.limit(top_k + _SPARE).to_arrow()


def _best(chunk_ids: list[str], scores: list[float], top_k: int) -> list[Hit]:
    hits = [Hit(chunk_id=chunk_id, score=score) for chunk_id, score in zip(chunk_ids, scores, strict=True)]
    return sorted(hits, key=lambda hit: (-hit.score, hit.chunk_id))[:top_k]


def _excludes_all(where: Filter | None) -> bool:
    return where is not None and where.document_ids is not None and not where.document_ids


def _condition(where: Filter | None) -> str:
    if where is None:
        return ""
    parts = []
    if where.document_ids is not None:
        parts.append(f"document_id IN ({_listed(where.document_ids)})")
    if where.groups is not None:
        allowed = [_EVERYBODY, *(f"g:{group}" for group in where.groups)]
        parts.append(f"array_has_any(groups, [{_listed(allowed)}])")
    return " AND ".join(parts)


def _listed(values: Sequence[str]) -> str:
    return ", ".join(map(_quoted, values))


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _check_dimensions(schema: Any, dimensions: int) -> None:
    there = schema.field("vector").type.list_size
    if there != dimensions:
        raise OrganError(
            f"The index holds vectors of {there} numbers, the embedding model gives {dimensions}.",
            hint="Build the knowledge base's index anew with the model in use.",
        )


async def _retried(work: Callable[[], Awaitable[T]]) -> T:
    """Lance commits optimistically: another commit in between makes it start over."""
    for attempt in range(1, _ATTEMPTS):
        try:
            return await work()
        except _FAULTS as error:
            if "conflict" not in str(error).lower():
                raise
            await asyncio.sleep(0.02 * 2**attempt)
    return await work()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except _FAULTS as error:
        text = str(error)
        if getattr(error, "errno", None) == errno.ENOSPC or "No space left on device" in text:
            raise OrganError("No space left for the vector store.", code="disk_full") from error
        with contextlib.suppress(IndexError):
            text = text.splitlines()[0][:300]
        raise OrganError(f"The vector store failed: {text}") from error
