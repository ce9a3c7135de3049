"""What `lancedb` is made of: one Lance table, its rows, its writer, its indexes and their maintenance."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import re
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from llmflow.errors import OrganError
from llmflow.ports.embedding import Vectors
from llmflow.ports.vector_store import IndexRow

# LanceDB's native part reads this once, when it is loaded; on "warn" it reports its own routine on standard error.
os.environ.setdefault("LANCEDB_LOG", "error")

import lancedb
from lancedb.index import FTS, IvfSq, LabelList
from lancedb.query import MatchQuery

# It warns in every child that is about to become another program, where its state does not matter.
warnings.filterwarnings("ignore", message="lancedb fork support is experimental")

T = TypeVar("T")
log = logging.getLogger(__name__)

EVERYBODY = "*"  # stands for no groups, so that one label index answers every permission filter
_INDEX_CACHE, _METADATA_CACHE = 512 << 20, 64 << 20  # bytes; the defaults are 6 GB and 1 GB
_VECTOR_INDEX_FROM = 8_000  # rows; below, flat search is exact and takes under 25 ms
_PARTITIONS_SEARCHED = 64  # of about 4,096 rows each
_REFINED = 3  # candidates a hit that are ranked again by their true vectors
# One pass of maintenance takes 40 ms and about 4 us a row of the whole; a search takes 3 us (dense) and 8 us (keyword)
# more for every row that is not indexed yet. A pass is due while writing after so many rows or writes ...
_BUSY_ROWS, _BUSY_SHARE, _BUSY_WRITES = 2_000, 20, 64
# ... and when writing has paused, after fewer. Rows: at least so many, and one in so many of the collection.
_IDLE_ROWS, _IDLE_SHARE, _IDLE_S = 64, 500, 2.0
_MAX_SEGMENTS = 8  # each pass adds one to the vector index; then it is built anew
_KEEP_VERSIONS = timedelta(minutes=1)  # far longer than any search reads one
_ATTEMPTS = 5
# `terms` are analysed already: the index splits them at white space and leaves them as they are.
_FTS = FTS(
    base_tokenizer="whitespace",
    lower_case=False,
    stem=False,
    remove_stop_words=False,
    ascii_folding=False,
    max_token_length=None,
)
FAULTS = (RuntimeError, ValueError, OSError)  # what LanceDB raises


async def connect(path: Path) -> Any:
    """LanceDB's connection to a folder, which is there already."""
    session = lancedb.Session(index_cache_size_bytes=_INDEX_CACHE, metadata_cache_size_bytes=_METADATA_CACHE)
    return await lancedb.connect_async(str(path), session=session)


class Collection:
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
        self._pause: asyncio.TimerHandle | None = None

    async def dense(self, vector: Vectors, *, where: str, limit: int) -> list[tuple[str, float]]:
        """Chunk ids with their cosines."""
        table = await self._opened()
        if table is None:
            return []
        _check_dimensions(await table.schema(), len(vector))
        query = table.query().nearest_to(np.asarray(vector, dtype=np.float32)).distance_type("cosine")
        query = query.nprobes(_PARTITIONS_SEARCHED).refine_factor(_REFINED).select(["chunk_id", "_distance"])
        found = await _filtered(query, where).limit(limit).to_arrow()
        cosines = [1.0 - distance for distance in found["_distance"].to_pylist()]
        return list(zip(found["chunk_id"].to_pylist(), cosines, strict=True))

    async def keyword(self, terms: str, *, where: str, limit: int) -> list[tuple[str, float]]:
        """`terms`: with spaces between. Chunk ids with their BM25 scores."""
        table = await self._opened()
        if table is None:
            return []
        query = table.query().nearest_to_text(MatchQuery(terms, "terms")).select(["chunk_id", "_score"])
        found = await _filtered(query, where).limit(limit).to_arrow()
        return list(zip(found["chunk_id"].to_pylist(), found["_score"].to_pylist(), strict=True))

    async def chunk_ids(self, *, where: str) -> list[str]:
        table = await self._opened()
        if table is None:
            return []
        found = await _filtered(table.query().select(["chunk_id"]), where).to_arrow()
        chunk_ids: list[str] = found["chunk_id"].to_pylist()
        return chunk_ids

    async def _opened(self) -> Any:
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

    async def delete(self, where: str) -> None:
        async with self._writing():
            table = self._table
            if table is not None:
                await _retried(lambda: table.delete(where))
                self._written(0)

    async def set_groups(self, document_ids: Sequence[str], groups: Sequence[str]) -> None:
        async with self._writing():
            table = self._table
            if table is None:
                return
            new = f"make_array({listed(labels(groups))})"
            where = f"document_id IN ({listed(document_ids)})"
            changed = 0

            async def update() -> None:
                nonlocal changed
                result = await table.update(where=where, updates_sql={"groups": new})
                changed = result.rows_updated

            await _retried(update)
            self._rows -= changed  # written anew, not more than before
            self._written(changed)

    async def drop(self) -> None:
        async with self._writer:
            await self._connection.drop_table(self._name, ignore_missing=True)
            self._table = None
            self._unindexed = self._writes = self._rows = 0

    async def close(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
        if self._maintenance is not None:
            self._maintenance.cancel()
            await asyncio.gather(self._maintenance, return_exceptions=True)
        if self._table is not None:
            self._table.close()
            self._table = None

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
            except FAULTS as error:  # searches and writes go on without it; the next pass tries again
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
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        if self._unindexed >= max(_BUSY_ROWS, self._rows // _BUSY_SHARE) or self._writes >= _BUSY_WRITES:
            self._begin_maintenance()
        elif self._unindexed >= max(_IDLE_ROWS, self._rows // _IDLE_SHARE):
            self._pause = asyncio.get_running_loop().call_later(_IDLE_S, self._begin_maintenance)

    def _begin_maintenance(self) -> None:
        if self._maintenance is None or self._maintenance.done():
            self._maintenance = asyncio.create_task(self.maintain())


def _filtered(query: Any, where: str) -> Any:
    """LanceDB filters before it searches unless told otherwise."""
    return query.where(where) if where else query


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
    groups = [labels(row.groups) for row in rows]
    columns = [
        pa.array([row.chunk_id for row in rows], pa.string()),
        pa.array([row.document_id for row in rows], pa.string()),
        pa.array(groups, pa.list_(pa.string())),
        pa.array([" ".join(row.terms) for row in rows], pa.string()),
        pa.FixedSizeListArray.from_arrays(pa.array(flat, pa.float32()), dimensions),
    ]
    return pa.table(columns, schema=_schema(dimensions))


def labels(groups: Sequence[str]) -> list[str]:
    return [f"g:{group}" for group in groups] or [EVERYBODY]


def listed(values: Sequence[str]) -> str:
    return ", ".join(map(quoted, values))


def quoted(value: str) -> str:
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
        except FAULTS as error:
            if "conflict" not in str(error).lower():
                raise
            await asyncio.sleep(0.02 * 2**attempt)
    return await work()
