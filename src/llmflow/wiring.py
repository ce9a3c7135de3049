"""Settings in, Platform out: the one place that knows every room and every adapter.

Adapters of heavy organs are `Late`: imported and built at their first call, in a thread, so that starting costs little
and an organ that is missing fails only what needs it. An adapter's constructor gets its options from llmflow.yaml, and
whatever it asks for by name out of `_supplies` (docs/organs.md lists them); so a class of yours can be named there too.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from opentelemetry.sdk.trace.export import BatchSpanProcessor
from sqlalchemy.exc import SQLAlchemyError

from llmflow import catalog
from llmflow.access.accounts import StoredAccounts
from llmflow.access.attempts import Attempts
from llmflow.access.invitations import Invitations
from llmflow.access.keys import Keys
from llmflow.access.members import Members
from llmflow.access.people import People, ensure_workspace
from llmflow.access.rights import Rights
from llmflow.access.standing import Standing
from llmflow.apps.pipelines.arrivals import Arrivals
from llmflow.apps.pipelines.pipelines import Pipelines
from llmflow.apps.room import AppsRoom
from llmflow.config.settings import Organ, Settings
from llmflow.errors import ConfigError, LLMFlowError, OrganError, UsageError
from llmflow.gateway.connections import Connections
from llmflow.gateway.gateway import DEFAULT, Gateway
from llmflow.gateway.kept_routes import KeptRoutes
from llmflow.gateway.quotas.quotas import Quotas
from llmflow.gateway.relay import Relay
from llmflow.gateway.responding import Responding
from llmflow.gateway.routes import Route, read_route
from llmflow.gateway.speech import SpeechGateway
from llmflow.gateway.types import Address
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
from llmflow.knowledge.passages import Passages
from llmflow.knowledge.permissions import Permissions
from llmflow.knowledge.progress import Progress
from llmflow.knowledge.reembed import Reembeddings
from llmflow.knowledge.retrieve import Retriever
from llmflow.knowledge.sources.compare import Compare
from llmflow.knowledge.sources.sources import Sources
from llmflow.knowledge.tags import Tags
from llmflow.managed import shelf
from llmflow.managed.adapters import Adapters
from llmflow.managed.look import place
from llmflow.managed.servers import Servers
from llmflow.net.client import Guard, HttpClient, MetadataGuard
from llmflow.net.direct import DirectClient
from llmflow.net.exchange import Exchange
from llmflow.organs.tracing.bridge import attach
from llmflow.organs.tracing.buffer import SpanBuffer
from llmflow.ports.blobs import Blobs
from llmflow.ports.chunker import Chunker
from llmflow.ports.embedding import Embedding
from llmflow.ports.health import Health
from llmflow.ports.identity import Identity
from llmflow.ports.jobs import Jobs
from llmflow.ports.llm import Llm
from llmflow.ports.parser import Parser
from llmflow.ports.rerank import Rerank
from llmflow.ports.sandbox import Sandbox
from llmflow.ports.speech import Speech
from llmflow.ports.tracing import Tracing
from llmflow.ports.vector_store import VectorStore
from llmflow.store.crypto import Cipher, master_key
from llmflow.store.database import Database, sqlite_url
from llmflow.store.news import News
from llmflow.store.spans import delete_old_spans, write_spans
from llmflow.tools.knowledge import KnowledgeTools
from llmflow.tools.openapi.collections import Collections
from llmflow.tools.toolbox import Toolbox

_MB = 1024 * 1024
_HEALTH_S = 20.0
_CONNECTED_S = 120.0  # without an answer, or its next piece, of a connected model server
_LOOK_S = 60.0
_DAY_S = 86_400.0
_log = logging.getLogger(__name__)
_LATE = ("llm", "embedding", "rerank", "speech", "vector_store", "parser", "chunker", "sandbox")
_STREAMS = ("stream", "speak")  # methods of organs that stream
_FOLDERS = {"vector_store": "vectors", "blobs": "blobs"}


class Late:
    """Stands for an organ until its first call. Methods may be called at once; properties only after one returned."""

    def __init__(self, build: Callable[[], Any]) -> None:
        self._build = build
        self._organ: Any = None
        self._loading: asyncio.Future[Any] | None = None

    @property
    def is_loaded(self) -> bool:
        return self._organ is not None

    async def loaded(self) -> Any:
        """The organ itself. Raises what building it raises, each time anew: a mended cause needs no restart."""
        if self._organ is None:
            if self._loading is None:
                self._loading = asyncio.ensure_future(asyncio.to_thread(self._build))
            loading = self._loading
            try:
                self._organ = await asyncio.shield(loading)
            finally:
                if loading.done():
                    self._loading = None
        return self._organ

    def __getattr__(self, name: str) -> Any:
        if self._organ is not None:
            return getattr(self._organ, name)
        if name.startswith("__"):
            raise AttributeError(name)
        return self._later_stream(name) if name in _STREAMS else self._later_call(name)

    def _later_call(self, name: str) -> Callable[..., Any]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            return await getattr(await self.loaded(), name)(*args, **kwargs)

        return call

    def _later_stream(self, name: str) -> Callable[..., Any]:
        async def stream(*args: Any, **kwargs: Any) -> Any:
            async with aclosing(getattr(await self.loaded(), name)(*args, **kwargs)) as pieces:
                async for piece in pieces:
                    yield piece

        return stream

    async def close(self) -> None:
        if self._organ is not None:
            await self._organ.close()


@dataclass(frozen=True, slots=True)
class Organs:
    llm: Llm
    embedding: Embedding
    rerank: Rerank
    speech: Speech
    vector_store: VectorStore
    parser: Parser
    chunker: Chunker
    sandbox: Sandbox
    jobs: Jobs
    blobs: Blobs
    identity: Identity
    tracing: Tracing


@dataclass(slots=True)
class Platform:
    """Everything a running LLMFlow is made of. `start` and `close` in this order: rooms after organs, organs last."""

    settings: Settings
    database: Database
    cipher: Cipher
    organs: Organs
    keys: Keys
    people: People
    members: Members
    standing: Standing
    invitations: Invitations
    attempts: Attempts
    bases: Bases
    documents: Documents
    fields: Fields
    external: External
    tags: Tags
    passages: Passages
    indexing: Indexing
    ingest: Ingest
    knowledge_jobs: KnowledgeJobs
    reembeddings: Reembeddings
    sources: Sources
    originals: Originals
    progress: Progress
    changes: Changes
    permissions: Permissions
    retriever: Retriever
    evaluations: Evaluations
    evaluation_jobs: EvaluationJobs
    gateway: Gateway
    quotas: Quotas
    speech: SpeechGateway
    relay: Relay
    responding: Responding
    routes: KeptRoutes
    connections: Connections
    servers: Servers
    adapters: Adapters
    toolbox: Toolbox
    collections: Collections
    apps: AppsRoom
    pipelines: Pipelines
    arrivals: Arrivals
    by_characters: Late
    http: HttpClient
    connected_http: HttpClient
    directs: tuple[DirectClient, ...]
    call_spans: SpanBuffer
    model_servers: tuple[Late, ...]
    further_embeddings: tuple[Late, ...]
    node_http: HttpClient
    workspace_id: str
    news: News
    #: False in a process that serves models beside the one that leads, which has everything else.
    leads: bool = field(default=True)
    is_ready: bool = field(default=False)
    spans: BatchSpanProcessor | None = field(default=None)
    tidying: asyncio.Task[None] | None = field(default=None)

    async def assist(self) -> None:
        """Takes up no work, but calls of models. What the leading process or another changes is heard of."""
        self.spans = attach(self.organs.tracing)
        await self._listen()
        self.is_ready = True

    async def _listen(self) -> None:
        if self.settings.server.workers > 1:
            self.news.on("keys", self.keys.forget)
            self.news.on("quotas", lambda _: self.quotas.forget(self.workspace_id))
            self.news.on("routes", lambda _: self.routes.load(self.workspace_id))
            self.news.on("connections", lambda _: self.connections.load(self.workspace_id))
            await self.news.open()

    async def start(self) -> None:
        """Takes up work: recovers jobs of a dead process, then new ones."""
        self.spans = attach(self.organs.tracing)
        await self._listen()
        self.tidying = asyncio.create_task(self._tidy())
        await self.apps.start()
        await self.reembeddings.load()
        await self.organs.jobs.start()
        self.apps.schedules.start()
        await self.knowledge_jobs.start(self.documents, self.indexing)
        self.reembeddings.start()
        self.sources.start()
        self.evaluation_jobs.start()
        self.originals.start()
        await self.servers.start_wanted()
        self.is_ready = True

    def missing(self) -> list[str]:
        """What requests have to wait for: "jobs" until work is taken up, and the organs that llmflow.yaml has LLMFlow
        run and that are on their way. One that failed is the doctor's to tell."""
        if not self.is_ready:
            return ["jobs"]
        starting = self.servers.starting()
        return [f"organs.{port}" for port, name in _managed(self.settings).items() if name in starting]

    async def settled(self) -> None:
        """Returns when nothing is missing any more."""
        for name in self.servers.starting():
            await self.servers.settled(name)

    async def _tidy(self) -> None:
        """Deletes old spans and files that nobody asked about, once a day."""
        while True:
            try:
                await delete_old_spans(self.database, self.settings.tracing.keep_days)
                await self.apps.files.remove_unused()
                await self.apps.deliveries.forget_old()
            except (SQLAlchemyError, OrganError) as error:
                _log.warning("Old spans and unused files were not all deleted: %s", error)
            await asyncio.sleep(_DAY_S)

    async def examine(self) -> tuple[dict[str, tuple[Health, float]], list[Any]]:
        """Every organ's word about itself and the milliseconds it took, asked at once (one that raises is reported,
        not raised); and the model servers that answer on this machine."""
        from llmflow.organs.llm.discover import discover

        ports = list(catalog.PORTS)
        found, servers = await asyncio.gather(
            asyncio.gather(*(self._health_of(port) for port in ports)), discover(self.http)
        )
        return dict(zip(ports, found, strict=True)), servers

    async def _health_of(self, port: str) -> tuple[Health, float]:
        started = time.perf_counter()
        health = await self._asked(port)
        return health, (time.perf_counter() - started) * 1000

    async def _asked(self, port: str) -> Health:
        organ = getattr(self.organs, port)
        try:
            found: Health = await asyncio.wait_for(organ.health(), _HEALTH_S)
            return found
        except LLMFlowError as error:
            return Health(ok=False, where=self.settings.organs[port].use, detail=error.message, hint=error.hint)
        except TimeoutError:
            detail = f"No answer within {_HEALTH_S:g} s."
            return Health(ok=False, where=self.settings.organs[port].use, detail=detail, hint="Look at its own log.")
        except Exception as error:  # noqa: BLE001 - a border: an adapter of anybody's must not hide the other organs
            _log.exception("organs.%s failed to say how it is", port)
            detail = f"{type(error).__name__}: {error}"
            return Health(ok=False, where=self.settings.organs[port].use, detail=detail, hint="See the server's log.")

    async def close(self) -> None:
        """Stops work first, then closes the organs; one that fails to close does not keep the others open."""
        self.is_ready = False
        await self.news.close()
        await self.apps.close()
        await self.originals.close()
        await self.sources.close()
        await self.reembeddings.close()
        await self.knowledge_jobs.close()
        await self.evaluation_jobs.close()
        await self.organs.jobs.close()
        await self.quotas.close()
        await self.keys.close()
        await self.people.close()
        if self.tidying is not None:
            self.tidying.cancel()
        await self.gateway.shadows.close()
        await self.call_spans.close()
        if self.spans is not None:
            await asyncio.to_thread(self.spans.shutdown)
        for port in reversed(catalog.PORTS):
            if port != "jobs":
                await self._close_organ(port)
        await self.servers.close()
        await self.http.close()
        await self.connected_http.close()
        for server in (*self.model_servers, *self.further_embeddings):
            await server.close()
        await self.by_characters.close()
        for direct in self.directs:
            await direct.close()
        await self.node_http.close()
        await self.database.close()

    async def _close_organ(self, port: str) -> None:
        try:
            await getattr(self.organs, port).close()
        except Exception:  # noqa: BLE001 - a border: what fails to close must not keep the rest open
            _log.exception("organs.%s did not close", port)


async def build(settings: Settings, *, leads: bool = True) -> Platform:
    """Opens the database, makes the workspace at the first start, and puts the rooms together. Starts no work.

    `leads` False: beside a process that does, for calls of models that are asked over the network.

    Raises ConfigError for what is wrong with settings, home, key or database."""
    home = settings.home
    has_key = bool(settings.master_key) or (home / "master.key").exists()
    cipher = Cipher(master_key(home, settings.master_key))
    database = Database(settings.store.url or sqlite_url(home / "llmflow.db"), pool_size=settings.store.pool_size)
    await database.open()
    if leads:
        await database.claim()
    news = News(database)
    try:
        workspace_id, _ = await ensure_workspace(database, cipher)
    except ConfigError:
        if not has_key:
            (home / "master.key").unlink()  # made just now; beside older data it would hide that theirs is lost
        raise
    http = HttpClient()
    direct = DirectClient()
    servers = _servers(settings, cipher)
    built: dict[str, Any] = {}
    supplies = _supplies(settings, database, http, direct, workspace_id, servers, built)
    organs = _organs(settings, supplies, built)
    spans = SpanBuffer(organs.tracing)
    model_servers = {name: Late(partial(_build, "llm", one, supplies)) for name, one in settings.servers.items()}
    quotas = Quotas(database, tell=news.tell)
    llms: dict[str, Llm] = {DEFAULT: organs.llm, **model_servers}
    if not leads:
        every = {DEFAULT: settings.organs["llm"], **settings.servers}
        llms = {name: llm for name, llm in llms.items() if serves_anywhere("llm", every[name])}
    gateway = Gateway(llms, organs.embedding, organs.rerank, limits=quotas, on_span=spans.add, is_whole=leads)
    relay = Relay(gateway)
    routes = KeptRoutes(database, gateway.servers, _routes(settings), tell=news.tell)
    await routes.load(workspace_id)
    servers.on_change = partial(_serve_managed, servers, gateway, http, direct)
    connected_http, connected_direct = HttpClient(guard=MetadataGuard()), DirectClient(guard=MetadataGuard())
    connect = partial(_connected, connected_http, connected_direct)
    connections = Connections(database, cipher, gateway, connect, tell=news.tell)
    await connections.load(workspace_id)
    originals = Originals(database, organs.blobs)
    changes = Changes()
    progress = Progress(database, changes)
    embeddings = {name: Late(partial(_build, "embedding", one, supplies)) for name, one in settings.embeddings.items()}
    is_packaged = settings.organs["embedding"].use == "e5"
    packaged = None if is_packaged else Late(partial(_build, "embedding", Organ("e5"), supplies))
    embedding_models = EmbeddingModels(
        organs.embedding,
        organ_model=catalog.PACKAGED_EMBEDDING if is_packaged else "",
        named=embeddings,
        packaged=packaged,
    )
    index = Index(organs.vector_store, database)
    bases = Bases(
        database,
        index,
        originals,
        changes,
        chunk_tokens=settings.knowledge.chunk_tokens,
        overlap_tokens=settings.knowledge.overlap_tokens,
    )
    ingest = Ingest(
        database,
        bases,
        organs.blobs,
        organs.parser,
        organs.chunker,
        embedding_models,
        index,
        progress,
        changes,
    )
    min_free_bytes = settings.limits.min_free_disk_mb * _MB
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
        disk=home,
        max_bytes=settings.limits.document_mb * _MB,
        min_free_bytes=min_free_bytes,
    )
    archives = Archives(
        database,
        documents,
        ingest,
        organs.blobs,
        organs.parser,
        progress,
        changes,
        folder=home / "unpacking",
        limits=ArchiveLimits(settings.knowledge.archive_files, settings.knowledge.archive_mb * _MB),
    )
    knowledge_jobs = KnowledgeJobs(
        database,
        organs.jobs,
        ingest,
        bases,
        changes,
        permissions,
        archives,
        per_job=settings.knowledge.job_documents,
        disk=home,
        min_free_bytes=min_free_bytes,
    )
    reembeddings = Reembeddings(
        database,
        organs.jobs,
        bases,
        embedding_models,
        index,
        organs.vector_store,
        changes,
        by_itself=settings.knowledge.reembed == "by_itself",
    )
    indexing = Indexing(database, bases, embedding_models, index)
    passages = Passages(
        database, bases, indexing, changes, organs.chunker, count_tokens=_count_tokens, wake=knowledge_jobs.wake
    )
    external = External(database, cipher, connected_http)
    retriever = Retriever(database, embedding_models, index, gateway, elsewhere=external)
    node_http = HttpClient(guard=Guard(settings.workflow.http_allow))
    exchange = Exchange(node_http, redirects=settings.workflow.http_redirects)
    collections = Collections(database, cipher, exchange, max_bytes=settings.limits.openapi_mb * _MB)
    toolbox = Toolbox(collections, KnowledgeTools(bases))
    standing = Standing()
    by_characters = Late(
        partial(_build, "chunker", settings.organs["chunker"], {**supplies, "count_tokens": _characters})
    )
    apps = AppsRoom(
        settings,
        database,
        bases,
        retriever,
        gateway,
        originals,
        organs.blobs,
        cipher,
        exchange,
        organs.parser,
        by_characters,
        organs.sandbox,
        toolbox,
        organs.jobs,
        model_server=_UnusedModelServer(settings, http, gateway),
    )
    pipelines = Pipelines(
        apps.catalogue,
        apps.plans,
        apps.runs,
        apps.reruns,
        bases,
        documents,
        changes,
        variable_kb=settings.workflow.variable_kb,
    )
    ingest.cutter = pipelines.cut
    return Platform(
        settings=settings,
        database=database,
        cipher=cipher,
        organs=organs,
        keys=Keys(database, standing, tell=news.tell),
        people=People(database, organs.identity, session_hours=settings.server.session_hours, standing=standing),
        members=Members(database, organs.identity, standing),
        standing=standing,
        invitations=Invitations(database, organs.identity),
        attempts=Attempts(),
        bases=bases,
        documents=documents,
        fields=Fields(database),
        external=external,
        tags=Tags(database),
        passages=passages,
        indexing=indexing,
        ingest=ingest,
        knowledge_jobs=knowledge_jobs,
        reembeddings=reembeddings,
        sources=Sources(
            database,
            organs.jobs,
            bases,
            Compare(database, documents, most_files=settings.knowledge.source_files),
            changes,
            cipher,
            web=node_http,
            servers=connected_http,
            folders=settings.knowledge.source_folders,
        ),
        originals=originals,
        progress=progress,
        changes=changes,
        permissions=permissions,
        retriever=retriever,
        evaluations=Evaluations(database, organs.jobs, changes),
        evaluation_jobs=EvaluationJobs(database, organs.jobs, bases, retriever, changes, Rights(database)),
        gateway=gateway,
        quotas=quotas,
        speech=SpeechGateway(organs.speech, limits=quotas),
        relay=relay,
        responding=Responding(relay),
        routes=routes,
        connections=connections,
        servers=servers,
        adapters=Adapters(servers, http),
        toolbox=toolbox,
        collections=collections,
        apps=apps,
        pipelines=pipelines,
        arrivals=Arrivals(
            apps.files,
            apps.attachments,
            documents,
            exchange,
            file_bytes=settings.limits.file_mb * _MB,
        ),
        by_characters=by_characters,
        http=http,
        connected_http=connected_http,
        directs=(direct, connected_direct),
        call_spans=spans,
        model_servers=tuple(model_servers.values()),
        further_embeddings=(*embeddings.values(), *([packaged] if packaged else [])),
        node_http=node_http,
        workspace_id=workspace_id,
        news=news,
        leads=leads,
    )


def serves_anywhere(port: str, organ: Organ) -> bool:
    """Whether any number of processes may use such an organ at once, each for itself: a server elsewhere, or a fake.
    What is embedded or managed has one owner."""
    adapter = catalog.find(port, organ.use)
    return adapter is not None and adapter.kind in ("remote", "fake")


def _routes(settings: Settings) -> dict[str, Route]:
    """Those of llmflow.yaml. Raises ConfigError."""
    try:
        return {name: read_route(name, given) for name, given in settings.models.items()}
    except UsageError as error:
        message = f"{settings.file}: {error.message}"
        raise ConfigError(message, code="setting_value", param=error.param) from error


class _UnusedModelServer:
    """Names a model server that runs on this machine while the embedded model answers; looks at most once a minute."""

    def __init__(self, settings: Settings, http: HttpClient, gateway: Gateway) -> None:
        self._is_embedded = settings.organs["llm"].use == "llama_cpp"
        self._gateway = gateway
        self._http = http
        self._name = ""
        self._until = 0.0

    async def __call__(self) -> str:
        if self._gateway.servers.preferred != DEFAULT:
            return ""
        if self._is_embedded and time.monotonic() >= self._until:
            from llmflow.organs.llm.discover import discover

            found = await discover(self._http)
            self._name = f"{found[0].kind} ({found[0].url})" if found else ""
            self._until = time.monotonic() + _LOOK_S
        return self._name


def _connected(http: HttpClient, direct: DirectClient, address: Address) -> Llm:
    """The adapter for a model server that somebody connected."""
    from llmflow.organs.llm.anthropic import AnthropicLlm
    from llmflow.organs.llm.gemini import GeminiLlm
    from llmflow.organs.llm.openai import OpenAILlm, base_url

    if address.kind != "openai":
        base_url(address.url)  # raises for what is no address
        made: type[AnthropicLlm | GeminiLlm] = AnthropicLlm if address.kind == "anthropic" else GeminiLlm
        return made(
            url=address.url,
            model=address.model,
            api_key=address.api_key,
            context_tokens=address.context_tokens,
            timeout_s=_CONNECTED_S,
            http=http,
        )
    return OpenAILlm(
        url=address.url,
        model=address.model,
        api_key=address.api_key,
        context_tokens=address.context_tokens,
        timeout_s=_CONNECTED_S,
        http=http,
        direct=direct,
    )


def _servers(settings: Settings, cipher: Cipher) -> Servers:
    """The servers that LLMFlow can run; those that an organ of llmflow.yaml uses get what stands beside `use`."""
    recipes = shelf.recipes(settings.managed.recipes)
    pinned: dict[str, dict[str, str | int]] = {}
    for port, name in _managed(settings).items():
        known = {choice.name for choice in recipes[name].choices}
        given = settings.organs[port].options.items()
        pinned[name] = {option: value for option, value in given if option in known and value != ""}
    return Servers(place(settings.managed.path, settings.home), cipher, recipes, pinned=pinned)


def _managed(settings: Settings) -> dict[str, str]:
    """The ports whose organ is a server that LLMFlow runs, with the server's name."""
    found = {port: catalog.find(port, organ.use) for port, organ in settings.organs.items()}
    return {port: adapter.server for port, adapter in found.items() if adapter is not None and adapter.server}


def _serve_managed(servers: Servers, gateway: Gateway, http: HttpClient, direct: DirectClient, name: str) -> None:
    """A model server that somebody started serves its models beside the organ of llmflow.yaml, while it runs."""
    if "llm" not in servers.recipe(name).ports or name in servers.pinned:
        return
    is_served = name in gateway.servers.names
    if servers.is_running(name) and not is_served:
        from llmflow.organs.llm.vllm import VllmLlm

        llm = VllmLlm(servers=servers.server, server=name, http=http, direct=direct, timeout_s=_CONNECTED_S)
        gateway.servers.serve(name, llm)
    elif is_served and not servers.is_running(name):
        gateway.servers.drop(name)


def _organs(settings: Settings, supplies: dict[str, Any], built: dict[str, Any]) -> Organs:
    """Puts the organs into `built`, where each finds others once it is asked."""
    for port, organ in settings.organs.items():
        if port in _LATE:
            built[port] = Late(partial(_build, port, organ, supplies))
        else:
            built[port] = _build(port, organ, supplies)
    return Organs(**built)


def _build(port: str, organ: Organ, supplies: dict[str, Any]) -> Any:
    """Imports the adapter and makes it. Raises ConfigError (adapter_unknown) and OrganError (extra_missing)."""
    adapter = catalog.find(port, organ.use)
    target = adapter.target if adapter else organ.use
    module_name, _, class_name = target.partition(":")
    try:
        cls = getattr(importlib.import_module(module_name), class_name)
    except ModuleNotFoundError as error:
        if adapter is None and error.name and module_name.startswith(error.name):
            raise ConfigError(
                f"organs.{port}.use: there is no module {module_name}.", code="adapter_unknown"
            ) from error
        extra = adapter.extra if adapter else None
        how = f"pip install 'llmflow[{extra}]'" if extra else f"pip install {error.name}"
        raise OrganError(f"`{organ.use}` needs {error.name}: {how}", code="extra_missing") from error
    except AttributeError as error:
        message = f"organs.{port}.use: {module_name} has no class {class_name}."
        raise ConfigError(message, code="adapter_unknown") from error
    asked = inspect.signature(cls).parameters
    given = {name: value for name, value in supplies.items() if name in asked}
    if "path" in asked and port in _FOLDERS:
        given["path"] = settings_path(supplies["home"], organ, _FOLDERS[port])
    for option in adapter.options if adapter else ():
        value = organ.options.get(option.name, option.default)
        if option.name != "path" or port not in _FOLDERS:
            given[option.name] = value
    if adapter is None:
        given.update(organ.options)
    return cls(**given)


def settings_path(home: Path, organ: Organ, folder: str) -> Path:
    """Where an organ keeps its files: its `path` option, else a folder of the home."""
    return Path(organ.options.get("path") or home / folder).expanduser().absolute()


def _supplies(
    settings: Settings,
    database: Database,
    http: HttpClient,
    direct: DirectClient,
    workspace_id: str,
    servers: Servers,
    built: dict[str, Any],
) -> dict[str, Any]:
    """What adapters' constructors may ask for by name."""
    home = settings.home
    return {
        "home": home,
        "cache": home / "cache",
        "http": http,
        "direct": direct,
        "database_url": settings.store.url or sqlite_url(home / "jobs.db"),
        "executor_id": "main",
        "accounts": StoredAccounts(database, workspace_id),
        "write_spans": partial(write_spans, database, workspace_id),
        "count_tokens": _count_tokens,
        "embed_texts": lambda texts: built["embedding"].embed(texts, "passage"),
        "servers": servers.server,
        "timeout_s": settings.limits.parse_timeout_s,
        "memory_mb": settings.limits.parse_memory_mb,
        "max_bytes": settings.limits.document_mb * _MB,
        "max_pages": settings.limits.document_pages,
    }


def _characters(texts: Sequence[str]) -> list[int]:
    return [len(text) for text in texts]


def _count_tokens(texts: Sequence[str]) -> list[int]:
    """Tokens by the packaged e5 vocabulary, loaded at the first count, in the caller's thread."""
    from llmflow.organs.embedding.e5_tokenizer import E5Tokenizer

    return E5Tokenizer().count_tokens(texts)
