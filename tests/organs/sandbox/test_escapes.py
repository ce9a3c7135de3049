"""Code in bubblewrap's sandbox reaches nothing: not the machine, not the network, not the server, not another call."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import shutil
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from llmflow.errors import LLMFlowError
from llmflow.organs.sandbox import launch
from llmflow.organs.sandbox.bubblewrap import BubblewrapSandbox
from llmflow.organs.sandbox.packages import find
from llmflow.ports.sandbox import Code, Ran
from tests.organs.sandbox.attempts import ATTEMPTS, REFUSED, TRY_ALL
from tests.organs.sandbox.local import children, needs_bubblewrap

pytestmark = [pytest.mark.asyncio(loop_scope="module"), needs_bubblewrap]
WORD = "비밀-7f3a"
LIMITS: dict[str, Any] = {"seconds": 10, "memory_mb": 256, "output_mb": 1}


@pytest.fixture(scope="module")
async def sandbox() -> AsyncIterator[BubblewrapSandbox]:
    os.environ["LLMFLOW_TEST_SECRET"] = WORD
    made = BubblewrapSandbox(**LIMITS, packages="python-dateutil")
    yield made
    await made.close()
    del os.environ["LLMFLOW_TEST_SECRET"]


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A file, a folder, a port and a unix socket of this machine."""
    folder = tmp_path_factory.mktemp("machine")
    (folder / "llmflow.db").write_text(WORD)
    listeners = [socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)]
    listeners[1].bind(str(folder / "socket"))
    listeners[1].listen()
    for each in listeners:
        threading.Thread(target=_greet, args=(each,), daemon=True).start()
    yield {
        "secret": str(folder / "llmflow.db"),
        "folder": str(folder),
        "port": listeners[0].getsockname()[1],
        "unix": str(folder / "socket"),
    }
    for each in listeners:
        each.close()


def _greet(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            connection.send(b"reached")


async def outcome(sandbox: BubblewrapSandbox, source: str, **inputs: Any) -> Any:
    """What `main` returned; "" when the code failed or was ended."""
    try:
        return (await sandbox.run(Code("python3", source, inputs))).result
    except LLMFlowError as error:
        assert error.code.startswith("code_"), error
        return {"out": ""}


def outside(source: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """The same in a plain process."""
    program = f"{source}\nimport json\nprint(json.dumps(main(**json.loads({json.dumps(inputs)!r}))))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=60)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", ATTEMPTS)
async def test_an_attempt_gets_nowhere(sandbox: BubblewrapSandbox, targets: dict[str, Any], name: str) -> None:
    assert not (await outcome(sandbox, ATTEMPTS[name], **targets))["out"]
    assert (await sandbox.run(Code("python3", "def main():\n    return 1"))).result == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="a machine's other users may do less than root may")
@pytest.mark.parametrize("name", ATTEMPTS)
async def test_the_same_attempt_gets_somewhere_outside(targets: dict[str, Any], name: str) -> None:
    os.environ["LLMFLOW_TEST_SECRET"] = WORD
    assert outside(ATTEMPTS[name], targets)["out"]


async def test_system_calls_are_refused_before_the_kernel_looks_at_them(sandbox: BubblewrapSandbox) -> None:
    column = ("x86_64", "aarch64").index(platform.machine())
    numbers = {name: pair[column] for name, pair in REFUSED.items()}
    assert (await outcome(sandbox, TRY_ALL, numbers=numbers))["refused"] == list(numbers)


@pytest_asyncio.fixture(loop_scope="module")
async def unfiltered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BubblewrapSandbox]:
    """The sandbox without its seccomp filter."""
    inside = tmp_path / "inside"
    shutil.copytree(Path(launch.__file__).parent / "inside", inside)
    source = (inside / "filter.py").read_text()
    (inside / "filter.py").write_text(
        source.replace("def put_on(self) -> None:", "def put_on(self): return\n    def x(self):")
    )
    monkeypatch.setattr(launch, "_INSIDE", inside)
    made = BubblewrapSandbox(**LIMITS)
    yield made
    await made.close()


async def test_without_the_filter_some_of_it_would_succeed(
    unfiltered: BubblewrapSandbox, targets: dict[str, Any]
) -> None:
    """Which shows what the filter adds to the namespaces, and that these attempts can succeed inside."""
    names = [
        "start a process by fork",
        "start a thread",
        "make a namespace",
        "be traced",
        "open a network socket",
        "make memory that others may map",
    ]
    found = {name: bool((await outcome(unfiltered, ATTEMPTS[name], **targets))["out"]) for name in names}
    if os.geteuid() != 0:  # there the limit of processes alone stops them
        found["start a process by fork"] = found["start a thread"] = True
    assert found == dict.fromkeys(names, True)


async def test_without_the_filter_the_machine_is_still_out_of_reach(
    unfiltered: BubblewrapSandbox, targets: dict[str, Any]
) -> None:
    names = [name for name in ATTEMPTS if name.startswith(("read", "reach a", "write a file", "see"))]
    assert len(names) == 9
    for name in names:
        assert not (await outcome(unfiltered, ATTEMPTS[name], **targets))["out"], name


@pytest.mark.skipif(platform.machine() != "x86_64", reason="machine code for x86-64")
async def test_another_architectures_system_calls_end_the_code(sandbox: BubblewrapSandbox) -> None:
    source = """
import ctypes, mmap
def main():
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(bytes.fromhex("b814000000cd80c3"))  # getpid of 32 bit
    return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
"""
    with pytest.raises(LLMFlowError, match="signal 31"):
        await sandbox.run(Code("python3", source))
    x32 = """
import ctypes
def main():
    l = ctypes.CDLL(None, use_errno=True)
    return [l.syscall(0x40000027), ctypes.get_errno()]
"""
    assert (await outcome(sandbox, x32)) == [-1, 1]


async def test_it_can_write_nowhere_but_in_its_tmp(sandbox: BubblewrapSandbox) -> None:
    source = """
import os
def main():
    written = []
    for folder, _, files in os.walk("/"):
        for path in (folder + "/x", *(folder + "/" + file for file in files[:3])):
            try:
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
                written.append(path)
            except OSError:
                pass
    return sorted(written)
"""
    devices = ["/dev/null", "/dev/random", "/dev/urandom", "/dev/zero"]
    found = await outcome(sandbox, source)
    assert set(found) - set(devices) == {"/tmp/x"}


async def test_it_sees_python_its_packages_and_nothing_of_the_machine(sandbox: BubblewrapSandbox) -> None:
    source = """
import os
def main():
    return [sorted(os.listdir('/')), sorted(os.listdir('/packages')), os.listdir('/tmp')]
"""
    root, packages, tmp = await outcome(sandbox, source)
    assert set(root) <= {"dev", "etc", "lib", "lib64", "packages", "python", "sandbox", "tmp", "usr"}
    assert set(packages) == {name for name, _ in find(["python-dateutil"]).entries}
    assert "dateutil" in packages
    assert tmp == []


async def test_its_only_descriptors_are_its_own(sandbox: BubblewrapSandbox) -> None:
    source = """
import os, stat
def main():
    found = {}
    for number in range(1024):
        try:
            found[str(number)] = stat.S_IFMT(os.fstat(number).st_mode)
        except OSError:
            pass
    return found
"""
    assert await outcome(sandbox, source) == {
        "0": stat.S_IFCHR,
        "1": stat.S_IFCHR,
        "2": stat.S_IFCHR,
        "3": stat.S_IFSOCK,
    }


async def test_it_is_the_only_process_it_knows(sandbox: BubblewrapSandbox) -> None:
    assert await outcome(sandbox, "import os\ndef main():\n    return [os.getpid(), os.getppid()]") == [1, 0]


async def test_calls_at_the_same_time_do_not_see_each_other(sandbox: BubblewrapSandbox) -> None:
    holding = """
import time
def main(word):
    open('/tmp/held', 'w').write(word)
    time.sleep(1)
    return open('/tmp/held').read()
"""
    looking = "import os, time\ndef main():\n    time.sleep(0.4)\n    return [os.listdir('/tmp'), os.getpid()]"
    first, second, seen = await asyncio.gather(
        sandbox.run(Code("python3", holding, {"word": "하나"})),
        sandbox.run(Code("python3", holding, {"word": "둘"})),
        sandbox.run(Code("python3", looking)),
    )
    assert (first.result, second.result, seen.result) == ("하나", "둘", [[], 1])
    assert await outcome(sandbox, "import os\ndef main():\n    return os.listdir('/tmp')") == []


async def test_code_that_turns_the_runner_inside_out_harms_only_itself(sandbox: BubblewrapSandbox) -> None:
    source = """
import gc, json, os, sys
def main():
    for name, module in list(sys.modules.items()):
        if "sandbox" in name:
            for key in list(vars(module)):
                setattr(module, key, None)
    json.dumps = lambda *a, **k: '"mine"'
    os.write = os._exit = lambda *a: None
    for thing in gc.get_objects():
        if type(thing).__name__ == "Zygote":
            thing.serve()
    return {"a": 1}
"""
    await outcome(sandbox, source)
    assert (await sandbox.run(Code("python3", "def main():\n    return {'a': 2}"))) == Ran({"a": 2})


@pytest.mark.parametrize(
    "written",
    [
        b'{"result": 1, "printed": ""}',
        b"\xff\xfe garbage",
        b"[" * 100_000,
        b'{"failed": 7}',
        b'{"broken": "x"}\x00\x00\x00\x00\x01\x00\x00\x00',
        b"9" * 5000,
    ],
)
async def test_an_answer_that_code_writes_itself_is_about_itself_alone(
    sandbox: BubblewrapSandbox, written: bytes
) -> None:
    source = f"import os\ndef main():\n    os.write(3, {written!r})\n    os._exit(0)"
    try:
        ran = await sandbox.run(Code("python3", source))
    except LLMFlowError as error:
        assert error.code in ("code_failed", "sandbox_unavailable")
    else:
        assert ran == Ran(1)
    assert (await sandbox.run(Code("python3", "def main():\n    return {'a': 2}"))) == Ran({"a": 2})


async def test_memory_that_grows_ends_the_code(sandbox: BubblewrapSandbox) -> None:
    sources = ["def main():\n    held = []\n    while True:\n        held.append('x' * 1_000_000 + str(len(held)))"]
    sources.append("def main():\n    return 'x' * 10**9")
    for source in sources:
        with pytest.raises(LLMFlowError) as failed:
            await sandbox.run(Code("python3", source))
        assert failed.value.code == "code_memory"
    with pytest.raises(LLMFlowError) as failed:
        await sandbox.run(
            Code("javascript", "function main() { let a = ['x']; while (true) a = a.concat(a, ['y' + a.length]); }")
        )
    assert failed.value.code in ("code_memory", "code_failed")


@pytest.mark.parametrize(
    "source",
    [
        "def main():\n    while True:\n        pass",
        "import time\ndef main():\n    time.sleep(100)",
        "import signal, time\ndef main():\n    signal.pthread_sigmask(0, range(1, 65))\n    time.sleep(100)",
    ],
)
async def test_code_that_does_not_end_is_killed(source: str) -> None:
    sandbox = BubblewrapSandbox(seconds=0.5)
    with pytest.raises(LLMFlowError) as failed:
        await sandbox.run(Code("python3", source))
    assert failed.value.code == "code_timeout"
    assert children(sandbox) == 0
    await sandbox.close()


async def test_floods_of_output_are_cut_or_end_the_code(sandbox: BubblewrapSandbox) -> None:
    printing = "def main():\n    for _ in range(200):\n        print('x' * 10_000)\n    return 1"
    ran = await sandbox.run(Code("python3", printing))
    assert ran.result == 1
    assert len(ran.printed) < 20_000
    for flood in ("return 'x' * 2_000_000", "import os\n    while True: os.write(3, b'x' * 65536)"):
        with pytest.raises(LLMFlowError) as failed:
            await sandbox.run(Code("python3", f"def main():\n    {flood}"))
        assert failed.value.code == "code_output"
    while children(sandbox):
        await asyncio.sleep(0.02)
