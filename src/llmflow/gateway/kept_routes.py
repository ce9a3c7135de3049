"""Routes that people set while LLMFlow runs, beside those of llmflow.yaml, which stand before them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from llmflow.errors import Conflict, NotFound
from llmflow.gateway import queries
from llmflow.gateway.routes import Route, read_route
from llmflow.gateway.servers import Servers
from llmflow.gateway.types import KeptRoute
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms
from llmflow.store.news import Tell, nobody


class KeptRoutes:
    """`fixed`: those of llmflow.yaml. `tell`: other processes, that a workspace's routes have changed."""

    def __init__(
        self, database: Database, servers: Servers, fixed: Mapping[str, Route], *, tell: Tell = nobody
    ) -> None:
        self._database = database
        self._tell = tell
        self._servers = servers
        self._fixed = dict(fixed)

    async def load(self, workspace_id: str) -> None:
        """Serves what was kept."""
        kept = {one.name: one.route for one in await self.all(workspace_id)}
        self._servers.route(kept)

    async def all(self, workspace_id: str) -> list[KeptRoute]:
        """Those of llmflow.yaml first."""
        async with self._database.read() as database:
            kept = await queries.routes(database, workspace_id)
        found = [KeptRoute(name, route, is_fixed=True) for name, route in self._fixed.items()]
        return found + [
            KeptRoute(name, read_route(name, given), is_fixed=False)
            for name, given in kept.items()
            if name not in self._fixed
        ]

    async def put(self, workspace_id: str, name: str, given: Any) -> KeptRoute:
        """Makes or changes it; served from the next request on. Raises UsageError, and Conflict for one of
        llmflow.yaml."""
        self._check(name)
        route = read_route(name, given)
        plain, now = msgspec.to_builtins(route), now_ms()
        async with self._database.write() as database:
            if not await queries.change_route(database, workspace_id, name, route=plain, updated_at=now):
                await queries.insert_route(
                    database,
                    id=new_id(),
                    workspace_id=workspace_id,
                    name=name,
                    route=plain,
                    created_at=now,
                    updated_at=now,
                )
        await self.load(workspace_id)
        self._tell("routes", workspace_id)
        return KeptRoute(name, route, is_fixed=False)

    async def remove(self, workspace_id: str, name: str) -> None:
        """Raises NotFound, and Conflict for one of llmflow.yaml."""
        self._check(name)
        async with self._database.write() as database:
            if not await queries.delete_route(database, workspace_id, name):
                raise NotFound(f"There is no route `{name}`.", param="name")
        await self.load(workspace_id)
        self._tell("routes", workspace_id)

    def _check(self, name: str) -> None:
        if name in self._fixed:
            raise Conflict(f"The route `{name}` stands in llmflow.yaml.", param="name", hint="Change it there.")
