"""Jobs on DBOS, durable in SQLite or PostgreSQL.

A job is one DBOS workflow, whose id is the job's. It starts at once in the process that submits it and waits there
for its turn behind a semaphore of its kind; DBOS keeps it and hands it back after a crash. DBOS queues are not used:
they are polled, which costs up to a second of waiting a job and CPU while idle.

DBOS runs on an event loop in a thread of its own, because it replaces its loop's thread pool and closes it at the
end. The work itself runs on the loop that called `start`.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import re
import sqlite3
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, ClassVar, TypeVar

from dbos import DBOS, DBOSConfig, SetWorkflowID, WorkflowSerializationFormat
from dbos import error as dbos_error
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from llmflow.errors import InternalError, LLMFlowError, OrganError
from llmflow.ports.health import Health
from llmflow.ports.jobs import JobState, JobStatus, Work

T = TypeVar("T")
log = logging.getLogger(__name__)

_MAX_RECOVERIES = 50  # a job that was running at so many crashes in a row is given up as failed
_CLOSE_S = 5.0  # for work to end after it was cancelled
_UNFINISHED = frozenset({"PENDING", "ENQUEUED", "DELAYED"})
_FINISHED: dict[str, JobState] = {
    "SUCCESS": "done",
    "ERROR": "failed",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "failed",
    "CANCELLED": "cancelled",
}


class DbosJobs:
    """The `jobs` port over DBOS. DBOS has one instance a process, so only one of these can be started at a time.

    `database_url`: sqlite:///path or postgresql://... (tables in the schema "dbos"). `executor_id`: unique and stable
    for a worker, since a restarted worker takes up the jobs that carry its name. `app_version` stays the same over
    releases: jobs of another version are not taken up.
    """

    _current: ClassVar[DbosJobs | None] = None

    def __init__(self, database_url: str, *, executor_id: str, app_version: str = "1") -> None:
        self._url = _plain_url(database_url)
        self._executor_id = executor_id
        self._app_version = app_version
        self._work: dict[str, tuple[Work, asyncio.Semaphore]] = {}
        self._home: asyncio.AbstractEventLoop | None = None  # where work runs
        self._engine: _LoopThread | None = None  # where DBOS runs
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self._running: set[str] = set()
        self._cancelled: set[str] = set()
        self._to_recover: set[str] = set()
        self._early: set[str] = set()  # taken up before `_to_recover` was known
        self._polling: list[threading.Event] = []  # setting one ends a thread of DBOS
        self._closing = False

    def register(self, kind: str, work: Work, *, concurrency: int = 1) -> None:
        self._work[kind] = (work, asyncio.Semaphore(concurrency))

    async def start(self) -> None:
        if DbosJobs._current is not None:
            raise InternalError("Another DbosJobs is started in this process.")
        DbosJobs._current = self
        self._home = asyncio.get_running_loop()
        self._engine = _LoopThread()
        self._closing = False
        self._polling, self._early = [], set()
        try:
            await self._in_engine(self._launch)
        except BaseException:
            await self.close()
            raise

    async def submit(self, kind: str, ids: Sequence[str], *, job_id: str) -> None:
        if kind not in self._work:
            raise InternalError(f"No work is registered for jobs of kind {kind!r}.")

        async def start_workflow() -> None:
            with SetWorkflowID(job_id):
                await DBOS.start_workflow_async(_run_job, kind, list(ids))

        await self._in_engine(start_workflow)

    async def cancel(self, job_id: str) -> None:
        """Of a job that another process runs only the outcome is dropped: its work goes on to its end."""
        await self._in_engine(lambda: DBOS.cancel_workflow_async(job_id))
        task = self._tasks.get(job_id)
        if task is not None:
            self._cancelled.add(job_id)
            task.cancel()

    async def status(self, job_id: str) -> JobStatus | None:
        found = await self._in_engine(lambda: DBOS.get_workflow_status_async(job_id))
        if found is None:
            return None
        kind = str(found.input["args"][0]) if found.input else ""
        if found.status in _UNFINISHED:
            return JobStatus(job_id, kind, "running" if job_id in self._running else "queued")
        state = _FINISHED[found.status]
        error = str(found.error or "It was taken up too often without coming to an end.") if state == "failed" else ""
        return JobStatus(job_id, kind, state, error)

    async def health(self) -> Health:
        where = make_url(self._url).render_as_string(hide_password=True)
        try:
            await self._in_engine(lambda: DBOS.get_workflow_status_async("health"))
        except LLMFlowError as error:
            return Health(ok=False, where=where, detail=error.message, hint=error.hint)
        detail = f"{len(self._running)} running, {len(self._tasks) - len(self._running)} queued here"
        return Health(ok=True, where=where, version=version("dbos"), detail=detail)

    async def close(self) -> None:
        self._closing = True
        if self._engine is None:
            return
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_CLOSE_S)
        await asyncio.to_thread(DBOS.destroy)
        await asyncio.to_thread(self._engine.stop)
        self._engine = None
        DbosJobs._current = None

    async def _launch(self) -> None:
        """On DBOS's loop, which it adopts as the one for workflows. Blocks it for the migrations of a new database."""
        _quiet()
        if self._url.startswith("sqlite"):
            _use_wal(make_url(self._url).database or "")
        config: DBOSConfig = {
            "name": "llmflow",
            "system_database_url": self._url,
            "executor_id": self._executor_id,
            "application_version": self._app_version,
            "enable_otlp": False,
            "use_listen_notify": False,
            "notification_listener_polling_interval_sec": 0.25,  # polls nothing of ours; `close` waits for it
            "scheduler_polling_interval_sec": 86_400.0,
            "log_level": "WARNING",
        }
        engine = DBOS(config=config)
        DBOS.launch()
        found = await DBOS.list_workflows_async(status=sorted(_UNFINISHED), load_input=False, load_output=False)
        ours = {one.workflow_id for one in found if one.status != "PENDING" or one.executor_id == self._executor_id}
        self._to_recover = ours - self._early
        self._polling = engine.background_thread_stop_events
        self._recovered("")

    def _recovered(self, job_id: str) -> None:
        """Ends DBOS's polling once the last job of a dead process runs: only recovery puts jobs into its queue."""
        if not self._polling:
            self._early.add(job_id)
        self._to_recover.discard(job_id)
        if not self._to_recover:
            for event in self._polling:
                event.set()

    async def _in_engine(self, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        if self._engine is None:
            raise InternalError("The job engine is not started.")
        with _told():
            return await self._engine.run(call())

    async def execute(self, job_id: str, kind: str, ids: tuple[str, ...]) -> str:
        """Runs on DBOS's loop, for `_run_job` alone: the work's error text, "" when it went well."""
        assert self._home is not None
        self._recovered(job_id)
        done = asyncio.run_coroutine_threadsafe(self._take_turn(job_id, kind, ids), self._home)
        error = await asyncio.wrap_future(done)
        if self._closing and error is None:
            await asyncio.Event().wait()  # nothing is recorded, so the next start takes it up; `close` ends the wait
        return error or ""

    async def _take_turn(self, job_id: str, kind: str, ids: tuple[str, ...]) -> str | None:
        """Runs on the home loop: the error text, "" when the work went well, None when it was cancelled."""
        if kind not in self._work:
            return f"No work is registered for jobs of kind {kind!r}."
        work, gate = self._work[kind]
        task = asyncio.current_task()
        assert task is not None
        self._tasks[job_id] = task
        try:
            async with gate:
                self._running.add(job_id)
                if self._closing:
                    return None
                await work(ids)
            return ""
        except asyncio.CancelledError:
            return None if self._closing or job_id in self._cancelled else "The work was cancelled from within."
        except Exception as error:  # the job runner's border
            log.warning("Job %s (%s) failed: %s", job_id, kind, error, exc_info=not isinstance(error, LLMFlowError))
            return str(error) or type(error).__name__
        finally:
            self._running.discard(job_id)
            self._cancelled.discard(job_id)
            self._tasks.pop(job_id, None)


class JobError(Exception):
    """What DBOS records of a failed job."""


async def _job(kind: str, ids: list[str]) -> None:
    jobs, job_id = DbosJobs._current, DBOS.workflow_id
    assert jobs is not None and job_id is not None
    error = await jobs.execute(job_id, kind, tuple(ids))
    if error:
        raise JobError(error)


_run_job: Any = DBOS.workflow(
    name="llmflow_job",
    max_recovery_attempts=_MAX_RECOVERIES,
    serialization_type=WorkflowSerializationFormat.PORTABLE,
)(_job)


class _LoopThread:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="jobs", daemon=True)
        self._thread.start()

    async def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self._loop))

    def stop(self) -> None:
        async def end_tasks() -> None:
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks, timeout=_CLOSE_S)

        asyncio.run_coroutine_threadsafe(end_tasks(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _plain_url(url: str) -> str:
    """Without SQLAlchemy's driver: DBOS brings its own."""
    return re.sub(
        r"^(sqlite|postgres)(?:ql)?(?:\+\w+)?:", lambda m: {"postgres": "postgresql"}.get(m[1], m[1]) + ":", url
    )


def _use_wal(path: str) -> None:
    """Once for the file: commits then sync one file instead of three, and readers do not wait for the writer."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


class _JobsOwnFate(logging.Filter):
    """Drops what DBOS says of a single job's failure or cancellation: `status` tells it, and `_take_turn` logs it."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.module not in ("_core", "_outcome")


def _quiet() -> None:
    """DBOS adds a console handler where it finds none; its records go to the root logger instead."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
        logger.addFilter(_JobsOwnFate())


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (dbos_error.DBOSException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if getattr(error, "errno", None) == errno.ENOSPC or "database or disk is full" in text:
            raise OrganError("No space left for jobs.", code="disk_full") from error
        raise OrganError(f"The job engine failed: {text}") from error
