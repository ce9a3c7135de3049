"""SQL of access."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.access.types import Account, ApiKey
from llmflow.store.tables import accounts, api_keys, secrets, sessions, workspaces

_KEY = [
    api_keys.c[name]
    for name in ("id", "workspace_id", "kind", "app_id", "name", "hint", "created_at", "expires_at", "last_used_at")
]
_ACCOUNT = [
    accounts.c[name] for name in ("id", "workspace_id", "email", "name", "role", "must_change_password", "created_at")
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


async def secret(connection: AsyncConnection, workspace_id: str, name: str) -> str | None:
    """The sealed secret."""
    found: str | None = await connection.scalar(
        sa.select(secrets.c.sealed).where(secrets.c.workspace_id == workspace_id, secrets.c.name == name)
    )
    return found


async def insert_secret(connection: AsyncConnection, **values: Any) -> None:
    await connection.execute(secrets.insert().values(**values))
