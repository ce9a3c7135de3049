"""SQL of access."""

from __future__ import annotations

import dataclasses
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.access.types import Account, ApiKey, Invitation, Role
from llmflow.store.tables import accounts, api_keys, form_recipients, invitations, secrets, sessions, workspaces

_KEY = [
    api_keys.c[name]
    for name in (
        "id",
        "workspace_id",
        "kind",
        "app_id",
        "name",
        "hint",
        "groups",
        "created_at",
        "expires_at",
        "last_used_at",
    )
]
_ACCOUNT = [
    accounts.c[name]
    for name in (
        "id",
        "workspace_id",
        "email",
        "name",
        "role",
        "must_change_password",
        "groups",
        "created_at",
        "last_seen_at",
    )
]
_INVITATION = [
    invitations.c[name] for name in ("id", "workspace_id", "email", "role", "created_at", "expires_at", "accepted_at")
]


async def first_workspace(connection: AsyncConnection) -> str | None:
    found: str | None = await connection.scalar(sa.select(workspaces.c.id).order_by(workspaces.c.id).limit(1))
    return found


async def insert_workspace(connection: AsyncConnection, **values: Any) -> None:
    await connection.execute(workspaces.insert().values(**values))


async def insert_key(connection: AsyncConnection, **values: Any) -> None:
    await connection.execute(api_keys.insert().values(**values))


async def key_by_digest(connection: AsyncConnection, digest: str) -> ApiKey | None:
    row = (await connection.execute(sa.select(*_KEY).where(api_keys.c.digest == digest))).one_or_none()
    return ApiKey(**row._mapping) if row else None


async def key_by_id(connection: AsyncConnection, workspace_id: str, key_id: str) -> ApiKey | None:
    where = (api_keys.c.workspace_id == workspace_id, api_keys.c.id == key_id)
    row = (await connection.execute(sa.select(*_KEY).where(*where))).one_or_none()
    return ApiKey(**row._mapping) if row else None


async def keys(connection: AsyncConnection, workspace_id: str) -> list[ApiKey]:
    rows = await connection.execute(
        sa.select(*_KEY).where(api_keys.c.workspace_id == workspace_id).order_by(api_keys.c.id.desc())
    )
    return [ApiKey(**row._mapping) for row in rows]


async def delete_key(connection: AsyncConnection, workspace_id: str, key_id: str) -> bool:
    result = await connection.execute(
        sa.delete(api_keys).where(api_keys.c.workspace_id == workspace_id, api_keys.c.id == key_id)
    )
    return result.rowcount > 0


async def touch_key(connection: AsyncConnection, key_id: str, at: int) -> None:
    await connection.execute(sa.update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=at))


async def set_key_groups(connection: AsyncConnection, workspace_id: str, key_id: str, groups: list[str]) -> bool:
    of_key = (api_keys.c.workspace_id == workspace_id, api_keys.c.id == key_id)
    result = await connection.execute(sa.update(api_keys).where(*of_key).values(groups=groups))
    return result.rowcount > 0


async def set_account_groups(connection: AsyncConnection, account_id: str, groups: list[str]) -> None:
    await connection.execute(sa.update(accounts).where(accounts.c.id == account_id).values(groups=groups))


async def insert_account(connection: AsyncConnection, **values: Any) -> None:
    await connection.execute(accounts.insert().values(**values))


async def account_by_email(connection: AsyncConnection, email: str) -> tuple[Account, str] | None:
    """The account and its password hash."""
    row = (
        await connection.execute(
            sa.select(*_ACCOUNT, accounts.c.password_hash).where(accounts.c.email == email.lower())
        )
    ).one_or_none()
    if row is None:
        return None
    values = dict(row._mapping)
    return Account(**{k: v for k, v in values.items() if k != "password_hash"}), values["password_hash"]


async def account_by_id(connection: AsyncConnection, workspace_id: str, account_id: str) -> Account | None:
    where = (accounts.c.workspace_id == workspace_id, accounts.c.id == account_id)
    row = (await connection.execute(sa.select(*_ACCOUNT).where(*where))).one_or_none()
    return Account(**row._mapping) if row else None


async def all_accounts(connection: AsyncConnection, workspace_id: str) -> list[Account]:
    rows = await connection.execute(
        sa.select(*_ACCOUNT).where(accounts.c.workspace_id == workspace_id).order_by(accounts.c.id)
    )
    return [Account(**row._mapping) for row in rows]


async def set_password(connection: AsyncConnection, email: str, password_hash: str, *, must_change: bool) -> None:
    await connection.execute(
        sa.update(accounts)
        .where(accounts.c.email == email.lower())
        .values(password_hash=password_hash, must_change_password=must_change)
    )


async def locked_owners(connection: AsyncConnection, workspace_id: str) -> list[str]:
    """Ids of the owners, whose rows nobody else changes until the transaction ends."""
    rows = await connection.scalars(
        sa.select(accounts.c.id)
        .where(accounts.c.workspace_id == workspace_id, accounts.c.role == "owner")
        .order_by(accounts.c.id)
        .with_for_update()
    )
    return list(rows)


async def set_role(connection: AsyncConnection, account_id: str, role: Role) -> None:
    await connection.execute(sa.update(accounts).where(accounts.c.id == account_id).values(role=role))


async def touch_account(connection: AsyncConnection, account_id: str, at: int) -> None:
    await connection.execute(sa.update(accounts).where(accounts.c.id == account_id).values(last_seen_at=at))


async def delete_account(connection: AsyncConnection, account_id: str) -> None:
    await connection.execute(sa.delete(accounts).where(accounts.c.id == account_id))


async def preferences(connection: AsyncConnection, account_id: str, *, lock: bool = False) -> dict[str, Any]:
    chosen = sa.select(accounts.c.preferences).where(accounts.c.id == account_id)
    found: dict[str, Any] | None = await connection.scalar(chosen.with_for_update() if lock else chosen)
    return found or {}


async def set_preferences(connection: AsyncConnection, account_id: str, values: dict[str, Any]) -> None:
    await connection.execute(sa.update(accounts).where(accounts.c.id == account_id).values(preferences=values))


async def insert_invitation(connection: AsyncConnection, invitation: Invitation, digest: str) -> None:
    await connection.execute(invitations.insert().values(**dataclasses.asdict(invitation), digest=digest))


async def open_invitations(connection: AsyncConnection, workspace_id: str) -> list[Invitation]:
    rows = await connection.execute(
        sa.select(*_INVITATION)
        .where(invitations.c.workspace_id == workspace_id, invitations.c.accepted_at.is_(None))
        .order_by(invitations.c.id.desc())
    )
    return [Invitation(**row._mapping) for row in rows]


async def invitation_by_digest(connection: AsyncConnection, digest: str) -> Invitation | None:
    row = (await connection.execute(sa.select(*_INVITATION).where(invitations.c.digest == digest))).one_or_none()
    return Invitation(**row._mapping) if row else None


async def delete_open_invitations(connection: AsyncConnection, workspace_id: str, email: str) -> None:
    await connection.execute(
        sa.delete(invitations).where(
            invitations.c.workspace_id == workspace_id,
            invitations.c.email == email,
            invitations.c.accepted_at.is_(None),
        )
    )


async def accept_invitation(connection: AsyncConnection, workspace_id: str, email: str, now: int) -> Role | None:
    """Closes the open invitation to an address; the role it gives, None where there is none."""
    found: Role | None = await connection.scalar(
        sa.update(invitations)
        .where(
            invitations.c.workspace_id == workspace_id,
            invitations.c.email == email,
            invitations.c.accepted_at.is_(None),
            invitations.c.expires_at > now,
        )
        .values(accepted_at=now)
        .returning(invitations.c.role)
    )
    return found


async def insert_session(connection: AsyncConnection, **values: Any) -> None:
    await connection.execute(sessions.insert().values(**values))


async def session_account(connection: AsyncConnection, digest: str, now: int) -> Account | None:
    row = (
        await connection.execute(
            sa.select(*_ACCOUNT)
            .join(sessions, sessions.c.account_id == accounts.c.id)
            .where(sessions.c.digest == digest, sessions.c.expires_at > now)
        )
    ).one_or_none()
    return Account(**row._mapping) if row else None


async def delete_session(connection: AsyncConnection, digest: str) -> None:
    await connection.execute(sa.delete(sessions).where(sessions.c.digest == digest))


async def delete_ended_sessions(connection: AsyncConnection, now: int) -> None:
    await connection.execute(sa.delete(sessions).where(sessions.c.expires_at <= now))


async def delete_sessions_of(connection: AsyncConnection, account_id: str) -> None:
    await connection.execute(sa.delete(sessions).where(sessions.c.account_id == account_id))


async def delete_form_links_of(connection: AsyncConnection, account_id: str) -> None:
    """Whoever is gone answers for nobody, and is sent nothing more."""
    await connection.execute(sa.delete(form_recipients).where(form_recipients.c.account_id == account_id))


async def secret(connection: AsyncConnection, workspace_id: str, name: str) -> str | None:
    """The sealed secret."""
    found: str | None = await connection.scalar(
        sa.select(secrets.c.sealed).where(secrets.c.workspace_id == workspace_id, secrets.c.name == name)
    )
    return found


async def insert_secret(connection: AsyncConnection, **values: Any) -> None:
    await connection.execute(secrets.insert().values(**values))
