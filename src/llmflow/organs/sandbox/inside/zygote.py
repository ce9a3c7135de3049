"""Waits for calls and forks a process for each. Started with the control socket's descriptor and the Limits.

Over the control socket come descriptors, each the end of a socket pair of one call: the request comes in by it and the
answer goes out, from the forked process. When that has ended, and only then, the zygote adds how (TRAILER) and closes.
Calls that are given up (the other end closes) or take too long are killed. The zygote itself reads nothing of what code
writes, and code cannot reach it: it is in another process namespace, without signals, and the forked process has no
descriptor of it. It ends when the control socket does.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import platform
import select
import signal
import socket
import sys
import time
from dataclasses import dataclass, field

from llmflow.organs.sandbox.inside import call
from llmflow.organs.sandbox.inside.filter import Filter
from llmflow.organs.sandbox.inside.jail import Births, Limits
from llmflow.organs.sandbox.inside.wire import BY_ITSELF, NOT_STARTED, READY, TOO_LATE, TRAILER

#: What code often imports, so that no call has to.
_WARM = """
    base64 collections csv dataclasses datetime decimal difflib enum functools hashlib html itertools json math operator
    random re statistics string textwrap time typing unicodedata urllib.parse uuid zoneinfo _strptime
""".split()


@dataclass
class _Call:
    """One forked process. `process`: its pidfd. `trailer`: what is still to be said; b"" while it runs."""

    answer: socket.socket
    pid: int
    process: int
    deadline: float
    why: int = BY_ITSELF
    trailer: bytes = b""
    watched: list[int] = field(default_factory=list)


class Zygote:
    def __init__(self, control: socket.socket, limits: Limits) -> None:
        self._control = control
        self._limits = limits
        self._filter = Filter(platform.machine())
        self._births = Births()
        self._poll = select.poll()
        self._calls: dict[int, _Call] = {}  # by each descriptor that is watched for it

    def serve(self) -> None:
        """Until the control socket is closed."""
        self._poll.register(self._control, select.POLLIN)
        gc.collect()
        gc.freeze()  # so that collecting in a forked process copies nothing
        self._control.send(READY)
        while True:
            woken = [descriptor for descriptor, _ in self._poll.poll(self._wait_ms())]
            for descriptor in woken:
                if descriptor in self._calls:
                    self._attend(self._calls[descriptor], descriptor)
            self._kill_late()
            # last: a new call may get a descriptor's number that was just let go
            if self._control.fileno() in woken and not self._receive():
                return

    def _wait_ms(self) -> float | None:
        deadlines = [each.deadline for each in self._calls.values() if not each.trailer and each.why == BY_ITSELF]
        return max(0.0, (min(deadlines) - time.monotonic()) * 1000 + 1) if deadlines else None

    def _receive(self) -> bool:
        message, descriptors, _, _ = socket.recv_fds(self._control, 1, 1)
        if not message:
            return False
        for descriptor in descriptors:
            self._start(socket.socket(fileno=descriptor))
        return True

    def _start(self, answer: socket.socket) -> None:
        try:
            pid = self._births.fork()
        except OSError:
            with contextlib.suppress(OSError):
                answer.send(TRAILER.pack(0, NOT_STARTED))
            answer.close()
            return
        if pid == 0:
            call.run(answer.fileno(), self._limits, self._filter)  # does not return
        started = _Call(answer, pid, os.pidfd_open(pid), time.monotonic() + self._limits.seconds)
        self._watch(started, started.process, select.POLLIN)
        self._watch(started, answer.fileno(), 0)  # a hang-up is always told

    def _watch(self, started: _Call, descriptor: int, events: int) -> None:
        self._poll.register(descriptor, events)
        self._calls[descriptor] = started
        if descriptor not in started.watched:
            started.watched.append(descriptor)

    def _attend(self, started: _Call, descriptor: int) -> None:
        if started.trailer or descriptor == started.process:
            self._finish(started)
        else:  # nobody waits for it any more
            signal.pidfd_send_signal(started.process, signal.SIGKILL)
            self._poll.unregister(descriptor)

    def _finish(self, started: _Call) -> None:
        if not started.trailer:
            _, status, used = os.wait4(started.pid, 0)
            if used.ru_utime + used.ru_stime >= self._limits.seconds:
                started.why = TOO_LATE
            started.trailer = TRAILER.pack(os.waitstatus_to_exitcode(status), started.why)
            self._poll.unregister(started.process)
        try:
            started.answer.send(started.trailer, socket.MSG_DONTWAIT)
        except BlockingIOError:  # what the code wrote is still being read
            self._watch(started, started.answer.fileno(), select.POLLOUT)
            return
        except OSError:
            pass  # nobody waits for it any more
        for descriptor in started.watched:
            self._calls.pop(descriptor)
            with contextlib.suppress(KeyError):
                self._poll.unregister(descriptor)
        os.close(started.process)
        started.answer.close()

    def _kill_late(self) -> None:
        now = time.monotonic()
        for descriptor, started in self._calls.items():
            is_running = descriptor == started.process and not started.trailer and started.why == BY_ITSELF
            if is_running and now >= started.deadline:
                started.why = TOO_LATE
                signal.pidfd_send_signal(started.process, signal.SIGKILL)


def main() -> None:
    seconds, memory_mb, output_bytes = sys.argv[2:5]
    limits = Limits(float(seconds), int(memory_mb), int(output_bytes))
    os.nice(5)  # the event loop of the server goes first
    sys.path.insert(0, "/packages")
    for name in _WARM:
        importlib.import_module(name)
    Zygote(socket.socket(fileno=int(sys.argv[1])), limits).serve()


if __name__ == "__main__":
    main()
