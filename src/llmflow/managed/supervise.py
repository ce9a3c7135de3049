"""Keeps one server running: a free port, its key, waiting until it serves, starting it anew when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from llmflow.errors import OrganError
from llmflow.managed.folder import Last, OrganFolder
from llmflow.managed.recipe import Recipe
from llmflow.net.client import HttpClient
from llmflow.processes.kept import Kept, signal_name, sweep

RunState = Literal["stopped", "starting", "running", "restarting", "stopping", "failed"]

_LOG_BYTES = 8 << 20
_MODELS_KEY = "model"


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: between two looks at a server that starts (`look_s`) or serves (`watch_s`), of one look (`answer_s`),
    before the first new start (`pause_s`, doubled each time up to `longest_s`), and after which a server counts as
    sound again (`sound_s`). `silent`: looks in a row without an answer after which it is started anew; `tries`: starts
    in a row that may fail."""

    look_s: float = 0.5
    watch_s: float = 10.0
    answer_s: float = 10.0
    pause_s: float = 1.0
    longest_s: float = 60.0
    sound_s: float = 300.0
    silent: int = 6
    tries: int = 5


class Supervised:
    """One server. Belongs to one event loop. `changed` is called after each change of what can be read here.

    `state`; `reason`: why it is not running, a sentence; `port`: 0 where it has none; `starts`: since it was asked to
    run; `since`: Unix milliseconds of the last change of state; `model`: the name it serves its model under."""

    def __init__(
        self, recipe: Recipe, folder: OrganFolder, key: Callable[[], str], changed: Callable[[], None], *, pace: Pace
    ) -> None:
        self.recipe = recipe
        self.folder = folder
        self.state: RunState = "stopped"
        self.reason = ""
        self.port = 0
        self.starts = 0
        self.since = _now_ms()
        self.model = ""
        self.has_served = False
        self._key = key
        self._changed = changed
        self._pace = pace
        self._task: asyncio.Task[None] | None = None
        self._kept: Kept | None = None
        self._http = HttpClient(connections=2)
        self._served_at = 0.0  # of this life; 0.0: not yet
        self._settled = asyncio.Event()
        self._settled.set()

    def start(self, chosen: Mapping[str, str | int]) -> None:
        """Begins to run it; nothing where it runs already. Raises OrganError (model_missing) for a model that is not
        there."""
        if self._task is not None and not self._task.done():
            return
        values = {choice.name: chosen.get(choice.name, choice.default) for choice in self.recipe.choices}
        path, self.model = self._model(str(values.get(_MODELS_KEY, "")))
        self.starts, self.has_served = 0, False
        self._set("starting")
        self._task = asyncio.create_task(self._run(values | {"model": path, "model_name": self.model}))

    async def stop(self) -> None:
        """Returns when nothing of it is left."""
        task, self._task = self._task, None
        if task is not None and not task.done():
            self._set("stopping")
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if self.state != "stopped":
            self._set("stopped")
        await self._http.close()

    async def settled(self) -> None:
        """Returns when it serves or has failed, or was stopped."""
        await self._settled.wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the tree's top; 0 where nothing runs."""
        return self._kept.pid if self._kept else 0

    @property
    def memory_mb(self) -> int:
        return self._kept.memory_mb() if self._kept else 0

    async def _run(self, values: Mapping[str, str | int]) -> None:
        failures = 0
        while True:
            self.starts += 1
            self._served_at = 0.0
            reason = await self._once(values)
            was_sound = self._served_at and time.monotonic() - self._served_at > self._pace.sound_s
            failures = 1 if was_sound else failures + 1
            if failures >= self._pace.tries:
                self._set("failed", f"It ended {failures} times in a row and is not started again. {reason}")
                return
            self._set("restarting", reason)
            await asyncio.sleep(min(self._pace.pause_s * 2 ** (failures - 1), self._pace.longest_s))
            self._set("starting", reason)

    async def _once(self, values: Mapping[str, str | int]) -> str:
        """One life of it; returns why that ended."""
        last = self.folder.last()
        await asyncio.to_thread(sweep, self.folder.work, session=last.session if last else None)
        self.port = _free_port(last.port if last else 0)
        try:
            self._kept = await Kept.start(
                self._command(values),
                log=self.folder.log,
                log_bytes=_LOG_BYTES,
                folder=self.folder.work,
                environ=self._environ(values),
            )
        except OSError as error:
            return f"It cannot be started: {error.strerror}."
        try:
            ended = asyncio.create_task(self._kept.wait())
            try:
                return await self._watch(ended)
            finally:
                ended.cancel()
        finally:
            await asyncio.shield(self._kept.stop())
            self._kept = None
            self.port = 0

    async def _watch(self, ended: asyncio.Task[int]) -> str:
        until = time.monotonic() + self.recipe.start_s
        silent, is_noted = 0, False
        while True:
            is_up = self.state == "running"
            await asyncio.wait([ended], timeout=self._pace.watch_s if is_up else self._pace.look_s)
            if ended.done():
                return f"It ended with {signal_name(ended.result())}. {self._last_words()}".rstrip()
            if not is_noted:
                is_noted = self._note()
            if await self._answers():
                silent = 0
                if not is_up:
                    self.has_served = True
                    self._served_at = time.monotonic()
                    self._set("running")
                continue
            silent += 1
            if is_up and silent >= self._pace.silent:
                return f"It did not answer {silent} times in a row."
            if not is_up and time.monotonic() > until:
                return f"It did not serve within {self.recipe.start_s:g} s. {self._last_words()}".rstrip()

    async def _answers(self) -> bool:
        try:
            answer = await self._http.request(
                "GET", self.url + self.recipe.health, timeout_s=self._pace.answer_s, max_bytes=1 << 20
            )
        except OrganError:
            return False
        return answer.status == 200

    def _note(self) -> bool:
        """Notes the session that the command leads, once it is there: it is the keeper's first child."""
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(self.pid).children():
                self.folder.set_last(Last(session=child.pid, port=self.port))
                return True
        return False

    def _last_words(self) -> str:
        """The last line of its log that says something went wrong, else the last line."""
        lines = [line.strip() for line in self.folder.tail(60) if line.strip()]
        bad = [line for line in lines if "Error" in line or "error:" in line]
        words = (bad or lines or [""])[-1].replace(self._key(), "***")
        return words if len(words) <= 300 else words[:300] + "…"

    def _model(self, chosen: str) -> tuple[str, str]:
        """Where the model is, and what it is called."""
        known = {model.name: model for model in self.recipe.models}
        if chosen in known:
            path = known[chosen].path.format(weights=self.folder.weights, site=self.folder.site)
            if not Path(path).exists():
                message = f"{self.recipe.title} has no {chosen}: what it is made from was not there at installation."
                raise OrganError(message, code="model_missing", hint="Choose another model when starting it.")
            return path, chosen
        if chosen.startswith(("/", "~", ".")):
            folder = Path(chosen).expanduser()
            if not folder.is_dir():
                raise OrganError(f"There is no folder {folder} with a model.", code="model_missing")
            return str(folder), folder.name
        return chosen, chosen.rpartition("/")[2]

    def _fill(self, values: Mapping[str, str | int]) -> dict[str, str | int]:
        return {
            **values,
            "python": str(self.folder.python),
            "site": str(self.folder.site),
            "bin": str(self.folder.python.parent),
            "port": self.port,
            "key": self._key(),
        }

    def _command(self, values: Mapping[str, str | int]) -> list[str]:
        filled = self._fill(values)
        command: list[str] = []
        for part in self.recipe.command:
            if part == "{arguments}":
                command += shlex.split(str(values["arguments"]))
            elif text := part.format_map(filled):
                command.append(text)
        adapters = self.folder.wanted().adapters if self.recipe.adapters_option else {}
        there = [f"{name}={path}" for name, path in adapters.items() if Path(path).is_dir()]
        return [*command, self.recipe.adapters_option, *there] if there else command

    def _environ(self, values: Mapping[str, str | int]) -> dict[str, str]:
        filled = self._fill(values)
        is_hub = "/" in str(values["model"]) and not Path(str(values["model"])).is_absolute()
        left_out = self.recipe.environ_offline if is_hub else ()
        given = {name: text.format_map(filled) for name, text in self.recipe.environ.items() if name not in left_out}
        bin_folder = str(self.folder.python.parent)
        return {**given, "PATH": os.pathsep.join((bin_folder, os.environ.get("PATH", os.defpath)))}

    def _set(self, state: RunState, reason: str = "") -> None:
        self.state, self.reason, self.since = state, reason, _now_ms()
        if state in ("starting", "restarting"):
            self._settled.clear()
        else:
            self._settled.set()
        self._changed()


def _free_port(preferred: int) -> int:
    """The port it had before, where nobody has taken it meanwhile, else any free one."""
    for port in (preferred, 0):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            free: int = probe.getsockname()[1]
            return free
    raise OrganError("There is no free port on 127.0.0.1.")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
