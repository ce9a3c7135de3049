"""The designs of apps: a draft that people change, and published versions that never change and are run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.apps.designs import queries
from llmflow.apps.designs.queries import DRAFT
from llmflow.apps.known import Known
from llmflow.apps.types import App, AppVersion, Design
from llmflow.errors import Conflict, NotFound, TooLarge, UsageError
from llmflow.store.crypto import Cipher
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms
from llmflow.store.unique import unique
from llmflow.workflow.dsl.bindings import Bindings
from llmflow.workflow.dsl.document import Document


class Settle(Protocol):
    async def __call__(self, connection: AsyncConnection, app: App, document: Document) -> Callable[[], None]:
        """In the transaction that puts a version in force: what else follows from it. To be called when it is
        committed."""


class Designs:
    """`max_bytes`: of one design, as JSON; `max_versions`: published ones of one app."""

    def __init__(
        self, database: Database, cipher: Cipher, settle: Settle, *, max_bytes: int, max_versions: int
    ) -> None:
        self._database = database
        self._cipher = cipher
        self._settle = settle
        self._max_versions = max_versions
        self.max_bytes = max_bytes
        self._known: Known[str, AppVersion] = Known(1_000)  # in force, by app

    async def draft(self, app: App) -> tuple[AppVersion, Design]:
        """Raises NotFound (no_design) for an app that has none, such as a chat app made here."""
        return await self.get(app, DRAFT)

    async def get(self, app: App, number: int) -> tuple[AppVersion, Design]:
        """A published version, or 0 for the draft. Raises NotFound (no_design, version_not_found)."""
        async with self._database.read() as connection:
            found = await queries.version(connection, app.id, number)
        if found is None:
            raise _no_design(app) if number == DRAFT else _no_version(app, number)
        return found[0], self._opened(app, found[1])

    async def by_id(self, app: App, version_id: str) -> tuple[AppVersion, Design]:
        """A published version by its id. Raises NotFound (version_not_found), UsageError (version_is_draft)."""
        async with self._database.read() as connection:
            found = await queries.version_by_id(connection, app.id, version_id)
        if found is None:
            raise NotFound(f"Workflow not found with id: {version_id}", code="version_not_found")
        if found[0].number == DRAFT:
            message = f"Cannot use draft workflow version. Workflow ID: {version_id}."
            raise UsageError(message, code="version_is_draft")
        return found[0], self._opened(app, found[1])

    async def in_force(self, app: App) -> AppVersion:
        """The version that is run: the newest published. Raises NotFound (not_published)."""

        async def look() -> AppVersion:
            async with self._database.read() as connection:
                found = await queries.newest(connection, app.id)
            if found is None:
                raise NotFound(f"`{app.name}` has no published version.", code="not_published")
            return found

        return await self._known.get(app.id, look)

    async def published(self, app_ids: Sequence[str]) -> set[str]:
        """Those of these apps that have a published version."""
        if not app_ids:
            return set()
        async with self._database.read() as connection:
            return await queries.published(connection, app_ids)

    async def versions(self, app: App) -> list[AppVersion]:
        """The published ones, newest first."""
        async with self._database.read() as connection:
            return await queries.versions(connection, app.id)

    async def save_draft(
        self, app: App, design: Design, *, author: str | None = None, seen_hash: str | None = None
    ) -> AppVersion:
        """`seen_hash`: of the draft that was changed; where it changed since, Conflict (changed_meanwhile). None
        overwrites. Raises TooLarge (dsl_too_large)."""
        sealed = self._sealed(app, design)
        async with self._database.write() as connection:
            found = await queries.version(connection, app.id, DRAFT)
            if found is None:
                version = _new(app, DRAFT, sealed, author)
                await self._insert(connection, version, sealed)
                return version
            seen = found[0].hash if seen_hash is None else seen_hash
            changed = replace(found[0], hash=_hash(sealed), author=author, updated_at=now_ms())
            is_changed = await queries.update_version(
                connection,
                changed,
                seen,
                sealed=sealed,
                hash=changed.hash,
                author=author,
                updated_at=changed.updated_at,
            )
        if not is_changed:
            raise Conflict(f"The draft of `{app.name}` was changed meanwhile.", code="changed_meanwhile")
        return changed

    async def publish(
        self, app: App, *, name: str = "", note: str = "", author: str | None = None, seen_hash: str | None = None
    ) -> AppVersion:
        """The draft becomes the version in force. `seen_hash`: of the draft that is meant. Raises NotFound
        (no_design), Conflict (changed_meanwhile, too_many_versions)."""
        async with self._database.write() as connection:
            found = await queries.version(connection, app.id, DRAFT)
            if found is None:
                raise _no_design(app)
            draft, sealed = found
            if seen_hash is not None and seen_hash != draft.hash:
                raise Conflict(f"The draft of `{app.name}` was changed meanwhile.", code="changed_meanwhile")
            if await queries.count(connection, app.id) >= self._max_versions:
                message = f"`{app.name}` has {self._max_versions} published versions, which is the most."
                raise Conflict(message, code="too_many_versions")
            newest = await queries.newest(connection, app.id)
            version = replace(
                _new(app, newest.number + 1 if newest else DRAFT + 1, sealed, author), name=name.strip(), note=note
            )
            await self._insert(connection, version, sealed)
            committed = await self._settle(connection, app, self._opened(app, sealed).document)
        self._known.forget(app.id)
        committed()
        return version

    async def restore(
        self, app: App, number: int, *, author: str | None = None, seen_hash: str | None = None
    ) -> AppVersion:
        """The draft becomes what the version was; published versions stay. Raises as `get` and `save_draft`."""
        _, design = await self.get(app, number)
        return await self.save_draft(app, design, author=author, seen_hash=seen_hash)

    async def rename(self, app: App, number: int, *, name: str | None = None, note: str | None = None) -> AppVersion:
        """Name and note of a published version; None leaves as it is. Raises NotFound (version_not_found)."""
        async with self._database.write() as connection:
            version = await self._published(connection, app, number)
            changed = replace(
                version,
                name=version.name if name is None else name.strip(),
                note=version.note if note is None else note,
                updated_at=now_ms(),
            )
            await queries.update_version(
                connection, changed, version.hash, name=changed.name, note=changed.note, updated_at=changed.updated_at
            )
        self._known.forget(app.id)
        return changed

    async def delete(self, app: App, number: int) -> AppVersion:
        """Which one is gone. Raises NotFound (version_not_found), and Conflict (version_in_force) for what is run."""
        async with self._database.write() as connection:
            version = await self._published(connection, app, number)
            newest = await queries.newest(connection, app.id)
            if newest is not None and newest.id == version.id:
                raise Conflict(f"Version {number} of `{app.name}` is in force.", code="version_in_force")
            await queries.delete_version(connection, version)
        return version

    async def _published(self, connection: AsyncConnection, app: App, number: int) -> AppVersion:
        found = await queries.version(connection, app.id, number)
        if found is None or number == DRAFT:
            raise _no_version(app, number)
        return found[0]

    async def _insert(self, connection: AsyncConnection, version: AppVersion, sealed: str) -> None:
        """Raises Conflict (changed_meanwhile) when another process made the same number just now."""
        message = "Somebody else saved or published this app at the same moment."
        with unique(Conflict(message, code="changed_meanwhile")):
            await queries.insert_version(connection, version, sealed)

    def freeze(self, app: App, design: Design) -> str:
        """The design, sealed, to be kept elsewhere."""
        return self._sealed(app, design)

    def thaw(self, app: App, frozen: str) -> Design:
        return self._opened(app, frozen)

    def _sealed(self, app: App, design: Design) -> str:
        content = {"tree": design.document.tree, **msgspec.to_builtins(design.bindings)}
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        if len(text) > self.max_bytes:
            message = f"The design has {len(text)} characters; at most {self.max_bytes} are kept."
            raise TooLarge(message, code="dsl_too_large")
        return self._cipher.encrypt(text, _purpose(app))

    def _opened(self, app: App, sealed: str) -> Design:
        content = json.loads(self._cipher.decrypt(sealed, _purpose(app)))
        return Design(Document(content.pop("tree")), msgspec.convert(content, Bindings))


def _purpose(app: App) -> str:
    return f"design of app {app.id}"


def _hash(sealed: str) -> str:
    return hashlib.sha256(sealed.encode()).hexdigest()


def _new(app: App, number: int, sealed: str, author: str | None) -> AppVersion:
    now = now_ms()
    return AppVersion(
        id=new_id(),
        workspace_id=app.workspace_id,
        app_id=app.id,
        number=number,
        name="",
        note="",
        hash=_hash(sealed),
        author=author,
        created_at=now,
        updated_at=now,
    )


def _no_design(app: App) -> NotFound:
    return NotFound(f"`{app.name}` has no design to edit; it is a {app.mode} app made here.", code="no_design")


def _no_version(app: App, which: int | str) -> NotFound:
    return NotFound(f"`{app.name}` has no published version {which}.", code="version_not_found")
