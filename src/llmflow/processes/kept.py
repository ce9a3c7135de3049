"""A server or a long command as a tree of processes of ours: started, listened to, measured, and ended whole."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import psutil

#: What such a tree gets of our environment: enough to find programs, a GPU and the way out, never a key or a password
#: of ours.
PASSED_ON = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"),
    *("LD_LIBRARY_PATH", "LD_PRELOAD", "CUDA_VISIBLE_DEVICES", "CUDA_HOME", "NVIDIA_VISIBLE_DEVICES"),
    *("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OMP_NUM_THREADS", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy"),
)
#: Marks every process of a tree with the folder it works for, so that one whose keeper was killed is found again.
MARK = "LLMFLOW_MANAGED"
_STOP_S = 30.0  # the keeper's own time to let a tree finish, and to end what did not
_MB = 1024 * 1024


class Kept:
    """A command and all it starts, under a keeper (keeper.py): none of it outlives `stop`, or us."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        *,
        log: Path,
        log_bytes: int,
        folder: Path,
        environ: Mapping[str, str],
        tee: bool = False,
    ) -> Kept:
        """`folder` is where it runs and what marks it. `environ` stands beside what is passed on of ours. With `tee`,
        `lines` yields what it prints. Raises OSError when the command cannot be started at all."""
        passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "llmflow.processes.keeper",
            *(["--tee"] if tee else []),
            str(log),
            str(log_bytes),
            "--",
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE if tee else asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C on our terminal is for us
            cwd=folder,
            env={**passed_on, **environ, MARK: str(folder), "PYTHONUNBUFFERED": "1"},
            limit=1 << 20,
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """The keeper's."""
        return self._process.pid

    async def lines(self) -> AsyncIterator[str]:
        """What it prints, line by line, to its end."""
        assert self._process.stdout is not None
        while True:
            try:
                line = await self._process.stdout.readline()
            except ValueError:  # a line longer than the limit: skipped
                continue
            if not line:
                return
            yield line.decode("utf-8", "replace").rstrip("\r\n")

    async def wait(self) -> int:
        """Its status, once nothing of it is left; above 128: the number of the signal that ended it."""
        return await self._process.wait()

    async def stop(self) -> None:
        """Asks it to finish, ends it all after a while, and returns when nothing is left."""
        if self._process.returncode is None and self._process.stdin is not None:
            with contextlib.suppress(ConnectionError, RuntimeError):
                self._process.stdin.write(b"s")
        try:
            await asyncio.wait_for(self._process.wait(), _STOP_S)
        except TimeoutError:  # the keeper itself hangs
            left = [] if self._process.returncode is not None else tree(self.pid)
            for one in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
            await self._process.wait()

    def memory_mb(self) -> int:
        """Memory of the whole tree, the keeper's included. What processes share counts for each."""
        return memory_mb(self.pid)


def tree(pid: int) -> list[psutil.Process]:
    """The process and all below it; none where it has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    return []


def memory_mb(pid: int) -> int:
    total = 0
    for one in tree(pid):
        with contextlib.suppress(psutil.Error):
            total += one.memory_info().rss
    return total // _MB


def sweep(folder: Path, *, session: int | None = None) -> int:
    """Kills what a tree that worked for `folder` left behind when its keeper was killed: by its mark, or, where a
    program has overwritten its environment (to change its title), by the `session` it ran in and the folder it is in.
    How many there were."""
    found = [one for one in psutil.process_iter() if one.pid != os.getpid() and _belongs(one, folder, session)]
    for one in found:
        with contextlib.suppress(psutil.Error):
            one.kill()
    psutil.wait_procs(found, timeout=5)
    return len(found)


def _belongs(one: psutil.Process, folder: Path, session: int | None) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        if one.environ().get(MARK) == str(folder):
            return True
        return session is not None and os.getsid(one.pid) == session and Path(one.cwd()) == folder
    return False


def signal_name(status: int) -> str:
    """How something ended, from the status that `wait` gave: "SIGKILL", or "status 1"."""
    if status > 128:
        with contextlib.suppress(ValueError):
            return signal.Signals(status - 128).name
    return f"status {status}"
