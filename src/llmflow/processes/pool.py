"""A pool of child processes, each running one call at a time, that may hang, crash or eat memory without harm."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping

import msgspec

from llmflow.errors import InternalError
from llmflow.processes import frames

log = logging.getLogger(__name__)

OnProgress = Callable[[int, int], None]

#: What a child gets of our environment: enough to find programs and its own modules, never a key or a password.
_PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TMPDIR",
    "PYTHONPATH",
    "TESSDATA_PREFIX",
    "LD_LIBRARY_PATH",
)
#: One core a child; no library calls home.
_FIXED = {
    "OMP_NUM_THREADS": "1",
    "OMP_THREAD_LIMIT": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "PYTHONUNBUFFERED": "1",
    "DO_NOT_TRACK": "1",
    "SCARF_NO_ANALYTICS": "true",
    "UNSTRUCTURED_DISABLE_NOTICE": "1",
    "HF_HUB_OFFLINE": "1",
}
_STDERR_KEPT = 2000  # bytes
_REPLY: msgspec.msgpack.Decoder[frames.Reply] = msgspec.msgpack.Decoder(frames.Reply)


class ChildError(InternalError):
    """A child could not finish a call; the next call gets a fresh one."""


class ChildTimeout(ChildError):
    """The call took longer than its time; the child was killed."""


class ChildDied(ChildError):
    """The child ended by itself (a crash in a library) or was killed from outside."""


class ChildOutOfMemory(ChildDied):
    """The call wanted more memory than the pool allows."""


class ChildFailed(ChildError):
    """The function raised something that is no LLMFlowError; the child lives."""


class _Child:
    """One process and its pipes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.idle_timer: asyncio.TimerHandle | None = None
        self._noise = bytearray()
        self._drain = asyncio.create_task(self._keep_noise())

    @classmethod
    async def start(cls, target: str, memory_mb: int, environ: Mapping[str, str]) -> _Child:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # the working folder is no place to import from
            "-m",
            "llmflow.processes.child",
            target,
            str(memory_mb),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # so that what it starts can be killed with it
            env=dict(environ),
            limit=1 << 20,
        )
        return cls(process)

    async def _keep_noise(self) -> None:
        assert self.process.stderr is not None
        while part := await self.process.stderr.read(1 << 14):
            self._noise += part
            del self._noise[:-_STDERR_KEPT]

    @property
    def last_words(self) -> str:
        lines = self._noise.decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:300] if lines else ""

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    async def call(self, payload: bytes, on_progress: OnProgress | None) -> frames.Done | frames.Failed:
        """Raises EOFError, ConnectionError or MsgspecError when the child is gone or talks nonsense."""
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(frames.pack(payload))
        await stdin.drain()
        while True:
            size = frames.PREFIX.unpack(await stdout.readexactly(frames.PREFIX.size))[0]
            if size > frames.MAX_FRAME:
                raise EOFError("a frame without sense")
            reply = _REPLY.decode(await stdout.readexactly(size))
            if not isinstance(reply, frames.Progress):
                return reply
            if on_progress is not None:
                on_progress(reply.done, reply.total)

    async def kill(self) -> None:
        """Ends the process and all it started, and waits until the kernel has let go of it."""
        if self.idle_timer is not None:
            self.idle_timer.cancel()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()
        self._drain.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._drain
        if self.process.stdin is not None:
            self.process.stdin.close()


def _out_of_memory(reply: frames.Done | frames.Failed) -> bool:
    return isinstance(reply, frames.Failed) and reply.kind == frames.Failed.OUT_OF_MEMORY


class ProcessPool:
    """Runs `target` ("module:function") in up to `workers` child processes of at most `memory_mb` each.

    The function is `(payload: bytes, progress: Callable[[int, int], None]) -> bytes`. Children start when first
    needed and stop after `idle_s` seconds without a call. Belongs to one event loop.
    """

    def __init__(self, target: str, *, workers: int = 1, memory_mb: int = 2048, idle_s: float = 60.0) -> None:
        self._target = target
        self._memory_mb = memory_mb
        self._idle_s = idle_s
        self._slots = asyncio.Semaphore(workers)
        self._idle: list[_Child] = []
        self._busy: set[_Child] = set()
        self._endings: set[asyncio.Task[None]] = set()
        self._closed = False
        passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        self._environ = passed_on | _FIXED

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the children there are now."""
        return tuple(child.process.pid for child in (*self._idle, *self._busy) if child.alive)

    async def call(self, payload: bytes, *, timeout_s: float, on_progress: OnProgress | None = None) -> bytes:
        """The function's result. `timeout_s` counts from when a child takes the call up, its start included.

        Raises LLMFlowErrors of the function as they are, ChildFailed for its other exceptions, ChildTimeout,
        ChildOutOfMemory and ChildDied. Cancelling the call kills its child.
        """
        async with self._slots:
            if self._closed:
                raise ChildDied("The process pool is closed.")
            return await self._run(payload, timeout_s, on_progress)

    async def _run(self, payload: bytes, timeout_s: float, on_progress: OnProgress | None) -> bytes:
        child: _Child | None = None
        reusable = False
        try:
            async with asyncio.timeout(timeout_s):
                child = await self._take()
                self._busy.add(child)
                reply = await child.call(payload, on_progress)
            reusable = not _out_of_memory(reply)
        except TimeoutError as error:
            raise ChildTimeout(f"A child process took more than {timeout_s:g} s.") from error
        except (EOFError, ConnectionError, msgspec.MsgspecError) as error:  # EOFError: IncompleteReadError too
            assert child is not None
            raise await self._obituary(child) from error
        finally:
            if child is not None:
                self._busy.discard(child)
                if reusable and not self._closed and child.alive:
                    self._put_back(child)
                else:
                    await asyncio.shield(self._end(child))
        if isinstance(reply, frames.Done):
            return reply.result
        if _out_of_memory(reply):
            raise ChildOutOfMemory(f"A child process needed more than {self._memory_mb} MB of memory.")
        raise frames.rebuild(reply) or ChildFailed(reply.message)

    async def _obituary(self, child: _Child) -> ChildDied:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(child.process.wait(), 1.0)
        code = child.process.returncode
        if code is not None and code < 0:
            how = f"was ended by {signal.Signals(-code).name}"
        else:
            how = f"ended with status {code}"
        log.warning("a child process of %s %s: %s", self._target, how, child.last_words)
        if "MemoryError" in child.last_words or "bad_alloc" in child.last_words:
            return ChildOutOfMemory(f"A child process {how} for lack of memory.")
        return ChildDied(f"A child process {how}.")

    async def _take(self) -> _Child:
        while self._idle:
            child = self._idle.pop()
            if child.idle_timer is not None:
                child.idle_timer.cancel()
            if child.alive:
                return child
            await child.kill()
        return await _Child.start(self._target, self._memory_mb, self._environ)

    def _put_back(self, child: _Child) -> None:
        self._idle.append(child)
        child.idle_timer = asyncio.get_running_loop().call_later(self._idle_s, self._expire, child)

    def _expire(self, child: _Child) -> None:
        if child in self._idle:
            self._idle.remove(child)
            self._end(child)

    def _end(self, child: _Child) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(child.kill())
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)
        return task

    async def close(self) -> None:
        """Kills every child, calls in progress included (they raise ChildDied); none is left when it returns."""
        self._closed = True
        for child in (*self._idle, *self._busy):
            self._end(child)
        self._idle.clear()
        while self._endings:
            await asyncio.gather(*self._endings)
