"""People: the workspace and its first administrator, sign-in, sessions."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

from llmflow.access import queries
from llmflow.access.standing import Standing
from llmflow.access.types import Account, Caller
from llmflow.errors import Unauthorized
from llmflow.ports.identity import Identity
from llmflow.store.crypto import Cipher, digest, new_token
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms

FIRST_EMAIL = "admin@llmflow.local"
_CANARY = "master key check"
_TOUCH_MS = 120_000


async def ensure_workspace(database: Database, cipher: Cipher) -> tuple[str, bool]:
    """The workspace's id, and whether it was made just now. Raises ConfigError (master_key_wrong) when the master key
    is not the one this database was made with."""
    async with database.write() as connection:
        found = await queries.first_workspace(connection)
        if found:
            sealed = await queries.secret(connection, found, _CANARY)
            if sealed:
                cipher.decrypt(sealed, _CANARY)
            return found, False
        workspace_id, now = new_id(), now_ms()
        await queries.insert_workspace(connection, id=workspace_id, name="LLMFlow", created_at=now)
        await queries.insert_secret(
            connection,
            id=new_id(),
            workspace_id=workspace_id,
            name=_CANARY,
            sealed=cipher.encrypt(new_token(), _CANARY),
            created_at=now,
        )
        return workspace_id, True


def new_password() -> str:
    """96 random bits that can be read out over a telephone."""
    return "-".join(secrets.token_hex(3) for _ in range(4))


class People:
    def __init__(self, database: Database, identity: Identity, *, session_hours: int, standing: Standing) -> None:
        self._standing = standing
        self._database = database
        self._identity = identity
        self._session_ms = session_hours * 3_600_000
        self._seen: dict[str, int] = {}  # who was noted, and when
        self._touches: set[asyncio.Task[None]] = set()

    async def ensure_administrator(self, workspace_id: str) -> tuple[str, str] | None:
        """Makes the first administrator where there is nobody: (e-mail, password), to be shown once. Else None."""
        async with self._database.read() as connection:
            if await queries.all_accounts(connection, workspace_id):
                return None
        password = new_password()
        await self._identity.create(FIRST_EMAIL, "Administrator", password, must_change_password=True)
        return FIRST_EMAIL, password

    async def sign_in(self, email: str, password: str) -> tuple[Account, str]:
        """The account and the session's token for a cookie. Raises Unauthorized, TooMany."""
        person = await self._identity.sign_in(email, password)
        token = new_token()
        now = now_ms()
        async with self._database.write() as connection:
            found = await queries.account_by_email(connection, person.email)
            if found is None:
                raise Unauthorized("This account is not a member here.", code="wrong_credentials")
            account = found[0]
            await queries.delete_ended_sessions(connection, now)
            await queries.insert_session(
                connection,
                digest=digest(token),
                workspace_id=account.workspace_id,
                account_id=account.id,
                created_at=now,
                expires_at=now + self._session_ms,
            )
        return account, token

    async def session(self, token: str) -> tuple[Account, Caller]:
        """Who a session's token stands for. Raises Unauthorized."""
        async with self._database.read() as connection:
            account = await queries.session_account(connection, digest(token), now_ms())
        if account is None:
            raise Unauthorized("The session has ended; sign in again.")
        self._touch(account)
        return account, Caller(
            workspace_id=account.workspace_id,
            kind="session",
            account_id=account.id,
            role=account.role,
            groups=tuple(account.groups),
        )

    def _touch(self, account: Account) -> None:
        """Notes that somebody was here, off the request's path and at most every few minutes."""
        now = now_ms()
        if now - max(account.last_seen_at or 0, self._seen.get(account.id, 0)) < _TOUCH_MS:
            return
        self._seen[account.id] = now

        async def write() -> None:
            async with self._database.write() as connection:
                await queries.touch_account(connection, account.id, now)

        task = asyncio.create_task(write())
        self._touches.add(task)
        task.add_done_callback(self._touches.discard)

    async def sign_out(self, token: str) -> None:
        async with self._database.write() as connection:
            await queries.delete_session(connection, digest(token))

    async def change_password(self, account: Account, old: str, new: str) -> None:
        """Also ends every session of the account. Raises Unauthorized, UsageError."""
        await self._identity.change_password(account.email, old, new)
        async with self._database.write() as connection:
            await queries.delete_sessions_of(connection, account.id)
        self._standing.changed(account.id)

    async def preferences(self, account_id: str) -> dict[str, Any]:
        """What Studio remembers for an account."""
        async with self._database.read() as connection:
            return await queries.preferences(connection, account_id)

    async def prefer(self, account_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Changes some of it; the whole afterwards."""
        async with self._database.write() as connection:
            values = {**await queries.preferences(connection, account_id, lock=True), **changes}
            await queries.set_preferences(connection, account_id, values)
        return values

    async def close(self) -> None:
        """Waits for the notes of who was seen that are still being written."""
        await asyncio.gather(*self._touches, return_exceptions=True)
