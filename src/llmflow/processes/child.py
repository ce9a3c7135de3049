"""The program a pool starts: `python -m llmflow.processes.child module:function MEMORY_MB`.

It answers calls on its standard input with frames on its standard output, one at a time, until the input ends. The
function takes (payload: bytes, progress: Callable[[int, int], None]) and returns bytes. Whatever a library prints
goes to standard error, so it cannot break the frames.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import queue
import resource
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import msgspec

from llmflow.processes import frames

Work = Callable[[bytes, Callable[[int, int], None]], bytes]
_PR_SET_PDEATHSIG = 1
_CLONE_NEWNET = 0x40000000
_CLONE_NEWUSER = 0x10000000


def die_with_parent() -> None:
    """Linux kills this process when its parent dies, however that happens; elsewhere the end of the input does."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def leave_network() -> None:
    """Moves this process, and all it starts, into a network of its own that leads nowhere, where the kernel lets it."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(_CLONE_NEWNET) != 0:
            libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def limit_memory(memory_mb: int) -> None:
    """Bounds this process's own writable memory. RLIMIT_AS would count mapped files and reserved space too, of which
    numeric libraries take gigabytes without using them."""
    limit = memory_mb << 20
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _take_pipes() -> tuple[int, int]:
    """The pool's pipes under new numbers; 0 becomes /dev/null and 1 standard error."""
    incoming, outgoing = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    sys.stdin = open(0, encoding="utf-8")  # noqa: SIM115  they live as long as the process
    sys.stdout = open(1, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    return incoming, outgoing


def _read(fd: int, size: int) -> bytes | None:
    """Exactly `size` bytes, None at the end of the input."""
    parts = bytearray()
    while len(parts) < size:
        part = os.read(fd, min(size - len(parts), 1 << 20))
        if not part:
            return None
        parts += part
    return bytes(parts)


def _listen(fd: int, calls: queue.SimpleQueue[bytes]) -> None:
    """Hands on calls; ends the process at once when the parent has closed the pipe, even in the middle of a call."""
    while (head := _read(fd, frames.PREFIX.size)) is not None:
        body = _read(fd, frames.PREFIX.unpack(head)[0])
        if body is None:
            break
        calls.put(body)
    os._exit(0)


def _write(fd: int, reply: frames.Reply) -> None:
    data = memoryview(frames.pack(msgspec.msgpack.encode(reply)))
    while data:
        data = data[os.write(fd, data) :]


def _answer(work: Work, payload: bytes, fd: int) -> bool:
    """Runs one call and writes its reply; False when this process should not take another."""
    try:
        reply: frames.Reply = frames.Done(work(payload, lambda done, total: _write(fd, frames.Progress(done, total))))
    except MemoryError:
        reply = frames.Failed(frames.Failed.OUT_OF_MEMORY, "")
    except Exception as error:  # noqa: BLE001  the border: whatever it is must cross to the parent
        reply = frames.failed(error)
    _write(fd, reply)
    return not (isinstance(reply, frames.Failed) and reply.kind == frames.Failed.OUT_OF_MEMORY)


def _load(target: str) -> Work:
    module, _, name = target.partition(":")
    work: Any = getattr(importlib.import_module(module), name)
    return work  # type: ignore[no-any-return]


def main() -> None:
    target, memory_mb = sys.argv[1], int(sys.argv[2])
    die_with_parent()
    leave_network()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(5)  # the event loop of the server goes first
    incoming, outgoing = _take_pipes()
    limit_memory(memory_mb)
    calls: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(incoming, calls), daemon=True, name="calls").start()
    work: Work | None = None
    while True:
        payload = calls.get()
        work = work or _load(target)
        if not _answer(work, payload, outgoing):
            os._exit(1)


if __name__ == "__main__":
    main()
