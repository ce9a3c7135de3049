"""Code on this machine, in namespaces of its own: a warm process inside of bubblewrap forks one for each call."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import platform
import signal
import socket
import subprocess
from pathlib import Path

import msgspec

from llmflow.errors import LLMFlowError, OrganError
from llmflow.organs.sandbox import launch, packages, reply
from llmflow.organs.sandbox.inside.wire import LENGTH, READY, TRAILER
from llmflow.ports.health import Health
from llmflow.ports.sandbox import Code, Ran

log = logging.getLogger(__name__)

_START_S = 20.0
_GRACE_S = 10.0  # past a call's time until the zygote itself counts as stuck
_SLACK = 64 << 10  # bytes beside the result: what was printed
_PIECE = 256 << 10
_PROBE = Code("python3", "def main(a):\n    return {'b': a}", {"a": 1})
_HINT = (
    "Allow unprivileged user namespaces (sysctl kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu, "
    "--security-opt seccomp=unconfined --security-opt apparmor=unconfined for a container), or use a "
    "dify_sandbox server: docs/code.md."
)


class _Zygote:
    """The process inside and the socket to it."""

    def __init__(self, process: asyncio.subprocess.Process, control: socket.socket) -> None:
        self.process = process
        self.control = control

    @property
    def is_alive(self) -> bool:
        return self.process.returncode is None

    async def end(self) -> None:
        self.control.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()


class BubblewrapSandbox:
    """Starts at the first call; up to `concurrency` calls at once, further ones wait. `packages`: names by comma."""

    def __init__(
        self,
        *,
        seconds: float = 15.0,
        memory_mb: int = 512,
        output_mb: int = 8,
        concurrency: int = 4,
        packages: str = "",
    ) -> None:
        self._bounds = reply.Bounds(seconds, memory_mb, output_mb << 20)
        self._names = [name.strip() for name in packages.split(",") if name.strip()]
        self._slots = asyncio.Semaphore(concurrency)
        self._starting = asyncio.Lock()
        self._zygote: _Zygote | None = None
        self._is_closed = False

    async def run(self, code: Code) -> Ran:
        request = msgspec.json.encode(code)
        async with self._slots:
            ours, theirs = socket.socketpair()
            with ours:
                ours.setblocking(False)
                with theirs:
                    zygote = await self._hand_over(theirs)
                try:
                    async with asyncio.timeout(self._bounds.seconds + _GRACE_S):
                        stream = await self._exchange(ours, request)
                except TimeoutError as error:
                    await self._drop(zygote)
                    raise reply.late(self._bounds) from error
        return reply.read(stream, self._bounds)

    async def _hand_over(self, end: socket.socket) -> _Zygote:
        """Gives the zygote a call's socket; starts one where there is none, or where it is found dead."""
        for _ in range(2):
            zygote = await self._ready()
            try:
                socket.send_fds(zygote.control, [b"c"], [end.fileno()])
                return zygote
            except OSError:
                await self._drop(zygote)
        raise OrganError("The sandbox does not stay alive.", code="sandbox_unavailable")

    async def _exchange(self, ours: socket.socket, request: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError):  # it ended before it read everything: its answer says why
            await loop.sock_sendall(ours, LENGTH.pack(len(request)) + request)
        stream = bytearray()
        most = self._bounds.output_bytes + _SLACK + TRAILER.size
        with contextlib.suppress(ConnectionError):
            while piece := await loop.sock_recv(ours, _PIECE):
                stream += piece
                if len(stream) > most:
                    raise reply.too_much(self._bounds)
        return bytes(stream)

    async def _ready(self) -> _Zygote:
        async with self._starting:
            if self._is_closed:
                raise OrganError("The sandbox is closed.", code="sandbox_unavailable")
            if self._zygote is not None and not self._zygote.is_alive:
                await self._zygote.end()
                self._zygote = None
            if self._zygote is None:
                self._zygote = await self._start()
            return self._zygote

    async def _drop(self, zygote: _Zygote) -> None:
        if self._zygote is zygote:
            self._zygote = None
        await zygote.end()

    async def _start(self) -> _Zygote:
        found = await asyncio.to_thread(packages.find, self._names)
        control, inside = socket.socketpair()
        bounds = self._bounds
        numbers = (f"{bounds.seconds:g}", str(bounds.memory_mb), str(bounds.output_bytes))
        with inside:
            process = await asyncio.create_subprocess_exec(
                *launch.command(found, (str(inside.fileno()), *numbers)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(inside.fileno(),),
                start_new_session=True,
                env={"PATH": os.defpath},
            )
        control.setblocking(False)
        zygote = _Zygote(process, control)
        try:
            async with asyncio.timeout(_START_S):
                said = await asyncio.get_running_loop().sock_recv(control, len(READY))
        except (TimeoutError, ConnectionError):
            said = b""
        if said != READY:
            words = await self._last_words(zygote)
            raise OrganError(f"Code cannot be run apart here: {words}", code="sandbox_unavailable", hint=_HINT)
        await asyncio.to_thread(_expendable, process.pid)
        return zygote

    @staticmethod
    async def _last_words(zygote: _Zygote) -> str:
        await zygote.end()
        assert zygote.process.stderr is not None
        noise = (await zygote.process.stderr.read()).decode("utf-8", "replace").strip().splitlines()
        log.warning("the sandbox did not start: %s", " | ".join(noise[-10:]))
        return noise[-1][:300] if noise else "bubblewrap said nothing."

    async def health(self) -> Health:
        where = "bubblewrap, on this machine"
        try:
            ran = await self.run(_PROBE)
        except LLMFlowError as error:
            return Health(ok=False, where=where, detail=error.message, hint=error.hint)
        found = await asyncio.to_thread(packages.find, self._names)
        named = ", ".join(found.names) or "the standard library alone"
        return Health(ok=ran.result == {"b": 1}, where=where, version=platform.python_version(), detail=named)

    async def close(self) -> None:
        self._is_closed = True
        if self._zygote is not None:
            await self._drop(self._zygote)


def _expendable(pid: int) -> None:
    """Where memory runs out, the kernel shall end a call before the server: said of the process and all below it."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text("1000")
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            _expendable(int(child))
