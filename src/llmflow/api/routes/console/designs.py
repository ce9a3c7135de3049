"""Designs of apps: import and export of DSL files, the draft, published versions and their differences."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, replace
from typing import Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from llmflow.access.types import Caller, Role
from llmflow.api import auth
from llmflow.apps.designs.exports import exported
from llmflow.apps.designs.imports import Imported, Mapped
from llmflow.apps.designs.model_config import chat_config
from llmflow.apps.designs.publishing import FollowedSetting
from llmflow.apps.types import App, AppVersion, Design
from llmflow.errors import NotFound, UsageError
from llmflow.knowledge.types import KnowledgeBase
from llmflow.wiring import Platform
from llmflow.workflow.dsl.bindings import Bindings
from llmflow.workflow.dsl.diff import Diff, diff
from llmflow.workflow.dsl.document import Document, document
from llmflow.workflow.dsl.report import NodeReport
from llmflow.workflow.dsl.secrets import hidden, unhidden
from llmflow.workflow.dsl.version import ImportStatus
from llmflow.workflow.dsl.write import write
from llmflow.workflow.graph import Problem, compile_graph
from llmflow.workflow.registry import kinds

router = APIRouter(tags=["designs"])

_DRAFT = "draft"


class Dsl(BaseModel):
    """`document`: the text of the DSL file."""

    document: str
    name: str = Field("", max_length=200, description="Of the app; empty: the file's, with a number where it is taken")
    publish: bool = False
    map_datasets: dict[str, str] = Field(
        default_factory=dict, max_length=1000, description="A data set's id in the file to a knowledge base here"
    )
    map_models: dict[str, str] = Field(
        default_factory=dict,
        max_length=1000,
        description="A model in the file (`provider/name` or its name) to one here",
    )


class ChangedDraft(BaseModel):
    """`document`: the whole tree; `[__HIDDEN__]` as the value of a secret keeps it. `hash`: of the draft it was made
    on; where somebody else saved since, the change is refused."""

    document: dict[str, Any]
    hash: str
    datasets: dict[str, str] | None = Field(None, description="Data sets in it to knowledge bases; left out: as before")
    models: dict[str, str] | None = Field(None, description="Models in it to ours; left out: as before")


class Publication(BaseModel):
    """`hash`: of the draft that is meant; left out: whatever it is now."""

    name: str = Field("", max_length=200)
    note: str = Field("", max_length=5000)
    hash: str | None = None


class ChangedVersion(BaseModel):
    name: str | None = Field(None, max_length=200)
    note: str | None = Field(None, max_length=5000)


class Restoration(BaseModel):
    """`hash`: of the draft that is given up; left out: whatever it is now."""

    hash: str | None = None


@dataclass(frozen=True, slots=True)
class PublishedVersion(AppVersion):
    """`base_changes`: what became of the settings of a pipeline's knowledge base."""

    base_changes: list[FollowedSetting]


@dataclass(frozen=True, slots=True)
class ImportedApp:
    """`status`: what Dify's import says to the file's version; `published` None: a draft only. `knowledge`: the base
    that was made for a pipeline of knowledge; `base_changes`: what became of the settings of one that was there."""

    app_id: str
    name: str
    mode: str
    has_graph: bool
    dsl_version: str
    status: ImportStatus
    published: AppVersion | None
    report: list[NodeReport]
    notes: list[str]
    knowledge: KnowledgeBase | None
    base_changes: list[FollowedSetting]


@dataclass(frozen=True, slots=True)
class Draft:
    """`document`: secrets are hidden. `problems`: of its graph; `report`: of its nodes."""

    version: AppVersion
    document: dict[str, Any]
    datasets: dict[str, str]
    models: dict[str, str]
    problems: list[Problem]
    report: list[NodeReport]


@dataclass(frozen=True, slots=True)
class SavedDraft:
    version: AppVersion
    problems: list[Problem]


@dataclass(frozen=True, slots=True)
class VersionDocument:
    """`document`: secrets are hidden."""

    version: AppVersion
    document: dict[str, Any]


@router.post("/apps/import", status_code=201)
async def import_app(body: Dsl, request: Request) -> ImportedApp:
    """Makes an app from a DSL file of any version. A node that this version cannot run is reported, never refused."""
    caller = await auth.console_caller(request)
    return _imported(await _import(body, request, caller, None))


@router.post("/apps/{app}/import")
async def import_into(app: str, body: Dsl, request: Request) -> ImportedApp:
    """Replaces the draft of an app of the same mode by a DSL file; published versions stay."""
    caller = await auth.console_caller(request)
    found = await auth.platform_of(request).apps.catalogue.get(caller.workspace_id, app)
    return _imported(await _import(body, request, caller, found))


@router.get("/apps/{app}/export", response_class=Response)
async def export_app(
    app: str,
    request: Request,
    version: str = Query(_DRAFT, max_length=20, description="A version's number, or `draft`"),
    include_secret: bool = Query(False, description="With the values of secret variables; needs the role admin"),
) -> Response:
    """The app as a DSL file (YAML) that Dify imports."""
    platform, found, _ = await _app(request, app, needs="admin" if include_secret else "editor")
    design = await _design_or_none(platform, found, version)
    text = await asyncio.to_thread(write, exported(found, design), include_secret=include_secret)
    return Response(text, media_type="application/yaml; charset=utf-8")


@router.get("/apps/{app}/draft")
async def get_draft(app: str, request: Request) -> Draft:
    platform, found, _ = await _graph_app(request, app)
    version, design = await platform.apps.designs.draft(found)
    return Draft(
        version,
        hidden(design.document.tree),
        dict(design.bindings.datasets),
        dict(design.bindings.models),
        await _problems(design.document),
        list(await platform.apps.imports.judge(found, design)),
    )


@router.put("/apps/{app}/draft")
async def put_draft(app: str, body: ChangedDraft, request: Request) -> SavedDraft:
    """Saves the draft whole. Problems are listed, never refused: a draft may be half done."""
    platform, found, caller = await _graph_app(request, app)
    _, before = await platform.apps.designs.draft(found)
    after = document(unhidden(body.document, before.document.tree))
    if after.mode != found.mode:
        raise UsageError(f"The document is of mode {after.mode}, the app of mode {found.mode}.", param="document")
    bindings = Bindings(
        before.bindings.datasets if body.datasets is None else body.datasets,
        before.bindings.models if body.models is None else body.models,
    )
    version = await platform.apps.designs.save_draft(
        found, Design(after, bindings), author=caller.account_id, seen_hash=body.hash
    )
    return SavedDraft(version, await _problems(after))


@router.post("/apps/{app}/publish", status_code=201)
async def publish(app: str, body: Publication, request: Request) -> PublishedVersion:
    """The draft becomes the version in force. The knowledge base of a pipeline follows what its last node says
    otherwise than before."""
    platform, found, caller = await _graph_app(request, app)
    made = await platform.apps.publishing.publish(
        found, name=body.name, note=body.note, author=caller.account_id, seen_hash=body.hash
    )
    _, design = await platform.apps.designs.get(found, made.version.number)
    shown = replace(chat_config(design), icon=found.config.icon, icon_background=found.config.icon_background)
    if shown != found.config:
        await platform.apps.catalogue.update(caller.workspace_id, found.id, config=shown)
    return PublishedVersion(**asdict(made.version), base_changes=list(made.base_changes))


@router.get("/apps/{app}/versions")
async def list_versions(app: str, request: Request) -> list[AppVersion]:
    """The published ones, newest first: the first is in force."""
    platform, found, _ = await _app(request, app)
    return await platform.apps.designs.versions(found)


@router.get("/apps/{app}/versions/{number}")
async def get_version(app: str, number: str, request: Request) -> VersionDocument:
    platform, found, _ = await _graph_app(request, app)
    version, design = await platform.apps.designs.get(found, _published(number))
    return VersionDocument(version, hidden(design.document.tree))


@router.patch("/apps/{app}/versions/{number}")
async def change_version(app: str, number: str, body: ChangedVersion, request: Request) -> AppVersion:
    """Name and note; a published design itself does not change."""
    platform, found, _ = await _graph_app(request, app)
    return await platform.apps.designs.rename(found, _published(number), name=body.name, note=body.note)


@router.delete("/apps/{app}/versions/{number}", status_code=204)
async def delete_version(app: str, number: str, request: Request) -> None:
    """Any but the one in force."""
    platform, found, _ = await _graph_app(request, app)
    platform.apps.plans.forget(await platform.apps.designs.delete(found, _published(number)))


@router.post("/apps/{app}/versions/{number}/restore")
async def restore_version(app: str, number: str, body: Restoration, request: Request) -> AppVersion:
    """The draft becomes what the version was; publish it to run it."""
    platform, found, caller = await _graph_app(request, app)
    return await platform.apps.designs.restore(found, _published(number), author=caller.account_id, seen_hash=body.hash)


@router.get("/apps/{app}/diff")
async def compare(
    app: str,
    request: Request,
    old: str = Query(max_length=20, description="A version's number, or `draft`"),
    new: str = Query(_DRAFT, max_length=20, description="A version's number, or `draft`"),
) -> Diff:
    """What differs in meaning from the old version to the new one."""
    platform, found, _ = await _graph_app(request, app)
    designs = platform.apps.designs
    before = (await designs.get(found, _number(old)))[1]
    after = (await designs.get(found, _number(new)))[1]
    return diff(before.document, after.document)


@router.get("/workflow/nodes")
async def node_types(request: Request) -> list[dict[str, Any]]:
    """The node types that this version runs: their fields as JSON schema, and words for them in Korean and English."""
    await auth.console_caller(request)
    found = {(kind.type, kind.version): kind for kind in kinds().values()}
    return [found[key].schema() for key in sorted(found)]


async def _import(body: Dsl, request: Request, caller: Caller, into: App | None) -> Imported:
    return await auth.platform_of(request).apps.imports.make(
        caller.workspace_id,
        body.document,
        into=into,
        name=body.name,
        mapped=Mapped(body.map_datasets, body.map_models),
        publish=body.publish,
        author=caller.account_id,
    )


def _imported(found: Imported) -> ImportedApp:
    return ImportedApp(
        found.app.id,
        found.app.name,
        found.app.mode,
        found.app.has_graph,
        found.version.version,
        found.version.status,
        found.published,
        list(found.report),
        list(found.notes),
        found.base,
        list(found.base_changes),
    )


async def _app(request: Request, id_or_name: str, *, needs: Role = "editor") -> tuple[Platform, App, Caller]:
    """A design may carry prompts and addresses that not everybody is to read."""
    caller = await auth.console_caller(request, needs=needs)
    platform = auth.platform_of(request)
    return platform, await platform.apps.catalogue.get(caller.workspace_id, id_or_name), caller


async def _graph_app(request: Request, id_or_name: str) -> tuple[Platform, App, Caller]:
    """Raises NotFound (no_design) for an app without a graph: its own page is its draft."""
    platform, app, caller = await _app(request, id_or_name)
    if not app.has_graph:
        raise NotFound(
            f"`{app.name}` is a {app.mode} app: it has no graph with a draft and versions.", code="no_design"
        )
    return platform, app, caller


async def _design_or_none(platform: Platform, app: App, version: str) -> Design | None:
    """None for a chat app that was made here."""
    number = _number(version)
    try:
        return (await platform.apps.designs.get(app, number))[1]
    except NotFound:
        if app.has_graph or number:
            raise
        return None


async def _problems(found: Document) -> list[Problem]:
    return list((await asyncio.to_thread(compile_graph, found.workflow["graph"])).problems)


def _number(version: str) -> int:
    """0 for the draft."""
    if version == _DRAFT:
        return 0
    if not version.isascii() or not version.isdigit() or not 0 < int(version) < 2**31:
        raise UsageError(f"`{version}` is no version: give a number, or `{_DRAFT}`.", param="version")
    return int(version)


def _published(version: str) -> int:
    """Of a published version: the draft has operations of its own."""
    number = _number(version)
    if number == 0:
        raise UsageError("The draft is no published version; give a number.", param="number")
    return number
