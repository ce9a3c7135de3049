"""A lane of documents on their way to be read: those that wait are given to jobs of one kind, so many jobs at a time,
however slow other lanes are.

The documents table is the outbox: a row queued without a job is taken by the next one; a row that names a job which
the engine does not know (a crash between the two writes), or which ended without it, is queued again at start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from llmflow.errors import OrganError
from llmflow.knowledge import lane_queries, queries
from llmflow.knowledge.bell import Bell
from llmflow.ports.jobs import Jobs
from llmflow.store.database import Database
from llmflow.store.ids import new_id
from llmflow.store.tables import documents as table


@dataclass(frozen=True, slots=True)
class LaneRule:
    """`kind`: of its jobs. `at_once`: jobs that run together; what arrives meanwhile is gathered for the next.
    `per_job`: documents. `slow`: for documents that a pipeline reads or a model is asked about, or for all
    others."""

    kind: str
    at_once: int
    per_job: int
    slow: bool


class Lane:
    def __init__(
        self, database: Database, jobs: Jobs, rule: LaneRule, work: Callable[[tuple[str, ...]], Awaitable[None]]
    ) -> None:
        """`work`: of one job, given the documents' ids; it must be repeatable, as in ports/jobs.py."""
        self._database = database
        self._jobs = jobs
        self._rule = rule
        self._work = work
        self._bell = Bell()
        self._free = asyncio.Semaphore(rule.at_once)
        self._holding: set[tuple[str, ...]] = set()  # ids of the jobs that hold a place of `_free`
        self._may_be_lost = True
        self._dispatcher: asyncio.Task[None] | None = None
        jobs.register(rule.kind, self.run, concurrency=rule.at_once)

    def ring(self) -> None:
        """There may be documents to take."""
        self._bell.ring()

    def start(self) -> None:
        """Takes up what a dead process began, then what comes, in the background."""
        self._dispatcher = asyncio.create_task(self._bell.answer(self._dispatch_all))

    async def close(self) -> None:
        if self._dispatcher is not None:
            self._dispatcher.cancel()
            await asyncio.gather(self._dispatcher, return_exceptions=True)

    async def run(self, ids: tuple[str, ...]) -> None:
        """One job."""
        try:
            await self._work(ids)
        finally:
            if ids in self._holding:
                self._holding.discard(ids)
                self._free.release()

    async def _dispatch_all(self) -> None:
        if self._may_be_lost:
            await self._queue_lost()
        self._may_be_lost = True  # until all is given to jobs
        while await self._dispatch():
            pass
        self._may_be_lost = False

    async def _queue_lost(self) -> None:
        async with self._database.read() as connection:
            unfinished = await lane_queries.unfinished_jobs(connection, slow=self._rule.slow)
        for job_id, ids in unfinished.items():
            status = await self._jobs.status(job_id)
            if status is None or status.state in ("done", "failed", "cancelled"):
                only = [table.c.job_id == job_id, table.c.state.in_(("queued", "running"))]
                async with self._database.write() as connection:
                    await queries.update_documents(connection, ids, only=only, state="queued", job_id=None)

    async def _dispatch(self) -> bool:
        """Gives up to `per_job` waiting documents to a new job, once there is room for one. True when it is full:
        more may wait; those that came since are gathered for the next."""
        await self._free.acquire()
        job_id = new_id()
        ids: tuple[str, ...] = ()
        try:
            async with self._database.write() as connection:
                found = await lane_queries.undispatched(connection, self._rule.per_job, slow=self._rule.slow)
                ids = tuple(found)
                if not ids:
                    return False
                await queries.update_documents(connection, ids, job_id=job_id)
            self._holding.add(ids)
            await self._jobs.submit(self._rule.kind, ids, job_id=job_id)
            return len(ids) == self._rule.per_job
        except OrganError:
            self._holding.discard(ids)
            raise
        finally:
            if ids not in self._holding:
                self._free.release()
