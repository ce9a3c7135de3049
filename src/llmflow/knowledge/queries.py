"""SQL of knowledge."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.knowledge.types import ARCHIVE, Choice, Display, Document, Flow, KnowledgeBase, Sort, State
from llmflow.store.tables import (
    chunks,
    documents,
    files,
    knowledge_bases,
    knowledge_fields,
    tags_of_knowledge,
    unsettled_chunks,
)


def _names(noun: type) -> list[str]:
    return [field.name for field in dataclasses.fields(noun)]


_IN_AT_ONCE = 5_000  # values of one IN list; databases bound their number

_BASE = [knowledge_bases.c[name] for name in _names(KnowledgeBase)]
_DOCUMENT = [documents.c[name] for name in _names(Document)]


async def insert_base(connection: AsyncConnection, base: KnowledgeBase) -> None:
    await connection.execute(knowledge_bases.insert().values(**_row(base)))


async def bases(connection: AsyncConnection, workspace_id: str) -> list[KnowledgeBase]:
    rows = await connection.execute(
        sa.select(*_BASE).where(knowledge_bases.c.workspace_id == workspace_id).order_by(knowledge_bases.c.id)
    )
    return [KnowledgeBase(**row._mapping) for row in rows]


async def base(connection: AsyncConnection, workspace_id: str, id_or_name: str) -> KnowledgeBase | None:
    """By id, else by name."""
    rows = await connection.execute(
        sa.select(*_BASE).where(
            knowledge_bases.c.workspace_id == workspace_id,
            sa.or_(knowledge_bases.c.id == id_or_name, knowledge_bases.c.name == id_or_name),
        )
    )
    found = [KnowledgeBase(**row._mapping) for row in rows]
    return min(found, key=lambda b: b.id != id_or_name) if found else None


async def settle_model(connection: AsyncConnection, base_id: str, embedding_model: str) -> None:
    """Names the embedding model of a base that has none yet."""
    await connection.execute(
        sa.update(knowledge_bases)
        .where(knowledge_bases.c.id == base_id, knowledge_bases.c.embedding_model == "")
        .values(embedding_model=embedding_model)
    )


async def delete_base(connection: AsyncConnection, base_id: str) -> None:
    """With its fields and its tags."""
    await connection.execute(sa.delete(knowledge_fields).where(knowledge_fields.c.knowledge_id == base_id))
    await connection.execute(sa.delete(tags_of_knowledge).where(tags_of_knowledge.c.knowledge_id == base_id))
    await connection.execute(sa.delete(knowledge_bases).where(knowledge_bases.c.id == base_id))


async def documents_of_batch(
    connection: AsyncConnection, base_id: str, batch: str, only: Sequence[sa.ColumnElement[bool]]
) -> list[Document]:
    named = sa.cast(documents.c.pipeline, sa.Text).contains(json.dumps(batch), autoescape=True)
    rows = await connection.execute(
        sa.select(*_DOCUMENT)
        .where(documents.c.knowledge_id == base_id, documents.c.state != "deleting", named, *only)
        .order_by(documents.c.id)
    )
    return [one for row in rows if (one := Document(**row._mapping)).pipeline.get("batch") == batch]


_LOCK_BASE = sa.select(knowledge_bases.c.id).where(knowledge_bases.c.id == sa.bindparam("of_id")).with_for_update()


async def lock_base(connection: AsyncConnection, base_id: str) -> bool:
    """Holds the base's row until the transaction ends (SQLite has one writer anyway); False when it is gone."""
    return (await connection.execute(_LOCK_BASE, {"of_id": base_id})).one_or_none() is not None


async def delete_contents(connection: AsyncConnection, base_id: str) -> set[str]:
    """Deletes the base's documents and passages; the digests of the documents."""
    of_base = documents.c.knowledge_id == base_id
    digests = set(await connection.scalars(sa.select(documents.c.digest).where(of_base)))
    for of_chunks in (chunks, unsettled_chunks):
        await connection.execute(sa.delete(of_chunks).where(of_chunks.c.knowledge_id == base_id))
    await connection.execute(sa.delete(documents).where(of_base))
    return digests


_INSERT_DOCUMENT = documents.insert()


async def insert_document(connection: AsyncConnection, document: Document) -> None:
    await connection.execute(_INSERT_DOCUMENT, _row(document))


async def document(connection: AsyncConnection, document_id: str) -> Document | None:
    row = (await connection.execute(sa.select(*_DOCUMENT).where(documents.c.id == document_id))).one_or_none()
    return Document(**row._mapping) if row else None


async def documents_by_id(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, Document]:
    rows = await connection.execute(sa.select(*_DOCUMENT).where(documents.c.id.in_(list(ids))))
    return {row.id: Document(**row._mapping) for row in rows}


async def states_and_digests(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """(state, digest) of each document that there is; they stay so until the transaction ends."""
    rows = await connection.execute(
        sa.select(documents.c.id, documents.c.state, documents.c.digest)
        .where(documents.c.id.in_(list(ids)))
        .order_by(documents.c.id)
        .with_for_update()
    )
    return {row[0]: (row[1], row[2]) for row in rows}


_MARK_READY = (
    sa.update(documents)
    .where(
        documents.c.id == sa.bindparam("of_id"),
        documents.c.state == "running",
        documents.c.digest == sa.bindparam("of_digest"),
    )
    .values(
        state="ready",
        stage="",
        **{
            name: sa.bindparam(f"new_{name}")
            for name in (
                "media_type",
                "pages",
                "warnings",
                "token_count",
                "word_count",
                "language",
                "indexed_at",
                "updated_at",
            )
        },
    )
)


async def mark_ready(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Each row: of_id, of_digest and new_<column> values; a document that changed meanwhile is left alone."""
    if rows:
        await connection.execute(_MARK_READY, rows)


_COUNT_CHUNKS = (
    sa.update(documents).where(documents.c.id == sa.bindparam("of_id")).values(chunk_count=sa.bindparam("new_count"))
)


async def set_chunk_counts(connection: AsyncConnection, counts: dict[str, int]) -> None:
    if counts:
        rows = [{"of_id": document_id, "new_count": count} for document_id, count in counts.items()]
        await connection.execute(_COUNT_CHUNKS, rows)


_SAME = (
    sa.select(*_DOCUMENT)
    .where(
        documents.c.knowledge_id == sa.bindparam("of_base"),
        sa.or_(documents.c.name == sa.bindparam("of_name"), documents.c.digest == sa.bindparam("of_digest")),
    )
    .order_by(documents.c.id)
)


async def same_name_or_bytes(connection: AsyncConnection, base_id: str, name: str, digest: str) -> list[Document]:
    rows = await connection.execute(_SAME, {"of_base": base_id, "of_name": name, "of_digest": digest})
    return [Document(**row._mapping) for row in rows]


_SORTED: dict[str, sa.Column[Any]] = {
    "created": documents.c.created_at,
    "name": documents.c.name,
    "size": documents.c.size,
    "passages": documents.c.chunk_count,
    "updated": documents.c.updated_at,
    "state": documents.c.state,
}


_ID_LENGTH = 36
_FINDABLE = [documents.c.enabled, documents.c.archived.is_(False)]
#: How a document shows itself: first whether it is read, then whether it may be found.
DISPLAYED: dict[Display, list[sa.ColumnElement[bool]]] = {
    "queuing": [documents.c.state == "queued"],
    "indexing": [documents.c.state == "running"],
    "error": [documents.c.state == "failed"],
    "available": [documents.c.state == "ready", *_FINDABLE],
    "disabled": [documents.c.state == "ready", documents.c.enabled.is_(False), documents.c.archived.is_(False)],
    "archived": [documents.c.state == "ready", documents.c.archived],
}


def _came_out_of(archive_ids: Sequence[str]) -> sa.ColumnElement[bool]:
    """What is in these archives; see `archives`."""
    archive_id = sa.func.substr(documents.c.source_ref, 1, _ID_LENGTH)
    return sa.and_(documents.c.source == ARCHIVE, archive_id.in_(archive_ids))


def _chosen(base_id: str, choice: Choice) -> list[sa.ColumnElement[bool]]:
    where = [documents.c.knowledge_id == base_id, documents.c.state != "deleting"]
    if choice.ids is not None:
        return [*where, sa.or_(documents.c.id.in_(choice.ids), _came_out_of(choice.ids))]
    if choice.state:
        where.append(documents.c.state == choice.state)
    if choice.search:
        where.append(documents.c.name.icontains(choice.search, autoescape=True))
    if choice.display is not None:
        where += DISPLAYED[choice.display]
    return where


async def page_of_documents(
    connection: AsyncConnection,
    base_id: str,
    *,
    state: State | None = None,
    display: Display | None = None,
    only: Sequence[sa.ColumnElement[bool]] = (),
    search: str = "",
    inside: str = "",
    sort: Sort = "-created",
    offset: int = 0,
    limit: int = 50,
) -> tuple[list[Document], int]:
    """In the order of `sort`, and how many there are in all. `inside`: the archive that they came out of."""
    where = [*_chosen(base_id, Choice(state=state, search=search, display=display)), *only]
    if inside:
        where.append(_came_out_of([inside]))
    column = _SORTED[sort.removeprefix("-")]
    order = (column.desc(), documents.c.id.desc()) if sort.startswith("-") else (column, documents.c.id)
    rows = await connection.execute(sa.select(*_DOCUMENT).where(*where).order_by(*order).offset(offset).limit(limit))
    total = await connection.scalar(sa.select(sa.func.count()).select_from(documents).where(*where))
    return [Document(**row._mapping) for row in rows], total or 0


async def counts_by_state(connection: AsyncConnection, base_id: str) -> dict[str, int]:
    rows = await connection.execute(
        sa.select(documents.c.state, sa.func.count())
        .where(documents.c.knowledge_id == base_id, documents.c.state != "deleting")
        .group_by(documents.c.state)
    )
    return {row[0]: row[1] for row in rows}


async def flow(connection: AsyncConnection, base_id: str, *, since: int, recent_s: float) -> Flow:
    """`since`: Unix milliseconds; `recent_s` seconds ago."""
    is_recent = sa.and_(documents.c.state.in_(("ready", "failed")), documents.c.updated_at >= since)
    rows = await connection.execute(
        sa.select(
            documents.c.state,
            sa.func.count(),
            sa.func.sum(documents.c.size),
            sa.func.count(sa.case((is_recent, 1))),
            sa.func.sum(sa.case((is_recent, documents.c.size), else_=0)),
        )
        .where(documents.c.knowledge_id == base_id, documents.c.state != "deleting")
        .group_by(documents.c.state)
    )
    found = list(rows)
    return Flow(
        counts={row[0]: row[1] for row in found},
        left_bytes=sum(int(row[2]) for row in found if row[0] in ("queued", "running")),
        recent=sum(int(row[3]) for row in found),
        recent_bytes=sum(int(row[4]) for row in found),
        recent_s=recent_s,
    )


async def update_base(connection: AsyncConnection, base_id: str, **values: Any) -> None:
    await connection.execute(sa.update(knowledge_bases).where(knowledge_bases.c.id == base_id).values(**values))


async def update_documents(
    connection: AsyncConnection, ids: Sequence[str], *, only: Sequence[Any] = (), **values: Any
) -> int:
    """How many rows changed; `only`: further conditions on `documents`."""
    result = await connection.execute(sa.update(documents).where(documents.c.id.in_(ids), *only).values(**values))
    return int(result.rowcount)


async def update_chosen(
    connection: AsyncConnection, base_id: str, choice: Choice, *, only: Sequence[Any] = (), **values: Any
) -> int:
    """How many of the chosen documents changed; `only`: further conditions on `documents`."""
    result = await connection.execute(sa.update(documents).where(*_chosen(base_id, choice), *only).values(**values))
    return int(result.rowcount)


async def deleting(connection: AsyncConnection, limit: int) -> list[Document]:
    """Documents whose deletion was begun."""
    rows = await connection.execute(
        sa.select(*_DOCUMENT).where(documents.c.state == "deleting").order_by(documents.c.id).limit(limit)
    )
    return [Document(**row._mapping) for row in rows]


async def contents_of(connection: AsyncConnection, base_id: str, archive_id: str) -> list[Document]:
    """The documents that came out of an archive."""
    where = (documents.c.knowledge_id == base_id, _came_out_of([archive_id]))
    rows = await connection.execute(sa.select(*_DOCUMENT).where(*where).order_by(documents.c.id))
    return [Document(**row._mapping) for row in rows]


async def document_ids(connection: AsyncConnection, *where: sa.ColumnElement[bool]) -> list[str]:
    rows = await connection.scalars(sa.select(documents.c.id).where(*where).order_by(documents.c.id))
    return list(rows)


async def delete_marked(connection: AsyncConnection, ids: Sequence[str]) -> None:
    """Deletes the rows but those that an upload of the same name took back meanwhile. Their passages are gone from
    the index already."""
    await connection.execute(sa.delete(unsettled_chunks).where(unsettled_chunks.c.document_id.in_(ids)))
    await connection.execute(sa.delete(documents).where(documents.c.id.in_(ids), documents.c.state == "deleting"))


async def digests_in_use(connection: AsyncConnection, digests: Iterable[str]) -> set[str]:
    """Those that a document or a file sent to an app still refers to."""
    wanted = list(digests)
    found: set[str] = set()
    for start in range(0, len(wanted), _IN_AT_ONCE):
        some = wanted[start : start + _IN_AT_ONCE]
        rows = await connection.scalars(
            sa.union(
                sa.select(documents.c.digest).where(documents.c.digest.in_(some)),
                sa.select(files.c.digest).where(files.c.digest.in_(some)),
            )
        )
        found.update(rows)
    return found


async def groups_of_bases(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, list[str]]:
    """Who may see the bases' documents that say nothing of it themselves."""
    rows = await connection.execute(
        sa.select(knowledge_bases.c.id, knowledge_bases.c.groups).where(knowledge_bases.c.id.in_(list(ids)))
    )
    return {row[0]: row[1] for row in rows}


async def groups_of_documents(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Who may see each document: its own groups, else its base's."""
    rows = await connection.execute(
        sa.select(documents.c.id, documents.c.groups, knowledge_bases.c.groups.label("of_base"))
        .join(knowledge_bases, knowledge_bases.c.id == documents.c.knowledge_id)
        .where(documents.c.id.in_(list(ids)))
    )
    return {row.id: tuple(row.groups or row.of_base) for row in rows}


def _row(noun: KnowledgeBase | Document) -> dict[str, Any]:
    """Its fields as a table row; `asdict` would copy each value."""
    return {field.name: getattr(noun, field.name) for field in dataclasses.fields(noun)}
