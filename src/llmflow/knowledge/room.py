"""The knowledge room put together; wiring makes one, the HTTP surfaces use it."""

from __future__ import annotations

from llmflow.access.rights import Rights
from llmflow.config.settings import Settings
from llmflow.gateway.gateway import Gateway
from llmflow.knowledge.archives import ArchiveLimits, Archives
from llmflow.knowledge.bases import Bases
from llmflow.knowledge.changes import Changes
from llmflow.knowledge.documents import Documents
from llmflow.knowledge.evaluation.evaluations import Evaluations
from llmflow.knowledge.evaluation.jobs import EvaluationJobs
from llmflow.knowledge.external import External
from llmflow.knowledge.fields import Fields
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
from llmflow.knowledge.reembed import Reembeddings
from llmflow.knowledge.retrieve import Retriever
from llmflow.knowledge.sources.compare import Compare
from llmflow.knowledge.sources.sources import Sources
from llmflow.knowledge.tags import Tags
from llmflow.net.client import HttpClient
from llmflow.ports.blobs import Blobs
from llmflow.ports.chunker import Chunker, CountTokens
from llmflow.ports.jobs import Jobs
from llmflow.ports.parser import Parser
from llmflow.ports.vector_store import VectorStore
from llmflow.store.crypto import Cipher
from llmflow.store.database import Database

_MB = 1024 * 1024


class KnowledgeRoom:
    """`web`: for addresses that users give; `servers`: for those that an administrator gives."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        cipher: Cipher,
        gateway: Gateway,
        models: EmbeddingModels,
        vectors: VectorStore,
        parser: Parser,
        chunker: Chunker,
        blobs: Blobs,
        jobs: Jobs,
        *,
        count_tokens: CountTokens,
        web: HttpClient,
        servers: HttpClient,
    ) -> None:
        limits, wanted = settings.limits, settings.knowledge
        min_free_bytes = limits.min_free_disk_mb * _MB
        self.originals = Originals(database, blobs)
        self.changes = Changes()
        self.progress = Progress(database, self.changes)
        index = Index(vectors, database)
        self.bases = Bases(
            database,
            index,
            self.originals,
            self.changes,
            chunk_tokens=wanted.chunk_tokens,
            overlap_tokens=wanted.overlap_tokens,
        )
        rights = Rights(database)
        pairs = PairWriter(database, gateway, count_tokens=count_tokens, at_once=wanted.questions_at_once)
        self.reader = Reader(database, blobs, parser, chunker, models, pairs, self.progress, rights)
        self.ingest = Ingest(database, self.bases, self.reader, models, index, self.progress, self.changes)
        self.permissions = Permissions(database, index, self.changes, indexing=self.bases.indexing)
        self.documents = Documents(
            database,
            self.originals,
            index,
            self.changes,
            indexing=self.bases.indexing,
            wake=self._wake,
            disk=settings.home,
            max_bytes=limits.document_mb * _MB,
            min_free_bytes=min_free_bytes,
        )
        archives = Archives(
            database,
            self.documents,
            self.ingest,
            blobs,
            parser,
            self.progress,
            self.changes,
            folder=settings.home / "unpacking",
            limits=ArchiveLimits(wanted.archive_files, wanted.archive_mb * _MB),
        )
        self.jobs = KnowledgeJobs(
            database,
            jobs,
            self.ingest,
            self.bases,
            self.changes,
            self.permissions,
            archives,
            per_job=wanted.job_documents,
            disk=settings.home,
            min_free_bytes=min_free_bytes,
        )
        self.reembeddings = Reembeddings(
            database,
            jobs,
            self.bases,
            models,
            index,
            vectors,
            self.changes,
            by_itself=wanted.reembed == "by_itself",
        )
        self.fields = Fields(database)
        self.tags = Tags(database)
        self.indexing = Indexing(database, self.bases, models, index)
        self.passages = Passages(
            database, self.bases, self.indexing, self.changes, chunker, count_tokens=count_tokens, wake=self.jobs.wake
        )
        self.sources = Sources(
            database,
            jobs,
            self.bases,
            Compare(database, self.documents, most_files=wanted.source_files),
            self.changes,
            cipher,
            web=web,
            servers=servers,
            folders=wanted.source_folders,
        )
        self.external = External(database, cipher, servers)
        self.retriever = Retriever(database, models, index, gateway, elsewhere=self.external)
        self.evaluations = Evaluations(database, jobs, self.changes)
        self.evaluating = EvaluationJobs(database, jobs, self.bases, self.retriever, self.changes, rights)

    def _wake(self) -> None:
        self.jobs.wake()

    async def load(self) -> None:
        """What is remembered of bases that are being embedded anew, before jobs are taken up."""
        await self.reembeddings.load()

    async def start(self) -> None:
        """Takes up what a dead process left, then new work."""
        await self.jobs.start(self.documents, self.indexing)
        self.reembeddings.start()
        self.sources.start()
        self.evaluating.start()
        self.originals.start()

    async def close(self) -> None:
        """Before the organs are closed."""
        await self.originals.close()
        await self.sources.close()
        await self.reembeddings.close()
        await self.jobs.close()
        await self.evaluating.close()
