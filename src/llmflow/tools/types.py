"""Nouns of the tools room."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from llmflow.config.settings import Workflow
from llmflow.errors import NodeFailed
from llmflow.net.messages import HttpAnswer, HttpRequest
from llmflow.ports.chunker import ChunkRule
from llmflow.ports.sandbox import Code, Ran

FileValue = Mapping[str, Any]
"""A file as workflows carry it: a JSON object (workflow/files.py)."""


@dataclass(frozen=True, slots=True)
class Words:
    """A label and a line of help, in English and Korean, for an editor."""

    en: str
    ko: str
    help_en: str = ""
    help_ko: str = ""


@dataclass(frozen=True, slots=True)
class ToolRef:
    """Which tool is meant, in Dify's words. `provider_type`: builtin, plugin, api, workflow, app, dataset-retrieval,
    mcp. `provider_id` and `provider_name` may each be an id or a name; what the one does not find, the other may."""

    provider_type: str
    provider_id: str
    tool_name: str
    provider_name: str = ""
    credential_id: str = ""

    @property
    def shown(self) -> str:
        return f"{self.provider_name or self.provider_id}/{self.tool_name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """What a tool is to a model, an editor and a reader.

    `name`: what a model calls it, [A-Za-z0-9_-], 64 characters at most. `description`: for the model. `parameters`: a
    JSON schema of type object. `settings`: parameters that whoever builds the app fills, and no model is shown.
    `fields`: words for parameters. `is_safe`: it may run again when nobody knows whether it ran. `outputs`: variables
    beside text, files and json that an answer may have, name to JSON schema."""

    ref: ToolRef
    name: str
    description: str
    parameters: Mapping[str, Any]
    words: Words
    settings: frozenset[str] = frozenset()
    fields: Mapping[str, Words] = field(default_factory=dict)
    is_safe: bool = False
    outputs: Mapping[str, Any] = field(default_factory=dict)

    def asked(self) -> dict[str, Any]:
        """The JSON schema for a model: without the settings."""
        known = self.parameters.get("properties", {})
        shown = {name: value for name, value in known.items() if name not in self.settings}
        required = [name for name in self.parameters.get("required", ()) if name in shown]
        return {**self.parameters, "properties": shown, "required": required}


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """`text`: for a model and for people. `json`: what the tool found, as values. `variables`: the spec's `outputs`."""

    text: str = ""
    json: Sequence[Any] = ()
    files: Sequence[FileValue] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)


def _absent(what: str) -> NodeFailed:
    return NodeFailed(f"{what} cannot be reached from here.", hint="Run the workflow as a published app.")


async def _no_http(request: HttpRequest) -> HttpAnswer:
    raise _absent("The network")


async def _no_read(file: FileValue) -> bytes:
    raise _absent("A file")


async def _no_text(file: FileValue) -> str:
    raise _absent("A file")


async def _no_text_of(name: str, content: bytes) -> str:
    raise _absent("A reader of documents")


async def _no_keep(body: bytes, name: str, media_type: str) -> FileValue:
    raise _absent("The store of files")


async def _no_code(code: Code) -> Ran:
    raise _absent("A place to run code")


async def _no_cut(text: str, rule: ChunkRule) -> list[str]:
    raise _absent("A chunker")


async def _no_search(base_id: str, query: str, top_k: int) -> list[dict[str, Any]]:
    raise _absent("Knowledge")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a call may reach; each raises errors of errors.py.

    `http`: under the guard for addresses that users give. `read_text(file)`, `text_of(name, content)`: a document's
    text, as Markdown.
    `keep_file(content, name, media_type)`: the file's value. `code` runs it apart (ports.sandbox).
    `search(base, query, top_k)`: passages, best first, as Dify gives them. `cut(text, rule)`: passages of a text, the
    rule's sizes in characters. `around`: ids of the apps whose runs the
    call lies in, the outermost first; `user`, `account_id`: for whom the innermost runs."""

    http: Callable[[HttpRequest], Awaitable[HttpAnswer]] = _no_http
    read_file: Callable[[FileValue], Awaitable[bytes]] = _no_read
    read_text: Callable[[FileValue], Awaitable[str]] = _no_text
    text_of: Callable[[str, bytes], Awaitable[str]] = _no_text_of
    keep_file: Callable[[bytes, str, str], Awaitable[FileValue]] = _no_keep
    code: Callable[[Code], Awaitable[Ran]] = _no_code
    search: Callable[[str, str, int], Awaitable[list[dict[str, Any]]]] = _no_search
    cut: Callable[[str, ChunkRule], Awaitable[list[str]]] = _no_cut
    around: tuple[str, ...] = ()
    user: str = ""
    account_id: str | None = None
    limits: Workflow = field(default_factory=Workflow)


Run = Callable[[Mapping[str, Any], Scope], Awaitable[ToolAnswer]]


@dataclass(frozen=True, slots=True)
class Tool:
    """`run`: gets arguments that fit the spec's parameters; raises errors of errors.py, NodeFailed (tool_failed) for
    what is the tool's own."""

    spec: ToolSpec
    run: Run


class Source(Protocol):
    """Where tools come from. Both may look into a database; neither asks anybody else."""

    async def find(self, ref: ToolRef, workspace_id: str) -> Tool | None:
        """None: not here."""

    async def all(self, workspace_id: str) -> Sequence[Tool]:
        """In the order an editor shows."""
