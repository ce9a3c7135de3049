"""Apps: make, find, list, change, delete."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import replace
from functools import partial

import msgspec

from llmflow.apps import queries
from llmflow.apps.known import Known
from llmflow.apps.names import checked
from llmflow.apps.runs.runs import Runs
from llmflow.apps.types import App, AppContents, AppUser, ChatConfig
from llmflow.errors import Conflict, NotFound
from llmflow.knowledge.originals import Originals
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms
from llmflow.store.unique import unique

_KEPT = 1_000  # apps in memory
_AT_ONCE = 500  # ids in one statement


class Apps:
    def __init__(self, database: Database, originals: Originals, runs: Runs) -> None:
        self._database = database
        self._originals = originals
        self._runs = runs
        self._known: Known[str, App] = Known(_KEPT)

    async def create(
        self, workspace_id: str, name: str, config: ChatConfig, *, description: str = "", mode: str = "chat"
    ) -> App:
        """An app. Raises UsageError for an empty or overlong name or one with `/`, which is part of paths, and
        Conflict for a taken one."""
        name = checked(name)
        now = now_ms()
        app = App(
            id=new_id(),
            workspace_id=workspace_id,
            name=name,
            mode=mode,
            description=description,
            config=config,
            created_at=now,
            updated_at=now,
        )
        with unique(_taken(name)):
            async with self._database.write() as connection:
                await queries.insert_app(connection, app)
        return app

    async def all(self, workspace_id: str) -> list[App]:
        async with self._database.read() as connection:
            return await queries.all_apps(connection, workspace_id)

    async def users(self, workspace_id: str, ids: Collection[str]) -> dict[str, AppUser]:
        """Those of these users of apps that are still there, by id."""
        found: dict[str, AppUser] = {}
        some = sorted(ids)
        async with self._database.read() as connection:
            for start in range(0, len(some), _AT_ONCE):
                for row in await queries.names_of_users(connection, workspace_id, some[start : start + _AT_ONCE]):
                    found[row[0]] = AppUser(*row)
        return found

    async def get(self, workspace_id: str, id_or_name: str) -> App:
        """Raises NotFound, naming those there are."""
        async with self._database.read() as connection:
            found = await queries.app(connection, workspace_id, unicodedata.normalize("NFC", id_or_name))
            if found is None:
                names = ", ".join(f"`{a.name}`" for a in await queries.all_apps(connection, workspace_id)) or "none yet"
                raise NotFound(f"There is no app `{id_or_name}`. There are: {names}.", param="app")
        return found

    async def by_id(self, workspace_id: str, app_id: str) -> App:
        """As `get`, by id alone and from memory: for what happens at every request."""
        return await self._known.get(app_id, partial(self.get, workspace_id, app_id))

    async def update(
        self,
        workspace_id: str,
        id_or_name: str,
        *,
        name: str | None = None,
        description: str | None = None,
        config: ChatConfig | None = None,
        seen_at: int | None = None,
    ) -> App:
        """None leaves as it is. `seen_at`: the `updated_at` the change was made on; another change since then is a
        Conflict (changed_meanwhile). Raises NotFound, UsageError, Conflict."""
        app = await self.get(workspace_id, id_or_name)
        changed = replace(
            app,
            name=app.name if name is None else checked(name),
            description=app.description if description is None else description,
            config=app.config if config is None else config,
            updated_at=max(now_ms(), app.updated_at + 1),  # two changes within a millisecond are two
        )
        try:
            with unique(_taken(changed.name)):
                async with self._database.write() as connection:
                    is_changed = await queries.update_app(
                        connection,
                        app.id,
                        seen_at,
                        name=changed.name,
                        description=changed.description,
                        config=msgspec.to_builtins(changed.config),
                        updated_at=changed.updated_at,
                    )
        finally:
            self._known.forget(app.id)
        if not is_changed:
            raise Conflict(f"`{app.name}` was changed by somebody else meanwhile.", code="changed_meanwhile")
        return changed

    async def contents(self, app: App) -> AppContents:
        """What the app has of its own, and what goes when it is deleted."""
        async with self._database.read() as connection:
            return await queries.contents_of_app(connection, app.id)

    async def delete(self, workspace_id: str, id_or_name: str) -> None:
        """With its conversations, feedback, runs, files, keys and public page; what runs is stopped first. Raises
        NotFound, and Conflict (pipeline_in_use) for one that reads the documents of a knowledge base."""
        app = await self.get(workspace_id, id_or_name)
        async with self._database.read() as connection:
            base = await queries.base_read_by(connection, app.id)
        if base is not None:
            message = f"`{app.name}` is the pipeline of the knowledge base `{base}`."
            raise Conflict(message, code="pipeline_in_use")
        await self._runs.end(app.id)
        async with self._database.write() as connection:
            digests = await queries.delete_app(connection, app.id)
        self._known.forget(app.id)
        await self._originals.remove(digests)


def _taken(name: str) -> Conflict:
    return Conflict(f"There is an app `{name}` already.", param="name")
