"""A knowledge room on fakes: a plain text reader, one chunk a paragraph, hashed vectors, jobs in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from llmflow.access.rights import Rights
from llmflow.errors import DocumentError, OrganError
from llmflow.gateway.gateway import Gateway
from llmflow.knowledge.archives import ArchiveLimits, Archives
from llmflow.knowledge.bases import Bases
from llmflow.knowledge.changes import Changes
from llmflow.knowledge.documents import Documents
from llmflow.knowledge.index import Index
from llmflow.knowledge.indexing import Indexing
from llmflow.knowledge.ingest import Ingest
from llmflow.knowledge.jobs import KnowledgeJobs
from llmflow.knowledge.models import EmbeddingModels
from llmflow.knowledge.originals import Originals
from llmflow.knowledge.pairs.writer import PairWriter
from llmflow.knowledge.passages import Passages
from llmflow.knowledge.permissions import Permissions
from llmflow.knowledge.progress import Progress
from llmflow.knowledge.read import Reader
from llmflow.knowledge.retrieve import Retriever
from llmflow.knowledge.rule import SearchRule
from llmflow.knowledge.types import Accepted, Document, Found, KnowledgeBase
from llmflow.organs.blobs.folder import FolderBlobs
from llmflow.organs.embedding.hashing import HashingEmbedding
from llmflow.organs.jobs.memory import MemoryJobs
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.organs.rerank.overlap import OverlapRerank
from llmflow.organs.vector_store.memory import MemoryVectorStore
from llmflow.ports.chunker import Chunk, Chunker, ChunkRule
from llmflow.ports.embedding import Role, Vectors
from llmflow.ports.health import Health
from llmflow.ports.parser import Element, PageWords, ParsedDocument
from llmflow.ports.parser import Progress as Report
from llmflow.store.database import Database


class PlainParser:
    """Reads UTF-8; a file that begins with `broken` cannot be read, one with `slow` waits for `go`."""

    suffixes = (".txt",)

    def __init__(self) -> None:
        self.parsed: list[str] = []
        self.go = asyncio.Event()

    async def parse(self, path: Path, *, name: str, progress: Report | None = None) -> ParsedDocument:
        self.parsed.append(name)
        text = path.read_text("utf-8")
        if text.startswith("broken"):
            raise DocumentError(f"{name} cannot be read.")
        if text.startswith("fault"):
            raise ZeroDivisionError
        if text.startswith("slow"):
            if progress:
                progress(1, 3)
            await self.go.wait()
        elements = tuple(Element("NarrativeText", part, page=1) for part in text.split("\n\n") if part.strip())
        return ParsedDocument(elements, "text/plain", pages=1)

    async def page_image(self, path: Path, page: int, *, width: int) -> bytes:
        return path.read_bytes()

    async def page_words(self, path: Path, page: int) -> PageWords:
        return PageWords(100.0, 100.0, ())

    async def health(self) -> Health:
        return Health(ok=True, where="test")

    async def close(self) -> None: ...


class ParagraphChunker:
    async def chunk(
        self, elements: Sequence[Element], rule: ChunkRule, *, progress: Report | None = None
    ) -> list[Chunk]:
        return [Chunk(e.text, len(e.text.split()), page=e.page, heading_path=e.heading_path) for e in elements]

    async def health(self) -> Health:
        return Health(ok=True, where="test")

    async def close(self) -> None: ...


class FlakyEmbedding(HashingEmbedding):
    """Fails as often as `failures` says."""

    def __init__(self) -> None:
        super().__init__()
        self.failures = 0
        self.embedded = 0

    async def embed(self, texts: Sequence[str], role: Role) -> Vectors:
        if self.failures:
            self.failures -= 1
            raise OrganError("The embedding server is away.")
        if role == "passage":
            self.embedded += len(texts)
        return await super().embed(texts, role)


@dataclass
class Room:
    database: Database
    blobs: FolderBlobs
    parser: PlainParser
    embedding: FlakyEmbedding
    vectors: MemoryVectorStore
    jobs: MemoryJobs
    bases: Bases
    documents: Documents
    passages: Passages
    ingest: Ingest
    reader: Reader
    indexing: Indexing
    knowledge_jobs: KnowledgeJobs
    progress: Progress
    changes: Changes
    permissions: Permissions
    retriever: Retriever
    base: KnowledgeBase

    async def add(self, name: str, text: str | bytes) -> Accepted:
        return await self.documents.accept(self.base, name, stream(text if isinstance(text, bytes) else text.encode()))

    async def settled(self, document_id: str) -> Document:
        """The document once it is ready or failed."""
        while True:
            document = await self.documents.get("w", document_id)
            if document.state in ("ready", "failed"):
                return document
            await asyncio.sleep(0.01)

    async def found(self, query: str, base: KnowledgeBase | None = None, **rule: Any) -> list[Found]:
        """The hits of a search by `SearchRule(**rule)`, in the room's base."""
        searched = await self.retriever.search([base or await self.refreshed()], query, SearchRule(**rule))
        return searched.found

    async def refreshed(self) -> KnowledgeBase:
        return await self.bases.get("w", self.base.id)


def _words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


async def stream(content: bytes) -> AsyncIterator[bytes]:
    yield content


def build_room(
    database: Database, folder: Path, chunker: Chunker | None = None, llm: ScriptedLlm | None = None
) -> Room:
    """The room's parts, not started; `base` is made by the fixture."""
    chunker = chunker or ParagraphChunker()
    blobs = FolderBlobs(folder / "blobs")
    parser, embedding, vectors, jobs = PlainParser(), FlakyEmbedding(), MemoryVectorStore(), MemoryJobs()
    originals = Originals(database, blobs)
    changes = Changes()
    models, index = EmbeddingModels(embedding), Index(vectors, database)
    bases = Bases(database, index, originals, changes, chunk_tokens=100, overlap_tokens=0)
    progress = Progress(database, changes)
    gateway = Gateway({"default": llm or ScriptedLlm()}, embedding, OverlapRerank())
    pairs = PairWriter(database, gateway, count_tokens=_words, at_once=2)
    reader = Reader(database, blobs, parser, chunker, models, pairs, progress, Rights(database))
    ingest = Ingest(database, bases, reader, models, index, progress, changes)
    permissions = Permissions(database, index, changes, indexing=bases.indexing)

    def wake() -> None:
        knowledge_jobs.wake()

    documents = Documents(
        database,
        originals,
        index,
        changes,
        indexing=bases.indexing,
        wake=wake,
        disk=folder,
        max_bytes=100_000,
        min_free_bytes=0,
    )
    limits = ArchiveLimits(files=50, size=40 << 20)
    archives = Archives(
        database, documents, ingest, blobs, parser, progress, changes, folder=folder / "unpacking", limits=limits
    )
    knowledge_jobs = KnowledgeJobs(
        database, jobs, ingest, bases, changes, permissions, archives, per_job=16, disk=folder, min_free_bytes=0
    )
    indexing = Indexing(database, bases, models, index)
    passages = Passages(database, bases, indexing, changes, chunker, count_tokens=_words, wake=knowledge_jobs.wake)
    return Room(
        database,
        blobs,
        parser,
        embedding,
        vectors,
        jobs,
        bases,
        documents,
        passages,
        ingest,
        reader,
        indexing,
        knowledge_jobs,
        progress,
        changes,
        permissions,
        Retriever(database, models, index, gateway),
        None,  # type: ignore[arg-type]
    )


@pytest.fixture
async def room(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Room]:
    monkeypatch.setattr("llmflow.knowledge.jobs._ORGAN_TRIES_S", (0.01, 0.01, 0.01))
    async with running(build_room(database, tmp_path)) as opened:
        yield opened


@asynccontextmanager
async def running(room: Room) -> AsyncIterator[Room]:
    """The room at work, with a base."""
    room.base = await room.bases.create("w", "handbook")
    await room.jobs.start()
    await room.knowledge_jobs.start(room.documents, room.indexing)
    yield room
    await room.knowledge_jobs.close()
    await room.jobs.close()
    await room.blobs.close()
