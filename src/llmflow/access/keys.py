"""API keys: made once, kept as digests, checked from memory on the hot path."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import time
from collections.abc import Sequence

from llmflow.access import queries
from llmflow.access.groups import clean_groups
from llmflow.access.standing import Standing
from llmflow.access.types import PREFIXES, ApiKey, Caller, KeyKind, Role
from llmflow.errors import NotFound, Unauthorized, UsageError
from llmflow.store.crypto import digest, new_token
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms
from llmflow.store.news import Tell, nobody

_FRESH_S = 5.0  # a key revoked by another process is refused after this, should its word not come
_TOUCH_MS = 60_000
_UNITS_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}


class Keys:
    """Makes, checks and revokes keys. `tell`: other processes, that a key was revoked."""

    def __init__(self, database: Database, standing: Standing, *, tell: Tell = nobody) -> None:
        self._database = database
        self._standing = standing
        self._tell = tell
        self._known: dict[str, tuple[float, ApiKey]] = {}
        self._touches: set[asyncio.Task[None]] = set()
        #: The command line's key of this home: who can read the home's files owns the place.
        self.home_key_id: str | None = None

    async def create(
        self,
        workspace_id: str,
        kind: KeyKind,
        *,
        name: str = "",
        app_id: str | None = None,
        expires: str | None = None,
        groups: Sequence[str] = (),
    ) -> tuple[ApiKey, str]:
        """The key's record and the key itself, which nobody can see again. `expires`: "30d", "12h" or "15m"."""
        if (kind == "app") != (app_id is not None):
            raise UsageError("A key of kind app belongs to one app; the other kinds to none.", param="app")
        token = new_token(PREFIXES[kind])
        created = now_ms()
        key = ApiKey(
            id=new_id(),
            workspace_id=workspace_id,
            kind=kind,
            app_id=app_id,
            name=name,
            hint=token[: len(PREFIXES[kind]) + 4],
            groups=clean_groups(groups),
            created_at=created,
            expires_at=created + _duration_ms(expires) if expires else None,
            last_used_at=None,
        )
        async with self._database.write() as connection:
            await queries.insert_key(connection, digest=digest(token), **dataclasses.asdict(key))
        return key, token

    async def check(self, token: str) -> Caller:
        """Who the key stands for. Raises Unauthorized (unauthorized, key_expired)."""
        hashed = digest(token)
        known = self._known.get(hashed)
        if known is None or known[0] < time.monotonic():
            async with self._database.read() as connection:
                key = await queries.key_by_digest(connection, hashed)
            if key is None:
                self._known.pop(hashed, None)
                raise Unauthorized("Access token is invalid")
            if len(self._known) > 10_000:
                self._known.clear()
            self._known[hashed] = (time.monotonic() + _FRESH_S, key)
            self._touch(key)
        else:
            key = known[1]
        if key.expires_at is not None and key.expires_at <= now_ms():
            raise Unauthorized("The key has expired.", code="key_expired")
        return Caller(
            workspace_id=key.workspace_id,
            kind=key.kind,
            key_id=key.id,
            app_id=key.app_id,
            role=self._role(key),
            groups=tuple(key.groups),
        )

    def _role(self, key: ApiKey) -> Role | None:
        if key.kind != "admin":
            return None
        return "owner" if key.id == self.home_key_id else "admin"

    def _touch(self, key: ApiKey) -> None:
        """Notes the use, off the request's path and at most once a minute."""
        now = now_ms()
        if key.last_used_at is not None and now - key.last_used_at < _TOUCH_MS:
            return

        async def write() -> None:
            async with self._database.write() as connection:
                await queries.touch_key(connection, key.id, now)

        task = asyncio.create_task(write())
        self._touches.add(task)
        task.add_done_callback(self._touches.discard)

    async def all(self, workspace_id: str) -> list[ApiKey]:
        async with self._database.read() as connection:
            return await queries.keys(connection, workspace_id)

    async def set_groups(self, workspace_id: str, key_id: str, groups: Sequence[str]) -> ApiKey:
        """Which documents the key opens, from the next request on in this process and soon in others. Raises
        NotFound, UsageError."""
        async with self._database.write() as connection:
            if not await queries.set_key_groups(connection, workspace_id, key_id, clean_groups(groups)):
                raise NotFound(f"There is no key {key_id}.")
            found = next(key for key in await queries.keys(connection, workspace_id) if key.id == key_id)
        self.forget(key_id)
        self._tell("keys", key_id)
        return found

    async def revoke(self, workspace_id: str, key_id: str) -> None:
        """Refused from now on, and streams that are open end; by other processes once they hear of it, at the latest
        within seconds. Raises NotFound."""
        async with self._database.write() as connection:
            if not await queries.delete_key(connection, workspace_id, key_id):
                raise NotFound(f"There is no key {key_id}.")
        self.forget(key_id)
        self._tell("keys", key_id)

    def forget(self, key_id: str = "") -> None:
        """What is known of a key, or of all, is read anew; streams that it opened end."""
        self._known = {h: entry for h, entry in self._known.items() if key_id not in ("", entry[1].id)}
        if key_id:
            self._standing.changed(key_id)

    async def close(self) -> None:
        """Waits for the notes of use still being written."""
        await asyncio.gather(*self._touches, return_exceptions=True)


def _duration_ms(text: str) -> int:
    match = re.fullmatch(r"(\d{1,5})([mhd])", text.strip())
    if match is None or int(match[1]) == 0:
        raise UsageError(f"`{text}` is no duration; write 15m, 12h or 30d.", param="expires")
    return int(match[1]) * _UNITS_MS[match[2]]
