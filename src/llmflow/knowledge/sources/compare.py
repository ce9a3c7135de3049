"""One source against its base: what is new comes, what changed replaces, what is gone goes, the rest costs nothing."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

from llmflow.errors import Conflict, LLMFlowError, NotFound, TooLarge
from llmflow.knowledge.documents import Documents
from llmflow.knowledge.names import clean_name
from llmflow.knowledge.sources import queries
from llmflow.knowledge.sources.types import Entry, Reader, Report, Source, SourceFile
from llmflow.knowledge.types import Choice, KnowledgeBase, Origin
from llmflow.store.database import Database
from llmflow.store.ids import now_ms

_AT_ONCE = 500  # documents removed together
_TELL_EVERY = 20  # files between two accounts of how far it is

Told = Callable[[Report], None]


class Compare:
    """`most_files`: of one source."""

    def __init__(self, database: Database, documents: Documents, *, most_files: int) -> None:
        self._database = database
        self._documents = documents
        self._most_files = most_files

    async def run(self, base: KnowledgeBase, source: Source, reader: Reader, told: Told) -> Report:
        """What it did; `told` now and then meanwhile. A file that fails is noted and keeps its document, one that is
        gone loses it. Where the source cannot be listed whole nothing is removed, and the report says why."""
        begun_at = now_ms()
        counts: Counter[str] = Counter()
        async with self._database.read() as connection:
            known = await queries.files(connection, source.id)
        seen: dict[str, Entry] = {}
        came: dict[str, str] = {}  # by ref, the count it is in
        removed: set[str] = set()  # documents

        def report(error: LLMFlowError | None = None) -> Report:
            done = Report(
                begun_at,
                now_ms(),
                new=counts["new"],
                changed=counts["changed"],
                removed=counts["removed"],
                unchanged=counts["unchanged"],
                same=counts["same"],
                failed=counts["failed"],
            )
            if error is None:
                return done
            return dataclasses.replace(done, error_code=error.code, error_message=error.message, error_hint=error.hint)

        try:
            async for entry in reader.entries():
                if len(seen) >= self._most_files:
                    raise TooLarge(
                        f"The source has more than {self._most_files} files.",
                        hint="Narrow it down, or raise knowledge.source_files in llmflow.yaml.",
                    )
                if entry.ref not in seen:
                    seen[entry.ref] = entry
                    came[entry.ref] = await self._file(base, source, reader, entry, known.get(entry.ref), removed)
                    counts[came[entry.ref]] += 1
                    if len(seen) % _TELL_EVERY == 0:
                        told(report())
            gone = [file for ref, file in known.items() if ref not in seen]
            counts["removed"] += await self._remove(base, source, gone, removed)
            for entry in await self._bereft(source, seen, removed):
                counts[came[entry.ref]] -= 1
                counts[await self._file(base, source, reader, entry, None, removed)] += 1
        except LLMFlowError as error:
            return report(error)
        return report()

    async def _file(
        self,
        base: KnowledgeBase,
        source: Source,
        reader: Reader,
        entry: Entry,
        known: SourceFile | None,
        removed: set[str],
    ) -> str:
        """The name of the count it belongs to; `removed` gets the documents that went. Raises OrganError when the disk
        is full."""
        stamp = known.stamp if known is not None and not known.error_code else ""
        if known is not None and stamp and entry.stamp == stamp:
            return "unchanged"
        try:
            await self._refuse_other(base, source, entry)
            async with reader.content(entry, stamp) as content:
                if content is None:
                    return "unchanged"
                origin = Origin(source.kind, entry.ref)
                accepted = await self._documents.accept(base, entry.name, content.pieces, origin=origin)
                stamp = content.stamp
        except LLMFlowError as error:
            if error.code == "disk_full":
                raise
            return await self._failed(base, source, entry, known, error, removed)
        fresh = SourceFile(entry.ref, entry.name, stamp, accepted.document.id, "", "", "", now_ms())
        await self._note(source, fresh)
        match accepted.outcome:
            case "accepted":
                return "new" if known is None or known.document_id is None else "changed"
            case "replaced":
                return "changed"
            case "duplicate":
                return "same"
            case _:
                return "unchanged"

    async def _refuse_other(self, base: KnowledgeBase, source: Source, entry: Entry) -> None:
        """What somebody uploaded, or another source brought, is not overwritten."""
        async with self._database.read() as connection:
            there = await queries.holder(connection, base.id, clean_name(entry.name))
        if there is not None and there[1:] != (source.kind, entry.ref):
            raise Conflict(
                f"A document `{entry.name}` is there already, from elsewhere.", hint="Rename or remove one of the two."
            )

    async def _failed(
        self,
        base: KnowledgeBase,
        source: Source,
        entry: Entry,
        known: SourceFile | None,
        error: LLMFlowError,
        removed: set[str],
    ) -> str:
        document_id = known.document_id if known is not None else None
        if isinstance(error, NotFound) and known is not None and document_id is not None:
            await self._remove_documents(base, source, [known], removed)
            document_id = None
        note = SourceFile(entry.ref, entry.name, "", document_id, error.code, error.message, error.hint, now_ms())
        await self._note(source, note)
        return "failed"

    async def _note(self, source: Source, file: SourceFile) -> None:
        async with self._database.write() as connection:
            await queries.put_file(connection, source, file)

    async def _bereft(self, source: Source, seen: Mapping[str, Entry], removed: Collection[str]) -> list[Entry]:
        """Files that are there and whose document went with another: the same bytes had two names, or got a new one."""
        if not removed:
            return []
        async with self._database.read() as connection:
            files = await queries.files(connection, source.id)
        return [entry for ref, entry in seen.items() if ref in files and files[ref].document_id in removed]

    async def _remove(self, base: KnowledgeBase, source: Source, gone: Sequence[SourceFile], removed: set[str]) -> int:
        count = 0
        for start in range(0, len(gone), _AT_ONCE):
            some = gone[start : start + _AT_ONCE]
            count += await self._remove_documents(base, source, some, removed)
            async with self._database.write() as connection:
                await queries.forget_files(connection, source.id, [file.ref for file in some])
        return count

    async def _remove_documents(
        self, base: KnowledgeBase, source: Source, files: Sequence[SourceFile], removed: set[str]
    ) -> int:
        """Only what this source brought: a document that was there already stays."""
        ids = [file.document_id for file in files if file.document_id is not None]
        async with self._database.read() as connection:
            mine = await queries.owned(connection, source.kind, [file.ref for file in files], ids)
        removed.update(mine)
        return await self._documents.delete_many(base, Choice(ids=tuple(mine))) if mine else 0
