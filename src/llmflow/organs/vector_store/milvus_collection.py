"""One collection of Milvus: made by its first upsert, written by one at a time, read as of its last write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pymilvus import DataType, Function, FunctionType

from llmflow.errors import OrganError
from llmflow.organs.vector_store import milvus_rows as encode
from llmflow.organs.vector_store.milvus_layout import Layout
from llmflow.ports.embedding import Vectors
from llmflow.ports.vector_store import Filter, IndexRow

_DEEPEST = 16_384  # the most that one search or query gives
_BATCH_BYTES = 8 << 20  # of one request; servers take 64 MB
_ROWS_AT_ONCE = 500  # read to be written again
_IDS_AT_ONCE = 10_000  # in one expression


class Server:
    """What a collection needs of the server: its client, and how it is asked."""

    def __init__(
        self,
        client: Any,
        layout: Layout,
        *,
        groups: encode.Groups,
        has_words: bool,
        scalar_indexes: Mapping[str, str],
        timeout_s: float,
    ) -> None:
        self.client = client
        self.layout = layout
        self.groups = groups
        self.has_words = has_words
        self.scalar_indexes = scalar_indexes  # field: its index
        self.timeout_s = timeout_s

    async def now(self) -> int:
        """The server's own time stamp: a read that waits for it sees all that was written before."""
        connection = await self.client._get_connection()  # no public name leads there
        stamp: int = await connection.alloc_timestamp(timeout=self.timeout_s)
        return stamp


class Collection:
    """`name`: Milvus's; `label`: ours, which is kept as its description."""

    def __init__(self, server: Server, name: str, label: str) -> None:
        self._server = server
        self._name = name
        self._label = label
        self._writer = asyncio.Lock()
        self._dimensions = 0  # 0: not there, or not opened yet
        self._has_words = False
        self._written_at = 0
        self.unflushed = 0  # rows written since `flush`
        self.refused = ""  # why vectors did not fit, for whoever asks how the store is

    async def dense(self, vector: Vectors, *, where: Filter | None, limit: int) -> list[tuple[str, float]]:
        """Chunk ids with their cosines."""
        if not await self._opened():
            return []
        self._check(len(vector))
        layout, limit = self._server.layout, min(limit, _DEEPEST)
        asked = encode.scaled(vector, layout.metric).tolist()
        params = layout.search_params(limit, is_filtered=where is not None)
        found = await self._search("vector", asked, where, limit, params)
        return [(chunk_id, encode.cosine(distance, layout.metric)) for chunk_id, distance in found]

    async def keyword(self, terms: Sequence[str], *, where: Filter | None, limit: int) -> list[tuple[str, float]]:
        """Chunk ids with their BM25 scores."""
        if not await self._opened():
            return []
        if not self._has_words:
            raise no_words()
        limit = min(limit, _DEEPEST)
        found = await self._search("sparse", encode.words(terms), where, limit, {"metric_type": "BM25"})
        return [(chunk_id, abs(distance)) for chunk_id, distance in found]  # Lite says how far, servers how near

    async def chunk_ids(self, *, document_id: str | None = None) -> list[str]:
        where = [] if document_id is None else [encode.any_of("document_id", [document_id])]
        return [encode.unkey(row["chunk_id"]) async for row in self._rows(where, ["chunk_id"], _DEEPEST)]

    async def upsert(self, rows: Sequence[IndexRow], vectors: Vectors) -> None:
        async with self._writing():
            dimensions = vectors.shape[1]
            if not self._dimensions:
                await self._make(dimensions)
            self._check(dimensions)
            rows, vectors = encode.last_of_each(rows, vectors)
            made = await asyncio.to_thread(self._made, rows, vectors)
            await self._put(made)

    async def delete(self, *, document_ids: Sequence[str], chunk_ids: Sequence[str]) -> None:
        async with self._writing():
            if not self._dimensions:
                return
            for field, ids in (("document_id", document_ids), ("chunk_id", chunk_ids)):
                for start in range(0, len(ids), _IDS_AT_ONCE):
                    which = encode.any_of(field, ids[start : start + _IDS_AT_ONCE])
                    await self._server.client.delete(self._name, filter=which, timeout=self._server.timeout_s)
            self._written_at = await self._server.now()

    async def set_groups(self, document_ids: Sequence[str], groups: Sequence[str]) -> None:
        """Milvus changes a row by writing it whole, so rows are read and put again with their vectors."""
        fields = ["chunk_id", "document_id", "vector"]
        async with self._writing():
            if not self._dimensions:
                return
            fields += ["terms"] if self._has_words else []
            new = encode.group_value(groups, self._server.groups)
            for start in range(0, len(document_ids), _IDS_AT_ONCE):
                which = [encode.any_of("document_id", document_ids[start : start + _IDS_AT_ONCE])]
                changed: list[dict[str, Any]] = []
                async for row in self._rows(which, fields, _ROWS_AT_ONCE):
                    changed.append({name: row[name] for name in fields} | {"groups": new})
                    if len(changed) == _ROWS_AT_ONCE:
                        await self._put(changed)
                        changed = []
                if changed:
                    await self._put(changed)

    async def drop(self) -> None:
        async with self._writer:
            client, timeout = self._server.client, self._server.timeout_s
            if await client.has_collection(self._name, timeout=timeout):
                await client.drop_collection(self._name, timeout=timeout)
            self._dimensions = self._written_at = self.unflushed = 0
            self.refused = ""

    async def flush(self) -> None:
        """Closes the segments that grow, so that they are indexed."""
        if await self._opened():
            await self._server.client.flush(self._name, timeout=self._server.timeout_s)
            self.unflushed = 0

    async def indexed_rows(self) -> tuple[int, int]:
        """Rows that the vector index has taken up, and all."""
        told = await self._server.client.describe_index(self._name, "vector", timeout=self._server.timeout_s)
        return int(told["indexed_rows"]), int(told["total_rows"])

    async def _search(
        self, field: str, asked: Any, where: Filter | None, limit: int, params: dict[str, Any]
    ) -> list[tuple[str, float]]:
        found = await self._server.client.search(
            self._name,
            data=[asked],
            anns_field=field,
            filter=encode.condition(where, self._server.groups),
            limit=limit,
            search_params=params,
            timeout=self._server.timeout_s,
            **self._as_of(),
        )
        return [(encode.unkey(hit.id), float(hit.distance)) for hit in found[0]]

    async def _rows(self, which: Sequence[str], fields: Sequence[str], at_once: int) -> AsyncIterator[dict[str, Any]]:
        """Every row, by chunk_id, read in portions."""
        last, there = "", self._dimensions > 0 or await self._opened()
        while there:
            rows = await self._server.client.query(
                self._name,
                filter=" and ".join([f'chunk_id > "{last}"', *which]),
                output_fields=list(fields),
                limit=at_once,
                iterator="True",  # in the order of ids; else any rows that are quick to get
                reduce_stop_for_best="True",
                timeout=self._server.timeout_s,
                **self._as_of(),
            )
            for row in rows:
                yield row
            there = bool(rows)  # fewer than asked for say nothing: it stops where one segment has no more
            last = rows[-1]["chunk_id"] if rows else last

    def _as_of(self) -> dict[str, Any]:
        level = self._server.layout.consistency
        if level == "Session":
            return {"consistency_level": "Customized", "guarantee_timestamp": self._written_at}
        return {"consistency_level": level}

    def _made(self, rows: Sequence[IndexRow], vectors: Vectors) -> list[dict[str, Any]]:
        groups, has_words = self._server.groups, self._has_words
        numbers = encode.scaled(vectors, self._server.layout.metric)
        return [
            {
                "chunk_id": encode.key(row.chunk_id),
                "document_id": encode.key(row.document_id),
                "groups": encode.group_value(row.groups, groups),
                "vector": vector,
            }
            | ({"terms": encode.words(row.terms)} if has_words else {})
            for row, vector in zip(rows, numbers, strict=True)
        ]

    async def _put(self, rows: Sequence[dict[str, Any]]) -> None:
        most = max(1, _BATCH_BYTES // (4 * self._dimensions + 4096))
        for start in range(0, len(rows), most):
            some = list(rows[start : start + most])
            await self._server.client.upsert(self._name, some, timeout=self._server.timeout_s)
        self.unflushed += len(rows)
        self._written_at = await self._server.now()

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[None]:
        async with self._writer:
            if not self._dimensions:
                await self._open()
            yield

    async def _opened(self) -> bool:
        if not self._dimensions:
            async with self._writer:
                await self._open()
        return self._dimensions > 0

    async def _open(self) -> None:
        """Looks whether it is there, and makes what a crash may have left out. The caller has the lock."""
        client, timeout = self._server.client, self._server.timeout_s
        if self._dimensions or not await client.has_collection(self._name, timeout=timeout):
            return
        told = await client.describe_collection(self._name, timeout=timeout)
        fields = {field["name"]: field for field in told["fields"]}
        self._has_words = "sparse" in fields
        await self._prepare()
        self._written_at = await self._server.now()  # a new process sees what those before it wrote
        self._dimensions = int(fields["vector"]["params"]["dim"])

    async def _make(self, dimensions: int) -> None:
        layout, self._has_words = self._server.layout, self._server.has_words
        await self._server.client.create_collection(
            self._name,
            schema=self._schema(dimensions),
            consistency_level=layout.consistency,
            timeout=self._server.timeout_s,
            num_shards=layout.shards,
            **({"num_partitions": layout.partitions} if layout.partitions else {}),
        )
        await self._prepare()
        self._dimensions = dimensions

    async def _prepare(self) -> None:
        """Indexes and loads; what is there already stays as it is."""
        client, layout, timeout = self._server.client, self._server.layout, self._server.timeout_s
        have = set(await client.list_indexes(self._name, timeout=timeout))
        wanted: list[tuple[str, str, str, dict[str, Any]]] = [
            ("vector", layout.index, layout.metric, layout.build_params())
        ]
        if self._has_words:
            wanted.append(("sparse", "SPARSE_INVERTED_INDEX", "BM25", {}))
        wanted += [(field, kind, "", {}) for field, kind in self._server.scalar_indexes.items()]
        # all at once: the client looks only every half second whether one is there
        await asyncio.gather(*(self._index(*index) for index in wanted if index[0] not in have))
        await client.load_collection(self._name, replica_number=layout.replicas, timeout=timeout)

    async def _index(self, field: str, kind: str, metric: str, params: dict[str, Any]) -> None:
        indexes = self._server.client.prepare_index_params()
        more = {"metric_type": metric, "params": params} if metric else {}
        indexes.add_index(field, index_type=kind, index_name=field, **more)
        await self._server.client.create_index(self._name, indexes, timeout=self._server.timeout_s)

    def _schema(self, dimensions: int) -> Any:
        layout, client = self._server.layout, self._server.client
        schema = client.create_schema(auto_id=False, enable_dynamic_field=False, description=self._label[:200])
        schema.add_field("chunk_id", DataType.VARCHAR, is_primary=True, max_length=encode.ID_BYTES)
        by_document = {"is_partition_key": True} if layout.partitions else {}
        schema.add_field("document_id", DataType.VARCHAR, max_length=encode.ID_BYTES, **by_document)
        if self._server.groups == "array":
            many = {"max_capacity": encode.GROUPS_OF_A_ROW, "max_length": encode.GROUP_BYTES}
            schema.add_field("groups", DataType.ARRAY, element_type=DataType.VARCHAR, **many)
        else:
            schema.add_field("groups", DataType.VARCHAR, max_length=encode.TERMS_BYTES)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimensions)
        if self._has_words:
            analyser = {"enable_analyzer": True, "analyzer_params": {"type": "standard"}, "mmap_enabled": True}
            schema.add_field("terms", DataType.VARCHAR, max_length=encode.TERMS_BYTES, **analyser)
            schema.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR)
            bm25 = {
                "function_type": FunctionType.BM25,
                "input_field_names": ["terms"],
                "output_field_names": ["sparse"],
            }
            schema.add_function(Function(name="bm25", **bm25))
        return schema

    def _check(self, dimensions: int) -> None:
        if dimensions == self._dimensions:
            self.refused = ""
            return
        there = f"The index holds vectors of {self._dimensions} numbers, the embedding model gives {dimensions}."
        hint = "Build the knowledge base's index anew with the model in use."
        self.refused = f"{self._label}: {there}"
        raise OrganError(there, hint=hint)


def no_words() -> OrganError:
    return OrganError(
        "This Milvus has no keyword search.",
        code="organ_unable",
        hint="Milvus has it from version 2.5 on; update it, or search by meaning alone (mode: dense).",
    )
