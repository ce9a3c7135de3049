"""Several processes at one address: one leads, the others serve calls of models, and this one watches over them.

Each has a socket of its own at the address, so that the kernel deals connections out evenly; all are held open here
too, so that what waits at the socket of a process that died is served by the next one.
"""

from __future__ import annotations

import logging
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from llmflow.cli.show import print_error
from llmflow.errors import LLMFlowError
from llmflow.processes.child import die_with_parent

_AGAIN_S = (0.1, 0.5, 1.0, 2.0, 5.0)  # before a worker that ended is replaced; longer each time
_STEADY_S = 60.0  # after so long it had begun well
_STOP_S = 15.0  # for an end that was asked for
_STOPS = (signal.SIGTERM, signal.SIGINT)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Post:
    """Where a process of the crew is. `inside`: the socket at which the others reach it."""

    name: str
    listener: socket.socket
    inside: Path


@dataclass(slots=True)
class _Worker:
    post: Post
    pid: int = 0
    since: float = 0.0
    ended: int = 0
    due: float = 0.0


class Crew:
    """`lead` runs in a process of its own and calls what it is given once it takes work; `work` then runs in each of
    the others."""

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        *,
        lead: Callable[[Post, Mapping[str, Path], Callable[[], None]], None],
        work: Callable[[Post, Path], None],
        as_json: bool,
    ) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="llmflow-"))  # ours alone, and of a short name, as sockets want it
        first, *others = listeners
        self._leader = Post("0", first, self._folder / "leader")
        self._workers = [_Worker(Post(str(n), one, self._folder / f"{n}")) for n, one in enumerate(others, 1)]
        self._lead, self._work = lead, work
        self._as_json = as_json
        self._stops = self._told = 0

    def run(self) -> int:
        """Returns when all have ended, with the leader's exit code. A signal to stop is passed on."""
        try:
            return self._run()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self) -> int:
        woken, wake = os.pipe()
        for end in (woken, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake)
        for signum in _STOPS:
            signal.signal(signum, self._stop)
        signal.signal(signal.SIGCHLD, _noted)
        is_ready, ready = os.pipe()
        beside = {worker.post.name: worker.post.inside for worker in self._workers}
        leader = self._fork(lambda: self._lead(self._leader, beside, lambda: _say(ready)))
        os.close(ready)
        waiting = [woken, is_ready]
        code: int | None = None
        end_by = float("inf")
        while True:
            heard, _, _ = select.select(waiting, [], [], self._pause(end_by, is_serving=is_ready not in waiting))
            if is_ready in heard:
                waiting.remove(is_ready)
            if woken in heard:
                os.read(woken, 4096)
            for pid, status in _ended():
                if pid == leader:
                    code = os.waitstatus_to_exitcode(status)
                    self._stops += 1
                self._note(pid, status)
            if self._stops > self._told:
                self._told = self._stops
                end_by = min(end_by, time.monotonic() + _STOP_S)
                self._signal(signal.SIGTERM, leader if code is None else 0)
            if time.monotonic() >= end_by:
                end_by = float("inf")
                self._signal(signal.SIGKILL, leader if code is None else 0)
            if code is not None and not any(worker.pid for worker in self._workers):
                return code if code >= 0 else 128 - code
            if not self._stops and is_ready not in waiting:
                self._start_due()

    def _stop(self, signum: int, frame: FrameType | None) -> None:
        self._stops += 1

    def _pause(self, end_by: float, *, is_serving: bool) -> float | None:
        """Seconds until something is due; None: until something happens."""
        dues = [worker.due for worker in self._workers if not worker.pid] if is_serving and not self._stops else []
        due = min([end_by, *dues])
        return None if due == float("inf") else max(0.0, due - time.monotonic())

    def _start_due(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if not worker.pid and worker.due <= now:
                worker.since = now
                worker.post.inside.unlink(missing_ok=True)
                post = worker.post
                worker.pid = self._fork(lambda post=post: self._work(post, self._leader.inside))  # type: ignore[misc]

    def _note(self, pid: int, status: int) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if worker.pid == pid:
                worker.pid = 0
                worker.ended = 0 if now - worker.since > _STEADY_S else worker.ended + 1
                worker.due = now + _AGAIN_S[min(worker.ended, len(_AGAIN_S) - 1)]
                if not self._stops:
                    _log.warning("Worker %s ended (%s); another takes its place", worker.post.name, status)

    def _signal(self, signum: signal.Signals, leader: int) -> None:
        for pid in (*(worker.pid for worker in self._workers), leader):
            if pid:
                os.kill(pid, signum)

    def _fork(self, run: Callable[[], None]) -> int:
        """Nothing runs beside this thread here, so the copy is whole."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        try:
            pid = os.fork()
            if pid:
                return pid
            signal.set_wakeup_fd(-1)
            for signum in (*_STOPS, signal.SIGCHLD):
                signal.signal(signum, signal.SIG_DFL)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
        self._be(run)

    def _be(self, run: Callable[[], None]) -> NoReturn:
        """The rest of a forked process's life."""
        code = 1
        try:
            os.setpgid(0, 0)  # a terminal's interrupt is for the process that watches, which passes it on once
            die_with_parent()
            run()
            code = 0
        except LLMFlowError as error:
            print_error(error, as_json=self._as_json)
        except BaseException:  # noqa: BLE001 - the end of a process
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def _noted(signum: int, frame: FrameType | None) -> None:
    """That a process ended wakes `select`."""


def _ended() -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if not pid:
            return found
        found.append((pid, status))


def _say(pipe: int) -> None:
    os.write(pipe, b"1")
    os.close(pipe)
