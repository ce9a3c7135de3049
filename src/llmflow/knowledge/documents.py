"""Documents: accept, replace, retry, delete, list. An accepted document is a row with its bytes in blobs; from then
on `jobs` brings it to ready or failed."""

from __future__ import annotations

import asyncio
import dataclasses
import shutil
import unicodedata
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmflow.errors import NotFound, OrganError, UsageError
from llmflow.knowledge import queries
from llmflow.knowledge.changes import Changes
from llmflow.knowledge.originals import Originals
from llmflow.knowledge.types import Choice, Document, KnowledgeBase, Outcome, Passage, Sort, State
from llmflow.ports.blobs import BlobInfo
from llmflow.ports.vector_store import VectorStore
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms
from llmflow.store.tables import documents

_BREAKS = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"
_JOINER = "\u200d"  # makes one emoji of several

_FRESH: dict[str, Any] = {
    "stage": "",
    "done": 0,
    "total": 0,
    "error_code": "",
    "error_message": "",
    "error_hint": "",
    "warnings": [],
}


@dataclass(frozen=True, slots=True)
class Accepted:
    document: Document
    outcome: Outcome


class Documents:
    def __init__(
        self,
        database: Database,
        originals: Originals,
        vectors: VectorStore,
        changes: Changes,
        *,
        indexing: asyncio.Lock,
        wake: Callable[[], None],
        disk: Path,
        max_bytes: int,
        min_free_bytes: int,
    ) -> None:
        """`indexing`: of `Bases`. `wake` tells the job side that there is something to take. `disk`: the folder whose
        space is watched."""
        self._database = database
        self._originals = originals
        self._vectors = vectors
        self._changes = changes
        self._indexing = indexing
        self._wake = wake
        self._disk = disk
        self._max_bytes = max_bytes
        self._min_free_bytes = min_free_bytes

    async def accept(self, base: KnowledgeBase, name: str, content: AsyncIterator[bytes]) -> Accepted:
        """Keeps the bytes and queues them. The same bytes again are not indexed again; the same name replaces.

        Raises TooLarge, UsageError (a name that is no name), NotFound (the base was deleted meanwhile) and OrganError
        (disk_full); nothing is kept then."""
        name = clean_name(name)
        self._check_disk()
        async with self._originals.kept(content, max_bytes=self._max_bytes) as blob:
            accepted, outdated = await self._enter(base, name, blob)
        if accepted.outcome in ("accepted", "replaced"):
            self._wake()
            self._changes.tell(base.id)
        await self._originals.remove(outdated)
        return accepted

    async def _enter(self, base: KnowledgeBase, name: str, blob: BlobInfo) -> tuple[Accepted, set[str]]:
        """The document's row for these bytes, and the digests it no longer needs."""
        now = now_ms()
        async with self._database.write() as connection:
            if not await queries.lock_base(connection, base.id):  # one upload to a base at a time from here on
                raise NotFound(f"The knowledge base `{base.name}` was deleted.", param="knowledge")
            alike = await queries.same_name_or_bytes(connection, base.id, name, blob.digest)
            by_name = next((d for d in alike if d.name == name), None)
            if by_name is None:
                by_bytes = next((d for d in alike if d.state not in ("failed", "deleting")), None)
                if by_bytes is not None:
                    return Accepted(by_bytes, "duplicate"), set()
                document = _new(base, name, blob.digest, blob.size, now)
                await queries.insert_document(connection, document)
                return Accepted(document, "accepted"), set()
            if by_name.digest == blob.digest and by_name.state not in ("failed", "deleting"):
                return Accepted(by_name, "unchanged"), set()
            changes: dict[str, Any] = {
                "digest": blob.digest,
                "size": blob.size,
                "state": "queued",
                "job_id": None,
                "updated_at": now,
            }
            await queries.update_documents(connection, [by_name.id], **changes, **_FRESH)
            replaced = dataclasses.replace(by_name, **changes, **_FRESH)
            return Accepted(replaced, "replaced"), {by_name.digest} - {blob.digest}

    def _check_disk(self) -> None:
        free = shutil.disk_usage(self._disk).free
        if free < self._min_free_bytes:
            raise OrganError(f"Only {free // 2**20} MB are free on the disk of {self._disk}.", code="disk_full")

    async def get(self, workspace_id: str, document_id: str) -> Document:
        async with self._database.read() as connection:
            found = await queries.document(connection, document_id)
        if found is None or found.workspace_id != workspace_id or found.state == "deleting":
            raise NotFound(f"There is no document {document_id}.")
        return found

    async def page(
        self,
        base: KnowledgeBase,
        *,
        state: State | None = None,
        search: str = "",
        sort: Sort = "-created",
        offset: int = 0,
        limit: int = 50,
    ) -> tuple[list[Document], int]:
        """In the order of `sort`, and how many in all."""
        async with self._database.read() as connection:
            return await queries.page_of_documents(
                connection,
                base.id,
                state=state,
                search=unicodedata.normalize("NFC", search),
                sort=sort,
                offset=offset,
                limit=limit,
            )

    async def passages(
        self,
        document: Document,
        *,
        page: int | None = None,
        holding: str = "",
        offset: int = 0,
        limit: int = 100,
    ) -> list[Passage]:
        """In reading order; `page`: those that stand on it; `holding`: from the place, a multiple of `limit`, whose
        passages hold this one, where the document still has it."""
        async with self._database.read() as connection:
            if holding:
                ordinal = await queries.ordinal_of(connection, document.id, holding)
                offset = offset if ordinal is None else ordinal // limit * limit
            return await queries.passages_of_document(connection, document.id, page=page, offset=offset, limit=limit)

    async def retry(self, base: KnowledgeBase, choice: Choice) -> int:
        """Queues those of the chosen documents anew that have failed; how many."""
        async with self._database.write() as connection:
            count = await queries.update_chosen(
                connection,
                base.id,
                choice,
                only=[documents.c.state == "failed"],
                state="queued",
                job_id=None,
                updated_at=now_ms(),
                **_FRESH,
            )
        self._wake()
        self._changes.tell(base.id)
        return count

    async def delete(self, base: KnowledgeBase, document: Document) -> None:
        """Removes it everywhere: passages, vectors, row, and the bytes when no other document has them. The row is
        marked first, so that what a crash or a fault interrupts is finished later; an upload of the same name takes
        the row back."""
        await self._mark(base, Choice(ids=(document.id,)))
        try:
            await self.finish_deletion(base, [document])
        except OrganError:
            self._wake()
            raise

    async def delete_many(self, base: KnowledgeBase, choice: Choice) -> int:
        """Removes the chosen documents from every list at once and from the stores soon after; how many."""
        count = await self._mark(base, choice)
        self._wake()
        return count

    async def _mark(self, base: KnowledgeBase, choice: Choice) -> int:
        async with self._database.write() as connection:
            count = await queries.update_chosen(connection, base.id, choice, state="deleting", updated_at=now_ms())
        self._changes.tell(base.id)
        return count

    async def finish_deletion(self, base: KnowledgeBase, marked: Sequence[Document]) -> None:
        """The rest of a deletion that was begun."""
        async with self._indexing:
            async with self._database.write() as connection:
                states = await queries.states_and_digests(connection, [document.id for document in marked])
                ids = [document_id for document_id, (state, _) in states.items() if state == "deleting"]
                if not ids:
                    return
                await queries.delete_passages(connection, ids)
            await self._vectors.delete(base.collection, document_ids=ids)
            async with self._database.write() as connection:
                await queries.delete_marked(connection, ids)
        await self._originals.remove({document.digest for document in marked if document.id in ids})


def clean_name(name: str) -> str:
    """The file's own name: no folders, no control characters or direction marks, at most 255 characters; spaces,
    Korean and emoji stay. Names that look the same are the same: composed letters (macOS sends them apart), one kind
    of space."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    kept = "".join(" " if c.isspace() and c not in _BREAKS else c for c in last)
    kept = "".join(c for c in kept if c.isprintable() or c == _JOINER).strip(" " + _JOINER)
    if kept in ("", ".", ".."):
        raise UsageError(f"`{name}` is not a file name.", param="name")
    if len(kept) > 255:
        stem, dot, suffix = kept.rpartition(".")
        kept = f"{stem[: 254 - len(suffix)]}.{suffix}" if dot and len(suffix) < 20 else kept[:255]
    return kept


def _new(base: KnowledgeBase, name: str, digest: str, size: int, now: int) -> Document:
    return Document(
        id=new_id(),
        workspace_id=base.workspace_id,
        knowledge_id=base.id,
        name=name,
        digest=digest,
        size=size,
        media_type="",
        state="queued",
        stage="",
        done=0,
        total=0,
        job_id=None,
        error_code="",
        error_message="",
        error_hint="",
        warnings=[],
        pages=None,
        chunk_count=0,
        token_count=0,
        language="",
        enabled=True,
        archived=False,
        groups=[],
        metadata={},
        source="upload",
        source_ref="",
        created_at=now,
        updated_at=now,
        indexed_at=None,
    )
