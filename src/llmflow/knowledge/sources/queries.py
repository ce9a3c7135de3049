"""SQL of sources."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.knowledge.sources.types import Source, SourceFile
from llmflow.store.tables import documents, source_files, sources

_SOURCE = [
    *(sources.c[f.name] for f in dataclasses.fields(Source) if f.name != "has_secret"),
    (sources.c.sealed != "").label("has_secret"),
]
_FILE = [source_files.c[f.name] for f in dataclasses.fields(SourceFile)]


async def insert(connection: AsyncConnection, source: Source, sealed: str) -> None:
    values = {name: value for name, value in dataclasses.asdict(source).items() if name != "has_secret"}
    await connection.execute(sources.insert().values(**values, sealed=sealed))


async def of_base(connection: AsyncConnection, knowledge_id: str) -> list[Source]:
    rows = await connection.execute(
        sa.select(*_SOURCE).where(sources.c.knowledge_id == knowledge_id).order_by(sources.c.id)
    )
    return [_source(row) for row in rows]


async def find(connection: AsyncConnection, source_id: str) -> Source | None:
    row = (await connection.execute(sa.select(*_SOURCE).where(sources.c.id == source_id))).one_or_none()
    return _source(row) if row else None


async def sealed(connection: AsyncConnection, source_id: str) -> str:
    found: str | None = await connection.scalar(sa.select(sources.c.sealed).where(sources.c.id == source_id))
    return found or ""


async def due(connection: AsyncConnection, now: int) -> list[Source]:
    """Idle ones whose time has come."""
    where = (sources.c.state == "idle", sources.c.next_at.is_not(None), sources.c.next_at <= now)
    rows = await connection.execute(sa.select(*_SOURCE).where(*where).order_by(sources.c.next_at))
    return [_source(row) for row in rows]


async def next_at(connection: AsyncConnection) -> int | None:
    found: int | None = await connection.scalar(
        sa.select(sa.func.min(sources.c.next_at)).where(sources.c.state == "idle")
    )
    return found


async def busy(connection: AsyncConnection) -> list[Source]:
    """Those that a job has, or should have."""
    rows = await connection.execute(sa.select(*_SOURCE).where(sources.c.state != "idle").order_by(sources.c.id))
    return [_source(row) for row in rows]


async def change(connection: AsyncConnection, source_id: str, *only: sa.ColumnElement[bool], **values: Any) -> bool:
    """False when there is none, or `only` does not hold."""
    result = await connection.execute(sa.update(sources).where(sources.c.id == source_id, *only).values(**values))
    return bool(result.rowcount)


async def delete(connection: AsyncConnection, source_id: str) -> None:
    await connection.execute(sa.delete(source_files).where(source_files.c.source_id == source_id))
    await connection.execute(sa.delete(sources).where(sources.c.id == source_id))


async def files(connection: AsyncConnection, source_id: str) -> dict[str, SourceFile]:
    """By their refs."""
    rows = await connection.execute(sa.select(*_FILE).where(source_files.c.source_id == source_id))
    return {row.ref: SourceFile(**row._mapping) for row in rows}


async def page_of_files(
    connection: AsyncConnection, source_id: str, *, failed: bool, offset: int, limit: int
) -> tuple[list[SourceFile], int]:
    """By name, and how many in all; `failed`: only those with an error."""
    where = [source_files.c.source_id == source_id]
    if failed:
        where.append(source_files.c.error_code != "")
    rows = await connection.execute(
        sa.select(*_FILE).where(*where).order_by(source_files.c.name, source_files.c.key).offset(offset).limit(limit)
    )
    total = await connection.scalar(sa.select(sa.func.count()).select_from(source_files).where(*where))
    return [SourceFile(**row._mapping) for row in rows], total or 0


async def put_file(connection: AsyncConnection, source: Source, file: SourceFile) -> None:
    key = _key(file.ref)
    where = (source_files.c.source_id == source.id, source_files.c.key == key)
    values = dataclasses.asdict(file)
    changed = await connection.execute(sa.update(source_files).where(*where).values(**values))
    if not changed.rowcount:
        await connection.execute(
            source_files.insert().values(source_id=source.id, key=key, workspace_id=source.workspace_id, **values)
        )


async def forget_files(connection: AsyncConnection, source_id: str, refs: Sequence[str]) -> None:
    keys = [_key(ref) for ref in refs]
    where = (source_files.c.source_id == source_id, source_files.c.key.in_(keys))
    await connection.execute(sa.delete(source_files).where(*where))


async def holder(connection: AsyncConnection, knowledge_id: str, name: str) -> tuple[str, str, str] | None:
    """(id, source, source_ref) of the document of this name, if there is one."""
    row = (
        await connection.execute(
            sa.select(documents.c.id, documents.c.source, documents.c.source_ref).where(
                documents.c.knowledge_id == knowledge_id, documents.c.name == name, documents.c.state != "deleting"
            )
        )
    ).one_or_none()
    return (row[0], row[1], row[2]) if row else None


async def owned(connection: AsyncConnection, kind: str, refs: Sequence[str], ids: Sequence[str]) -> list[str]:
    """Those of these documents that came from such a source, and are still of it."""
    rows = await connection.scalars(
        sa.select(documents.c.id).where(
            documents.c.id.in_(ids), documents.c.source == kind, documents.c.source_ref.in_(refs)
        )
    )
    return list(rows)


def _source(row: sa.Row[Any]) -> Source:
    values = dict(row._mapping)
    return Source(**{**values, "has_secret": bool(values["has_secret"])})


def _key(ref: str) -> str:
    return hashlib.sha256(ref.encode()).hexdigest()
