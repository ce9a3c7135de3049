"""Where local accounts are kept; what organs/identity/local.py asks for as `accounts`."""

from __future__ import annotations

from dataclasses import dataclass

from llmflow.access import queries
from llmflow.access.types import Role
from llmflow.errors import Conflict
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms
from llmflow.store.unique import unique


@dataclass(frozen=True, slots=True)
class Stored:
    id: str
    email: str
    name: str
    password_hash: str
    must_change_password: bool


class StoredAccounts:
    """The accounts of one workspace. Whoever comes first owns it; who was invited gets the invitation's role."""

    def __init__(self, database: Database, workspace_id: str) -> None:
        self._database = database
        self._workspace_id = workspace_id

    async def find(self, email: str) -> Stored | None:
        async with self._database.read() as connection:
            found = await queries.account_by_email(connection, email)
        if found is None:
            return None
        account, password_hash = found
        return Stored(account.id, account.email, account.name, password_hash, account.must_change_password)

    async def insert(self, *, email: str, name: str, password_hash: str, must_change_password: bool) -> Stored:
        """Raises Conflict for a known address."""
        stored = Stored(new_id(), email.lower(), name, password_hash, must_change_password)
        now = now_ms()
        with unique(Conflict(f"There is an account for {email} already.", param="email")):
            async with self._database.write() as connection:
                invited = await queries.accept_invitation(connection, self._workspace_id, stored.email, now)
                is_first = not await queries.all_accounts(connection, self._workspace_id)
                role: Role = "owner" if is_first else invited or "member"
                await queries.insert_account(
                    connection,
                    id=stored.id,
                    workspace_id=self._workspace_id,
                    email=stored.email,
                    name=name,
                    password_hash=password_hash,
                    must_change_password=must_change_password,
                    role=role,
                    created_at=now,
                )
        return stored

    async def set_password(self, email: str, password_hash: str, *, must_change_password: bool) -> None:
        async with self._database.write() as connection:
            await queries.set_password(connection, email, password_hash, must_change=must_change_password)
