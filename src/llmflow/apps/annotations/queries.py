"""SQL of annotations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.apps.annotations.types import Annotation, ReplySettings
from llmflow.store.tables import annotation_hits, annotation_replies, app_annotations

_ANNOTATION = [app_annotations.c[name] for name in Annotation.__dataclass_fields__]
_REPLY = [annotation_replies.c[name] for name in ReplySettings.__dataclass_fields__]


async def insert(connection: AsyncConnection, **values: Any) -> None:
    await connection.execute(app_annotations.insert().values(**values))


async def annotation(connection: AsyncConnection, app_id: str, annotation_id: str) -> Annotation | None:
    found = sa.select(*_ANNOTATION).where(app_annotations.c.id == annotation_id, app_annotations.c.app_id == app_id)
    row = (await connection.execute(found)).one_or_none()
    return Annotation(**row._mapping) if row else None


async def page(
    connection: AsyncConnection, app_id: str, keyword: str, *, offset: int, limit: int
) -> tuple[list[Annotation], int]:
    """The newest first, and how many there are in all. `keyword`: part of the question or the answer, in any case."""
    where: list[sa.ColumnElement[bool]] = [app_annotations.c.app_id == app_id]
    if keyword:
        escaped = keyword.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        words = (sa.type_coerce(column, sa.Text) for column in (app_annotations.c.question, app_annotations.c.answer))
        where.append(sa.or_(*(sa.func.lower(column).like(f"%{escaped}%", escape="\\") for column in words)))
    total = int(await connection.scalar(sa.select(sa.func.count()).select_from(app_annotations).where(*where)) or 0)
    newest = (
        sa.select(*_ANNOTATION).where(*where).order_by(app_annotations.c.created_at.desc(), app_annotations.c.id.desc())
    )
    rows = await connection.execute(newest.offset(offset).limit(limit))
    return [Annotation(**row._mapping) for row in rows], total


async def update(connection: AsyncConnection, app_id: str, annotation_id: str, **values: Any) -> bool:
    """False when it is gone."""
    which = (app_annotations.c.id == annotation_id, app_annotations.c.app_id == app_id)
    return (await connection.execute(sa.update(app_annotations).where(*which).values(**values))).rowcount > 0


async def delete(connection: AsyncConnection, app_id: str, annotation_id: str) -> bool:
    """With the note of its hits. False when it is gone."""
    which = (app_annotations.c.id == annotation_id, app_annotations.c.app_id == app_id)
    is_gone = (await connection.execute(sa.delete(app_annotations).where(*which))).rowcount > 0
    await connection.execute(sa.delete(annotation_hits).where(annotation_hits.c.annotation_id == annotation_id))
    return is_gone


# vectors


async def without_vector(
    connection: AsyncConnection, app_id: str, model: str, *, limit: int
) -> list[tuple[str, int, str]]:
    """Id, `updated_at` and question of those that have no vector of this model yet."""
    found = sa.select(app_annotations.c.id, app_annotations.c.updated_at, app_annotations.c.question).where(
        app_annotations.c.app_id == app_id,
        sa.or_(app_annotations.c.vector.is_(None), app_annotations.c.vector_model != model),
    )
    rows = await connection.execute(found.order_by(app_annotations.c.id).limit(limit))
    return [(row.id, row.updated_at, row.question) for row in rows]


async def put_vectors(connection: AsyncConnection, model: str, rows: Sequence[tuple[str, int, bytes]]) -> None:
    """Id, `updated_at` as it was read, and vector; not where the question changed meanwhile."""
    table = app_annotations.c
    which = (table.id == sa.bindparam("key"), table.updated_at == sa.bindparam("seen"))
    put = sa.update(app_annotations).where(*which).values(vector=sa.bindparam("raw"), vector_model=model)
    await connection.execute(put, [{"key": id, "seen": seen, "raw": raw} for id, seen, raw in rows])


async def vectors(connection: AsyncConnection, app_id: str, model: str) -> list[tuple[str, bytes]]:
    """By id: little-endian float32."""
    found = sa.select(app_annotations.c.id, app_annotations.c.vector).where(
        app_annotations.c.app_id == app_id,
        app_annotations.c.vector_model == model,
        app_annotations.c.vector.is_not(None),
    )
    return [(row.id, row.vector) for row in await connection.execute(found)]


# the reply


async def reply(connection: AsyncConnection, app_id: str) -> ReplySettings | None:
    row = (await connection.execute(sa.select(*_REPLY).where(annotation_replies.c.app_id == app_id))).one_or_none()
    return ReplySettings(**row._mapping) if row else None


async def put_reply(connection: AsyncConnection, **values: Any) -> None:
    """What is given of an app's row, which is made where there is none."""
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    changed = {name: value for name, value in values.items() if name not in ("app_id", "is_on")}
    statement = make(annotation_replies).values(**values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["app_id"], set_=changed))


async def switch_reply(connection: AsyncConnection, app_id: str, *, is_on: bool) -> None:
    which = annotation_replies.c.app_id == app_id
    await connection.execute(sa.update(annotation_replies).where(which).values(is_on=is_on))


async def note_hit(connection: AsyncConnection, annotation_id: str, **values: Any) -> None:
    """Counts it, and keeps which message it answered."""
    which = app_annotations.c.id == annotation_id
    await connection.execute(sa.update(app_annotations).where(which).values(hit_count=app_annotations.c.hit_count + 1))
    await connection.execute(annotation_hits.insert().values(annotation_id=annotation_id, **values))
