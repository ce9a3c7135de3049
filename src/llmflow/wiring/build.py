"""Settings in, a Platform out."""

from __future__ import annotations

from functools import partial
from typing import Any

from llmflow import catalog
from llmflow.access.attempts import Attempts
from llmflow.access.invitations import Invitations
from llmflow.access.keys import Keys
from llmflow.access.members import Members
from llmflow.access.people import People, ensure_workspace
from llmflow.access.standing import Standing
from llmflow.apps.pipelines.arrivals import Arrivals
from llmflow.apps.pipelines.pipelines import Pipelines
from llmflow.apps.room import AppsRoom
from llmflow.config.settings import Organ, Settings
from llmflow.errors import ConfigError
from llmflow.gateway.connections import Connections
from llmflow.gateway.gateway import DEFAULT, Gateway
from llmflow.gateway.kept_routes import KeptRoutes
from llmflow.gateway.quotas.quotas import Quotas
from llmflow.gateway.relay import Relay
from llmflow.gateway.responding import Responding
from llmflow.gateway.speech import SpeechGateway
from llmflow.knowledge.models import EmbeddingModels
from llmflow.knowledge.room import KnowledgeRoom
from llmflow.managed.adapters import Adapters
from llmflow.net.client import Guard, HttpClient, MetadataGuard
from llmflow.net.direct import DirectClient
from llmflow.net.exchange import Exchange
from llmflow.organs.tracing.buffer import SpanBuffer
from llmflow.ports.llm import Llm
from llmflow.store.crypto import Cipher, master_key
from llmflow.store.database import Database, sqlite_url
from llmflow.store.news import News
from llmflow.tools.knowledge import KnowledgeTools
from llmflow.tools.openapi.collections import Collections
from llmflow.tools.toolbox import Toolbox
from llmflow.wiring.late import Late
from llmflow.wiring.models import (
    UnusedModelServer,
    connected,
    managed_servers,
    routes_of,
    serve_managed,
)
from llmflow.wiring.organs import characters, count_tokens, make, make_all, serves_anywhere, supplies_of
from llmflow.wiring.platform import Platform

_MB = 1024 * 1024


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
    servers = managed_servers(settings, cipher)
    built: dict[str, Any] = {}
    supplies = supplies_of(settings, database, http, direct, workspace_id, servers, built)
    organs = make_all(settings, supplies, built)
    spans = SpanBuffer(organs.tracing)
    model_servers = {name: Late(partial(make, "llm", one, supplies)) for name, one in settings.servers.items()}
    quotas = Quotas(database, tell=news.tell)
    llms: dict[str, Llm] = {DEFAULT: organs.llm, **model_servers}
    if not leads:
        every = {DEFAULT: settings.organs["llm"], **settings.servers}
        llms = {name: llm for name, llm in llms.items() if serves_anywhere("llm", every[name])}
    gateway = Gateway(llms, organs.embedding, organs.rerank, limits=quotas, on_span=spans.add, is_whole=leads)
    relay = Relay(gateway)
    routes = KeptRoutes(database, gateway.servers, routes_of(settings), tell=news.tell)
    await routes.load(workspace_id)
    servers.on_change = partial(serve_managed, servers, gateway, http, direct)
    connected_http, connected_direct = HttpClient(guard=MetadataGuard()), DirectClient(guard=MetadataGuard())
    connect = partial(connected, connected_http, connected_direct)
    connections = Connections(database, cipher, gateway, connect, tell=news.tell)
    await connections.load(workspace_id)
    embeddings = {name: Late(partial(make, "embedding", one, supplies)) for name, one in settings.embeddings.items()}
    is_packaged = settings.organs["embedding"].use == "e5"
    packaged = None if is_packaged else Late(partial(make, "embedding", Organ("e5"), supplies))
    embedding_models = EmbeddingModels(
        organs.embedding,
        organ_model=catalog.PACKAGED_EMBEDDING if is_packaged else "",
        named=embeddings,
        packaged=packaged,
    )
    node_http = HttpClient(guard=Guard(settings.workflow.http_allow))
    knowledge = KnowledgeRoom(
        settings,
        database,
        cipher,
        gateway,
        embedding_models,
        organs.vector_store,
        organs.parser,
        organs.chunker,
        organs.blobs,
        organs.jobs,
        count_tokens=count_tokens,
        web=node_http,
        servers=connected_http,
    )
    exchange = Exchange(node_http, redirects=settings.workflow.http_redirects)
    collections = Collections(database, cipher, exchange, max_bytes=settings.limits.openapi_mb * _MB)
    toolbox = Toolbox(collections, KnowledgeTools(knowledge.bases))
    standing = Standing()
    by_characters = Late(partial(make, "chunker", settings.organs["chunker"], {**supplies, "count_tokens": characters}))
    apps = AppsRoom(
        settings,
        database,
        knowledge.bases,
        knowledge.reembeddings,
        knowledge.retriever,
        gateway,
        knowledge.originals,
        organs.blobs,
        cipher,
        exchange,
        organs.parser,
        by_characters,
        organs.sandbox,
        toolbox,
        organs.jobs,
        model_server=UnusedModelServer(settings, http, gateway),
    )
    pipelines = Pipelines(
        apps.catalogue,
        apps.plans,
        apps.runs,
        apps.reruns,
        apps.readings,
        knowledge.bases,
        variable_kb=settings.workflow.variable_kb,
    )
    knowledge.reader.cutter = pipelines.cut
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
        knowledge=knowledge,
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
            knowledge.documents,
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
