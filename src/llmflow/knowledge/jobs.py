"""What the job engine runs for knowledge: accepted documents go through lanes into jobs, and each job is one `Ingest`
run. Documents that a pipeline reads or a model writes questions from have a lane of their own: they may wait long for a
model or a server, and uploads to other bases do not wait for them.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

from llmflow.errors import InternalError, LLMFlowError, OrganError
from llmflow.knowledge import queries
from llmflow.knowledge.archives import Archives
from llmflow.knowledge.bases import Bases
from llmflow.knowledge.bell import Bell
from llmflow.knowledge.changes import Changes
from llmflow.knowledge.documents import Documents
from llmflow.knowledge.indexing import Indexing
from llmflow.knowledge.ingest import Ingest
from llmflow.knowledge.lane import Lane, LaneRule
from llmflow.knowledge.permissions import Permissions
from llmflow.knowledge.types import Document
from llmflow.ports.jobs import Jobs
from llmflow.store.database import Database
from llmflow.store.ids import now_ms
from llmflow.store.tables import documents as table

_LANE = "ingest"
_JOBS_AT_ONCE = 2
_SLOW_LANE = "ingest-pipeline"
_SLOW_AT_ONCE = 8  # a document each: none waits for a slow one beside it
_ORGAN_TRIES_S = (1.0, 4.0, 15.0)
_DISK_WAIT_S = 10.0
_DELETED_AT_ONCE = 500
_STORE_WAIT_S = 5.0

_log = logging.getLogger(__name__)


def _by_base(documents: Sequence[Document]) -> list[list[Document]]:
    found: dict[str, list[Document]] = {}
    for document in documents:
        found.setdefault(document.knowledge_id, []).append(document)
    return list(found.values())


class KnowledgeJobs:
    def __init__(
        self,
        database: Database,
        jobs: Jobs,
        ingest: Ingest,
        bases: Bases,
        changes: Changes,
        permissions: Permissions,
        archives: Archives,
        *,
        per_job: int,
        disk: Path,
        min_free_bytes: int,
    ) -> None:
        self._database = database
        self._ingest = ingest
        self._bases = bases
        self._changes = changes
        self._permissions = permissions
        self._archives = archives
        self._disk = disk
        self._min_free_bytes = min_free_bytes
        self._lanes = [
            Lane(database, jobs, LaneRule(_LANE, _JOBS_AT_ONCE, per_job, slow=False), self.run),
            Lane(database, jobs, LaneRule(_SLOW_LANE, _SLOW_AT_ONCE, 1, slow=True), self.run),
        ]
        self._bell = Bell()  # for what is left to be done besides reading
        self._tending: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """There may be documents to read, or to remove. Cheap; called after every upload."""
        self._bell.ring()
        for lane in self._lanes:
            lane.ring()

    async def start(self, documents: Documents, indexing: Indexing) -> None:
        """Takes up what a dead process began, then what comes, in the background."""
        await self._archives.start()
        for lane in self._lanes:
            lane.start()
        self._tending = asyncio.create_task(self._bell.answer(lambda: self._tend(documents, indexing)))
        self.wake()

    async def close(self) -> None:
        if self._tending is not None:
            self._tending.cancel()
            await asyncio.gather(self._tending, return_exceptions=True)
        for lane in self._lanes:
            await lane.close()
        await self._archives.close()

    async def _tend(self, documents: Documents, indexing: Indexing) -> None:
        """What was to follow and did not: deletions, the index, permissions."""
        await self._finish_deletions(documents)
        if not await indexing.settle_left():
            asyncio.get_running_loop().call_later(_STORE_WAIT_S, self._bell.ring)
        await self._permissions.finish()

    async def _finish_deletions(self, documents: Documents) -> None:
        """Those of many documents at once, and those that a crash or a fault interrupted."""
        async with self._database.read() as connection:
            rows = await queries.deleting(connection, _DELETED_AT_ONCE)
        finished = True
        for of_base in _by_base(rows):
            try:
                base = await self._bases.get(of_base[0].workspace_id, of_base[0].knowledge_id)
                await documents.finish_deletion(base, of_base)
            except LLMFlowError as error:
                _log.warning("The deletion of %d documents waits: %s", len(of_base), error)
                finished = False
        if finished and len(rows) == _DELETED_AT_ONCE:
            self._bell.ring()  # the rest follows

    async def run(self, ids: tuple[str, ...]) -> None:
        """The work of one job; see ports/jobs.py. Documents that are finished already are passed over. While the
        database itself is down or its disk is full, the job waits."""
        while True:
            try:
                await self._run(ids)
                return
            except OrganError as error:
                _log.warning("%d documents wait: %s", len(ids), error)
                await asyncio.sleep(_STORE_WAIT_S)

    async def _run(self, ids: tuple[str, ...]) -> None:
        async with self._database.write() as connection:
            await queries.update_documents(
                connection, ids, only=[table.c.state == "queued"], state="running", updated_at=now_ms()
            )
        async with self._database.read() as connection:
            found = await queries.documents_by_id(connection, ids)
        todo = [found[i] for i in ids if i in found and found[i].state == "running"]
        for base_id in dict.fromkeys(d.knowledge_id for d in todo):
            self._changes.tell(base_id)
            await self._run_base([d for d in todo if d.knowledge_id == base_id])

    async def _run_base(self, documents: Sequence[Document]) -> None:
        tries = iter(_ORGAN_TRIES_S)
        while documents:
            base = await self._bases.get(documents[0].workspace_id, documents[0].knowledge_id)
            try:
                documents = await self._archives.unpack(base, documents)
                await self._ingest.run(base, documents)
                return
            except OrganError as error:
                pause = _DISK_WAIT_S if error.code == "disk_full" else next(tries, None)
                if pause is None:
                    await self._ingest.fail_all(base, documents, error)
                    return
                _log.warning("%d documents of %s wait: %s", len(documents), base.name, error)
                await self._wait(pause, disk=error.code == "disk_full")
            except LLMFlowError as error:
                await self._ingest.fail_all(base, documents, error)
                return
            except Exception as error:  # noqa: BLE001 - the job runner's border: nothing may leave a document unfinished
                _log.exception("A fault of ours while reading documents of %s", base.name)
                fault = InternalError(f"{type(error).__name__} while reading this document.")
                await self._ingest.fail_all(base, documents, fault)
                return
            documents = await self._still_running(documents)

    async def _wait(self, pause_s: float, *, disk: bool) -> None:
        await asyncio.sleep(pause_s)
        while disk and shutil.disk_usage(self._disk).free < self._min_free_bytes:  # noqa: ASYNC110 - no event tells of free space
            await asyncio.sleep(_DISK_WAIT_S)

    async def _still_running(self, documents: Sequence[Document]) -> list[Document]:
        async with self._database.read() as connection:
            found = await queries.documents_by_id(connection, [d.id for d in documents])
        return [found[d.id] for d in documents if d.id in found and found[d.id].state == "running"]
