"""What the job engine runs for knowledge: accepted documents are gathered into jobs and each job is one `Ingest` run.

The documents table is the outbox: a row queued without a job is taken by the next one; a row that names a job which
the engine does not know (a crash between the two writes) is handed to the engine again at start.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from llmflow.errors import InternalError, LLMFlowError, OrganError
from llmflow.knowledge import queries
from llmflow.knowledge.archives import Archives
from llmflow.knowledge.bases import Bases
from llmflow.knowledge.changes import Changes
from llmflow.knowledge.documents import Documents
from llmflow.knowledge.indexing import Indexing
from llmflow.knowledge.ingest import Ingest
from llmflow.knowledge.permissions import Permissions
from llmflow.knowledge.types import Document
from llmflow.ports.jobs import Jobs
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms
from llmflow.store.tables import documents as table

KIND = "ingest"
_QUIET_S = 0.2  # a job is made once no upload has come for this long
_GATHER_S = 1.0  # or this long after the first one, or when it is full
_JOBS_AT_ONCE = 2  # while these run, what arrives is gathered for the next
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
        self._jobs = jobs
        self._ingest = ingest
        self._bases = bases
        self._changes = changes
        self._permissions = permissions
        self._archives = archives
        self._per_job = per_job
        self._disk = disk
        self._min_free_bytes = min_free_bytes
        self._awake = asyncio.Event()
        self._arrived = 0
        self._free = asyncio.Semaphore(_JOBS_AT_ONCE)
        self._holding: set[tuple[str, ...]] = set()  # ids of the jobs that hold a place of `_free`
        self._dispatcher: asyncio.Task[None] | None = None
        jobs.register(KIND, self.run, concurrency=_JOBS_AT_ONCE)

    def wake(self) -> None:
        """There may be documents to take. Cheap; called after every upload."""
        self._arrived += 1
        self._awake.set()

    async def start(self, documents: Documents, indexing: Indexing) -> None:
        """Takes up what a dead process began, then what comes, in the background."""
        await self._archives.start()
        self._dispatcher = asyncio.create_task(self._dispatch_forever(documents, indexing))
        self.wake()

    async def close(self) -> None:
        if self._dispatcher is not None:
            self._dispatcher.cancel()
            await asyncio.gather(self._dispatcher, return_exceptions=True)
        await self._archives.close()

    async def _dispatch_forever(self, documents: Documents, indexing: Indexing) -> None:
        may_be_lost = True
        while True:
            await self._gather()
            try:
                await self._finish_deletions(documents)
                if not await indexing.settle_left():
                    asyncio.get_running_loop().call_later(_STORE_WAIT_S, self._awake.set)
                await self._permissions.finish()
                if may_be_lost:
                    await self._take_up_lost()
                    may_be_lost = False
                while await self._dispatch():
                    pass
            except OrganError as error:  # a full disk, a store that is down: the rows wait, so do we
                _log.warning("Documents wait to be taken up: %s", error)
                may_be_lost = await self._later()
            except Exception:  # noqa: BLE001 - the job runner's border: were this task to end, no upload would be read
                _log.exception("A fault of ours while giving documents to jobs")
                may_be_lost = await self._later()

    async def _later(self) -> bool:
        """Tries again after a pause; True: what was under way may be lost."""
        await asyncio.sleep(_STORE_WAIT_S)
        self._awake.set()
        return True

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
            self._awake.set()  # the rest follows; what is to be read does not wait for all of it

    async def _take_up_lost(self) -> None:
        """Documents that name a job which the engine does not know or which ended without them."""
        async with self._database.read() as connection:
            unfinished = await queries.unfinished_jobs(connection)
        for job_id, ids in unfinished.items():
            status = await self._jobs.status(job_id)
            if status is None:
                await self._jobs.submit(KIND, ids, job_id=job_id)
            elif status.state in ("done", "failed", "cancelled"):
                only = [table.c.job_id == job_id, table.c.state.in_(("queued", "running"))]
                async with self._database.write() as connection:
                    await queries.update_documents(connection, ids, only=only, state="queued", job_id=None)

    async def _gather(self) -> None:
        """Waits for uploads, and while more keep coming, for enough of them to fill a job."""
        await self._awake.wait()
        first = time.monotonic()
        while self._arrived < self._per_job and time.monotonic() - first < _GATHER_S:
            self._awake.clear()
            try:
                async with asyncio.timeout(_QUIET_S):
                    await self._awake.wait()
            except TimeoutError:
                break
        self._awake.clear()
        self._arrived = 0

    async def _dispatch(self) -> bool:
        """Gives up to `per_job` waiting documents to a new job, once there is room for one. True when it is full:
        more may wait; those that came since are gathered for the next."""
        await self._free.acquire()
        job_id = new_id()
        ids: tuple[str, ...] = ()
        try:
            async with self._database.write() as connection:
                ids = tuple(await queries.undispatched(connection, self._per_job))
                if not ids:
                    return False
                await queries.update_documents(connection, ids, job_id=job_id)
            self._holding.add(ids)
            await self._jobs.submit(KIND, ids, job_id=job_id)
            return len(ids) == self._per_job
        except OrganError:
            self._holding.discard(ids)
            raise
        finally:
            if ids not in self._holding:
                self._free.release()

    async def run(self, ids: tuple[str, ...]) -> None:
        """The work of one job; see ports/jobs.py. Documents that are finished already are passed over. While the
        database itself is down or its disk is full, the job waits."""
        try:
            while True:
                try:
                    await self._run(ids)
                    break
                except OrganError as error:
                    _log.warning("%d documents wait: %s", len(ids), error)
                    await asyncio.sleep(_STORE_WAIT_S)
        finally:
            if ids in self._holding:
                self._holding.discard(ids)
                self._free.release()

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
