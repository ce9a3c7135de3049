"""Progress of documents being read: kept in memory at once, written to the rows at most once a second."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from llmflow.knowledge import queries
from llmflow.knowledge.changes import Changes
from llmflow.knowledge.types import Document, Reading, Stage
from llmflow.store.database import Database
from llmflow.store.ids import now_ms
from llmflow.store.tables import documents

T = TypeVar("T")

_WRITE_EVERY_S = 1.0


class Progress:
    """`report` is cheap and may be called from any thread; rows follow within about a second."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._database = database
        self._changes = changes
        self._now: dict[str, Reading] = {}
        self._written_at = 0.0
        self._dirty: set[str] = set()

    def report(self, document: Document, stage: Stage, done: int, total: int) -> None:
        self._now[document.id] = Reading(document.id, document.knowledge_id, stage, done, total)
        self._dirty.add(document.id)
        self._changes.tell(document.knowledge_id)

    async def flush(self, *, force: bool = False) -> None:
        """Writes what changed, unless it was written within the last second."""
        if not self._dirty or (not force and time.monotonic() - self._written_at < _WRITE_EVERY_S):
            return
        self._written_at = time.monotonic()
        dirty, self._dirty = self._dirty, set()
        now = {document_id: self._now[document_id] for document_id in dirty if document_id in self._now}
        async with self._database.write() as connection:
            for document_id, reading in sorted(now.items()):  # rows are locked in this order everywhere
                await queries.update_documents(
                    connection,
                    [document_id],
                    only=[documents.c.state == "running"],
                    stage=reading.stage,
                    done=reading.done,
                    total=reading.total,
                    updated_at=now_ms(),
                )

    async def told(self, work: Coroutine[Any, Any, T]) -> T:
        """What comes of `work`, which becomes a task of its own; rows are written meanwhile."""
        working = asyncio.ensure_future(work)
        try:
            while not (await asyncio.wait([working], timeout=_WRITE_EVERY_S))[0]:
                await self.flush()
        finally:
            working.cancel()
        return await working

    def forget(self, document_ids: Sequence[str]) -> None:
        for document_id in document_ids:
            self._now.pop(document_id, None)
            self._dirty.discard(document_id)

    def overlay(self, document: Document) -> Document:
        """The document with what is known of it now."""
        now = self._now.get(document.id)
        if now is None or document.state != "running":
            return document
        return dataclasses.replace(document, stage=now.stage, done=now.done, total=now.total)

    def of(self, knowledge_id: str) -> list[Reading]:
        """What is being read of a base now."""
        return [reading for reading in self._now.copy().values() if reading.knowledge_id == knowledge_id]
