"""What a key or a person may see now, for work that goes on long after they asked for it."""

from __future__ import annotations

from dataclasses import dataclass

from llmflow.access import queries
from llmflow.access.types import reaches
from llmflow.store.database import Database
from llmflow.store.ids import now_ms


@dataclass(frozen=True, slots=True)
class Right:
    """As `access.types.Caller` has it."""

    groups: tuple[str, ...] = ()
    sees_all: bool = False


#: What everybody may see.
NONE = Right()


class Rights:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def which(self, workspace_id: str, by: str | None) -> tuple[str | None, str | None]:
        """(key, account): whose id it is; neither, where it is nobody's any more."""
        if by is None:
            return None, None
        async with self._database.read() as connection:
            if await queries.key_by_id(connection, workspace_id, by) is not None:
                return by, None
            is_account = await queries.account_by_id(connection, workspace_id, by) is not None
        return None, by if is_account else None

    async def of(self, workspace_id: str, *, key_id: str | None, account_id: str | None) -> Right:
        """Of the key, or without one of the person; NONE for a key that was revoked or has expired, for somebody who
        is no member any more, and for nobody."""
        async with self._database.read() as connection:
            if key_id is not None:
                key = await queries.key_by_id(connection, workspace_id, key_id)
                if key is None or (key.expires_at is not None and key.expires_at <= now_ms()):
                    return NONE
                return Right(tuple(key.groups), sees_all=key.kind == "admin")
            if account_id is not None:
                account = await queries.account_by_id(connection, workspace_id, account_id)
                if account is not None:
                    return Right(tuple(account.groups), sees_all=reaches(account.role, "admin"))
        return NONE
