"""An app from a DSL file: read, judged, given a name, kept as a draft; published when asked."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from llmflow.apps.apps import Apps
from llmflow.apps.designs.designs import Designs
from llmflow.apps.designs.model_config import chat_config
from llmflow.apps.designs.publishing import FollowedSetting, Published, Publishing
from llmflow.apps.names import checked, fitting, free
from llmflow.apps.pipelines.making import base_of, said_of
from llmflow.apps.types import App, AppVersion, Design
from llmflow.errors import Conflict, LLMFlowError, OrganError
from llmflow.gateway.gateway import DEFAULT, Gateway
from llmflow.knowledge.bases import Bases
from llmflow.knowledge.types import KnowledgeBase
from llmflow.tools.toolbox import Toolbox
from llmflow.workflow.dsl.bindings import (
    Bindings,
    ModelUse,
    chat_models,
    config_datasets,
    datasets,
    model_here,
    model_used,
)
from llmflow.workflow.dsl.document import PIPELINE, Document, document
from llmflow.workflow.dsl.read import read
from llmflow.workflow.dsl.report import Here, NodeReport, report
from llmflow.workflow.dsl.version import VersionReport, check

_DESCRIPTION = 2000  # characters shown of it; the document keeps all


@dataclass(frozen=True, slots=True)
class Mapped:
    """What the caller says names in the file are here: data sets by name or id of a knowledge base, models by id ("" is
    the default)."""

    datasets: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Imported:
    """`published` None: it is a draft only. `notes`: what is to be known of the file as a whole. `base`: of a pipeline
    of knowledge, the one whose documents it reads; `base_changes`: what its settings took over from the file."""

    app: App
    draft: AppVersion
    published: AppVersion | None
    version: VersionReport
    report: tuple[NodeReport, ...]
    notes: tuple[str, ...]
    base: KnowledgeBase | None = None
    base_changes: tuple[FollowedSetting, ...] = ()


class Imports:
    def __init__(
        self, apps: Apps, designs: Designs, publishing: Publishing, bases: Bases, gateway: Gateway, toolbox: Toolbox
    ) -> None:
        self._apps = apps
        self._designs = designs
        self._publishing = publishing
        self._bases = bases
        self._gateway = gateway
        self._toolbox = toolbox
        self._reading = asyncio.Semaphore(2)  # a large file takes seconds; others wait instead of sharing them

    async def read(self, content: bytes | str) -> Document:
        """Raises UsageError (dsl_unreadable, dsl_invalid) and TooLarge (dsl_too_large)."""
        async with self._reading:
            tree = await asyncio.to_thread(read, content, max_bytes=self._designs.max_bytes)
        return document(tree)

    async def make(
        self,
        workspace_id: str,
        content: bytes | str,
        *,
        into: App | None = None,
        name: str = "",
        mapped: Mapped | None = None,
        publish: bool = False,
        author: str | None = None,
    ) -> Imported:
        """A new app, or `into` an app of the same mode, whose draft it replaces. `name` "": the file's; one that is
        taken gets a number. Raises what `read` raises, NotFound for a mapping to what is not here, Conflict."""
        found = await self.read(content)
        judged = check(found.version)
        mapped = mapped or Mapped()
        here = await self._here(workspace_id)
        bindings = await self._bindings(workspace_id, found, mapped, here)
        design = Design(found, bindings)
        if found.mode == PIPELINE:
            said_of(found)  # before anything is made
        app = await self._app(workspace_id, design, name) if into is None else await self._over(into, design)
        draft = await self._designs.save_draft(app, design, author=author)
        base = None
        if found.mode == PIPELINE and into is None:
            try:
                base = await base_of(self._bases, app, found, author=author)
            except LLMFlowError:
                await self._apps.delete(workspace_id, app.id)
                raise
        published: Published | None = None
        if publish and found.has_graph:
            published = await self._publishing.publish(app, author=author, seen_hash=draft.hash)
        notes = tuple(_notes(found, mapped, judged))
        items = await asyncio.to_thread(report, found, bindings, here)
        version, changes = (published.version, published.base_changes) if published else (None, ())
        return Imported(app, draft, version, judged, items, notes, base, changes)

    async def judge(self, app: App, design: Design) -> tuple[NodeReport, ...]:
        """The report of a design that is kept, on what is here now."""
        return await asyncio.to_thread(report, design.document, design.bindings, await self._here(app.workspace_id))

    async def _here(self, workspace_id: str) -> Here:
        models: frozenset[str] = frozenset()
        with contextlib.suppress(OrganError):  # no model server answers: the default will, once one does
            models = frozenset(info.id for info in await self._gateway.models())
        bases = frozenset(base.id for base in await self._bases.all(workspace_id))
        refs = [tool.spec.ref for tool in await self._toolbox.all(workspace_id)]
        tools = frozenset((name, ref.tool_name) for ref in refs for name in (ref.provider_id, ref.provider_name))
        return Here(models, bases, tools)

    async def _bindings(self, workspace_id: str, found: Document, mapped: Mapped, here: Here) -> Bindings:
        """The caller's mapping, in ids; what is ours already; and the default for each model that is not here."""
        ours = {id: id for id in _datasets(found) if id in here.bases}  # a file that was exported here
        bases = ours | {old: (await self._bases.get(workspace_id, new)).id for old, new in mapped.datasets.items()}
        models = {
            old: "" if new in ("", DEFAULT) else (await self._gateway.info(new)).id
            for old, new in mapped.models.items()
        }
        for used in _models(found):
            if model_here(used, models) is None and used.name not in here.models:
                models[used.shown] = ""
        return Bindings(bases, models)

    async def _app(self, workspace_id: str, design: Design, name: str) -> App:
        """A free name is looked for and taken; somebody who takes it in between makes this a Conflict."""
        taken = {app.name for app in await self._apps.all(workspace_id)}
        wanted = checked(name) if name else free(fitting(design.document.name), taken)
        return await self._apps.create(
            workspace_id,
            wanted,
            chat_config(design),
            description=design.document.description[:_DESCRIPTION],
            mode=design.document.mode,
        )

    async def _over(self, app: App, design: Design) -> App:
        if app.mode != design.document.mode:
            message = f"`{app.name}` is of mode {app.mode}, the file's app of mode {design.document.mode}."
            raise Conflict(message, code="mode_differs")
        config = replace(chat_config(design), icon=app.config.icon, icon_background=app.config.icon_background)
        return await self._apps.update(app.workspace_id, app.id, config=config)


def _datasets(found: Document) -> set[str]:
    return {id for node in found.nodes for id in datasets(node)} | set(config_datasets(found.model_config))


def _models(found: Document) -> list[ModelUse]:
    if found.has_graph:
        return list(dict.fromkeys(used for node in found.nodes for used in chat_models(node)))
    used = model_used(found.model_config.get("model"))
    return [used] if used else []


def _notes(found: Document, mapped: Mapped, judged: VersionReport) -> Iterator[str]:
    if judged.why:
        yield judged.why
    ids = _datasets(found)
    names = {name for used in _models(found) for name in used.names}
    for what, given, there in (("data set", mapped.datasets, ids), ("model", mapped.models, names)):
        for old in given:
            if old not in there:
                yield f"The file names no {what} `{old}`; it names {', '.join(sorted(there)) or 'none'}."
    if found.dependencies:
        yield (
            f"The file names plugins of Dify: {', '.join(found.dependencies)}. They are not used here: models come "
            "from LLMFlow's own model servers, and nodes that need another plugin are reported."
        )
    if any(variable.type == "secret" and not variable.value for variable in found.environment):
        named = ", ".join(v.name for v in found.environment if v.type == "secret" and not v.value)
        yield f"Secrets came empty, as exports have them; set them in the draft: {named}."
