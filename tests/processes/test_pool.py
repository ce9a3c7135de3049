"""The pool keeps its promises whatever its children do."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from llmflow.errors import DocumentError
from llmflow.processes.pool import ChildDied, ChildFailed, ChildOutOfMemory, ChildTimeout, ProcessPool

ROOT = Path(__file__).parents[2]
TARGET = "tests.processes.targets:work"


@pytest.fixture
async def make(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., ProcessPool]]:
    """Makes pools over tests/processes/targets.py and closes them."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pools: list[ProcessPool] = []

    def build(*, workers: int = 1, memory_mb: int = 512, idle_s: float = 30.0) -> ProcessPool:
        pools.append(ProcessPool(TARGET, workers=workers, memory_mb=memory_mb, idle_s=idle_s))
        return pools[-1]

    yield build
    for pool in pools:
        await pool.close()
        assert pool.pids == ()


def exists(pid: int) -> bool:
    """A process that is there and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def gone(pid: int) -> bool:
    for _ in range(200):
        if not exists(pid):
            return True
        await asyncio.sleep(0.05)
    return False


async def test_a_call_answers_with_the_functions_bytes(make: Callable[..., ProcessPool]) -> None:
    big = os.urandom(5 << 20)
    assert await make().call(b"echo " + big, timeout_s=30) == big


async def test_a_hundred_calls_share_two_children(make: Callable[..., ProcessPool]) -> None:
    pool = make(workers=2)
    answers = await asyncio.gather(*(pool.call(b"pid ", timeout_s=30) for _ in range(100)))
    assert len(answers) == 100
    assert len(set(answers)) <= 2
    assert len(pool.pids) <= 2


async def test_progress_is_told_in_order(make: Callable[..., ProcessPool]) -> None:
    told: list[tuple[int, int]] = []
    await make().call(b"steps ", timeout_s=30, on_progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(("verb", "name"), [(b"abort ", "SIGABRT"), (b"kill ", "SIGSEGV")])
async def test_a_crash_is_an_error_and_the_next_call_works(
    make: Callable[..., ProcessPool], verb: bytes, name: str
) -> None:
    pool = make()
    first = await pool.call(b"pid ", timeout_s=30)
    with pytest.raises(ChildDied, match=name):
        await pool.call(verb, timeout_s=30)
    assert await pool.call(b"pid ", timeout_s=30) != first


async def test_a_hang_is_ended_when_its_time_is_over(make: Callable[..., ProcessPool]) -> None:
    pool = make()
    await pool.call(b"echo warm", timeout_s=30)
    pids: list[int] = []
    with pytest.raises(ChildTimeout):
        await pool.call(b"hang ", timeout_s=1.0, on_progress=lambda _, pid: pids.append(pid))
    assert not exists(pids[0])
    assert await pool.call(b"echo on", timeout_s=30) == b"on"


async def test_a_memory_hog_is_stopped_and_said_to_be_one(make: Callable[..., ProcessPool]) -> None:
    pool = make(memory_mb=256)
    with pytest.raises(ChildOutOfMemory):
        await pool.call(b"hog ", timeout_s=60)
    assert await pool.call(b"echo on", timeout_s=30) == b"on"


async def test_a_coded_error_crosses_whole_and_keeps_the_child(make: Callable[..., ProcessPool]) -> None:
    pool = make()
    before = await pool.call(b"pid ", timeout_s=30)
    with pytest.raises(DocumentError) as caught:
        await pool.call(b"coded ", timeout_s=30)
    error = caught.value
    assert (error.message, error.code, error.hint, error.param) == (
        "잠긴 문서",
        "document_locked",
        "Unlock it.",
        "file",
    )
    assert await pool.call(b"pid ", timeout_s=30) == before


async def test_another_exception_is_told_with_its_name(make: Callable[..., ProcessPool]) -> None:
    with pytest.raises(ChildFailed, match="ValueError: no such thing"):
        await make().call(b"wrong ", timeout_s=30)


async def test_noise_on_the_standard_output_breaks_nothing(make: Callable[..., ProcessPool]) -> None:
    pool = make()
    assert await pool.call(b"noise ", timeout_s=30) == b"clean"
    assert await pool.call(b"echo still", timeout_s=30) == b"still"


async def test_cancelling_a_call_kills_the_child_and_what_it_started(make: Callable[..., ProcessPool]) -> None:
    pool = make()
    told: asyncio.Future[tuple[int, int]] = asyncio.get_running_loop().create_future()
    call = asyncio.create_task(
        pool.call(b"family ", timeout_s=60, on_progress=lambda child, grandchild: told.set_result((child, grandchild)))
    )
    child, grandchild = await told
    assert exists(child)
    assert exists(grandchild)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await gone(child)
    assert await gone(grandchild)
    assert await pool.call(b"echo on", timeout_s=30) == b"on"


async def test_an_idle_child_is_stopped_and_comes_back_when_needed(make: Callable[..., ProcessPool]) -> None:
    pool = make(idle_s=0.05)
    first = int(await pool.call(b"pid ", timeout_s=30))
    assert await gone(first)
    assert int(await pool.call(b"pid ", timeout_s=30)) != first


async def test_close_ends_a_call_in_progress(make: Callable[..., ProcessPool]) -> None:
    pool = make()
    started = asyncio.Event()
    call = asyncio.create_task(pool.call(b"hang ", timeout_s=60, on_progress=lambda *_: started.set()))
    await started.wait()
    (pid,) = pool.pids
    await pool.close()
    with pytest.raises(ChildDied):
        await call
    assert not exists(pid)
    with pytest.raises(ChildDied):
        await pool.call(b"echo late", timeout_s=5)


async def test_a_child_ignores_an_interrupt_from_the_keyboard(make: Callable[..., ProcessPool]) -> None:
    pool = make()
    pid = int(await pool.call(b"pid ", timeout_s=30))
    os.kill(pid, signal.SIGINT)
    assert int(await pool.call(b"pid ", timeout_s=30)) == pid


async def test_no_secret_of_the_environment_reaches_a_child(
    make: Callable[..., ProcessPool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMFLOW_MASTER_KEY", "very secret")
    assert await make().call(b"environment LLMFLOW_MASTER_KEY", timeout_s=30) == b""


async def test_a_child_reaches_no_network_where_the_kernel_allows_it(make: Callable[..., ProcessPool]) -> None:
    try:
        subprocess.run(["unshare", "--user", "--net", "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("skipped: this kernel gives no network namespaces")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert await make().call(b"connect %d" % port, timeout_s=30) != b"connected"


async def test_children_die_with_their_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        textwrap.dedent(f"""
        import asyncio
        from llmflow.processes.pool import ProcessPool

        async def main():
            pool = ProcessPool("{TARGET}", workers=1, memory_mb=512, idle_s=30)
            await pool.call(b"hang ", timeout_s=60, on_progress=lambda _, pid: print(pid, flush=True))

        asyncio.run(main())
        """),
        "utf-8",
    )
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, env=environ)
    assert parent.stdout is not None
    pid = int(await asyncio.to_thread(parent.stdout.readline))
    assert exists(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert await gone(pid)
