"""Builds a server's own environment: a virtual environment, its pinned packages, and its first models.

pip does it, with the machine's own settings (mirrors, folders of wheels, constraints). What breaks off is done anew
from the start; downloads that were whole are in pip's cache by then.
"""

from __future__ import annotations

import asyncio
import importlib.util
import re
import shutil
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from llmflow.errors import OrganError
from llmflow.managed.folder import Installed, OrganFolder
from llmflow.managed.look import is_current
from llmflow.managed.recipe import Build, Prepare, Recipe
from llmflow.processes.kept import Kept, signal_name

Phase = Literal["environment", "installer", "packages", "unpack", "adjust", "models", "check"]

_PIP = "pip==25.3"
_LOG_BYTES = 8 << 20
_MB = 1024 * 1024
_LOOK_S = 1.0
_SCRIPTS = Path(__file__).parent / "scripts"
_PIP_VARIABLES = re.compile(r"PIP_[A-Z_]+")


@dataclass(frozen=True, slots=True)
class InstallProgress:
    """`step` of `steps`, from 1. `detail`: the package, or what is made. `done` of `total`: bytes of a download,
    packages of an unpacking, else 0."""

    phase: Phase
    step: int
    steps: int
    detail: str = ""
    done: int = 0
    total: int = 0


OnProgress = Callable[[InstallProgress], None]


def build_of(recipe: Recipe) -> tuple[str, Build]:
    """What this machine gets: "gpu" where there is an NVIDIA card and the recipe knows what to do with one."""
    if recipe.gpu is not None and _has_gpu():
        return "gpu", recipe.gpu
    return "cpu", recipe.cpu


def _has_gpu() -> bool:
    return any(Path("/proc/driver/nvidia/gpus").glob("*")) or Path("/dev/nvidia0").exists()


async def install(recipe: Recipe, folder: OrganFolder, on_progress: OnProgress, *, environ: dict[str, str]) -> None:
    """Returns when it is whole; at once where it is already. `environ`: this process's.

    Raises Conflict (organ_installing), OrganError (install_failed; disk_full where there is no room for it). Cancelled,
    it leaves no process, and an environment that the next call builds anew."""
    with folder.installing():
        if is_current(recipe, folder):
            return
        await _Installation(recipe, folder, on_progress, environ).run()


class _Installation:
    def __init__(self, recipe: Recipe, folder: OrganFolder, on_progress: OnProgress, environ: dict[str, str]) -> None:
        self._recipe = recipe
        self._folder = folder
        self._on_progress = on_progress
        self._environ = {name: value for name, value in environ.items() if _PIP_VARIABLES.fullmatch(name)}
        self._kind, self._build = build_of(recipe)
        packages: list[Phase] = ["installer", "packages", "unpack", "adjust"] if self._build.packages else []
        self._phases: list[Phase] = ["environment", *packages, *(["models"] if recipe.prepare else []), "check"]  # type: ignore[list-item]

    async def run(self) -> None:
        folder, build = self._folder, self._build
        await self._make_room()
        self._say("environment", f"Python {sys.version_info.major}.{sys.version_info.minor}")
        bare = [] if build.packages else ["--without-pip"]
        await self._call([sys.executable, "-m", "venv", *bare, str(folder.venv)])
        if build.packages:
            self._say("installer", _PIP)
            await self._pip("install", "--quiet", _PIP)
            await self._packages()
            self._say("adjust", ", ".join(build.remove))
            if build.remove:
                await self._pip("uninstall", "--yes", "--quiet", *build.remove)
            for name, version in build.known_as:
                _write_alias(folder.site, name, version)
        for prepare in self._recipe.prepare:
            await self._prepare(prepare)
        self._say("check", self._recipe.check)
        if self._recipe.check:
            await self._call([str(folder.python), "-c", f"import {self._recipe.check}"])
        size = await asyncio.to_thread(_size_mb, folder.path)
        folder.set_installed(Installed(self._recipe.fingerprint, self._recipe.version, self._kind, size))

    async def _make_room(self) -> None:
        """Takes away what an earlier try left, and sees whether there is enough disk."""
        folder = self._folder
        folder.set_installed(None)
        folder.install_log.unlink(missing_ok=True)
        for left in (folder.venv, folder.weights):
            if left.exists():
                await asyncio.to_thread(shutil.rmtree, left)
        free = shutil.disk_usage(folder.path).free // _MB
        if free < self._recipe.disk_mb:
            message = (
                f"{self._recipe.title} needs about {self._recipe.disk_mb} MB of disk; {folder.path} has {free} MB."
            )
            raise OrganError(message, code="disk_full")

    async def _packages(self) -> None:
        build = self._build
        self._say("packages", build.packages[0])
        more = ["--extra-index-url", build.index] if build.index and not await self._finds(build.probe) else []
        downloads = _Downloads()
        unpacking: list[asyncio.Task[None]] = []

        def heard(line: str) -> None:
            if packages := _unpacked(line):
                unpacking.append(asyncio.create_task(self._watch_unpacking(len(packages))))
            elif news := downloads.take(line):
                self._say("packages", *news)

        try:
            await self._pip("install", "--progress-bar", "raw", *more, *build.packages, heard=heard)
        finally:
            for task in unpacking:
                task.cancel()
            await asyncio.gather(*unpacking, return_exceptions=True)

    async def _finds(self, requirement: str) -> bool:
        """Whether pip has it without being told where."""
        try:
            await self._pip("install", "--quiet", "--dry-run", "--no-deps", requirement)
        except OrganError:
            return False
        return True

    async def _watch_unpacking(self, total: int) -> None:
        while True:
            done = len(list(self._folder.site.glob("*.dist-info")))
            self._say("unpack", "", min(done, total), total)
            await asyncio.sleep(_LOOK_S)

    async def _prepare(self, prepare: Prepare) -> None:
        self._say("models", prepare.detail)
        source = packaged(*prepare.source)
        if source is not None:
            script = str(_SCRIPTS / prepare.script)
            await self._call([str(self._folder.python), script, str(self._folder.weights), str(source)])

    def _say(self, phase: Phase, detail: str, done: int = 0, total: int = 0) -> None:
        step = self._phases.index(phase) + 1
        self._on_progress(InstallProgress(phase, step, len(self._phases), detail, done, total))

    async def _pip(self, *arguments: str, heard: Callable[[str], None] | None = None) -> None:
        await self._call([str(self._folder.python), "-m", "pip", "--no-input", *arguments], heard)

    async def _call(self, command: Sequence[str], heard: Callable[[str], None] | None = None) -> None:
        """Runs it to its end. Raises OrganError (install_failed, disk_full) with its own last words when it fails."""
        kept = await Kept.start(
            command,
            log=self._folder.install_log,
            log_bytes=_LOG_BYTES,
            folder=self._folder.work,
            environ=self._environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "HF_HUB_OFFLINE": "1"},
            tee=True,
        )
        said: deque[str] = deque(maxlen=40)
        try:
            async for line in kept.lines():
                said.append(line)
                if heard is not None:
                    heard(line)
            status = await kept.wait()
        finally:
            await asyncio.shield(kept.stop())
        if status:
            last = next((one for one in reversed(said) if one.startswith("ERROR")), said[-1] if said else "")
            message = f"`{' '.join(command[1:5])} ...` ended with {signal_name(status)}: {last}"
            full = any("No space left" in one for one in said)
            raise OrganError(message.rstrip(": "), code="disk_full" if full else "install_failed")


class _Downloads:
    """What pip says of its downloads, as news: at most some a second."""

    def __init__(self) -> None:
        self._name = ""
        self._said = 0.0

    def take(self, line: str) -> tuple[str, int, int] | None:
        """(package, bytes there, bytes in all), both 0 while pip only looks. None: nothing worth telling."""
        if found := _COLLECTING.match(line):
            self._name = found[1]
            return self._name, 0, 0
        if found := _DOWNLOADING.match(line):
            self._name = found[1]
            return None
        if found := _PROGRESS.match(line):
            done, total = int(found[1]), int(found[2])
            if done == total or time.monotonic() - self._said > 0.3:
                self._said = time.monotonic()
                return self._name, done, total
        return None


_COLLECTING = re.compile(r"(?:Collecting|Processing) (?:\S*/)?([\w.\[\]-]+?)(?:[<>=!~;-].*)?(?: \(from .*)?$")
_DOWNLOADING = re.compile(r"\s*Downloading (?:\S*/)?([\w.]+?)-\d")
_PROGRESS = re.compile(r"Progress (\d+) of (\d+)$")


def _unpacked(line: str) -> list[str]:
    """The packages that pip begins to put in place, when this line names them."""
    _, is_it, names = line.partition("Installing collected packages: ")
    return names.split(", ") if is_it else []


def packaged(package: str, file: str) -> Path | None:
    """A file of a package of this environment, which is not imported."""
    spec = importlib.util.find_spec(package)
    path = Path(spec.origin).parent / file if spec and spec.origin else None
    return path if path and path.is_file() else None


def _write_alias(site: Path, name: str, version: str) -> None:
    """Makes importlib.metadata know `name`, without anything behind it."""
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir(exist_ok=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8")


def _size_mb(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()) // _MB
