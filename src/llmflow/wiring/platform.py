"""What a running LLMFlow is made of."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.sdk.trace.export import BatchSpanProcessor
from sqlalchemy.exc import SQLAlchemyError

from llmflow import catalog
from llmflow.access.attempts import Attempts
from llmflow.access.invitations import Invitations
from llmflow.access.keys import Keys
from llmflow.access.members import Members
from llmflow.access.people import People
from llmflow.access.standing import Standing
from llmflow.apps.pipelines.arrivals import Arrivals
from llmflow.apps.pipelines.pipelines import Pipelines
from llmflow.apps.room import AppsRoom
from llmflow.config.settings import Settings
from llmflow.errors import LLMFlowError, OrganError
from llmflow.gateway.connections import Connections
from llmflow.gateway.gateway import Gateway
from llmflow.gateway.kept_routes import KeptRoutes
from llmflow.gateway.quotas.quotas import Quotas
from llmflow.gateway.relay import Relay
from llmflow.gateway.responding import Responding
from llmflow.gateway.speech import SpeechGateway
from llmflow.knowledge.room import KnowledgeRoom
from llmflow.managed.adapters import Adapters
from llmflow.managed.servers import Servers
from llmflow.net.client import HttpClient
from llmflow.net.direct import DirectClient
from llmflow.organs.tracing.bridge import attach
from llmflow.organs.tracing.buffer import SpanBuffer
from llmflow.ports.health import Health
from llmflow.store.crypto import Cipher
from llmflow.store.database import Database
from llmflow.store.news import News
from llmflow.store.spans import delete_old_spans
from llmflow.tools.openapi.collections import Collections
from llmflow.tools.toolbox import Toolbox
from llmflow.wiring.late import Late
from llmflow.wiring.models import managed
from llmflow.wiring.organs import Organs

_HEALTH_S = 20.0
_DAY_S = 86_400.0
_log = logging.getLogger(__name__)


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
    knowledge: KnowledgeRoom
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
        await self.knowledge.load()
        await self.organs.jobs.start()
        self.apps.schedules.start()
        await self.knowledge.start()
        await self.servers.start_wanted()
        self.is_ready = True

    def missing(self) -> list[str]:
        """What requests have to wait for: "jobs" until work is taken up, and the organs that llmflow.yaml has LLMFlow
        run and that are on their way. One that failed is the doctor's to tell."""
        if not self.is_ready:
            return ["jobs"]
        starting = self.servers.starting()
        return [f"organs.{port}" for port, name in managed(self.settings).items() if name in starting]

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
        await self.knowledge.close()
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
