"""Members: who may sign in, as what; roles and removal. An owner is touched by owners only, and one always stays."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.access import queries
from llmflow.access.groups import clean_groups
from llmflow.access.people import new_password
from llmflow.access.standing import Standing
from llmflow.access.types import Account, Role, reaches
from llmflow.errors import Conflict, Forbidden, NotFound
from llmflow.ports.identity import Identity
from llmflow.store.database import Database


class Members:
    """`by` is the role of whoever asks."""

    def __init__(self, database: Database, identity: Identity, standing: Standing) -> None:
        self._database = database
        self._identity = identity
        self._standing = standing

    async def all(self, workspace_id: str) -> list[Account]:
        async with self._database.read() as connection:
            return await queries.all_accounts(connection, workspace_id)

    async def get(self, workspace_id: str, member: str) -> Account:
        """By id or e-mail address. Raises NotFound."""
        wanted = member.strip().lower()
        for account in await self.all(workspace_id):
            if wanted in (account.id, account.email):
                return account
        raise NotFound(f"There is no member {member}.", param="member")

    async def change_role(self, account: Account, role: Role, *, by: Role | None) -> Account:
        """Holds from the next request on; streams that are open end. Raises Forbidden (role_insufficient) and Conflict
        (last_owner)."""
        _may_touch(account, by)
        may_give(role, by)
        async with self._database.write() as connection:
            if role != "owner":
                await _keep_an_owner(connection, account)
            await queries.set_role(connection, account.id, role)
        self._standing.changed(account.id)
        return await self.get(account.workspace_id, account.id)

    async def set_groups(self, account: Account, groups: Sequence[str]) -> Account:
        """Which documents the member sees beside those of everybody, from the next request on; streams that are open
        end. Raises UsageError."""
        kept = clean_groups(groups)
        async with self._database.write() as connection:
            await queries.set_account_groups(connection, account.id, kept)
        self._standing.changed(account.id)
        return await self.get(account.workspace_id, account.id)

    async def groups(self, workspace_id: str) -> list[str]:
        """Those that members and keys are in, by name."""
        async with self._database.read() as connection:
            members = await queries.all_accounts(connection, workspace_id)
            keys = await queries.keys(connection, workspace_id)
        found = {group for member in members for group in member.groups}
        return sorted(found.union(group for key in keys for group in key.groups))

    async def remove(self, account: Account, *, by: Role | None) -> None:
        """Ends the account, its sessions and links to forms; conversations, documents, keys stay here. Raises
        Forbidden (role_insufficient) and Conflict (last_owner)."""
        _may_touch(account, by)
        async with self._database.write() as connection:
            await _keep_an_owner(connection, account)
            await queries.delete_sessions_of(connection, account.id)
            await queries.delete_form_links_of(connection, account.id)
            await queries.delete_account(connection, account.id)
        self._standing.changed(account.id)

    async def reset_password(self, account: Account, *, by: Role | None) -> str:
        """A new password to be shown once and changed at the next sign-in; every session of the account ends. Raises
        Forbidden (role_insufficient)."""
        _may_touch(account, by)
        password = new_password()
        await self._identity.set_password(account.email, password, must_change_password=True)
        async with self._database.write() as connection:
            await queries.delete_sessions_of(connection, account.id)
        self._standing.changed(account.id)
        return password


def may_give(role: Role, by: Role | None) -> None:
    """Nobody gives a role above their own. Raises Forbidden (role_insufficient)."""
    if not reaches(by, role):
        raise Forbidden(f"Only an {role} may make somebody {role}.", code="role_insufficient", param="role")


def _may_touch(account: Account, by: Role | None) -> None:
    if account.role == "owner" and by != "owner":
        raise Forbidden("Only an owner may change or remove an owner.", code="role_insufficient")


async def _keep_an_owner(connection: AsyncConnection, account: Account) -> None:
    """Reads the owners under a lock, so that two who demote each other at once do not both succeed."""
    if await queries.locked_owners(connection, account.workspace_id) == [account.id]:
        raise Conflict(f"{account.email} is the last owner.", code="last_owner")
