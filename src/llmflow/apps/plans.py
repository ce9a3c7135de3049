"""What is run of an app: its version in force, compiled once."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from llmflow.apps.designs import Designs
from llmflow.apps.types import App, AppVersion
from llmflow.workflow.dsl.bindings import bound
from llmflow.workflow.dsl.document import Document, mapping
from llmflow.workflow.graph import Plan, compile_graph

_KEPT = 256  # compiled versions, of the apps used last


@dataclass(frozen=True, slots=True)
class Compiled:
    """`document`: with the names that data sets and models have here, and with its secrets."""

    version: AppVersion
    document: Document
    plan: Plan


class Plans:
    def __init__(self, designs: Designs) -> None:
        self._designs = designs
        self._known: OrderedDict[str, Compiled] = OrderedDict()

    async def in_force(self, app: App) -> Compiled:
        """The newest published version. Raises NotFound (not_published)."""
        return await self._of(app, (await self._designs.in_force(app)).id)

    async def version(self, app: App, version_id: str) -> Compiled:
        """A published version by its id. Raises NotFound (version_not_found)."""
        return await self._of(app, version_id)

    async def draft(self, app: App) -> Compiled:
        """Compiled anew each time: a draft changes. Raises NotFound (no_design)."""
        version, design = await self._designs.draft(app)
        return compiled(version, bound(design.document, design.bindings))

    def forget(self, version: AppVersion) -> None:
        """For one that was deleted."""
        self._known.pop(version.id, None)

    async def _of(self, app: App, version_id: str) -> Compiled:
        found = self._known.get(version_id)
        if found is None or found.version.app_id != app.id:
            version, design = await self._designs.by_id(app, version_id)
            found = compiled(version, bound(design.document, design.bindings))
            self._known[version_id] = found
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(version_id)
        return found


def compiled(version: AppVersion, document: Document) -> Compiled:
    """What is wrong with the graph stands in the plan's problems."""
    return Compiled(version, document, compile_graph(mapping(document.workflow.get("graph"))))
