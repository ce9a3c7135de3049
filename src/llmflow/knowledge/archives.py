"""Archives that were uploaded: a stage before reading, which makes a document of each file in them.

An archive is a document without passages. What came out of it are documents of their own, which know it by their
`source_ref` ("<its id>/<path in it>"): each is read, opened to groups, switched off and deleted by itself, and what is
done to the archive is done to all of them (see `queries.chosen`). The same archive uploaded with other bytes changes
what changed: new files come, changed ones replace, those that are gone go, the rest costs nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import msgspec

from llmflow.errors import DocumentError, LLMFlowError, NotFound
from llmflow.knowledge import counting, queries
from llmflow.knowledge.changes import Changes
from llmflow.knowledge.documents import Documents
from llmflow.knowledge.ingest import Ingest
from llmflow.knowledge.names import clean_name
from llmflow.knowledge.progress import Progress
from llmflow.knowledge.types import ARCHIVE, Choice, Document, KnowledgeBase, Origin
from llmflow.knowledge.unpack import JOIN, Member, Opened, Opening, may_be
from llmflow.ports.blobs import Blobs
from llmflow.ports.parser import Parser
from llmflow.processes.pool import ChildDied, ChildFailed, ChildOutOfMemory, ChildTimeout, ProcessPool
from llmflow.store.database import Database

_HEAD = 512  # bytes
_PIECE = 1 << 20
_MEMORY_MB = 512
_TIMEOUT_S = 300.0
_WARNINGS = 50  # kept of one archive
_LONGEST = 255  # characters of a document's name
_OPENED: msgspec.msgpack.Decoder[Opened] = msgspec.msgpack.Decoder(Opened)


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """`files`: in one archive; `size`: bytes of all that comes out of it."""

    files: int
    size: int


class Archives:
    """`folder`: for what is unpacked and not yet kept; nobody else writes there."""

    def __init__(
        self,
        database: Database,
        documents: Documents,
        ingest: Ingest,
        blobs: Blobs,
        parser: Parser,
        progress: Progress,
        changes: Changes,
        *,
        folder: Path,
        limits: ArchiveLimits,
    ) -> None:
        self._database = database
        self._documents = documents
        self._ingest = ingest
        self._blobs = blobs
        self._parser = parser
        self._progress = progress
        self._changes = changes
        self._folder = folder
        self._limits = limits
        self._suffixes: tuple[str, ...] = ()
        self._pool = ProcessPool("llmflow.knowledge.unpack:unpack", workers=1, memory_mb=_MEMORY_MB, idle_s=30.0)

    async def start(self) -> None:
        """Takes away what a dead process left."""
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def close(self) -> None:
        await self._pool.close()

    async def unpack(self, base: KnowledgeBase, documents: Sequence[Document]) -> list[Document]:
        """Makes documents of what is in those that are archives, and brings these to ready or failed; the others.

        May be repeated without harm. Raises OrganError when the disk is full or an organ does not answer."""
        others = []
        for document in documents:
            if not await self._may_be(document) or not await self._unpack(base, document):
                others.append(document)
        return others

    async def _may_be(self, document: Document) -> bool:
        """A look at the first bytes of what no reader takes by its name."""
        if PurePath(document.file_name).suffix.lower() in await self._readable():
            return False
        try:
            async with self._blobs.local(document.digest) as path:
                return may_be(await asyncio.to_thread(_head, path))
        except (NotFound, FileNotFoundError):
            return False

    async def _readable(self) -> tuple[str, ...]:
        if not self._suffixes:
            await self._parser.health()  # an organ has its properties once it was called
            self._suffixes = tuple(self._parser.suffixes)
        return self._suffixes

    async def _unpack(self, base: KnowledgeBase, archive: Document) -> bool:
        """False: it is no archive after all."""
        folder = self._folder / archive.id
        self._progress.report(archive, "unpack", 0, 0)
        try:
            await asyncio.to_thread(_emptied, folder)
            opened = await self._opened(archive, folder)
            if not opened.media_type:
                return False
            refused = await self._keep(base, archive, opened, folder)
            await self._ingest.finish_archive(base, archive, opened.media_type, _cut([*opened.refused, *refused]))
        except DocumentError as error:
            await self._ingest.fail_all(base, [archive], error)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            self._progress.forget([archive.id])
            self._changes.tell(base.id)
        return True

    async def _opened(self, archive: Document, folder: Path) -> Opened:
        try:
            async with self._blobs.local(archive.digest) as path:
                asked = Opening(
                    str(path.absolute()),
                    archive.name,
                    str(folder),
                    self._limits.files,
                    min(self._limits.size, self._documents.room() // 2),  # twice there while it is kept
                    await self._readable(),
                )
                return _OPENED.decode(await self._pool.call(msgspec.msgpack.encode(asked), timeout_s=_TIMEOUT_S))
        except ChildTimeout as error:
            message = f"Unpacking took more than {_TIMEOUT_S:g} s."
            raise DocumentError(message, code="document_timeout") from error
        except ChildOutOfMemory as error:
            message = f"Unpacking took more than {_MEMORY_MB} MB of memory."
            raise DocumentError(message, code="document_too_large") from error
        except (ChildDied, ChildFailed) as error:
            raise DocumentError(f"The archive is damaged ({error.message}).") from error

    async def _keep(self, base: KnowledgeBase, archive: Document, opened: Opened, folder: Path) -> list[str]:
        """Sentences on what was not kept. Stops where the archive is deleted or replaced meanwhile."""
        async with self._database.read() as connection:
            known = {d.source_ref: d for d in await queries.contents_of(connection, base.id, archive.id)}
        wanted = {_ref(archive, member) for member in opened.members}
        if gone := [d.id for ref, d in known.items() if ref not in wanted and d.state != "deleting"]:
            await self._documents.delete_many(base, Choice(ids=tuple(gone)))
        said: list[str] = []
        for done, member in enumerate(opened.members):
            if not await self._is_current(archive):
                break
            self._progress.report(archive, "unpack", done, len(opened.members))
            await self._progress.flush()
            if why := await self._keep_one(base, archive, member, known, folder / member.file):
                said.append(f"{member.path}: {why}")
        return said

    async def _keep_one(
        self, base: KnowledgeBase, archive: Document, member: Member, known: Mapping[str, Document], file: Path
    ) -> str:
        """Why it was not kept; "": it was."""
        ref = _ref(archive, member)
        was = known.get(ref)
        name = was.name if was is not None else _name(archive.name, member.path)
        if was is None and await self._is_taken(base, name):
            return f"A document `{name}` is there already, from elsewhere."
        origin = Origin(ARCHIVE, ref, archive.created_by)
        try:
            accepted = await self._documents.accept(
                base,
                name,
                _pieces(file),
                origin=origin,
                chunking=archive.chunking or None,
                pipeline=archive.pipeline or None,
                groups=archive.groups,
            )
        except LLMFlowError as error:
            if error.status >= 500:
                raise
            return error.message
        if accepted.outcome == "duplicate":
            return f"It is the same as `{accepted.document.name}`."
        return ""

    async def _is_taken(self, base: KnowledgeBase, name: str) -> bool:
        async with self._database.read() as connection:
            return await counting.has_name(connection, base.id, clean_name(name))

    async def _is_current(self, archive: Document) -> bool:
        async with self._database.read() as connection:
            now = await queries.document(connection, archive.id)
        return now is not None and now.state == "running" and now.digest == archive.digest


def _ref(archive: Document, member: Member) -> str:
    return f"{archive.id}/{member.path}"


def _name(archive: str, path: str) -> str:
    """The name of the document that a file becomes; where it would be too long, its middle is a digest of it."""
    whole = f"{archive}{JOIN}{path}"
    if len(whole) <= _LONGEST:
        return whole
    mark = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{archive[:80]}{JOIN}{mark}{JOIN}{path[-140:]}"


def _cut(sentences: Sequence[str]) -> list[str]:
    more = len(sentences) - _WARNINGS
    return [*sentences[:_WARNINGS], *([f"And {more} more files were left out."] if more > 0 else [])]


def _emptied(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    file = await asyncio.to_thread(path.open, "rb")
    with file:
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece
