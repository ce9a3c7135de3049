"""The program that stands between us and a server we run: `python -m llmflow.processes.keeper LOG BYTES -- COMMAND...`.

It starts the command, writes what it prints to a log that never grows beyond three times BYTES, and sees to it that
nothing of it is left: not when the command ends, not when it is told to stop, and not when we die, however we die. On
Linux whatever the command starts, and lets go of, becomes the keeper's own child and is found; elsewhere what left the
command's process group is not.

Standard input is how it is told: a letter `s` stops with time to finish, its end (we are dead) stops at once. With
`--tee` before LOG it repeats what the command prints on standard output. It ends with the command's own status, 128
and the signal's number where a signal ended it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_GRACE_S = 20.0  # to finish answers and let go of memory, when told to stop
_ORPHAN_S = 3.0  # the same, when nobody waits any more
_KEPT_LOGS = 2  # besides the one being written


def main() -> None:
    arguments = sys.argv[1:]
    is_teeing = arguments[0] == "--tee"
    path, size, _, *command = arguments[is_teeing:]
    _adopt_orphans()
    signal.signal(signal.SIGINT, lambda *_: None)  # a handler, unlike "ignore", is not inherited by the command
    keeper = _Keeper(Log(Path(path), int(size)), command, is_teeing=is_teeing)
    signal.signal(signal.SIGTERM, lambda *_: keeper.stop(_GRACE_S))
    sys.exit(keeper.run())


class Log:
    """A file that is moved aside when it is full: FILE.1 is the newest before it, FILE.2 the oldest."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size
        self._file = path.open("ab", buffering=0)

    def write(self, piece: bytes) -> None:
        """A full disk costs words, never the server."""
        with contextlib.suppress(OSError):
            if self._file.tell() + len(piece) > self._size and self._file.tell():
                self._turn()
            self._file.write(piece)

    def _turn(self) -> None:
        for number in range(_KEPT_LOGS, 0, -1):
            newer = self._path.with_name(f"{self._path.name}.{number - 1}") if number > 1 else self._path
            with contextlib.suppress(FileNotFoundError):
                newer.replace(self._path.with_name(f"{self._path.name}.{number}"))
        full, self._file = self._file, self._path.open("ab", buffering=0)
        full.close()


class _Keeper:
    def __init__(self, log: Log, command: list[str], *, is_teeing: bool) -> None:
        self._log = log
        self._is_teeing = is_teeing
        self._until: float | None = None  # when what is left of the command is killed
        me = os.getpid()

        def in_child() -> None:
            _die_with(me)
            _be_the_first_to_go()

        self._child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=in_child,  # there is one thread here
        )

    def run(self) -> int:
        """Returns when nothing is left of the command, with its status."""
        assert self._child.stdout is not None
        output = self._child.stdout.fileno()
        os.set_blocking(output, False)
        with selectors.DefaultSelector() as selector:
            selector.register(_signals(), selectors.EVENT_READ, "signals")
            selector.register(output, selectors.EVENT_READ, "output")
            selector.register(0, selectors.EVENT_READ, "orders")
            while not self._has_ended():
                wait = None if self._until is None else self._until - time.monotonic()
                if wait is not None and wait <= 0:
                    break
                for key, _ in selector.select(wait):
                    if key.data == "signals":
                        os.read(key.fd, 512)
                    elif key.data == "output" and self._copy(output) == 0:
                        selector.unregister(output)
                    elif key.data == "orders" and not self._obey():
                        selector.unregister(0)
        self._kill_all()
        while self._copy(output):
            pass
        code = self._child.returncode
        return 128 - code if code < 0 else code

    def stop(self, grace_s: float) -> None:
        """Asks the command to end; what is still there after `grace_s` is killed."""
        until = time.monotonic() + grace_s
        self._until = until if self._until is None else min(self._until, until)
        with contextlib.suppress(ProcessLookupError):
            self._child.send_signal(signal.SIGTERM)

    def _obey(self) -> bool:
        order = os.read(0, 1)
        self.stop(_GRACE_S if order == b"s" else _ORPHAN_S)
        return bool(order)

    def _has_ended(self) -> bool:
        """Whether the command has; what it had let go of and has ended too is buried."""
        while found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if found.si_pid == self._child.pid:
                return True
            os.waitpid(found.si_pid, 0)
        return False

    def _copy(self, output: int) -> int | None:
        """Writes on what has come; 0 at the end, None when nothing is there now."""
        try:
            piece = os.read(output, 1 << 16)
        except BlockingIOError:
            return None
        self._log.write(piece)
        if self._is_teeing:
            try:
                os.write(1, piece)
            except OSError:
                self._is_teeing = False
        return len(piece)

    def _kill_all(self) -> None:
        """Kills until nobody is left: whoever was just being born is found on the next round."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        while left := psutil.Process().children(recursive=True):
            for one in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            time.sleep(0.01)


def _signals() -> int:
    """A file that can be read when a signal came, such as that a child has ended."""
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if sys.platform == "linux" else os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return reading


def _adopt_orphans() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _die_with(keeper: int) -> None:
    """The command does not outlive a keeper that was killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != keeper:
            os._exit(1)


def _be_the_first_to_go() -> None:
    """Where memory runs out, the kernel takes a model server before the platform."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("500", "ascii")


if __name__ == "__main__":
    main()
