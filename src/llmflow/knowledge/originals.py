"""The bytes of documents: kept while a row refers to them, removed when none does, whatever crashed in between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from llmflow.errors import OrganError
from llmflow.knowledge import queries
from llmflow.ports.blobs import BlobInfo, Blobs
from llmflow.store.database import Database

_log = logging.getLogger(__name__)


class Originals:
    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs
        self._keeping = 0  # uploads between their first byte and their row
        self._outdated: set[str] = set()
        self._removing = asyncio.Lock()
        self._sweep: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def kept(self, content: AsyncIterator[bytes], *, max_bytes: int) -> AsyncIterator[BlobInfo]:
        """Keeps the bytes; the block enters the row that refers to them. When it raises, they are removed again.

        Raises what `Blobs.put` raises."""
        async with self._removing:
            self._keeping += 1
        try:
            blob = await self._blobs.put(content, max_bytes=max_bytes)
            try:
                yield blob
            except BaseException:
                self._outdated.add(blob.digest)
                raise
        finally:
            self._keeping -= 1
            await self.remove(())

    async def remove(self, digests: Iterable[str]) -> None:
        """Removes the bytes that no row refers to. Uploads under way put that off to the end of the last one: equal
        bytes may be among them, kept already and their row not yet entered."""
        self._outdated |= set(digests)
        async with self._removing:
            if self._keeping or not self._outdated:
                return
            asked, self._outdated = self._outdated, set()
            try:
                async with self._database.read() as connection:
                    used = await queries.digests_in_use(connection, asked)
                for digest in asked - used:
                    await self._blobs.delete(digest)
            except OrganError as error:  # what asked for this is done; the next removal tries again
                self._outdated |= asked
                _log.warning("Files without a document were not all removed: %s", error)

    def start(self) -> None:
        """Looks in the background for bytes that a dead process left without a row."""
        self._sweep = asyncio.create_task(self._remove_orphans())

    async def close(self) -> None:
        if self._sweep is not None:
            self._sweep.cancel()
            await asyncio.gather(self._sweep, return_exceptions=True)

    async def _remove_orphans(self) -> None:
        async for digests in self._blobs.digests():
            async with self._database.read() as connection:
                used = await queries.digests_in_use(connection, digests)
            await self.remove(set(digests) - used)
