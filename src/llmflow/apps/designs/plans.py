"""What is run of an app: its version in force, or its settings, compiled once."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmflow.apps.designs.config_graph import form_of, graph_of
from llmflow.apps.designs.designs import Designs
from llmflow.apps.designs.model_config import with_config
from llmflow.apps.designs.moderation import Moderation, moderation_of
from llmflow.apps.types import App, AppVersion, Design
from llmflow.errors import NodeFailed, NotFound, UsageError
from llmflow.workflow.dsl.bindings import bound
from llmflow.workflow.dsl.document import Document, Variable, mapping
from llmflow.workflow.dsl.pipeline import form_of as form_of_source
from llmflow.workflow.graph import Plan, compile_graph
from llmflow.workflow.nodes.start import InputVariable, StartData, checked
from llmflow.workflow.types import Typed
from llmflow.workflow.variables import constant

_KEPT = 256  # compiled versions, of the apps used last


@dataclass(frozen=True, slots=True)
class Compiled:
    """`document`: with the names that data sets and models have here, and with its secrets. `form`: the fields of its
    start. `frozen`: of a draft, the design as Designs.thaw takes it, since the draft may change under a run."""

    version: AppVersion
    document: Document
    plan: Plan
    environment: Mapping[str, Typed]
    conversation: Mapping[str, Typed]
    form: tuple[InputVariable, ...]
    frozen: str | None = None
    moderation: Moderation | None = None

    @property
    def user_input_form(self) -> list[dict[str, Any]]:
        """Dify's form items, as the document has them."""
        return [
            {field.type: {"options": [], **field.model_dump(exclude_unset=True)}}
            for field in self.form
            if not field.hide
        ]

    def checked(self, inputs: Mapping[str, Any], max_bytes: int, *, is_lenient: bool = False) -> dict[str, Any]:
        """What the form names of the inputs, as it wants it; `is_lenient`: fields that must be filled in need not be.
        Raises UsageError in Dify's words."""
        found: dict[str, Any] = {}
        for field in self.form:
            if is_lenient and inputs.get(field.variable) in (None, ""):
                continue
            try:
                value = checked(field, inputs.get(field.variable), max_bytes)
            except NodeFailed as error:
                raise UsageError(error.message, code=error.code, param="inputs") from error
            if value is not None or field.variable in inputs:
                found[field.variable] = value
        return found


class Plans:
    def __init__(self, designs: Designs) -> None:
        self._designs = designs
        self._known: OrderedDict[str, Compiled] = OrderedDict()

    async def in_force(self, app: App) -> Compiled:
        """The newest published version; of an app without a graph, its settings. Raises NotFound (not_published)."""
        if not app.has_graph:
            return await self._of_config(app)
        return await self._of(app, (await self._designs.in_force(app)).id)

    async def version(self, app: App, version_id: str) -> Compiled:
        """A published version by its id. Raises NotFound (version_not_found)."""
        if not app.has_graph and version_id == app.id:
            return await self._of_config(app)
        return await self._of(app, version_id)

    async def wanted(self, app: App, version_id: str | None) -> Compiled:
        """The published version of that id, or the one in force."""
        return await self.version(app, version_id) if version_id else await self.in_force(app)

    async def draft(self, app: App) -> Compiled:
        """Compiled anew each time: a draft changes. Raises NotFound (no_design)."""
        version, design = await self._designs.draft(app)
        return await asyncio.to_thread(_compiled, version, design, self._designs.freeze(app, design))

    async def frozen(self, app: App, version_id: str, frozen: str) -> Compiled:
        """A draft as a run of it began. Raises NotFound (version_not_found) when there is no such draft any more."""
        version, _ = await self._designs.draft(app)
        if version.id != version_id:
            raise NotFound(f"`{app.name}` has no draft {version_id}.", code="version_not_found")
        return await asyncio.to_thread(_compiled, version, self._designs.thaw(app, frozen), frozen)

    def forget(self, version: AppVersion) -> None:
        """For one that was deleted."""
        self._known.pop(version.id, None)

    async def _of(self, app: App, version_id: str) -> Compiled:
        found = self._known.get(version_id)
        if found is None or found.version.app_id != app.id:
            version, design = await self._designs.by_id(app, version_id)
            found = await asyncio.to_thread(_compiled, version, design)
            self._known[version_id] = found
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(version_id)
        return found

    async def _of_config(self, app: App) -> Compiled:
        """Compiled anew when the settings change; its version has the app's own id."""
        found = self._known.get(app.id)
        if found is None or found.version.updated_at != app.updated_at:
            try:
                design: Design | None = (await self._designs.draft(app))[1]
            except NotFound:
                design = None  # the app was made here
            found = self._known[app.id] = _of_config(app, design)
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(app.id)
        return found


def _of_config(app: App, design: Design | None) -> Compiled:
    tree = with_config(design, app.config)
    config = mapping(tree.get("model_config"))
    version = AppVersion(
        id=app.id,
        workspace_id=app.workspace_id,
        app_id=app.id,
        number=0,
        name="",
        note="",
        hash="",
        author=None,
        created_at=app.created_at,
        updated_at=app.updated_at,
    )
    form = tuple(InputVariable.model_validate(field) for field in form_of(config))
    plan = compile_graph(graph_of(app.mode, config, app.config))
    return Compiled(version, Document(tree), plan, {}, {}, form, moderation=moderation_of(config))


def _compiled(version: AppVersion, design: Design, frozen: str | None = None) -> Compiled:
    """What is wrong with the graph stands in the plan's problems."""
    document = bound(design.document, design.bindings)
    plan = compile_graph(mapping(document.workflow.get("graph")))
    start = plan.scope.nodes[plan.scope.start] if plan.scope.start is not None else None
    form: tuple[InputVariable, ...] = ()
    if start is not None and isinstance(start.data, StartData):
        form = tuple(start.data.variables)
    elif start is not None and start.type == "datasource":
        form = form_of_source(document, start.id)
    return Compiled(
        version,
        document,
        plan,
        _typed(document.environment),
        _typed(document.conversation),
        form,
        frozen,
        moderation_of(document.features),
    )


def _typed(variables: Sequence[Variable]) -> dict[str, Typed]:
    found = {}
    for variable in variables:
        try:
            value = constant(variable.value, variable.type)
        except ValueError:
            value = variable.value
        found[variable.name] = Typed(variable.type, value)
    return found
