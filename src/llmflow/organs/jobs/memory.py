"""Jobs in memory: the fake that ships. Same contract but for durability: a job dies with the process."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from llmflow.ports.health import Health
from llmflow.ports.jobs import JobStatus, Work


class MemoryJobs:
    def __init__(self) -> None:
        self._work: dict[str, tuple[Work, asyncio.Semaphore]] = {}
        self._statuses: dict[str, JobStatus] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._started = asyncio.Event()

    def register(self, kind: str, work: Work, *, concurrency: int = 1) -> None:
        self._work[kind] = (work, asyncio.Semaphore(concurrency))

    async def start(self) -> None:
        self._started.set()

    async def submit(self, kind: str, ids: Sequence[str], *, job_id: str) -> None:
        if job_id in self._statuses:
            return
        self._statuses[job_id] = JobStatus(job_id, kind, "queued")
        self._tasks[job_id] = asyncio.create_task(self._run(job_id, kind, tuple(ids)))

    async def _run(self, job_id: str, kind: str, ids: tuple[str, ...]) -> None:
        work, gate = self._work[kind]
        await self._started.wait()
        try:
            async with gate:
                self._note(job_id, "running")
                await work(ids)
            self._note(job_id, "done")
        except asyncio.CancelledError:
            self._note(job_id, "cancelled")
        except Exception as error:  # noqa: BLE001 - the job runner's border
            self._note(job_id, "failed", str(error))

    def _note(self, job_id: str, state: str, error: str = "") -> None:
        self._statuses[job_id] = msgspec.structs.replace(self._statuses[job_id], state=state, error=error)

    async def cancel(self, job_id: str) -> None:
        if job_id in self._tasks:
            self._tasks[job_id].cancel()

    async def status(self, job_id: str) -> JobStatus | None:
        return self._statuses.get(job_id)

    async def health(self) -> Health:
        return Health(ok=True, where="memory")

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
