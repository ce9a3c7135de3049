"""What running a code node's code costs, warm: Python and JavaScript in the sandbox of this machine.

`python -m benchmarks.code_overhead [--quick]`. CPU is the server's and that of all processes of the sandbox; wall time
stands beside it, and says little on a busy machine. The floors isolate nothing: a bare fork of a small Python process
that runs the same code, and a new Python process for each call.
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.report import Line, show
from llmflow import catalog
from llmflow.organs.sandbox.bubblewrap import BubblewrapSandbox
from llmflow.ports.sandbox import Code

_TARGET_MS = 12.0
_INPUTS = {"a": "가", "b": "나"}
_PYTHON = Code("python3", "def main(a, b):\n    return {'r': a + b}", _INPUTS)
_IMPORTING = Code("python3", "import datetime, json, re\ndef main(a, b):\n    return {'r': a + b}", _INPUTS)
_JAVASCRIPT = Code("javascript", "function main({a, b}) { return {r: a + b} }", _INPUTS)
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class _Cost:
    """Of one call, ms. `wall`: the median."""

    cpu: float
    wall: float


def main(quick: bool = False) -> dict[str, Any]:
    calls = 50 if quick else 400
    found = asyncio.run(_measure(calls))
    found["fork"] = _forks(calls)
    found["process"] = _processes(max(10, calls // 10))
    show("Code in the sandbox, warm, ms a call", _report(found))
    return {name: {"cpu_ms": cost.cpu, "wall_ms": cost.wall} for name, cost in found.items() if isinstance(cost, _Cost)}


async def _measure(calls: int) -> dict[str, Any]:
    sandbox = BubblewrapSandbox(packages=catalog.PACKAGES)
    started = time.perf_counter()
    await sandbox.run(_PYTHON)
    found: dict[str, Any] = {"first_ms": (time.perf_counter() - started) * 1000}
    assert sandbox._zygote is not None
    below = _tree(sandbox._zygote.process.pid)
    for name, code in (("python", _PYTHON), ("importing", _IMPORTING), ("javascript", _JAVASCRIPT)):
        found[name] = await _cost(lambda code=code: sandbox.run(code), calls, below)  # type: ignore[misc]
    found["idle_mb"] = sum(_pss_kb(pid) for pid in below) / 1024
    await sandbox.close()
    return found


async def _cost(call: Callable[[], Awaitable[Any]], calls: int, below: list[int]) -> _Cost:
    cpu, times = _cpu_ms(below), []
    for _ in range(calls):
        started = time.perf_counter()
        await call()
        times.append((time.perf_counter() - started) * 1000)
    return _Cost((_cpu_ms(below) - cpu) / calls, median(times))


def _cpu_ms(below: list[int]) -> float:
    """Of this process, and of the sandbox's with what they forked and have waited for."""
    total = time.process_time() * 1000
    for pid in below:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += sum(map(int, fields[11:15])) / _TICKS * 1000
    return total


def _tree(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in _tree(int(child)))]


def _pss_kb(pid: int) -> int:
    """Memory in which a page that several share counts once for all."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


_FORKING = """
import json, os, sys, time
times = []
for _ in range(int(sys.argv[1])):
    started = time.perf_counter()
    reads, writes = os.pipe()
    if (pid := os.fork()) == 0:
        names = {}
        exec("def main(a, b):\\n    return {'r': a + b}", names)
        os.write(writes, json.dumps(names["main"]("1", "2")).encode())
        os._exit(0)
    os.close(writes)
    os.read(reads, 1000)
    os.close(reads)
    os.waitpid(pid, 0)
    times.append((time.perf_counter() - started) * 1000)
print(sorted(times)[len(times) // 2])
"""


def _forks(calls: int) -> _Cost:
    cpu = _children_ms()
    done = subprocess.run([sys.executable, "-S", "-c", _FORKING, str(calls)], capture_output=True, check=True)
    return _Cost((_children_ms() - cpu) / calls, float(done.stdout))


def _processes(calls: int) -> _Cost:
    program = "import json; print(json.dumps({'r': '1' + '2'}))"
    cpu, times = _children_ms(), []
    for _ in range(calls):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, check=True)
        times.append((time.perf_counter() - started) * 1000)
    return _Cost((_children_ms() - cpu) / calls, median(times))


def _children_ms() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) * 1000


def _report(found: dict[str, Any]) -> list[Line]:
    floors = f"a fork {found['fork'].cpu:.1f} CPU, a process {found['process'].cpu:.0f} CPU"
    lines = [_line("Python", found["python"], floors), _line("Python with imports", found["importing"])]
    lines.append(_line("JavaScript", found["javascript"]))
    lines.append(Line("first call, which starts the sandbox", f"{found['first_ms']:.0f} wall"))
    lines.append(Line("memory while it waits", f"{found['idle_mb']:.0f} MB"))
    return lines


def _line(what: str, cost: _Cost, beside: str = "") -> Line:
    return Line(what, f"{cost.cpu:.1f} CPU, {cost.wall:.1f} wall", f"<= {_TARGET_MS:g}", beside, cost.cpu <= _TARGET_MS)


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
