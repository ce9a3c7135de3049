"""The contract of the jobs port, over every adapter; the durable ones also through crashes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from llmflow.errors import DocumentError, LLMFlowError
from llmflow.organs.jobs.dbos import DbosJobs
from llmflow.organs.jobs.memory import MemoryJobs
from llmflow.ports.jobs import Jobs, JobStatus

Make = Callable[[], Jobs]


@pytest.fixture(params=["dbos-sqlite", "dbos-postgres", "memory"])
async def jobs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Jobs]:
    """Not yet started: work is registered first."""
    made: Jobs
    if request.param == "memory":
        made = MemoryJobs()
    else:
        sqlite = f"sqlite:///{tmp_path / 'jobs.db'}"
        url = sqlite if request.param == "dbos-sqlite" else request.getfixturevalue("postgres_url")
        made = DbosJobs(url, executor_id="main")
    yield made
    await made.close()


async def ended(jobs: Jobs, job_id: str) -> JobStatus:
    async with asyncio.timeout(30):
        while True:
            status = await jobs.status(job_id)
            if status is not None and status.state in ("done", "failed", "cancelled"):
                return status
            await asyncio.sleep(0.02)


async def reached(jobs: Jobs, job_id: str, state: str) -> None:
    async with asyncio.timeout(30):
        while (status := await jobs.status(job_id)) is None or status.state != state:
            await asyncio.sleep(0.02)


async def test_a_job_runs_with_its_ids_in_order_and_ends_done(jobs: Jobs) -> None:
    seen: list[tuple[str, ...]] = []

    async def work(ids: tuple[str, ...]) -> None:
        seen.append(ids)

    jobs.register("ingest", work)
    await jobs.start()
    await jobs.submit("ingest", ["b", "a", "문서 😀"], job_id="job-1")
    assert await ended(jobs, "job-1") == JobStatus("job-1", "ingest", "done")
    assert seen == [("b", "a", "문서 😀")]


async def test_the_work_runs_on_the_loop_that_started_the_jobs(jobs: Jobs) -> None:
    loops = []

    async def work(ids: tuple[str, ...]) -> None:
        loops.append(asyncio.get_running_loop())

    jobs.register("k", work)
    await jobs.start()
    await jobs.submit("k", ["a"], job_id="j")
    await ended(jobs, "j")
    assert loops == [asyncio.get_running_loop()]


async def test_the_same_job_id_twice_is_one_job(jobs: Jobs) -> None:
    runs = 0
    free = asyncio.Event()

    async def work(ids: tuple[str, ...]) -> None:
        nonlocal runs
        runs += 1
        await free.wait()

    jobs.register("k", work, concurrency=5)
    await jobs.start()
    await asyncio.gather(*(jobs.submit("k", ["a"], job_id="j") for _ in range(5)))
    await reached(jobs, "j", "running")
    await jobs.submit("k", ["a"], job_id="j")
    free.set()
    await ended(jobs, "j")
    await jobs.submit("k", ["a"], job_id="j")
    await asyncio.sleep(0.1)
    assert runs == 1


async def test_no_more_of_a_kind_run_at_a_time_than_its_concurrency(jobs: Jobs) -> None:
    now: Counter[str] = Counter()
    most: Counter[str] = Counter()

    def work(kind: str) -> Callable[[tuple[str, ...]], object]:
        async def run(ids: tuple[str, ...]) -> None:
            now[kind] += 1
            most[kind] = max(most[kind], now[kind])
            await asyncio.sleep(0.02)
            now[kind] -= 1

        return run

    jobs.register("one", work("one"))  # type: ignore[arg-type]
    jobs.register("three", work("three"), concurrency=3)  # type: ignore[arg-type]
    await jobs.start()
    for number in range(12):
        for kind in ("one", "three"):
            await jobs.submit(kind, [str(number)], job_id=f"{kind}-{number}")
    for number in range(12):
        for kind in ("one", "three"):
            assert (await ended(jobs, f"{kind}-{number}")).state == "done"
    assert most["one"] == 1
    assert most["three"] <= 3


async def test_a_waiting_job_is_queued_and_a_taken_one_running(jobs: Jobs) -> None:
    free = asyncio.Event()

    async def work(ids: tuple[str, ...]) -> None:
        await free.wait()

    jobs.register("k", work)
    await jobs.start()
    await jobs.submit("k", ["a"], job_id="first")
    await jobs.submit("k", ["b"], job_id="second")
    await reached(jobs, "first", "running")
    second = await jobs.status("second")
    assert second is not None
    assert second.state == "queued"
    free.set()
    assert (await ended(jobs, "second")).state == "done"


async def test_an_error_fails_the_job_with_its_text_and_not_the_next_one(jobs: Jobs) -> None:
    async def work(ids: tuple[str, ...]) -> None:
        if ids == ("bad",):
            raise ValueError("읽을 수 없는 파일")
        if ids == ("coded",):
            raise DocumentError("It has a password.", code="document_locked")

    jobs.register("k", work)
    await jobs.start()
    for name in ("bad", "coded", "good"):
        await jobs.submit("k", [name], job_id=name)
    assert await ended(jobs, "bad") == JobStatus("bad", "k", "failed", "읽을 수 없는 파일")
    coded = await ended(jobs, "coded")
    assert coded.state == "failed"
    assert coded.error.startswith("document_locked: It has a password.")
    assert (await ended(jobs, "good")).state == "done"


async def test_a_cancelled_job_stops_at_its_next_await(jobs: Jobs) -> None:
    stopped = asyncio.Event()

    async def work(ids: tuple[str, ...]) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    jobs.register("k", work)
    await jobs.start()
    await jobs.submit("k", ["a"], job_id="j")
    await reached(jobs, "j", "running")
    await jobs.cancel("j")
    await asyncio.wait_for(stopped.wait(), 10)
    assert (await ended(jobs, "j")).state == "cancelled"


async def test_a_cancelled_job_that_waits_never_runs(jobs: Jobs) -> None:
    free = asyncio.Event()
    ran: list[str] = []

    async def work(ids: tuple[str, ...]) -> None:
        ran.extend(ids)
        await free.wait()

    jobs.register("k", work)
    await jobs.start()
    await jobs.submit("k", ["a"], job_id="first")
    await jobs.submit("k", ["b"], job_id="second")
    await reached(jobs, "first", "running")
    await jobs.cancel("second")
    free.set()
    assert (await ended(jobs, "second")).state == "cancelled"
    assert (await ended(jobs, "first")).state == "done"
    assert ran == ["a"]


async def test_cancelling_an_unknown_or_finished_job_changes_nothing(jobs: Jobs) -> None:
    async def work(ids: tuple[str, ...]) -> None:
        return None

    jobs.register("k", work)
    await jobs.start()
    await jobs.cancel("unknown")
    await jobs.submit("k", ["a"], job_id="j")
    await ended(jobs, "j")
    await jobs.cancel("j")
    assert (await ended(jobs, "j")).state == "done"
    assert await jobs.status("unknown") is None


async def test_health_says_where_the_jobs_are(jobs: Jobs) -> None:
    await jobs.start()
    health = await jobs.health()
    assert health.ok
    assert health.where


@pytest.fixture
def durable(empty_database_url: str) -> Make:
    return lambda: DbosJobs(empty_database_url, executor_id="main")


async def test_a_job_that_runs_at_close_is_taken_up_at_the_next_start(durable: Make) -> None:
    first = durable()
    started = asyncio.Event()

    async def endless(ids: tuple[str, ...]) -> None:
        started.set()
        await asyncio.Event().wait()

    first.register("k", endless)
    await first.start()
    await first.submit("k", ["a"], job_id="running")
    await first.submit("k", ["b"], job_id="waiting")
    await asyncio.wait_for(started.wait(), 10)
    await first.close()

    second = durable()
    seen: list[str] = []

    async def quick(ids: tuple[str, ...]) -> None:
        seen.extend(ids)

    second.register("k", quick)
    await second.start()
    assert (await ended(second, "running")).state == "done"
    assert (await ended(second, "waiting")).state == "done"
    assert sorted(seen) == ["a", "b"]
    await second.close()


async def test_finished_jobs_are_known_but_not_run_again_after_a_restart(durable: Make) -> None:
    runs: list[str] = []

    async def work(ids: tuple[str, ...]) -> None:
        runs.extend(ids)
        if ids == ("bad",):
            raise ValueError("no")

    for _ in range(2):
        opened = durable()
        opened.register("k", work)
        await opened.start()
        for name in ("good", "bad"):
            await opened.submit("k", [name], job_id=name)
        assert (await ended(opened, "good")).state == "done"
        assert (await ended(opened, "bad")).state == "failed"
        await opened.close()
    assert sorted(runs) == ["bad", "good"]


async def test_a_recovered_job_of_an_unknown_kind_fails_and_says_so(durable: Make) -> None:
    first = durable()

    async def endless(ids: tuple[str, ...]) -> None:
        await asyncio.Event().wait()

    first.register("old", endless)
    await first.start()
    await first.submit("old", ["a"], job_id="j")
    await first.close()
    second = durable()
    await second.start()
    status = await ended(second, "j")
    assert status.state == "failed"
    assert "'old'" in status.error
    await second.close()


async def test_nothing_is_printed_when_a_job_fails(durable: Make, capfd: pytest.CaptureFixture[str]) -> None:
    async def work(ids: tuple[str, ...]) -> None:
        raise DocumentError("broken")

    opened = durable()
    opened.register("k", work)
    await opened.start()
    await opened.submit("k", ["a"], job_id="j")
    await ended(opened, "j")
    await opened.close()
    assert capfd.readouterr() == ("", "")
    assert not any(isinstance(handler, logging.StreamHandler) for handler in logging.getLogger("dbos").handlers)


async def test_an_unreachable_database_is_a_coded_error(tmp_path: Path) -> None:
    opened = DbosJobs(f"sqlite:///{tmp_path / 'missing' / 'jobs.db'}", executor_id="main")
    with pytest.raises(LLMFlowError) as caught:
        await opened.start()
    assert caught.value.code == "organ_unavailable"
    assert not (await opened.health()).ok
    await opened.close()


WORKER = """
    import asyncio, sys
    from llmflow.organs.jobs.dbos import DbosJobs

    url, out, submit = sys.argv[1:]

    async def work(ids):
        for one in ids:
            await asyncio.sleep(0.01)
            with open(out, "a") as file:
                file.write(one + "\\n")

    async def main():
        jobs = DbosJobs(url, executor_id="main")
        jobs.register("k", work, concurrency=2)
        await jobs.start()
        for number in range(int(submit)):
            await jobs.submit("k", [f"{number * 10 + at}" for at in range(10)], job_id=f"j{number}")
        print("submitted", flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())
"""


async def test_no_job_is_lost_when_the_process_is_killed_twice(empty_database_url: str, tmp_path: Path) -> None:
    out = tmp_path / "done.txt"
    out.touch()
    for submit, until in ((20, 30), (0, 80)):
        command = [sys.executable, "-c", textwrap.dedent(WORKER), empty_database_url, str(out), str(submit)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        try:
            process.stdout.readline()
            deadline = time.monotonic() + 60
            while len(out.read_text().split()) < until and time.monotonic() < deadline:
                await asyncio.sleep(0.01)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()
    last = DbosJobs(empty_database_url, executor_id="main")
    done = Counter(out.read_text().split())
    assert 80 <= sum(done.values()) < 200, "the test must kill it in the middle"

    async def work(ids: tuple[str, ...]) -> None:
        done.update(ids)

    last.register("k", work, concurrency=2)
    await last.start()
    for number in range(20):
        assert (await ended(last, f"j{number}")).state == "done"
    await last.close()
    assert set(done) == {str(number) for number in range(200)}
    assert max(done.values()) <= 3, "a job runs again only for a crash that met it"


async def test_a_second_engine_in_one_process_is_refused(tmp_path: Path) -> None:
    first = DbosJobs(f"sqlite:///{tmp_path / 'a.db'}", executor_id="main")
    second = DbosJobs(f"sqlite:///{tmp_path / 'b.db'}", executor_id="main")
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(first.close)
        await first.start()
        with pytest.raises(LLMFlowError):
            await second.start()
        await second.close()
        assert (await first.health()).ok
