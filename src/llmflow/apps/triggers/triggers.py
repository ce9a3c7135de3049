"""The triggers of apps: kept in step with the version in force, switched on and off, given secrets.

A trigger belongs to a node of its app. It keeps its address, its secret and its switch over versions for as long as
each of them has the node.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import replace

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.apps.known import Known
from llmflow.apps.triggers import queries
from llmflow.apps.triggers.secrets import new_secret
from llmflow.apps.triggers.types import KINDS, Trigger
from llmflow.apps.types import App
from llmflow.errors import NotFound, UsageError
from llmflow.store.crypto import Cipher
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms
from llmflow.workflow import cron
from llmflow.workflow.dsl.document import Document, Node
from llmflow.workflow.nodes.trigger_schedule import ScheduleData

_LETTERS = string.ascii_letters + string.digits
_CODE_LETTERS = 24  # 142 bits
_ID_LETTERS = 255
_KEPT = 1_000

Changed = Callable[[], None]


class Triggers:
    """`changed`: called when the times of schedules may have changed."""

    def __init__(self, database: Database, cipher: Cipher, *, clock_ms: Callable[[], int] = now_ms) -> None:
        self._database = database
        self._cipher = cipher
        self._clock_ms = clock_ms
        self._known: Known[str, Trigger] = Known(_KEPT)
        self.changed: Changed = lambda: None

    async def settle(self, connection: AsyncConnection, app: App, document: Document) -> Changed:
        """Makes, changes and deletes the app's triggers, so that they are those of `document`; see Designs."""
        kept = {trigger.node_id: trigger for trigger in await queries.triggers_of(connection, app.id)}
        wanted = nodes_of(app, document)
        gone = [
            trigger
            for node_id, trigger in kept.items()
            if node_id not in wanted or KINDS[wanted[node_id].type] != trigger.kind
        ]
        await queries.delete_triggers(connection, [trigger.id for trigger in gone])
        for node_id, node in wanted.items():
            trigger = kept.get(node_id)
            if trigger is None or trigger in gone:
                await queries.insert_trigger(connection, self._new(app, node))
            elif trigger.kind == "schedule":
                next_at = self._next(node) if trigger.is_on else None
                await queries.update_trigger(connection, trigger.id, next_at=next_at)

        def committed() -> None:
            for trigger in gone:
                self._forget(trigger)
            self.changed()

        return committed

    async def all(self, app: App, document: Document) -> list[Trigger]:
        """Those of the version in force, the oldest first. A version that was published before this LLMFlow knew of
        triggers gets its own now."""
        async with self._database.read() as connection:
            found = await queries.triggers_of(connection, app.id)
        wanted = {(node.id, KINDS[node.type]) for node in nodes_of(app, document).values()}
        if {(trigger.node_id, trigger.kind) for trigger in found} == wanted:
            return found
        async with self._database.write() as connection:
            committed = await self.settle(connection, app, document)
            found = await queries.triggers_of(connection, app.id)
        committed()
        return found

    async def get(self, app: App, trigger_id: str) -> Trigger:
        """Raises NotFound."""
        async with self._database.read() as connection:
            found = await queries.trigger(connection, app.id, trigger_id)
        if found is None:
            raise NotFound(f"`{app.name}` has no trigger {trigger_id} in the version in force.")
        return found

    async def by_code(self, code: str) -> Trigger:
        """From memory. Raises NotFound (webhook_unknown)."""

        async def look() -> Trigger:
            async with self._database.read() as connection:
                found = await queries.trigger_by_code(connection, code)
            if found is None:
                raise unknown()
            return found

        return await self._known.get(code, look)

    async def change(
        self, app: App, trigger_id: str, document: Document, *, is_on: bool | None, needs_secret: bool | None
    ) -> Trigger:
        """None leaves as it is. A schedule that is switched on begins with its next time. Raises NotFound,
        UsageError."""
        found = await self.get(app, trigger_id)
        if needs_secret is not None and found.kind != "webhook":
            raise UsageError("A schedule needs no secret: nobody calls it.", param="needs_secret")
        changed = replace(
            found,
            is_on=found.is_on if is_on is None else is_on,
            needs_secret=found.needs_secret if needs_secret is None else needs_secret,
            updated_at=self._clock_ms(),
        )
        if found.kind == "schedule" and changed.is_on != found.is_on:
            node = nodes_of(app, document).get(found.node_id)
            changed = replace(changed, next_at=self._next(node) if node and changed.is_on else None)
        async with self._database.write() as connection:
            await queries.update_trigger(
                connection,
                found.id,
                is_on=changed.is_on,
                needs_secret=changed.needs_secret,
                next_at=changed.next_at,
                updated_at=changed.updated_at,
            )
        self._forget(found)
        self.changed()
        return changed

    async def renew_secret(self, app: App, trigger_id: str) -> str:
        """A new secret, shown this once; the old one opens nothing from now on. Raises NotFound, UsageError."""
        found = await self._webhook(app, trigger_id)
        secret = new_secret()
        sealed = self._cipher.encrypt(secret, _purpose(found))
        async with self._database.write() as connection:
            await queries.update_trigger(connection, found.id, sealed_secret=sealed, updated_at=self._clock_ms())
        self._forget(found)
        return secret

    async def renew_code(self, app: App, trigger_id: str) -> Trigger:
        """A new address; the old one leads nowhere from now on. Raises NotFound, UsageError."""
        found = await self._webhook(app, trigger_id)
        changed = replace(found, code=_new_code(), updated_at=self._clock_ms())
        async with self._database.write() as connection:
            await queries.update_trigger(connection, found.id, code=changed.code, updated_at=changed.updated_at)
        self._forget(found)
        return changed

    def secret_of(self, trigger: Trigger) -> str | None:
        """None: none was made yet."""
        return self._cipher.decrypt(trigger.sealed_secret, _purpose(trigger)) if trigger.sealed_secret else None

    async def _webhook(self, app: App, trigger_id: str) -> Trigger:
        found = await self.get(app, trigger_id)
        if found.kind != "webhook":
            raise UsageError("Only a webhook has an address and a secret.", param="trigger_id")
        return found

    def _new(self, app: App, node: Node) -> Trigger:
        now, kind = self._clock_ms(), KINDS[node.type]
        is_webhook = kind == "webhook"
        return Trigger(
            id=new_id(),
            workspace_id=app.workspace_id,
            app_id=app.id,
            node_id=node.id,
            kind=kind,
            code=_new_code() if is_webhook else None,
            is_on=True,
            needs_secret=is_webhook,
            sealed_secret=None,
            next_at=None if is_webhook else self._next(node),
            created_at=now,
            updated_at=now,
        )

    def _next(self, node: Node) -> int | None:
        """None for a schedule that cannot be read, or is never due again."""
        try:
            data = ScheduleData.model_validate(node.data)
        except ValidationError:
            return None
        return next(cron.due(data.cron, data.timezone, after=self._clock_ms()), None)

    def _forget(self, trigger: Trigger) -> None:
        if trigger.code is not None:
            self._known.forget(trigger.code)


def nodes_of(app: App, document: Document) -> Mapping[str, Node]:
    """By id, those that fire by themselves; in workflows alone, as in Dify."""
    if app.mode != "workflow":
        return {}
    return {
        node.id: node
        for node in document.nodes
        if node.type in KINDS and not node.parent and 0 < len(node.id) <= _ID_LETTERS
    }


def unknown() -> NotFound:
    return NotFound("There is no webhook at this address.", code="webhook_unknown")


def _new_code() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LETTERS))


def _purpose(trigger: Trigger) -> str:
    return f"triggers/{trigger.id}"
