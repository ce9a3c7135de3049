"""Jobs: durable work that outlives a crash of the process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, Protocol

import msgspec

from llmflow.ports.health import Health

JobState = Literal["queued", "running", "done", "failed", "cancelled"]
#: A job kind's work: the ids it was submitted with, in order. It must be repeatable: after a crash it runs again.
Work = Callable[[tuple[str, ...]], Awaitable[None]]


class JobStatus(msgspec.Struct, frozen=True):
    job_id: str
    kind: str
    state: JobState
    error: str = ""


class Jobs(Protocol):
    """Jobs carry ids, never content. Work is registered before `start`; a job found unfinished at start runs again."""

    def register(self, kind: str, work: Work, *, concurrency: int = 1) -> None:
        """Names the work of a kind; at most `concurrency` of it at a time in this process."""

    async def start(self) -> None:
        """Recovers what a dead process left, then takes up work. Returns at once."""

    async def submit(self, kind: str, ids: Sequence[str], *, job_id: str) -> None:
        """Durable on return. The same `job_id` twice is one job."""

    async def cancel(self, job_id: str) -> None:
        """Stops it at its next await or drops it from the queue; an unknown or finished job is no error."""

    async def status(self, job_id: str) -> JobStatus | None: ...

    async def health(self) -> Health: ...

    async def close(self) -> None:
        """Stops taking up work and returns soon; what is unfinished is taken up at the next start."""
