"""A small world for apps: real database and retrieval, fake models, passages put in without a parser."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from llmflow.apps.chat.ask import Ask
from llmflow.apps.chat.turns import Turn
from llmflow.apps.room import AppsRoom
from llmflow.apps.types import App, ChatConfig, Ended, EndUser, Failed
from llmflow.config.settings import Chat, Knowledge, Limits, Settings, Workflow
from llmflow.errors import DocumentError, Unsupported
from llmflow.gateway.gateway import Gateway
from llmflow.knowledge import passage_queries, queries
from llmflow.knowledge.bases import Bases
from llmflow.knowledge.changes import Changes
from llmflow.knowledge.index import Index
from llmflow.knowledge.models import EmbeddingModels
from llmflow.knowledge.originals import Originals
from llmflow.knowledge.reembed import Reembeddings
from llmflow.knowledge.retrieve import Retriever
from llmflow.knowledge.terms import terms
from llmflow.knowledge.types import Document, KnowledgeBase
from llmflow.net.client import Guard, HttpClient
from llmflow.net.exchange import Exchange
from llmflow.organs.blobs.folder import FolderBlobs
from llmflow.organs.chunker.llamaindex import LlamaIndexChunker
from llmflow.organs.jobs.memory import MemoryJobs
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.organs.vector_store.memory import MemoryVectorStore
from llmflow.ports.embedding import Role, Vectors
from llmflow.ports.health import Health
from llmflow.ports.llm import ModelInfo
from llmflow.ports.parser import Element, PageWords, ParsedDocument, Progress
from llmflow.ports.sandbox import Code, Ran
from llmflow.ports.vector_store import IndexRow
from llmflow.store.content import Scope
from llmflow.store.crypto import Cipher
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms
from llmflow.tools.knowledge import KnowledgeTools
from llmflow.tools.toolbox import Toolbox

WORKSPACE = "00000000-0000-7000-8000-000000000001"


class TermEmbedding:
    """Texts are near when they share terms: a bag of hashed terms."""

    model = "terms"
    dimensions = 512
    max_tokens = 512

    async def embed(self, texts: Sequence[str], role: Role) -> Vectors:
        found = np.zeros((len(texts), self.dimensions), np.float32)
        for row, text in zip(found, texts, strict=True):
            for term in terms(text) or [text]:
                row[int.from_bytes(hashlib.sha256(term.encode()).digest()[:4], "big") % self.dimensions] += 1
            row /= np.linalg.norm(row)
        return found

    async def health(self) -> Health:
        return Health(True, "in process")

    async def close(self) -> None:
        """Nothing is held."""


class PlainParser:
    """Reads UTF-8 text, a page to a form feed; anything else is damaged."""

    suffixes = (".txt", ".md")

    async def parse(self, path: Path, *, name: str, progress: Progress | None = None) -> ParsedDocument:
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError as error:
            raise DocumentError(f"{name} is damaged.") from error
        return ParsedDocument(tuple(Element("NarrativeText", page) for page in text.split("\f")), "text/plain")

    async def page_image(self, path: Path, page: int, *, width: int) -> bytes:
        raise Unsupported("Text has no pages.")

    async def page_words(self, path: Path, page: int) -> PageWords:
        raise Unsupported("Text has no pages.")

    async def health(self) -> Health:
        return Health(True, "in process")

    async def close(self) -> None:
        """Nothing is held."""


class TinyLlm(ScriptedLlm):
    """Scripted, but says of itself what the packaged model says."""

    async def models(self) -> list[ModelInfo]:
        return [ModelInfo(id="scripted", context_tokens=2048, languages=("en",), grounded=False)]


@dataclass
class World:
    """`base` is the one knowledge base there is; `app` a chat app over it; `user` somebody who asks."""

    database: Database
    room: AppsRoom
    bases: Bases
    vectors: MemoryVectorStore
    llm: ScriptedLlm
    base: KnowledgeBase
    app: App
    user: EndUser
    folder: Path
    jobs: MemoryJobs

    async def learn(self, name: str, *passages: str, heading: Sequence[str] = (), page: int | None = None) -> None:
        """A document that is ready, with these passages."""
        now = now_ms()
        document = Document(
            id=new_id(),
            workspace_id=WORKSPACE,
            knowledge_id=self.base.id,
            name=name,
            digest=new_id(),
            size=1,
            media_type="text/plain",
            state="ready",
            stage="",
            done=0,
            total=0,
            job_id=None,
            error_code="",
            error_message="",
            error_hint="",
            warnings=[],
            pages=None,
            chunk_count=len(passages),
            token_count=0,
            language="",
            enabled=True,
            archived=False,
            groups=[],
            metadata={},
            source="upload",
            source_ref="",
            chunking={},
            word_count=sum(map(len, passages)),
            created_by=None,
            created_at=now,
            updated_at=now,
            indexed_at=now,
        )
        texts = await self.database.boundary.admit(Scope("knowledge", self.base.id), passages)
        ids = [new_id() for _ in passages]
        rows = [
            {
                "id": id,
                "workspace_id": WORKSPACE,
                "knowledge_id": self.base.id,
                "document_id": document.id,
                "ordinal": ordinal,
                "text": text,
                "tokens": len(text) // 4,
                "page": page,
                "page_end": page,
                "heading_path": list(heading),
                "kind": "text",
                "boxes": [],
            }
            for ordinal, (id, text) in enumerate(zip(ids, texts, strict=True))
        ]
        async with self.database.write() as connection:
            await queries.insert_document(connection, document)
            await passage_queries.insert(connection, rows)
        indexed = [
            IndexRow(id, document.id, tuple(terms(" ".join([*heading, text]))))
            for id, text in zip(ids, passages, strict=True)
        ]
        vectors = await TermEmbedding().embed(passages, "passage")
        await self.vectors.upsert(self.base.collection, indexed, vectors)

    async def ask(
        self, query: str, *, conversation_id: str | None = None, parent_id: str | None = None
    ) -> tuple[Turn, Ended]:
        """The turn, over, and how it ended; not for turns that fail."""
        ask = Ask(query, conversation_id=conversation_id, parent_id=parent_id)
        turn = await self.room.chat.ask(self.app, self.user, ask)
        end = await turn.finished()
        assert isinstance(end, Ended), end
        return turn, end

    async def ask_in_vain(self, query: str) -> Failed:
        turn = await self.room.chat.ask(self.app, self.user, Ask(query))
        end = await turn.finished()
        assert isinstance(end, Failed), end
        return end


def by_characters() -> LlamaIndexChunker:
    """Cuts by lengths in characters; it knows no meanings."""

    async def embed(texts: Sequence[str]) -> Vectors:
        return np.zeros((len(texts), 1), np.float32)

    return LlamaIndexChunker(count_tokens=lambda texts: [len(text) for text in texts], embed_texts=embed)


class EchoSandbox:
    """Gives back the inputs of the code."""

    async def run(self, code: Code) -> Ran:
        return Ran(code.inputs)

    async def health(self) -> Health:
        return Health(ok=True, where="nowhere")

    async def close(self) -> None: ...


def room_of(
    database: Database,
    folder: Path,
    llm: ScriptedLlm,
    *,
    concurrency: int = 32,
    embedding: TermEmbedding | None = None,
    jobs: MemoryJobs | None = None,
    vectors: MemoryVectorStore | None = None,
) -> tuple[AppsRoom, Bases, MemoryVectorStore]:
    """`vectors`: of an earlier room, whose documents are to be found."""
    settings = Settings(
        home=folder,
        knowledge=Knowledge(top_k=3),
        chat=Chat(),
        limits=Limits(chat_concurrency=concurrency, workflow_concurrency=concurrency, file_mb=1),
        workflow=Workflow(http_allow=("127.0.0.1",)),
    )
    vectors = MemoryVectorStore() if vectors is None else vectors
    blobs = FolderBlobs(folder / "blobs")
    embedding = embedding or TermEmbedding()
    originals = Originals(database, blobs)
    bases = Bases(database, vectors, originals, Changes(), chunk_tokens=320, overlap_tokens=40)
    gateway = Gateway({"default": llm}, embedding)
    models, jobs = EmbeddingModels(embedding), jobs or MemoryJobs()
    retriever = Retriever(database, models, vectors, gateway)
    index = Index(vectors, database)
    room = AppsRoom(
        settings,
        database,
        bases,
        Reembeddings(database, jobs, bases, models, index, vectors, Changes(), by_itself=False),
        retriever,
        gateway,
        originals,
        blobs,
        Cipher("a passphrase of tests"),
        Exchange(HttpClient(guard=Guard(settings.workflow.http_allow))),
        PlainParser(),
        by_characters(),
        EchoSandbox(),
        Toolbox(KnowledgeTools(bases)),
        jobs,
        model_server=lambda: _running(llm),
    )
    return room, bases, vectors


async def _running(llm: ScriptedLlm) -> str:
    """The model server that runs on the fake machine: a test names one as `llm.neighbour`."""
    return str(getattr(llm, "neighbour", ""))


async def world_of(
    database: Database,
    folder: Path,
    llm: ScriptedLlm,
    *,
    concurrency: int = 32,
    embedding: TermEmbedding | None = None,
) -> World:
    jobs = MemoryJobs()
    await jobs.start()
    room, bases, vectors = room_of(database, folder, llm, concurrency=concurrency, embedding=embedding, jobs=jobs)
    made = await bases.create(WORKSPACE, "handbook")
    async with database.write() as connection:
        await queries.settle_model(connection, made.id, TermEmbedding.model)
    base = await bases.get(WORKSPACE, made.id)
    app = await room.catalogue.create(WORKSPACE, "helper", ChatConfig(knowledge=(base.id,)))
    user = await room.conversations.user(WORKSPACE, app.id, "ann")
    return World(database, room, bases, vectors, llm, base, app, user, folder, jobs)
