"""A batch of documents from bytes to index: parse, chunk, embed, write. Repeatable: run again, it ends the same.

Small documents go through together, so that a thousand of them cost few transactions; a large one goes alone.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from llmflow.errors import DocumentError, LLMFlowError, NotFound, OrganError, Unsupported
from llmflow.knowledge import queries
from llmflow.knowledge.bases import Bases
from llmflow.knowledge.changes import Changes
from llmflow.knowledge.embed import embed_passages
from llmflow.knowledge.indexed import embedded
from llmflow.knowledge.indexing import ROOM_TOKENS
from llmflow.knowledge.language import language_of
from llmflow.knowledge.progress import Progress
from llmflow.knowledge.terms import terms
from llmflow.knowledge.types import Document, KnowledgeBase
from llmflow.ports.blobs import Blobs
from llmflow.ports.chunker import Chunk, Chunker, ChunkRule
from llmflow.ports.embedding import Embedding, Vectors
from llmflow.ports.parser import Element, ParsedDocument, Parser
from llmflow.ports.vector_store import IndexRow, VectorStore
from llmflow.store.content import Content, Scope
from llmflow.store.database import Database
from llmflow.store.ids import now_ms
from llmflow.store.tables import documents as table

_BATCH_BYTES = 2 * 1024 * 1024  # documents parsed together hold about this many bytes
_PARSE_AT_ONCE = 4
_CHUNK_NAMESPACE = uuid.UUID("6f0d3c52-0b1e-7c0a-9d2e-1d9a5f0c7b11")


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A document parsed and cut, its words past the content boundary."""

    document: Document
    parsed: ParsedDocument
    chunks: list[Chunk]
    texts: list[Content]


@dataclass(frozen=True, slots=True)
class _Failure:
    document: Document
    error: LLMFlowError


class Ingest:
    def __init__(
        self,
        database: Database,
        bases: Bases,
        blobs: Blobs,
        parser: Parser,
        chunker: Chunker,
        embedding: Embedding,
        vectors: VectorStore,
        progress: Progress,
        changes: Changes,
    ) -> None:
        self._database = database
        self._bases = bases
        self._blobs = blobs
        self._parser = parser
        self._chunker = chunker
        self._embedding = embedding
        self._vectors = vectors
        self._progress = progress
        self._changes = changes

    async def run(self, base: KnowledgeBase, documents: Sequence[Document]) -> None:
        """Brings each document to ready or failed, unless it was replaced or deleted meanwhile.

        Raises OrganError when an organ does not answer: the documents it was busy with are still `running`."""
        for batch in _batches(documents):
            await self._run_batch(base, batch)

    async def _run_batch(self, base: KnowledgeBase, documents: Sequence[Document]) -> None:
        ids = [d.id for d in documents]
        try:
            gate = asyncio.Semaphore(_PARSE_AT_ONCE)
            outcomes = await asyncio.gather(*(self._prepare(base, d, gate) for d in documents))
            for outcome in outcomes:
                if isinstance(outcome, OrganError):  # raised once all have ended: a retry parses nothing twice at once
                    raise outcome
            failures = [o for o in outcomes if isinstance(o, _Failure)]
            prepared = [o for o in outcomes if isinstance(o, _Prepared)]
            vectors = await self._embed(base, prepared)
            if prepared:
                base = await self._bases.settle(base, self._embedding.model)
                for p in prepared:
                    self._progress.report(p.document, "index", 0, 0)
                async with self._bases.indexing:  # two versions of a document never interleave
                    await self._write(base, prepared, vectors)
            await self.fail(base, failures)
        finally:
            self._progress.forget(ids)
            self._changes.tell(base.id)

    async def _prepare(
        self, base: KnowledgeBase, document: Document, gate: asyncio.Semaphore
    ) -> _Prepared | _Failure | OrganError:
        try:
            async with gate:
                parsed = await self._parse(document)
                self._progress.report(document, "chunk", 0, 0)
                elements = await self._admit(base, parsed.elements)
                rule = await self._rule(base)
                chunks = await self._chunker.chunk(elements, rule)
        except (DocumentError, Unsupported) as error:
            return _Failure(document, error)
        except OrganError as error:
            return error
        except (
            NotFound,
            FileNotFoundError,
        ):  # its bytes went with a deletion or a replacement, unless the disk lost them
            return _Failure(document, DocumentError("Its stored bytes are gone.", hint="Upload the document again."))
        if not chunks:
            return _Failure(document, DocumentError(f"{document.name} has no text.", code="document_empty"))
        texts = await self._database.boundary.admit(Scope("knowledge", base.id), [chunk.text for chunk in chunks])
        return _Prepared(document, parsed, chunks, texts)

    async def _rule(self, base: KnowledgeBase) -> ChunkRule:
        """The base's sizes, as far as the embedding model reads a passage whole."""
        await self._embedding.embed([], "passage")  # loads the model, which alone knows its limit
        most = self._embedding.max_tokens - ROOM_TOKENS
        return ChunkRule(max_tokens=min(base.chunk_tokens, most), overlap_tokens=base.overlap_tokens)

    async def _parse(self, document: Document) -> ParsedDocument:
        def report(done: int, total: int) -> None:
            self._progress.report(document, "parse", done, total)

        async with self._blobs.local(document.digest) as path:
            parsing = asyncio.ensure_future(self._parser.parse(path, name=document.file_name, progress=report))
            try:
                while not (await asyncio.wait([parsing], timeout=1.0))[0]:
                    await self._progress.flush()
            finally:
                parsing.cancel()
            return await parsing

    async def _admit(self, base: KnowledgeBase, elements: Sequence[Element]) -> Sequence[Element]:
        """The elements with their words past the boundary, before anything is cut or embedded."""
        texts = await self._database.boundary.admit(Scope("knowledge", base.id), [e.text for e in elements])
        if all(text == element.text for text, element in zip(texts, elements, strict=True)):
            return elements
        return [msgspec.structs.replace(element, text=text) for element, text in zip(elements, texts, strict=True)]

    async def _embed(self, base: KnowledgeBase, prepared: Sequence[_Prepared]) -> Vectors:
        """One vector for each passage of all documents, in order."""
        passages = [
            (p, embedded(chunk.heading_path, text))
            for p in prepared
            for chunk, text in zip(p.chunks, p.texts, strict=True)
        ]
        finished = Counter[str]()

        async def done(begin: int, end: int) -> None:
            for p, _ in passages[begin:end]:
                finished[p.document.id] += 1
                self._progress.report(p.document, "embed", finished[p.document.id], len(p.chunks))
            self._bases.pace.add(base.id, end - begin)
            await self._progress.flush()

        self._bases.pace.begin(base.id)
        return await embed_passages(self._embedding, [text for _, text in passages], done=done)

    async def _write(self, base: KnowledgeBase, prepared: Sequence[_Prepared], vectors: Vectors) -> None:
        """Passages to the database, then vectors, then the documents are ready: in this order, so that a crash
        leaves a document `running` and its job to do it again. A document's `chunk_count` is not 0 as long as the
        index may hold rows of it: those of an older version, or of a run that crashed, are removed first."""
        rows, index_rows = await asyncio.to_thread(_rows, base, prepared)
        ids = [p.document.id for p in prepared]
        async with self._database.write() as connection:
            current = await queries.states_and_digests(connection, ids)
            valid = {p.document.id: p for p in prepared if current.get(p.document.id) == ("running", p.document.digest)}
            if not valid:
                return
            stale = await queries.document_ids(connection, table.c.id.in_(valid), table.c.chunk_count > 0)
            await queries.delete_passages(connection, list(valid))
            await queries.insert_passages(connection, [row for row in rows if row["document_id"] in valid])
            await queries.set_chunk_counts(connection, {i: len(p.chunks) for i, p in valid.items()})
        keep = [i for i, row in enumerate(index_rows) if row.document_id in valid]
        if stale:
            await self._vectors.delete(base.collection, document_ids=stale)
        await self._vectors.upsert(base.collection, [index_rows[i] for i in keep], vectors[keep])
        async with self._database.write() as connection:
            await queries.mark_ready(connection, [_ready_row(p) for p in valid.values()])
            remaining = await queries.states_and_digests(connection, valid)
        deleted = [i for i in valid if remaining.get(i, ("deleting", ""))[0] == "deleting"]
        if deleted:
            await self._vectors.delete(base.collection, document_ids=deleted)

    async def fail(self, base: KnowledgeBase, failures: Sequence[_Failure]) -> None:
        """Marks documents failed, with the error that people see. A failed replacement leaves no old passages."""
        if not failures:
            return
        async with self._bases.indexing:
            ids = [failure.document.id for failure in failures]
            async with self._database.write() as connection:
                current = await queries.states_and_digests(connection, ids)
                mine = [f for f in failures if current.get(f.document.id) == ("running", f.document.digest)]
                ids = [failure.document.id for failure in mine]
                stale = await queries.document_ids(connection, table.c.id.in_(ids), table.c.chunk_count > 0)
                await queries.delete_passages(connection, ids)
            if stale:
                await self._vectors.delete(base.collection, document_ids=stale)
            async with self._database.write() as connection:
                for failure in mine:
                    await queries.update_documents(
                        connection,
                        [failure.document.id],
                        only=[table.c.state == "running", table.c.digest == failure.document.digest],
                        state="failed",
                        error_code=failure.error.code,
                        error_message=failure.error.message,
                        error_hint=failure.error.hint,
                        chunk_count=0,
                        indexed_at=None,
                        updated_at=now_ms(),
                    )
        self._changes.tell(base.id)

    async def fail_all(self, base: KnowledgeBase, documents: Iterable[Document], error: LLMFlowError) -> None:
        await self.fail(base, [_Failure(document, error) for document in documents])


def _batches(documents: Sequence[Document]) -> Iterator[list[Document]]:
    batch: list[Document] = []
    size = 0
    for document in documents:
        if batch and size + document.size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += document.size
    if batch:
        yield batch


def _rows(base: KnowledgeBase, prepared: Sequence[_Prepared]) -> tuple[list[dict[str, object]], list[IndexRow]]:
    """Database rows and index rows of every passage, in the order of `_embed`."""
    rows: list[dict[str, object]] = []
    index_rows: list[IndexRow] = []
    for p in prepared:
        for ordinal, (chunk, text) in enumerate(zip(p.chunks, p.texts, strict=True)):
            chunk_id = str(uuid.uuid5(_CHUNK_NAMESPACE, f"{p.document.id}/{p.document.digest}/{ordinal}"))
            words = terms(embedded(chunk.heading_path, text))
            index_rows.append(IndexRow(chunk_id=chunk_id, document_id=p.document.id, terms=tuple(words)))
            rows.append(
                {
                    "id": chunk_id,
                    "workspace_id": base.workspace_id,
                    "knowledge_id": base.id,
                    "document_id": p.document.id,
                    "ordinal": ordinal,
                    "text": text,
                    "tokens": chunk.tokens,
                    "page": chunk.page,
                    "page_end": chunk.page_end,
                    "heading_path": list(chunk.heading_path),
                    "kind": chunk.kind,
                    "boxes": [list(box) for box in chunk.boxes],
                }
            )
    return rows, index_rows


def _ready_row(prepared: _Prepared) -> dict[str, object]:
    """What `queries.mark_ready` takes."""
    document, parsed = prepared.document, prepared.parsed
    now = now_ms()
    return {
        "of_id": document.id,
        "of_digest": document.digest,
        "new_media_type": parsed.media_type,
        "new_pages": parsed.pages,
        "new_warnings": list(parsed.warnings),
        "new_token_count": sum(chunk.tokens for chunk in prepared.chunks),
        "new_word_count": sum(map(len, prepared.texts)),
        "new_language": language_of(" ".join(prepared.texts[:3])),
        "new_indexed_at": now,
        "new_updated_at": now,
    }
