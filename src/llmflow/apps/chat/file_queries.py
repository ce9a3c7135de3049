"""SQL of files that are sent to apps.

A file is kept for what uses it: a message it was asked with or that a run made it for, or a run outside of a chat. What
was never used is kept for a while only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.apps.types import AppFile
from llmflow.store import batch
from llmflow.store.tables import file_uses, files, messages

INSERT_USES = batch.insert(file_uses)

_FILE = [files.c[name] for name in AppFile.__dataclass_fields__]
_IN_AT_ONCE = 500


async def insert_file(connection: AsyncConnection, file: AppFile) -> None:
    await connection.execute(
        files.insert().values(**{name: getattr(file, name) for name in AppFile.__dataclass_fields__})
    )


async def files_by_id(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, AppFile]:
    rows = await connection.execute(sa.select(*_FILE).where(files.c.id.in_(list(ids))))
    return {row.id: AppFile(**row._mapping) for row in rows}


async def update_file(connection: AsyncConnection, file_id: str, **values: Any) -> None:
    await connection.execute(sa.update(files).where(files.c.id == file_id).values(**values))


async def file_text(connection: AsyncConnection, file_id: str) -> str | None:
    """What a reader made of it; None when none did yet."""
    found: str | None = await connection.scalar(sa.select(files.c.text).where(files.c.id == file_id))
    return found


def uses(workspace_id: str, app_id: str, ids: Sequence[str], by: str) -> list[dict[str, str]]:
    """Rows for INSERT_USES. `by`: the id of a message or a run."""
    return [{"file_id": id, "used_by": by, "workspace_id": workspace_id, "app_id": app_id} for id in dict.fromkeys(ids)]


async def insert_uses(connection: AsyncConnection, rows: Sequence[dict[str, str]]) -> None:
    if rows:
        await connection.execute(INSERT_USES.statement, rows)


async def delete_files(connection: AsyncConnection, ids: Sequence[str]) -> set[str]:
    """Whoever uses them; their digests."""
    digests: set[str] = set()
    for start in range(0, len(ids), _IN_AT_ONCE):
        some = list(ids[start : start + _IN_AT_ONCE])
        await connection.execute(sa.delete(file_uses).where(file_uses.c.file_id.in_(some)))
        gone = sa.delete(files).where(files.c.id.in_(some)).returning(files.c.digest)
        digests |= set(await connection.scalars(gone))
    return digests


async def delete_files_of_conversation(connection: AsyncConnection, conversation_id: str) -> set[str]:
    """Those that nothing outside of the conversation uses; call it before its messages go. Their digests."""
    said = sa.select(messages.c.id).where(messages.c.conversation_id == conversation_id)
    inside = file_uses.c.used_by.in_(said)
    ids = set(await connection.scalars(sa.select(file_uses.c.file_id).where(inside)))
    if not ids:
        return set()
    await connection.execute(sa.delete(file_uses).where(inside))
    used = set(await connection.scalars(sa.select(file_uses.c.file_id).where(file_uses.c.file_id.in_(ids))))
    return await delete_files(connection, sorted(ids - used))


async def delete_files_of_app(connection: AsyncConnection, app_id: str) -> set[str]:
    """Their digests."""
    await connection.execute(sa.delete(file_uses).where(file_uses.c.app_id == app_id))
    return set(await connection.scalars(sa.delete(files).where(files.c.app_id == app_id).returning(files.c.digest)))


async def delete_unused_files(connection: AsyncConnection, before: int) -> set[str]:
    """Those that came before `before` (Unix milliseconds) and that nothing uses; their digests."""
    used = sa.exists().where(file_uses.c.file_id == files.c.id)
    ids = await connection.scalars(sa.select(files.c.id).where(files.c.created_at < before, ~used))
    return await delete_files(connection, list(ids))
