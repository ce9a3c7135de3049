"""OpenAPI documents kept as collections of tools: looked at, kept with a sealed credential, found by nodes and agents.

A credential is sealed before it is written, bound to its row, and shown to no other server than the one it was given
for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import msgspec

from llmflow.errors import Conflict, NodeFailed, NotFound, UsageError
from llmflow.net.messages import HttpAnswer, HttpRequest
from llmflow.store.crypto import Cipher
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms
from llmflow.store.unique import unique
from llmflow.tools.openapi import queries
from llmflow.tools.openapi.call import Target, ask, origin
from llmflow.tools.openapi.describe import describe
from llmflow.tools.openapi.types import Collection, Credential, Described, Operation, Scheme
from llmflow.tools.types import Tool, ToolRef, ToolSpec, Words

_FETCH_S = 30.0
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class _Loaded:
    collection: Collection
    tools: tuple[Tool, ...]
    by_name: Mapping[str, Tool]  # by their own names, and as the document calls them


class Collections:
    """A source of tools. `http`: under the guard for addresses that users give. What is kept is read once."""

    def __init__(
        self,
        database: Database,
        cipher: Cipher,
        http: Callable[[HttpRequest], Awaitable[HttpAnswer]],
        *,
        max_bytes: int,
    ) -> None:
        self._database = database
        self._cipher = cipher
        self._http = http
        self._max_bytes = max_bytes
        self._loaded: dict[str, tuple[_Loaded, ...]] = {}
        self._changes = 0
        self._reading = asyncio.Semaphore(2)  # a large document takes a second; others wait instead of sharing it

    async def describe(self, *, url: str = "", content: str = "") -> Described:
        """What the document at an address, or the one given, describes; keeps nothing.

        Raises UsageError (openapi_unreadable), TooLarge (openapi_too_large), NodeFailed (http_failed), Forbidden
        (address_blocked)."""
        body = content.encode() if content else await self._fetched(url)
        async with self._reading:
            return await asyncio.to_thread(describe, body, max_bytes=self._max_bytes, source_url=url)

    async def _fetched(self, url: str) -> bytes:
        if not url.lower().startswith(("http://", "https://")):
            raise UsageError("The address must begin with http:// or https://.", param="url")
        accepted = ("Accept", "application/json, application/yaml, text/yaml, */*;q=0.5")
        most = self._max_bytes
        answer = await self._http(
            HttpRequest("GET", url, (accepted,), read_s=_FETCH_S, text_bytes=most, file_bytes=most)
        )
        if not 200 <= answer.status < 300:
            raise NodeFailed(f"The address answers {answer.status}.", code="http_failed", param="url")
        return answer.body

    async def list(self, workspace_id: str) -> list[Collection]:
        return [one.collection for one in await self._load(workspace_id)]

    async def get(self, workspace_id: str, collection: str) -> Collection:
        """By id or name. Raises NotFound."""
        for one in await self._load(workspace_id):
            if collection in (one.collection.id, one.collection.name):
                return one.collection
        raise NotFound(f"There is no collection of tools {collection[:200]}.", param="collection")

    async def create(
        self,
        workspace_id: str,
        name: str,
        described: Described,
        *,
        source_url: str = "",
        base_url: str = "",
        credential: Credential | None = None,
    ) -> Collection:
        """`name` "": the document's title; `base_url` "": the document's server.

        Raises Conflict for a name that is taken, UsageError (openapi_no_server)."""
        id, now = new_id(), now_ms()
        name = _named(name or described.title)
        credential = credential or Credential(described.scheme)
        with unique(_taken(name)):
            async with self._database.write() as connection:
                await queries.insert(
                    connection,
                    id=id,
                    workspace_id=workspace_id,
                    name=name,
                    description=described.description,
                    source_url=source_url,
                    base_url=_address(base_url or described.base_url),
                    operations=msgspec.json.encode(described.operations).decode(),
                    scheme=msgspec.to_builtins(credential.scheme),
                    sealed_secret=self._sealed(id, credential),
                    created_at=now,
                    updated_at=now,
                )
        self._changed(workspace_id)
        return await self.get(workspace_id, id)

    async def change(
        self,
        collection: Collection,
        *,
        name: str | None = None,
        base_url: str | None = None,
        credential: Credential | None = None,
        keeps_secret: bool = False,
        described: Described | None = None,
    ) -> Collection:
        """Only what is given changes. `keeps_secret`: the credential comes without one, the kept one is meant.
        `described`: the document anew. A kept secret does not go with a new address.

        Raises Conflict for a name that is taken, UsageError."""
        values: dict[str, Any] = {"updated_at": now_ms()}
        if name is not None:
            values["name"] = _named(name)
        if base_url is not None:
            values["base_url"] = _address(base_url)
            moved = origin(values["base_url"]) != origin(collection.base_url)
            if moved and collection.has_secret and (credential is None or keeps_secret):
                raise UsageError(
                    "The kept credential is for the address it was given for.",
                    param="secret",
                    hint="Give the credential for the new address, or an empty one.",
                )
        if credential is not None:
            if keeps_secret:
                credential = await self._with_kept(collection, credential)
            values["scheme"] = msgspec.to_builtins(credential.scheme)
            values["sealed_secret"] = self._sealed(collection.id, credential)
        if described is not None:
            values["operations"] = msgspec.json.encode(described.operations).decode()
            values["description"] = described.description
        with unique(_taken(str(values.get("name")))):
            async with self._database.write() as connection:
                await queries.update(connection, collection.id, **values)
        self._changed(collection.workspace_id)
        return await self.get(collection.workspace_id, collection.id)

    async def _with_kept(self, collection: Collection, credential: Credential) -> Credential:
        """The credential with the secret that is kept, where its kind is the same."""
        if not collection.has_secret or credential.scheme.kind != collection.scheme.kind:
            return credential
        async with self._database.read() as connection:
            _, sealed = await queries.kept(connection, collection.id)
        kept = self._opened(collection, sealed)
        return Credential(credential.scheme, kept.secret, credential.user or kept.user)

    async def remove(self, collection: Collection) -> None:
        """Nodes that name its tools fail from now on."""
        async with self._database.write() as connection:
            await queries.delete(connection, collection.id)
        self._changed(collection.workspace_id)

    async def find(self, ref: ToolRef, workspace_id: str) -> Tool | None:
        if ref.provider_type != "api":
            return None
        for one in await self._load(workspace_id):
            names = (one.collection.id, one.collection.name)
            if (ref.provider_id in names or ref.provider_name in names) and ref.tool_name in one.by_name:
                return one.by_name[ref.tool_name]
        return None

    async def all(self, workspace_id: str) -> Sequence[Tool]:
        return [tool for one in await self._load(workspace_id) for tool in one.tools]

    async def of(self, collection: Collection) -> Sequence[Tool]:
        """Its tools, in the document's order."""
        loaded = await self._load(collection.workspace_id)
        return [tool for one in loaded if one.collection.id == collection.id for tool in one.tools]

    def _changed(self, workspace_id: str) -> None:
        self._changes += 1
        self._loaded.pop(workspace_id, None)

    async def _load(self, workspace_id: str) -> tuple[_Loaded, ...]:
        if (known := self._loaded.get(workspace_id)) is not None:
            return known
        found, changes = [], self._changes
        async with self._database.read() as connection:
            for collection in await queries.collections(connection, workspace_id):
                operations, sealed = await queries.kept(connection, collection.id)
                found.append(self._made(collection, operations, self._opened(collection, sealed)))
        loaded = tuple(found)
        if changes == self._changes:  # what was read before a change is not kept after it
            self._loaded[workspace_id] = loaded
        return loaded

    def _made(self, collection: Collection, operations: Sequence[Operation], credential: Credential) -> _Loaded:
        target = Target(collection.base_url, credential)
        pairs = [(one, _tool(collection, one, target)) for one in operations]
        by_name = {one.id: tool for one, tool in pairs} | {one.name: tool for one, tool in pairs}
        return _Loaded(collection, tuple(tool for _, tool in pairs), by_name)

    def _sealed(self, id: str, credential: Credential) -> str | None:
        if credential.scheme.kind == "none" or not (credential.secret or credential.user):
            return None
        plain = msgspec.json.encode([credential.secret, credential.user]).decode()
        return self._cipher.encrypt(plain, _purpose(id))

    def _opened(self, collection: Collection, sealed: str | None) -> Credential:
        if sealed is None:
            return Credential(Scheme())
        secret, user = msgspec.json.decode(self._cipher.decrypt(sealed, _purpose(collection.id)), type=tuple[str, str])
        return Credential(collection.scheme, secret, user)


def _tool(collection: Collection, operation: Operation, target: Target) -> Tool:
    told = ". ".join(part.rstrip(". ") for part in (operation.summary, operation.description) if part)
    label = operation.summary or operation.name
    spec = ToolSpec(
        ref=ToolRef("api", collection.id, operation.name, collection.name),
        name=operation.name,
        description=told or f"{operation.method.upper()} {operation.path}",
        parameters=operation.schema,
        words=Words(label, label, operation.description, operation.description),
        is_safe=operation.is_safe,
    )
    return Tool(spec, partial(ask, operation, target))


def _named(name: str) -> str:
    name = " ".join(name.split())[:_LONGEST_NAME]
    if not name:
        raise UsageError("The collection needs a name.", param="name", hint="Give it one; the document has no title.")
    return name


def _address(url: str) -> str:
    """Raises UsageError (openapi_no_server) for what is no address of a server."""
    url = url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        is_one = False
    if not is_one:
        what = f"`{url[:200]}` is no address of a server." if url else "The document names no server."
        raise UsageError(what, code="openapi_no_server", param="base_url")
    return url


def _taken(name: str) -> Conflict:
    return Conflict(f"There is a collection of tools `{name}` already.", param="name")


def _purpose(id: str) -> str:
    return f"tool_collections/{id}"
