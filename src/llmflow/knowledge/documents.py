"""Documents: accept, replace, retry, delete, list. An accepted document is a row with its bytes in blobs; from then
on `jobs` brings it to ready or failed."""

from __future__ import annotations

import asyncio
import dataclasses
import shutil
import unicodedata
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from llmflow.errors import Conflict, Forbidden, NotFound, OrganError, UsageError
from llmflow.knowledge import counting, passage_queries, queries
from llmflow.knowledge.changes import Changes
from llmflow.knowledge.fresh import FRESH, Coming, new_document, taken_back
from llmflow.knowledge.names import clean_name, free_name
from llmflow.knowledge.originals import Originals
from llmflow.knowledge.pairs import queries as pair_queries
from llmflow.knowledge.sight import seen_rows, sees
from llmflow.knowledge.types import (
    Accepted,
    Choice,
    Display,
    Document,
    KnowledgeBase,
    Origin,
    Passage,
    Sort,
    State,
    archive_of,
)
from llmflow.knowledge.unpack import MEDIA_TYPES
from llmflow.ports.blobs import BlobInfo
from llmflow.ports.vector_store import VectorStore
from llmflow.store.database import Database
from llmflow.store.ids import now_ms
from llmflow.store.tables import documents
from llmflow.store.unique import unique

_UPLOADED = Origin()


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

    async def accept(
        self,
        base: KnowledgeBase,
        name: str,
        content: AsyncIterator[bytes],
        *,
        origin: Origin = _UPLOADED,
        chunking: dict[str, Any] | None = None,
        pipeline: dict[str, Any] | None = None,
        groups: Sequence[str] = (),
        as_new: bool = False,
    ) -> Accepted:
        """Keeps the bytes and queues them. The same bytes again are not indexed again, but for those of archives, each
        of which is whole by itself; the same name replaces. `groups`: who may see it, where it is new.
        `as_new`: a document of its own whatever there is, under a numbered name where the name is taken.
        `chunking`: how it is cut; None: as the base says, or as before. `pipeline`: what the base's pipeline is given
        with it, likewise.

        Raises TooLarge, UsageError (a name that is no name), NotFound (the base was deleted meanwhile), Conflict (a
        document that one may not see has the name) and OrganError (disk_full); nothing is kept then."""
        name = clean_name(name)
        if base.is_external:
            raise UsageError(f"`{base.name}` is another server's knowledge and takes no documents.", param="knowledge")
        self.room()
        async with self._originals.kept(content, max_bytes=self._max_bytes) as blob:
            coming = Coming(origin, chunking, pipeline, groups)
            accepted, outdated = await self._enter(base, name, blob, coming, as_new=as_new)
        if accepted.outcome in ("accepted", "replaced"):
            self._wake()
            self._changes.tell(base.id)
        await self._originals.remove(outdated)
        return accepted

    async def _enter(
        self, base: KnowledgeBase, name: str, blob: BlobInfo, coming: Coming, *, as_new: bool
    ) -> tuple[Accepted, set[str]]:
        """The document's row for these bytes, and the digests it no longer needs."""
        async with self._database.write() as connection:
            if not await queries.lock_base(connection, base.id):  # one upload to a base at a time from here on
                raise NotFound(f"The knowledge base `{base.name}` was deleted.", param="knowledge")
            if as_new:
                free = await free_name(connection, base.id, name)
                document = new_document(base, free, blob, coming)
                await queries.insert_document(connection, document)
                return Accepted(document, "accepted"), set()
            alike = await queries.same_name_or_bytes(connection, base.id, name, blob.digest)
            of_base = (await queries.groups_of_bases(connection, [base.id]))[base.id]
            by_name = next((d for d in alike if d.name == name), None)
            if by_name is not None and not sees(by_name, of_base):
                raise Conflict(f"There is a document `{name}` already.", param="name")
            if by_name is None:
                of = archive_of(coming.origin.source, coming.origin.ref)
                there = [d for d in alike if d.state not in ("failed", "deleting") and sees(d, of_base)]
                by_bytes = next((d for d in there if d.archive_id == of), None)
                if by_bytes is not None:
                    return Accepted(by_bytes, "duplicate"), set()
                document = new_document(base, name, blob, coming)
                await queries.insert_document(connection, document)
                return Accepted(document, "accepted"), set()
            if by_name.digest == blob.digest and by_name.state not in ("failed", "deleting"):
                return Accepted(by_name, "unchanged"), set()
            changes: dict[str, Any] = {
                "digest": blob.digest,
                "size": blob.size,
                "state": "queued",
                "job_id": None,
                "updated_at": now_ms(),
                **({} if coming.chunking is None else {"chunking": coming.chunking}),
                **({} if coming.pipeline is None else {"pipeline": coming.pipeline}),
                **(taken_back(coming) if by_name.state == "deleting" else {}),
            }
            await queries.update_documents(connection, [by_name.id], **changes, **FRESH)
            replaced = dataclasses.replace(by_name, **changes, **FRESH)
            return Accepted(replaced, "replaced"), {by_name.digest} - {blob.digest}

    async def rewrite(
        self,
        base: KnowledgeBase,
        document: Document,
        *,
        content: AsyncIterator[bytes] | None = None,
        chunking: dict[str, Any] | None = None,
    ) -> Document:
        """The document with other bytes, cut in another way or both, queued to be read anew; its id stays.

        Raises what `accept` raises, and Forbidden (archived_document_immutable)."""
        check_mutable(document)
        changes: dict[str, Any] = {"state": "queued", "job_id": None, **FRESH}
        if chunking is not None:
            changes["chunking"] = chunking
        if content is None:
            await self._change(document, **changes)
        else:
            self.room()
            async with self._originals.kept(content, max_bytes=self._max_bytes) as blob:
                await self._change(document, **changes, digest=blob.digest, size=blob.size)
            await self._originals.remove({document.digest} - {blob.digest})
        self._wake()
        return await self.get(document.workspace_id, document.id)

    async def rename(self, document: Document, name: str) -> Document:
        """Raises UsageError for what is no name, Conflict for a taken one and Forbidden
        (archived_document_immutable)."""
        check_mutable(document)
        name = clean_name(name)
        if name != document.name:
            with unique(Conflict(f"There is a document `{name}` already.", param="name")):
                await self._change(document, name=name)
        return await self.get(document.workspace_id, document.id)

    async def set_metadata(self, document: Document, values: dict[str, Any], *, keep_others: bool = False) -> Document:
        """`values`: by the id of the base's field, checked already (see `Fields.checked`); without `keep_others` they
        are all that the document has. Raises Forbidden (archived_document_immutable)."""
        check_mutable(document)
        async with self._database.write() as connection:
            if not await queries.lock_base(connection, document.knowledge_id):
                raise NotFound(f"There is no document {document.id}.")
            there = (await queries.documents_by_id(connection, [document.id])).get(document.id)
            if there is None:
                raise NotFound(f"There is no document {document.id}.")
            merged = {**(there.metadata if keep_others else {}), **values}
            await queries.update_documents(connection, [document.id], metadata=merged, updated_at=now_ms())
        self._changes.tell(document.knowledge_id)
        return await self.get(document.workspace_id, document.id)

    async def enable(self, base: KnowledgeBase, choice: Choice) -> int:
        """The chosen documents are searched again; how many were not."""
        return await self._mark_all(base, choice, documents.c.enabled.is_(False), enabled=True)

    async def disable(self, base: KnowledgeBase, choice: Choice) -> int:
        """The chosen documents are searched no more and stay as they are; how many were."""
        return await self._mark_all(base, choice, documents.c.enabled, enabled=False)

    async def archive(self, base: KnowledgeBase, choice: Choice) -> int:
        """The chosen documents are neither searched nor changed until they are taken back; how many were not yet."""
        return await self._mark_all(base, choice, documents.c.archived.is_(False), archived=True)

    async def unarchive(self, base: KnowledgeBase, choice: Choice) -> int:
        """Takes the chosen documents back; how many there were to take."""
        return await self._mark_all(base, choice, documents.c.archived, archived=False)

    async def _mark_all(self, base: KnowledgeBase, choice: Choice, only: sa.ColumnElement[bool], **values: bool) -> int:
        async with self._database.write() as connection:
            changes = {**values, "updated_at": now_ms()}
            count = await queries.update_chosen(connection, base.id, choice, only=[only, *seen_rows(base)], **changes)
        self._changes.tell(base.id)
        return count

    async def _change(self, document: Document, **values: Any) -> None:
        """Raises NotFound when it was deleted meanwhile."""
        only = [documents.c.state != "deleting"]
        async with self._database.write() as connection:
            if not await queries.update_documents(connection, [document.id], only=only, **values, updated_at=now_ms()):
                raise NotFound(f"There is no document {document.id}.")
        self._changes.tell(document.knowledge_id)

    def room(self) -> int:
        """Bytes that the disk still takes. Raises OrganError (disk_full)."""
        free = shutil.disk_usage(self._disk).free
        if free < self._min_free_bytes:
            raise OrganError(f"Only {free // 2**20} MB are free on the disk of {self._disk}.", code="disk_full")
        return free - self._min_free_bytes

    async def get(self, workspace_id: str, document_id: str) -> Document:
        async with self._database.read() as connection:
            found = await queries.document(connection, document_id)
            groups = await queries.groups_of_bases(connection, [found.knowledge_id]) if found else {}
        if found is None or found.workspace_id != workspace_id or found.state == "deleting":
            raise NotFound(f"There is no document {document_id}.")
        if not sees(found, groups.get(found.knowledge_id, [])):
            raise NotFound(f"There is no document {document_id}.")
        return found

    async def place(self, document: Document) -> int:
        """Which document of its base it is, from 1, in the order they came."""
        async with self._database.read() as connection:
            return await counting.place_of(connection, document)

    async def hits(self, document_ids: Sequence[str]) -> dict[str, int]:
        """How often passages of each were cited; of those that have any."""
        async with self._database.read() as connection:
            return await counting.hits_of(connection, document_ids)

    async def by_ids(self, base: KnowledgeBase, ids: Sequence[str]) -> list[Document]:
        """In this order, those of the base that are there and seen."""
        async with self._database.read() as connection:
            found = await queries.documents_by_id(connection, ids)
        of_base = {d.id: d for d in found.values() if d.knowledge_id == base.id and d.state != "deleting"}
        return [of_base[id] for id in dict.fromkeys(ids) if id in of_base and sees(of_base[id], base.groups)]

    async def of_batch(self, base: KnowledgeBase, batch: str) -> list[Document]:
        """Those that came together to the base's pipeline under this name."""
        async with self._database.read() as connection:
            return await queries.documents_of_batch(connection, base.id, batch, seen_rows(base))

    async def page(
        self,
        base: KnowledgeBase,
        *,
        state: State | None = None,
        display: Display | None = None,
        search: str = "",
        inside: str = "",
        sort: Sort = "-created",
        offset: int = 0,
        limit: int = 50,
    ) -> tuple[list[Document], int]:
        """In the order of `sort`, and how many in all. `display`: only those that show themselves so; `inside`: only
        those that came out of this archive."""
        async with self._database.read() as connection:
            return await queries.page_of_documents(
                connection,
                base.id,
                state=state,
                display=display,
                only=seen_rows(base),
                search=unicodedata.normalize("NFC", search),
                inside=inside,
                sort=sort,
                offset=offset,
                limit=limit,
            )

    async def passages_by_id(self, ids: Sequence[str]) -> dict[str, Passage]:
        """Those that are there."""
        async with self._database.read() as connection:
            return await passage_queries.by_id(connection, ids)

    async def retry(self, base: KnowledgeBase, choice: Choice) -> int:
        """Queues those of the chosen documents anew that have failed; how many."""
        return await self._queue(base, choice, "failed")

    async def cut_again(self, base: KnowledgeBase, choice: Choice) -> int:
        """Queues those of the chosen documents anew that are ready, to be cut as the base says now; how many. They are
        found as they are until then, and what stays the same is not embedded again."""
        return await self._queue(
            base, choice, "ready", documents.c.archived.is_(False), documents.c.media_type.not_in(MEDIA_TYPES)
        )

    async def _queue(self, base: KnowledgeBase, choice: Choice, state: State, *only: sa.ColumnElement[bool]) -> int:
        async with self._database.write() as connection:
            count = await queries.update_chosen(
                connection,
                base.id,
                choice,
                only=[documents.c.state == state, *only, *seen_rows(base)],
                state="queued",
                job_id=None,
                updated_at=now_ms(),
                **FRESH,
            )
        self._wake()
        self._changes.tell(base.id)
        return count

    async def delete(self, base: KnowledgeBase, document: Document) -> None:
        """Removes it everywhere, and what came out of it if it is an archive: passages, vectors, row, and the bytes
        when no other document has them. The row is marked first, so that what a crash or a fault interrupts is finished
        later; an upload of the same name takes the row back."""
        await self._mark(base, Choice(ids=(document.id,)))
        async with self._database.read() as connection:
            inside = await queries.contents_of(connection, base.id, document.id)
        try:
            await self.finish_deletion(base, [document, *inside])
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
            changes: dict[str, Any] = {"state": "deleting", "updated_at": now_ms()}
            count = await queries.update_chosen(connection, base.id, choice, only=seen_rows(base), **changes)
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
                await passage_queries.delete_all_of(connection, ids)
            await self._vectors.delete(base.collection, document_ids=ids)
            async with self._database.write() as connection:
                await pair_queries.forget(connection, ids)
                await queries.delete_marked(connection, ids)
        await self._originals.remove({document.digest for document in marked if document.id in ids})


def check_mutable(document: Document) -> None:
    """Raises Forbidden (archived_document_immutable)."""
    if document.archived:
        raise Forbidden("The archived document is not editable.", code="archived_document_immutable")
