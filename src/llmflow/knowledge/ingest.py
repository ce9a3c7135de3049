"""A batch of documents from bytes to index: parse, chunk, embed, write. Repeatable: run again, it ends the same.

Small documents go through together, so that a thousand of them cost few transactions; a large one goes alone.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from llmflow.errors import DocumentError, LLMFlowError, NotFound, OrganError, Unsupported
from llmflow.knowledge import passage_queries, queries
from llmflow.knowledge.bases import Bases
from llmflow.knowledge.changes import Changes
from llmflow.knowledge.embed import embed_passages
from llmflow.knowledge.indexed import index_row
from llmflow.knowledge.indexing import ROOM_TOKENS, texts_of
from llmflow.knowledge.language import language_of
from llmflow.knowledge.models import EmbeddingModels
from llmflow.knowledge.pairs import queries as pair_queries
from llmflow.knowledge.progress import Progress
from llmflow.knowledge.read import Reader
from llmflow.knowledge.renew import Cut, Had, Renewal, renew
from llmflow.knowledge.types import Document, KnowledgeBase
from llmflow.ports.chunker import Chunk
from llmflow.ports.embedding import Embedding, Vectors
from llmflow.ports.parser import ParsedDocument
from llmflow.ports.vector_store import VectorStore
from llmflow.store.content import Scope
from llmflow.store.database import Database
from llmflow.store.ids import now_ms
from llmflow.store.tables import documents as table

_BATCH_BYTES = 2 * 1024 * 1024  # documents parsed together hold about this many bytes
_PARSE_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A document parsed and cut, its words past the content boundary."""

    document: Document
    parsed: ParsedDocument
    cuts: list[Cut]


@dataclass(frozen=True, slots=True)
class _Planned:
    """A document with the passages it had, and what becomes of them."""

    prepared: _Prepared
    had: list[Had]
    renewal: Renewal

    @property
    def document(self) -> Document:
        return self.prepared.document


@dataclass(frozen=True, slots=True)
class _Failure:
    document: Document
    error: LLMFlowError


class Ingest:
    def __init__(
        self,
        database: Database,
        bases: Bases,
        reader: Reader,
        models: EmbeddingModels,
        vectors: VectorStore,
        progress: Progress,
        changes: Changes,
    ) -> None:
        self._database = database
        self._bases = bases
        self._reader = reader
        self._models = models
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
            embedding = await self._models.for_writing(base)
            await embedding.embed([], "passage")  # loads the model, which alone knows its limit
            most = embedding.max_tokens - ROOM_TOKENS
            gate = asyncio.Semaphore(_PARSE_AT_ONCE)
            outcomes = await asyncio.gather(*(self._prepare(base, d, most, gate) for d in documents))
            for outcome in outcomes:
                if isinstance(outcome, OrganError):  # raised once all have ended: a retry parses nothing twice at once
                    raise outcome
            failures = [o for o in outcomes if isinstance(o, _Failure)]
            prepared = [o for o in outcomes if isinstance(o, _Prepared)]
            while prepared:
                planned = await self._plan(prepared)
                vectors = await self._embed(base, planned, embedding)
                for p in planned:
                    self._progress.report(p.document, "index", 0, 0)
                async with self._bases.indexing:  # two versions of a document never interleave
                    base = await self._bases.written(base, embedding.model)
                    prepared = await self._write(base, planned, vectors)
            await self.fail(base, failures)
        finally:
            self._progress.forget(ids)
            self._changes.tell(base.id)

    async def _prepare(
        self, base: KnowledgeBase, document: Document, most: int, gate: asyncio.Semaphore
    ) -> _Prepared | _Failure | OrganError:
        try:
            async with gate:
                parsed, chunks = await self._reader.read(base, document, most)
        except (DocumentError, Unsupported) as error:
            return _Failure(document, error)
        except OrganError as error:
            return error
        except (
            NotFound,
            FileNotFoundError,
        ):  # its bytes went with a deletion or a replacement, unless the disk lost them
            return _Failure(document, DocumentError("Its stored bytes are gone.", hint="Upload the document again."))
        return _Prepared(document, parsed, await self._cuts(base, chunks))

    async def _cuts(self, base: KnowledgeBase, chunks: Sequence[Chunk]) -> list[Cut]:
        """Chunks and their parts, their words past the boundary."""
        flat = _flat(chunks)
        words = [(chunk.text, chunk.answer or "") for chunk, _ in flat]
        admitted = await self._database.boundary.admit(
            Scope("knowledge", base.id), [text for pair in words for text in pair]
        )
        return [
            Cut(
                text=text,
                answer=None if chunk.answer is None else answer,
                tokens=chunk.tokens,
                page=chunk.page,
                page_end=chunk.page_end,
                heading_path=list(chunk.heading_path),
                kind="parent" if chunk.parts else chunk.kind,
                boxes=[list(box) for box in chunk.boxes],
                parent=parent,
            )
            for (chunk, parent), text, answer in zip(flat, admitted[::2], admitted[1::2], strict=True)
        ]

    async def planned(self, base: KnowledgeBase, document: Document, chunks: Sequence[Chunk]) -> Renewal:
        """What would become of a document's passages, were these its chunks; nothing is written."""
        async with self._database.read() as connection:
            had = await passage_queries.had_by(connection, [document.id])
        cuts = await self._cuts(base, chunks)
        return await asyncio.to_thread(renew, document, cuts, had.get(document.id, []))

    async def _plan(self, prepared: Sequence[_Prepared]) -> list[_Planned]:
        async with self._database.read() as connection:
            had = await passage_queries.had_by(connection, [p.document.id for p in prepared])
        plans = [(p, had.get(p.document.id, [])) for p in prepared]
        return await asyncio.to_thread(lambda: [_Planned(p, own, renew(p.document, p.cuts, own)) for p, own in plans])

    async def _embed(self, base: KnowledgeBase, planned: Sequence[_Planned], embedding: Embedding) -> Vectors:
        """One vector for each passage that needs one, of all documents, in order."""
        passages = [(p, text) for p in planned for text in texts_of(p.renewal.searched)]
        finished = Counter[str]()

        async def done(begin: int, end: int) -> None:
            for p, _ in passages[begin:end]:
                finished[p.document.id] += 1
                self._progress.report(p.document, "embed", finished[p.document.id], len(p.renewal.searched))
            self._bases.pace.add(base.id, end - begin)
            await self._progress.flush()

        self._bases.pace.begin(base.id)
        return await embed_passages(embedding, [text for _, text in passages], done=done)

    async def _write(self, base: KnowledgeBase, planned: Sequence[_Planned], vectors: Vectors) -> list[_Prepared]:
        """Passages to the database with a note of what the index has to follow, then vectors, then the documents are
        ready and the note is gone: in this order, so that a crash leaves a document `running` and its job to do it
        again. Gives back those whose passages changed since they were planned."""
        ids = [p.document.id for p in planned]
        rows = await asyncio.to_thread(
            lambda: [index_row(base, p.document, s) for p in planned for s in p.renewal.searched]
        )
        async with self._database.write() as connection:
            current = await queries.states_and_digests(connection, ids)
            now_had = await passage_queries.had_by(connection, ids) if any(p.had for p in planned) else {}
            mine = [p for p in planned if current.get(p.document.id) == ("running", p.document.digest)]
            again = [p.prepared for p in mine if _marks(p.had) != _marks(now_had.get(p.document.id, []))]
            valid = {p.document.id: p for p in mine if p.prepared not in again}
            if not valid:
                return again
            gone = [i for p in valid.values() for i in p.renewal.gone]
            left = set(await passage_queries.unsettled_of(connection, list(valid)))
            behind = [(p.document, [i for i in _behind(p) if i not in left]) for p in valid.values()]
            await passage_queries.add_unsettled(connection, behind)
            await passage_queries.delete(connection, gone)
            await passage_queries.move(connection, [row for p in valid.values() for row in p.renewal.moved])
            await passage_queries.insert(connection, [row for p in valid.values() for row in p.renewal.new])
            await queries.set_chunk_counts(connection, {i: len(p.renewal.in_sight) for i, p in valid.items()})
            groups = await queries.groups_of_documents(connection, valid)  # they may have changed since it was begun
        keep = [i for i, row in enumerate(rows) if row.document_id in valid]
        searched = {rows[i].chunk_id for i in keep}
        if stale := [i for i in (*gone, *(left - valid.keys())) if i not in searched]:
            await self._vectors.delete(base.collection, chunk_ids=stale)
        kept = [msgspec.structs.replace(row, groups=groups[row.document_id]) for row in (rows[i] for i in keep)]
        await self._vectors.upsert(base.collection, kept, vectors[keep])
        async with self._database.write() as connection:
            await queries.mark_ready(connection, [_ready_row(p) for p in valid.values()])
            await passage_queries.forget_unsettled_of(connection, list(valid))
            await pair_queries.forget_outdated(connection, {i: p.document.digest for i, p in valid.items()})
            remaining = await queries.states_and_digests(connection, valid)
        deleted = [i for i in valid if remaining.get(i, ("deleting", ""))[0] == "deleting"]
        if deleted:
            await self._vectors.delete(base.collection, document_ids=deleted)
        return again

    async def finish_archive(
        self, base: KnowledgeBase, archive: Document, media_type: str, warnings: Sequence[str]
    ) -> None:
        """Marks an archive ready, unless it was replaced or deleted meanwhile. Passages that it had as something else
        go."""
        now = now_ms()
        is_mine = [table.c.state == "running", table.c.digest == archive.digest]
        async with self._bases.indexing:
            async with self._database.write() as connection:
                mine = await queries.update_documents(
                    connection,
                    [archive.id],
                    only=is_mine,
                    state="ready",
                    stage="",
                    media_type=media_type,
                    warnings=list(warnings),
                    pages=None,
                    chunk_count=0,
                    indexed_at=now,
                    updated_at=now,
                )
                if mine:
                    await passage_queries.delete_all_of(connection, [archive.id])
            if mine and archive.chunk_count:
                await self._vectors.delete(base.collection, document_ids=[archive.id])

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
                await passage_queries.delete_all_of(connection, ids)
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


def _behind(planned: _Planned) -> list[str]:
    """What is noted while the index does not follow: of a new document one note for all its passages."""
    if not planned.had:
        return [planned.document.id]
    return [*planned.renewal.gone, *(passage.id for passage in planned.renewal.searched)]


def _marks(had: Sequence[Had]) -> list[tuple[object, ...]]:
    """What a plan rests on; how often a passage was cited is not of it."""
    return [(h.passage.id, h.passage.made, h.passage.edited_at, h.passage.enabled, h.is_settled) for h in had]


def _flat(chunks: Sequence[Chunk]) -> list[tuple[Chunk, int | None]]:
    """Each chunk and its parts, with the place of the one it is a part of."""
    flat: list[tuple[Chunk, int | None]] = []
    for chunk in chunks:
        place = len(flat)
        flat.append((chunk, None))
        flat += [(part, place) for part in chunk.parts]
    return flat


def _ready_row(planned: _Planned) -> dict[str, object]:
    """What `queries.mark_ready` takes."""
    document, parsed, passages = planned.document, planned.prepared.parsed, planned.renewal.in_sight
    now = now_ms()
    return {
        "of_id": document.id,
        "of_digest": document.digest,
        "new_media_type": parsed.media_type,
        "new_pages": parsed.pages,
        "new_warnings": list(parsed.warnings),
        "new_token_count": sum(passage.tokens for passage in passages),
        "new_word_count": sum(len(passage.text) for passage in passages),
        "new_language": language_of(" ".join(passage.text for passage in passages[:3])),
        "new_indexed_at": now,
        "new_updated_at": now,
    }
