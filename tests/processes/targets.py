"""Functions for a pool's child processes: well-behaved ones and every way of misbehaving."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable

from llmflow.errors import DocumentError

Progress = Callable[[int, int], None]


def work(payload: bytes, progress: Progress) -> bytes:
    verb, _, rest = payload.partition(b" ")
    return _VERBS[verb.decode()](rest, progress)


def _echo(rest: bytes, progress: Progress) -> bytes:
    return rest


def _pid(rest: bytes, progress: Progress) -> bytes:
    return str(os.getpid()).encode()


def _steps(rest: bytes, progress: Progress) -> bytes:
    for step in range(3):
        progress(step + 1, 3)
    return b"done"


def _abort(rest: bytes, progress: Progress) -> bytes:
    os.abort()


def _kill(rest: bytes, progress: Progress) -> bytes:
    os.kill(os.getpid(), signal.SIGSEGV)
    return b""


def _hang(rest: bytes, progress: Progress) -> bytes:
    progress(0, os.getpid())
    time.sleep(600)
    return b""


def _family(rest: bytes, progress: Progress) -> bytes:
    """Starts a grandchild, tells its id, then hangs."""
    grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    progress(os.getpid(), grandchild.pid)
    time.sleep(600)
    return b""


def _hog(rest: bytes, progress: Progress) -> bytes:
    hoard = []
    while True:
        hoard.append(bytearray(16 << 20))


def _coded(rest: bytes, progress: Progress) -> bytes:
    raise DocumentError("잠긴 문서", code="document_locked", hint="Unlock it.", param="file")


def _wrong(rest: bytes, progress: Progress) -> bytes:
    raise ValueError("no such thing")


def _noise(rest: bytes, progress: Progress) -> bytes:
    print("a library says hello")
    sys.stdout.write("without a line end")
    os.write(1, b"\xff\xfe raw bytes on descriptor 1\n" * 5000)
    subprocess.run(["echo", "and a program too"], check=True)
    return b"clean"


def _connect(rest: bytes, progress: Progress) -> bytes:
    try:
        socket.create_connection(("127.0.0.1", int(rest)), timeout=2).close()
    except OSError as error:
        return type(error).__name__.encode()
    return b"connected"


def _environment(rest: bytes, progress: Progress) -> bytes:
    return os.environ.get(rest.decode(), "").encode()


_VERBS: dict[str, Callable[[bytes, Progress], bytes]] = {
    name.removeprefix("_"): function
    for name, function in list(globals().items())
    if name.startswith("_") and callable(function)
}
