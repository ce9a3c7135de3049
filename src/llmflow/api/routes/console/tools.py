"""Tools: what nodes and agents may call, OpenAPI documents that become tools, and trying one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from llmflow.api import auth
from llmflow.errors import UsageError
from llmflow.tools.openapi.types import Collection, Credential, Described, Scheme
from llmflow.tools.types import ToolRef, ToolSpec, Words

router = APIRouter(tags=["tools"])


class Ref(BaseModel):
    """Which tool is meant, as a workflow's node names it."""

    provider_type: str = Field("builtin", max_length=40)
    provider_id: str = Field(max_length=300)
    provider_name: str = Field("", max_length=300)
    tool_name: str = Field(max_length=300)


class Trial(Ref):
    arguments: dict[str, Any] = Field(default_factory=dict, description="By the names of the tool's parameters")


class Shown(BaseModel):
    """How a server is shown a credential. `name`, `where`: an API key's header, parameter or cookie. `secret`: a key, a
    token, or the password of `user`; it is sealed and never shown again."""

    kind: Literal["none", "api_key", "bearer", "basic"] = "none"
    name: str = Field("", max_length=200, pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z\[\]-]*$")
    where: Literal["header", "query", "cookie"] = "header"
    secret: str | None = Field(None, max_length=8000, description="null: the one kept, if any")
    user: str = Field("", max_length=500)


class OpenApi(BaseModel):
    """The address of a document, or its text."""

    url: str = Field("", max_length=2000)
    content: str = Field("", description="JSON or YAML")


class NewCollection(OpenApi):
    name: str = Field("", max_length=100, description="Empty: the document's title")
    base_url: str = Field("", max_length=2000, description="Empty: the document's server")
    credential: Shown | None = None


class ChangedCollection(BaseModel):
    """Only what is given changes. `url` or `content`: the document anew; `reload`: anew from where it came."""

    name: str | None = Field(None, max_length=100)
    base_url: str | None = Field(None, max_length=2000)
    credential: Shown | None = None
    url: str = Field("", max_length=2000)
    content: str = ""
    reload: bool = False


@dataclass(frozen=True, slots=True)
class Labels:
    label: str
    help: str


@dataclass(frozen=True, slots=True)
class Labelled:
    en: Labels
    ko: Labels


@dataclass(frozen=True, slots=True)
class ToolShown:
    provider_type: str
    provider_id: str
    provider_name: str
    tool_name: str
    description: str  # for a model
    words: Labelled
    parameters: dict[str, Any]  # a JSON schema
    fields: dict[str, Labelled]  # words for parameters, where there are any
    settings: list[str]  # parameters that no model is shown
    is_safe: bool


@dataclass(frozen=True, slots=True)
class OperationShown:
    name: str
    method: str
    path: str
    summary: str
    parameters: list[str]


@dataclass(frozen=True, slots=True)
class SkippedShown:
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class CredentialShown:
    kind: str
    name: str
    where: str
    has_secret: bool


@dataclass(frozen=True, slots=True)
class Preview:
    title: str
    description: str
    version: str
    base_url: str  # empty: the document names no server
    credential: CredentialShown  # how the document says its server wants one
    operations: list[OperationShown]
    skipped: list[SkippedShown]


@dataclass(frozen=True, slots=True)
class CollectionShown:
    id: str
    name: str
    description: str
    source_url: str
    base_url: str
    credential: CredentialShown
    tools: int
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class KeptCollection:
    collection: CollectionShown
    skipped: list[SkippedShown]


@dataclass(frozen=True, slots=True)
class TrialAnswer:
    text: str
    json: list[Any]
    files: list[dict[str, Any]]
    variables: dict[str, Any]


@router.get("/tools")
async def tools(request: Request) -> list[ToolShown]:
    """All that nodes and agents of this workspace may call."""
    caller = await auth.console_caller(request)
    found = await auth.platform_of(request).toolbox.all(caller.workspace_id)
    return [_tool(tool.spec) for tool in found]


@router.post("/tools/try")
async def try_out(body: Trial, request: Request) -> TrialAnswer:
    """Really calls a tool. Errors: tool_unknown, tool_input_invalid, tool_failed, http_failed, address_blocked."""
    caller = await auth.console_caller(request, needs="editor")
    surroundings = auth.platform_of(request).apps.surroundings
    kit = surroundings.trial(caller.workspace_id, user=caller.account_id or "", account_id=caller.account_id)
    ref = ToolRef(body.provider_type, body.provider_id, body.tool_name, body.provider_name)
    answer = await (await kit.find(ref)).call(body.arguments)
    return TrialAnswer(answer.text, list(answer.json), [dict(file) for file in answer.files], dict(answer.variables))


@router.get("/tools/collections")
async def collections(request: Request) -> list[CollectionShown]:
    """The OpenAPI documents that were made tools. Secrets are never shown."""
    caller = await auth.console_caller(request, needs="editor")
    kept = auth.platform_of(request).collections
    return [await _shown(request, one) for one in await kept.list(caller.workspace_id)]


@router.post("/tools/collections/preview")
async def preview(body: OpenApi, request: Request) -> Preview:
    """What an OpenAPI document describes; keeps nothing. Errors: openapi_unreadable, openapi_too_large, http_failed,
    address_blocked."""
    await auth.console_caller(request, needs="admin")
    return _preview(await _described(request, body.url, body.content))


@router.post("/tools/collections", status_code=201)
async def add(body: NewCollection, request: Request) -> KeptCollection:
    """Makes tools of an OpenAPI document. Errors: those of the preview, openapi_no_server, conflict."""
    caller = await auth.console_caller(request, needs="admin")
    described = await _described(request, body.url, body.content)
    made = await auth.platform_of(request).collections.create(
        caller.workspace_id,
        body.name,
        described,
        source_url="" if body.content else body.url.strip(),
        base_url=body.base_url,
        credential=_credential(body.credential) if body.credential else None,
    )
    return KeptCollection(await _shown(request, made), _skipped(described))


@router.patch("/tools/collections/{collection}")
async def change(collection: str, body: ChangedCollection, request: Request) -> KeptCollection:
    """By id or name. A kept secret does not go with a new address: give it again, or an empty one."""
    caller = await auth.console_caller(request, needs="admin")
    kept = auth.platform_of(request).collections
    before = await kept.get(caller.workspace_id, collection)
    described = None
    url = body.url or (before.source_url if body.reload else "")
    if url or body.content:
        described = await _described(request, url, body.content)
    elif body.reload:
        raise UsageError("The document was uploaded; it has no address to be read from again.", param="reload")
    changed = await kept.change(
        before,
        name=body.name,
        base_url=body.base_url,
        credential=_credential(body.credential) if body.credential else None,
        keeps_secret=body.credential is not None and body.credential.secret is None,
        described=described,
    )
    return KeptCollection(await _shown(request, changed), _skipped(described) if described else [])


@router.delete("/tools/collections/{collection}", status_code=204)
async def remove(collection: str, request: Request) -> None:
    """By id or name. Nodes and agents that name its tools fail from now on."""
    caller = await auth.console_caller(request, needs="admin")
    kept = auth.platform_of(request).collections
    await kept.remove(await kept.get(caller.workspace_id, collection))


async def _described(request: Request, url: str, content: str) -> Described:
    if not url.strip() and not content.strip():
        raise UsageError("Give the document's address or its text.", param="url")
    return await auth.platform_of(request).collections.describe(url=url.strip(), content=content)


def _credential(shown: Shown) -> Credential:
    """Raises UsageError for a key without a name."""
    if shown.kind == "api_key" and not shown.name:
        raise UsageError("An API key goes by the name of its header, parameter or cookie.", param="credential.name")
    scheme = Scheme(shown.kind, shown.name if shown.kind == "api_key" else "", shown.where)
    return Credential(scheme, shown.secret or "", shown.user)


async def _shown(request: Request, one: Collection) -> CollectionShown:
    tools = await auth.platform_of(request).collections.of(one)
    return CollectionShown(
        id=one.id,
        name=one.name,
        description=one.description,
        source_url=one.source_url,
        base_url=one.base_url,
        credential=_scheme(one.scheme, has_secret=one.has_secret),
        tools=len(tools),
        created_at=one.created_at,
        updated_at=one.updated_at,
    )


def _scheme(scheme: Scheme, *, has_secret: bool) -> CredentialShown:
    return CredentialShown(scheme.kind, scheme.name, scheme.where, has_secret)


def _preview(described: Described) -> Preview:
    return Preview(
        title=described.title,
        description=described.description,
        version=described.version,
        base_url=described.base_url,
        credential=_scheme(described.scheme, has_secret=False),
        operations=[
            OperationShown(
                one.name, one.method, one.path, one.summary or one.description[:200], list(one.schema["properties"])
            )
            for one in described.operations
        ],
        skipped=_skipped(described),
    )


def _skipped(described: Described) -> list[SkippedShown]:
    return [SkippedShown(one.what, one.why) for one in described.skipped]


def _tool(spec: ToolSpec) -> ToolShown:
    return ToolShown(
        provider_type=spec.ref.provider_type,
        provider_id=spec.ref.provider_id,
        provider_name=spec.ref.provider_name,
        tool_name=spec.ref.tool_name,
        description=spec.description,
        words=_labelled(spec.words),
        parameters=dict(spec.parameters),
        fields={name: _labelled(words) for name, words in spec.fields.items()},
        settings=sorted(spec.settings),
        is_safe=spec.is_safe,
    )


def _labelled(words: Words) -> Labelled:
    return Labelled(Labels(words.en, words.help_en), Labels(words.ko, words.help_ko))
