"""Which apps use which knowledge: by their settings, by their graphs' versions in force, by their drafts."""

from __future__ import annotations

from collections import defaultdict
from functools import partial

from llmflow.apps import queries as app_queries
from llmflow.apps.designs import queries
from llmflow.apps.designs.designs import Designs
from llmflow.apps.known import Known
from llmflow.apps.types import App
from llmflow.errors import NotFound
from llmflow.store.database import Database
from llmflow.workflow.dsl.bindings import bound, datasets
from llmflow.workflow.dsl.tools import agent_tools, node_tool

_KEPT = 5_000  # designs whose data sets are remembered


class Uses:
    """A design is opened once: what is kept under its hash never changes."""

    def __init__(self, database: Database, designs: Designs) -> None:
        self._database = database
        self._designs = designs
        self._known: Known[str, frozenset[str]] = Known(_KEPT)

    async def of(self, workspace_id: str) -> dict[str, list[App]]:
        """By a knowledge base's id, or its name where a tool names it so: the apps that search it."""
        async with self._database.read() as connection:
            apps = await app_queries.all_apps(connection, workspace_id)
            looked_at = await queries.drafts_and_newest(connection, workspace_id)
        named: dict[str, set[str]] = {app.id: set(app.config.knowledge) for app in apps}
        graphs = {app.id: app for app in apps if app.has_graph}
        for app_id, number, hash in looked_at:
            if app_id in graphs:
                look = partial(self._opened, graphs[app_id], number)
                named[app_id] |= await self._known.get(hash, look)
        found: dict[str, list[App]] = defaultdict(list)
        for app in apps:
            for name in named[app.id]:
                found[name].append(app)
        return found

    async def _opened(self, app: App, number: int) -> frozenset[str]:
        try:
            _, design = await self._designs.get(app, number)
        except NotFound:  # deleted just now
            return frozenset()
        found: set[str] = set()
        for node in bound(design.document, design.bindings).nodes:
            found |= set(datasets(node))
            tools = [tool for tool, _ in agent_tools(node)]
            tools += [tool] if (tool := node_tool(node)) is not None else []
            for tool in tools:
                if tool.provider_type == "dataset-retrieval":
                    found |= {tool.provider_id, tool.provider_name} - {""}
        return frozenset(found)
