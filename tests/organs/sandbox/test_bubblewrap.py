"""The sandbox on this machine starts when it is needed, bounds its calls, survives, and says what it lacks."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from llmflow.errors import LLMFlowError
from llmflow.organs.sandbox.bubblewrap import BubblewrapSandbox
from llmflow.ports.sandbox import Code, Ran
from tests.organs.sandbox.local import children, needs_bubblewrap, processes

pytestmark = [pytest.mark.asyncio(loop_scope="module"), needs_bubblewrap]


@pytest.fixture(scope="module")
async def sandbox() -> AsyncIterator[BubblewrapSandbox]:
    made = BubblewrapSandbox()
    yield made
    await made.close()


async def test_a_call_that_is_given_up_is_ended(sandbox: BubblewrapSandbox) -> None:
    task = asyncio.create_task(sandbox.run(Code("python3", "import time\ndef main():\n    time.sleep(100)")))
    while not (sandbox._zygote and children(sandbox)):
        await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    while children(sandbox):
        await asyncio.sleep(0.02)


async def test_no_more_calls_run_at_once_than_may() -> None:
    sandbox = BubblewrapSandbox(concurrency=2)
    source = "import time\ndef main():\n    t = time.monotonic()\n    time.sleep(0.1)\n    return [t, time.monotonic()]"
    spans = [ran.result for ran in await asyncio.gather(*(sandbox.run(Code("python3", source)) for _ in range(6)))]
    assert max(sum(start <= at < end for start, end in spans) for at, _ in spans) <= 2
    await sandbox.close()


async def test_the_kernel_ends_a_call_before_the_server_when_memory_runs_out(sandbox: BubblewrapSandbox) -> None:
    task = asyncio.create_task(sandbox.run(Code("python3", "import time\ndef main():\n    time.sleep(100)")))
    while not (sandbox._zygote and children(sandbox)):
        await asyncio.sleep(0.02)
    scores = [Path(f"/proc/{pid}/oom_score_adj").read_text().strip() for pid in processes(sandbox)]
    assert set(scores[1:]) == {"1000"}
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_dead_sandbox_is_started_again(sandbox: BubblewrapSandbox) -> None:
    assert sandbox._zygote
    sandbox._zygote.process.kill()
    await sandbox._zygote.process.wait()
    assert (await sandbox.run(Code("python3", "def main():\n    return {'a': 2}"))) == Ran({"a": 2})


async def test_a_sandbox_that_dies_under_a_call_says_so_and_serves_the_next(sandbox: BubblewrapSandbox) -> None:
    task = asyncio.create_task(sandbox.run(Code("python3", "import time\ndef main():\n    time.sleep(100)")))
    while not (sandbox._zygote and children(sandbox)):
        await asyncio.sleep(0.02)
    sandbox._zygote.process.kill()
    with pytest.raises(LLMFlowError) as failed:
        await task
    assert failed.value.code == "sandbox_unavailable"
    assert (await sandbox.run(Code("python3", "def main():\n    return 3"))).result == 3


async def test_nothing_is_left_when_it_is_closed() -> None:
    sandbox = BubblewrapSandbox()
    await sandbox.run(Code("python3", "def main():\n    return 1"))
    assert sandbox._zygote
    pid = sandbox._zygote.process.pid
    await sandbox.close()
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(LLMFlowError, match="closed"):
        await sandbox.run(Code("python3", "def main():\n    return 1"))


async def test_it_dies_with_a_server_that_is_killed() -> None:
    program = """
import asyncio, sys
from llmflow.organs.sandbox.bubblewrap import BubblewrapSandbox
from llmflow.ports.sandbox import Code
async def main():
    sandbox = BubblewrapSandbox()
    await sandbox.run(Code("python3", "def main():\\n    return 1"))
    print(sandbox._zygote.process.pid, flush=True)
    await sandbox.run(Code("python3", "import time\\ndef main():\\n    time.sleep(100)"))
asyncio.run(main())
"""
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert server.stdout
    pid = int(await server.stdout.readline())
    assert Path(f"/proc/{pid}").exists()
    server.kill()
    await server.wait()
    while _runs(pid):
        await asyncio.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_without_bubblewrap_code_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    sandbox = BubblewrapSandbox()
    with pytest.raises(LLMFlowError) as failed:
        await sandbox.run(Code("python3", "def main():\n    return 1"))
    assert failed.value.code == "sandbox_unavailable"
    assert "bubblewrap is not installed" in failed.value.message
    assert "apt-get install bubblewrap" in failed.value.hint
    health = await sandbox.health()
    assert not health.ok
    assert "apt-get install bubblewrap" in health.hint


async def test_where_namespaces_are_forbidden_the_machines_own_words_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    health = await BubblewrapSandbox().health()
    assert not health.ok
    assert "No permissions to create new namespace" in health.detail
    assert "user namespaces" in health.hint


async def test_a_package_that_is_not_installed_is_named() -> None:
    health = await BubblewrapSandbox(packages="python-dateutil, 없는-꾸러미").health()
    assert not health.ok
    assert "없는-꾸러미" in health.detail
    assert "pip install" in health.hint
