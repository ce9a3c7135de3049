"""SQL of passages that people look at and change."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.knowledge.renew import Had
from llmflow.knowledge.types import Document, Passage
from llmflow.store.batch import Prepared
from llmflow.store.tables import chunks, documents, unsettled_chunks

_IN_AT_ONCE = 5_000  # values of one IN list; databases bound their number
_FAR = 1_000_000  # more than a passage has parts

_PASSAGE = [chunks.c[field.name] for field in dataclasses.fields(Passage)]

#: In sight: not kept only so that it does not come back.
IN_SIGHT = chunks.c.made != "removed"
#: In the index: a passage with parts is searched by them.
SEARCHED = sa.and_(IN_SIGHT, chunks.c.enabled, chunks.c.kind != "parent")


def _bounded(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + _IN_AT_ONCE] for start in range(0, len(ids), _IN_AT_ONCE))


def _siblings(document_id: str, parent_id: str | None) -> list[sa.ColumnElement[bool]]:
    of_parent = chunks.c.parent_id.is_(None) if parent_id is None else chunks.c.parent_id == parent_id
    return [chunks.c.document_id == document_id, of_parent, IN_SIGHT]


async def page(
    connection: AsyncConnection,
    document_id: str,
    *,
    parent_id: str | None = None,
    on_page: int | None = None,
    search: str = "",
    enabled: bool | None = None,
    offset: int = 0,
    limit: int = 100,
) -> tuple[list[Passage], int]:
    """A document's passages in reading order, or the parts of one of them; and how many there are in all."""
    where = _siblings(document_id, parent_id)
    if on_page is not None:
        where += [chunks.c.page <= on_page, sa.func.coalesce(chunks.c.page_end, chunks.c.page) >= on_page]
    if search:
        words = sa.type_coerce(chunks.c.text, sa.Text), sa.type_coerce(chunks.c.answer, sa.Text)
        where.append(sa.or_(*(column.icontains(search, autoescape=True) for column in words)))
    if enabled is not None:
        where.append(chunks.c.enabled.is_(enabled))
    rows = await connection.execute(
        sa.select(*_PASSAGE).where(*where).order_by(chunks.c.ordinal, chunks.c.id).offset(offset).limit(limit)
    )
    total = await connection.scalar(sa.select(sa.func.count()).select_from(chunks).where(*where))
    return [Passage(**row._mapping) for row in rows], total or 0


async def before(connection: AsyncConnection, document_id: str, passage_id: str) -> int | None:
    """How many passages stand before this one, or before the one it is a part of; None: it is not in sight."""
    found = (await of_document(connection, document_id, [passage_id])).get(passage_id)
    if found is not None and found.parent_id is not None:
        found = (await of_document(connection, document_id, [found.parent_id])).get(found.parent_id)
    if found is None:
        return None
    earlier = chunks.c.ordinal < found.ordinal
    count = sa.select(sa.func.count()).select_from(chunks).where(*_siblings(document_id, None), earlier)
    return await connection.scalar(count) or 0


async def of_document(connection: AsyncConnection, document_id: str, ids: Iterable[str]) -> dict[str, Passage]:
    """Those of these that are in sight, by id."""
    rows = await connection.execute(
        sa.select(*_PASSAGE).where(chunks.c.id.in_(list(ids)), chunks.c.document_id == document_id, IN_SIGHT)
    )
    return {row.id: Passage(**row._mapping) for row in rows}


async def parts_of(connection: AsyncConnection, document_id: str, parent_ids: Sequence[str]) -> list[Passage]:
    rows = await connection.execute(
        sa.select(*_PASSAGE)
        .where(chunks.c.document_id == document_id, chunks.c.parent_id.in_(parent_ids), IN_SIGHT)
        .order_by(chunks.c.parent_id, chunks.c.ordinal)
    )
    return [Passage(**row._mapping) for row in rows]


async def searched(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, Passage]:
    """Those of these that belong into the index."""
    found: dict[str, Passage] = {}
    for some in _bounded(list(ids)):
        rows = await connection.execute(sa.select(*_PASSAGE).where(chunks.c.id.in_(some), SEARCHED))
        found.update((row.id, Passage(**row._mapping)) for row in rows)
    return found


async def order(connection: AsyncConnection, document_id: str, parent_id: str | None) -> list[tuple[str, int]]:
    """(id, ordinal) of a document's passages, or of the parts of one, in their order."""
    rows = await connection.execute(
        sa.select(chunks.c.id, chunks.c.ordinal)
        .where(*_siblings(document_id, parent_id))
        .order_by(chunks.c.ordinal, chunks.c.id)
    )
    return [(row[0], row[1]) for row in rows]


_SET_ORDINAL = sa.update(chunks).where(chunks.c.id == sa.bindparam("of_id")).values(ordinal=sa.bindparam("new_ordinal"))


async def put_in_order(connection: AsyncConnection, ids: Sequence[str], have: Mapping[str, int]) -> None:
    """Counts these from 0; `have`: the ordinals they have."""
    rows = [{"of_id": i, "new_ordinal": n} for n, i in enumerate(ids) if have.get(i) != n]
    if rows:
        await connection.execute(_SET_ORDINAL, rows)


async def change(connection: AsyncConnection, ids: Sequence[str], **values: Any) -> None:
    for some in _bounded(ids):
        await connection.execute(sa.update(chunks).where(chunks.c.id.in_(some)).values(**values))


async def claim(connection: AsyncConnection, document_id: str) -> tuple[str, bool] | None:
    """A document's state and whether it is archived; both stay so until the transaction ends."""
    row = (
        await connection.execute(
            sa.select(documents.c.state, documents.c.archived).where(documents.c.id == document_id).with_for_update()
        )
    ).one_or_none()
    return (row[0], row[1]) if row else None


async def delete(connection: AsyncConnection, ids: Sequence[str]) -> None:
    for some in _bounded(ids):
        await connection.execute(sa.delete(chunks).where(chunks.c.id.in_(some)))


async def origins(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, str]:
    """The first of those that people merged or split together, of each of these."""
    rows = await connection.execute(
        sa.select(chunks.c.id, sa.func.coalesce(chunks.c.origin_id, chunks.c.id)).where(chunks.c.id.in_(ids))
    )
    return {row[0]: row[1] for row in rows}


async def move_origins(connection: AsyncConnection, document_id: str, old: Sequence[str], new: str) -> None:
    """What was merged or split together with `old` is now so with `new`."""
    await connection.execute(
        sa.update(chunks)
        .where(chunks.c.document_id == document_id, sa.or_(chunks.c.origin_id.in_(old), chunks.c.id.in_(old)))
        .values(origin_id=new)
    )


async def move_parts(connection: AsyncConnection, parent_id: str, of: Sequence[str]) -> None:
    """The parts of others become this one's, behind its own."""
    for number, other in enumerate(of, 1):
        await connection.execute(
            sa.update(chunks)
            .where(chunks.c.parent_id == other)
            .values(parent_id=parent_id, ordinal=chunks.c.ordinal + number * _FAR)
        )


async def copy(connection: AsyncConnection, passage_id: str, **values: Any) -> None:
    """A row like another but for these values, among them `id`, `text` and `answer`."""
    row = (await connection.execute(sa.select(chunks).where(chunks.c.id == passage_id))).one()
    await connection.execute(chunks.insert().values(**{**row._mapping, "digest": "", **values}))


async def recount(connection: AsyncConnection, document_id: str, now: int) -> None:
    """Tells the document's row how many passages it has, and of how many tokens and characters."""
    own = _siblings(document_id, None)
    await connection.execute(
        sa.update(documents)
        .where(documents.c.id == document_id)
        .values(
            chunk_count=sa.select(sa.func.count()).select_from(chunks).where(*own).scalar_subquery(),
            token_count=sa.select(sa.func.coalesce(sa.func.sum(chunks.c.tokens), 0)).where(*own).scalar_subquery(),
            word_count=sa.select(
                sa.func.coalesce(sa.func.sum(sa.func.length(sa.type_coerce(chunks.c.text, sa.Text))), 0)
            )
            .where(*own)
            .scalar_subquery(),
            updated_at=now,
        )
    )


async def had_by(connection: AsyncConnection, document_ids: Sequence[str]) -> dict[str, list[Had]]:
    """All that these documents have, in reading order, by document."""
    rows = (
        await connection.execute(
            sa.select(*_PASSAGE, chunks.c.digest, chunks.c.origin_id)
            .where(chunks.c.document_id.in_(document_ids))
            .order_by(chunks.c.document_id, chunks.c.ordinal, chunks.c.id)
        )
    ).all()
    behind = set(await unsettled_of(connection, document_ids)) if rows else set()
    found: dict[str, list[Had]] = {}
    for *values, digest, origin_id in rows:
        passage = Passage(*values)
        # one without a digest may be of a run that a crash ended, by a version that kept no notes
        is_known = digest != "" or passage.made != "cut"
        is_settled = is_known and passage.id not in behind and passage.document_id not in behind
        found.setdefault(passage.document_id, []).append(Had(passage, digest, origin_id, is_settled))
    return found


_MOVE = (
    sa.update(chunks)
    .where(chunks.c.id == sa.bindparam("of_id"))
    .values(
        {name: sa.bindparam(f"new_{name}") for name in ("ordinal", "parent_id", "page", "page_end", "boxes", "digest")}
    )
)


async def move(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Puts passages where they stand now; see `Renewal.moved`."""
    if rows:
        await connection.execute(_MOVE, rows)


_INSERT_UNSETTLED = unsettled_chunks.insert()


async def note_unsettled(connection: AsyncConnection, document: Document, ids: Collection[str]) -> None:
    """The index may now say something else of these; `Indexing` brings it into line."""
    await forget_unsettled(connection, ids)
    await add_unsettled(connection, [(document, ids)])


async def add_unsettled(connection: AsyncConnection, behind: Iterable[tuple[Document, Collection[str]]]) -> None:
    """Notes these of their documents, of which there is no note yet; a document's own id stands for all it has."""
    rows = [
        {"id": i, "workspace_id": d.workspace_id, "knowledge_id": d.knowledge_id, "document_id": d.id}
        for d, ids in behind
        for i in ids
    ]
    if rows:
        await connection.execute(_INSERT_UNSETTLED, rows)


async def forget_unsettled(connection: AsyncConnection, ids: Collection[str]) -> None:
    for some in _bounded(list(ids)):
        await connection.execute(sa.delete(unsettled_chunks).where(unsettled_chunks.c.id.in_(some)))


async def forget_unsettled_of(connection: AsyncConnection, document_ids: Collection[str]) -> None:
    await connection.execute(sa.delete(unsettled_chunks).where(unsettled_chunks.c.document_id.in_(document_ids)))


async def unsettled_of(connection: AsyncConnection, document_ids: Collection[str]) -> list[str]:
    of_documents = unsettled_chunks.c.document_id.in_(document_ids)
    return list(await connection.scalars(sa.select(unsettled_chunks.c.id).where(of_documents)))


async def unsettled(
    connection: AsyncConnection, limit: int, *, but: Collection[str] = ()
) -> dict[tuple[str, str], list[str]]:
    """Ids by (workspace, base), but of some bases and of documents that are to be read: their job settles them."""
    waiting = sa.select(documents.c.id).where(documents.c.state.in_(("queued", "running")))
    rows = await connection.execute(
        sa.select(unsettled_chunks.c.workspace_id, unsettled_chunks.c.knowledge_id, unsettled_chunks.c.id)
        .where(unsettled_chunks.c.knowledge_id.not_in(but), unsettled_chunks.c.document_id.not_in(waiting))
        .limit(limit)
    )
    found: dict[tuple[str, str], list[str]] = {}
    for workspace_id, base_id, chunk_id in rows:
        found.setdefault((workspace_id, base_id), []).append(chunk_id)
    return found


async def still_unsettled(connection: AsyncConnection, ids: Collection[str]) -> list[str]:
    rows = await connection.scalars(sa.select(unsettled_chunks.c.id).where(unsettled_chunks.c.id.in_(ids)))
    return list(rows)


_INSERT = chunks.insert()


async def insert(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        await connection.execute(_INSERT, rows)


async def delete_all_of(connection: AsyncConnection, document_ids: Sequence[str]) -> None:
    await connection.execute(sa.delete(chunks).where(chunks.c.document_id.in_(document_ids)))


async def by_id(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, Passage]:
    rows = await connection.execute(sa.select(*_PASSAGE).where(chunks.c.id.in_(list(ids))))
    return {row.id: Passage(**row._mapping) for row in rows}


async def take_away(connection: AsyncConnection, passages: Sequence[Passage]) -> None:
    """Out of sight; gone where the document has nothing to bring back."""
    await delete(connection, [p.id for p in passages if p.made == "added"])
    await change(connection, [p.id for p in passages if p.made != "added"], made="removed")


async def close_gaps(connection: AsyncConnection, document_id: str, parent_id: str | None) -> None:
    have = await order(connection, document_id, parent_id)
    await put_in_order(connection, [i for i, _ in have], dict(have))


#: A passage, by its `key`, was cited once more.
COUNT_HITS = Prepared(
    sa.update(chunks)
    .where(chunks.c.id == sa.bindparam("key"))
    .values(hit_count=chunks.c.hit_count + sa.literal_column("1"))
)
