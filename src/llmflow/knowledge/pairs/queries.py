"""SQL of written pairs: what a model said of each part of a document, so that it is asked once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.knowledge.pairs.write import Pair
from llmflow.knowledge.queries import states_and_digests
from llmflow.knowledge.types import Document
from llmflow.store.content import Content
from llmflow.store.ids import now_ms
from llmflow.store.tables import written_pairs as table

_IN_AT_ONCE = 5_000


async def find(connection: AsyncConnection, document_id: str, keys: Sequence[str]) -> dict[str, list[Pair]]:
    """By key, of the parts that were asked about; of some nothing was said."""
    found: dict[str, list[Pair]] = {}
    for start in range(0, len(keys), _IN_AT_ONCE):
        rows = await connection.execute(
            sa.select(table.c.part, table.c.question, table.c.answer)
            .where(table.c.document_id == document_id, table.c.part.in_(keys[start : start + _IN_AT_ONCE]))
            .order_by(table.c.part, table.c.ordinal)
        )
        for part, question, answer in rows:
            found.setdefault(part, []).extend([Pair(question, answer)] if question else [])
    return found


async def keep(
    connection: AsyncConnection, document: Document, key: str, model: str, pairs: Sequence[tuple[Content, Content]]
) -> bool:
    """One row for each pair; one without words for a part of which nothing was said. False when the document was
    replaced meanwhile, which may say the same, or deleted; then nothing is kept."""
    now = (await states_and_digests(connection, [document.id])).get(document.id, ("deleting", ""))
    if now[0] == "deleting":
        return False
    await connection.execute(sa.delete(table).where(table.c.document_id == document.id, table.c.part == key))
    rows = [
        {
            "document_id": document.id,
            "part": key,
            "ordinal": ordinal,
            "workspace_id": document.workspace_id,
            "knowledge_id": document.knowledge_id,
            "document_digest": document.digest,
            "model": model,
            "question": question,
            "answer": answer,
            "created_at": now_ms(),
        }
        for ordinal, (question, answer) in enumerate(pairs or [(Content(""), Content(""))])
    ]
    await connection.execute(table.insert(), rows)
    return now[1] == document.digest


async def use(connection: AsyncConnection, document: Document, keys: Sequence[str]) -> None:
    """They are of the document as it is now, too."""
    for start in range(0, len(keys), _IN_AT_ONCE):
        await connection.execute(
            sa.update(table)
            .where(
                table.c.document_id == document.id,
                table.c.part.in_(keys[start : start + _IN_AT_ONCE]),
                table.c.document_digest != document.digest,
            )
            .values(document_digest=document.digest)
        )


async def forget_outdated(connection: AsyncConnection, digests: Mapping[str, str]) -> None:
    """What was said of documents as they were before; `digests`: as they are, by document."""
    await connection.execute(
        sa.delete(table).where(
            table.c.document_id.in_(list(digests)), table.c.document_digest.not_in(list(digests.values()))
        )
    )


async def forget(connection: AsyncConnection, document_ids: Collection[str]) -> None:
    await connection.execute(sa.delete(table).where(table.c.document_id.in_(document_ids)))


async def forget_all(connection: AsyncConnection, knowledge_id: str) -> None:
    await connection.execute(sa.delete(table).where(table.c.knowledge_id == knowledge_id))
