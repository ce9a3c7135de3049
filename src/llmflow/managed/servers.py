"""All servers that LLMFlow runs itself: installed, started, stopped, looked at, and started again with LLMFlow."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from llmflow.errors import ConfigError, Conflict, LLMFlowError, OrganError, UsageError
from llmflow.managed import shelf
from llmflow.managed.folder import OrganFolder, Wanted
from llmflow.managed.install import InstallProgress, build_of, install
from llmflow.managed.look import RestState, at_rest, is_current
from llmflow.managed.recipe import Recipe
from llmflow.managed.supervise import Pace, RunState, Supervised
from llmflow.ports.health import Health
from llmflow.ports.server import ServerAddress
from llmflow.processes.kept import sweep
from llmflow.store.crypto import Cipher

State = Literal["installing", RestState, RunState]
Chosen = Mapping[str, str | int]

_log = logging.getLogger(__name__)
_REST_S = 0.3  # between two pieces of news of one reader
_MEMORY_S = 3.0


@dataclass(frozen=True, slots=True)
class ServerState:
    """How one server is. `reason`: why it does not run, `hint`: what to do; "" where there is nothing to say.

    `chosen`: what it was, or would be, started with. `disk_mb`: 0 where it is not installed. `since`: Unix
    milliseconds. `starts`: how often since it was asked to run. `progress`: of an installation under way."""

    name: str
    state: State
    reason: str
    hint: str
    version: str
    build: str
    port: int
    memory_mb: int
    disk_mb: int
    starts: int
    since: int
    model: str
    chosen: Chosen
    adapters: Mapping[str, str]
    progress: InstallProgress | None


class Servers:
    """`pinned`: what llmflow.yaml has chosen for servers that it uses, by name; it wins over what was chosen at a
    start, and these servers start with LLMFlow. `on_change` is called with a server's name after each change."""

    def __init__(
        self,
        path: Path,
        cipher: Cipher,
        recipes: Mapping[str, Recipe],
        *,
        pinned: Mapping[str, Chosen] | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._path = path
        self._cipher = cipher
        self.recipes = recipes
        self.pinned = pinned or {}
        self.on_change: Callable[[str], None] = lambda _: None
        self._pace = pace or Pace()
        self._supervised: dict[str, Supervised] = {}
        self._installing: dict[str, asyncio.Task[None]] = {}
        self._progress: dict[str, InstallProgress] = {}
        self._failed: dict[str, LLMFlowError] = {}
        self._keys: dict[str, str] = {}
        self._readers: dict[str, set[asyncio.Event]] = {}

    # what people ask for

    def states(self) -> list[ServerState]:
        return [self.state(name) for name in self.recipes]

    def state(self, name: str) -> ServerState:
        """Raises NotFound (organ_unknown)."""
        recipe, folder = self.recipe(name), self.folder(name)
        installed, one, wanted = folder.installed(), self._supervised.get(name), folder.wanted()
        state, reason, hint = self._told(recipe, folder, one)
        return ServerState(
            name=name,
            state=state,
            reason=reason,
            hint=hint,
            version=installed.version if installed else recipe.version,
            build=installed.build if installed else build_of(recipe)[0],
            port=one.port if one else 0,
            memory_mb=one.memory_mb if one else 0,
            disk_mb=installed.disk_mb if installed else 0,
            starts=one.starts if one else 0,
            since=one.since if one else 0,
            model=one.model if one else "",
            chosen=self._chosen(recipe, wanted.chosen),
            adapters=wanted.adapters,
            progress=self._progress.get(name),
        )

    def install(self, name: str) -> None:
        """Begins to install it, in the background; `installed` waits. Nothing where it is under way.

        Raises NotFound (organ_unknown), Conflict (organ_running)."""
        recipe = self.recipe(name)
        if name in self._installing:
            return
        one = self._supervised.get(name)
        if one is not None and one.state not in ("stopped", "failed"):
            raise Conflict(f"{recipe.title} is running.", code="organ_running")
        self._failed.pop(name, None)
        self._installing[name] = asyncio.create_task(self._install(recipe))
        self._changed(name)

    async def installed(self, name: str) -> None:
        """Returns when an installation under way is over. Raises what it raised."""
        if task := self._installing.get(name):
            await asyncio.shield(task)
        if error := self._failed.get(name):
            raise error

    async def start(self, name: str, chosen: Chosen | None = None) -> None:
        """Begins to run it, and does so again at each start of LLMFlow; `settled` waits. With `chosen`, values of its
        choices, it is stopped first where it runs with others.

        Raises NotFound, UsageError, OrganError (organ_not_installed, model_missing), Conflict (organ_installing)."""
        recipe, folder = self.recipe(name), self.folder(name)
        self._check_ready(recipe, folder)
        wanted = folder.wanted()
        values = _checked(recipe, wanted.chosen if chosen is None else chosen)
        one = self._one(name)
        if values != wanted.chosen and one.state not in ("stopped", "failed"):
            await one.stop()
        one.start(self._chosen(recipe, values))
        folder.set_wanted(Wanted(running=True, chosen=values, adapters=wanted.adapters))

    async def settled(self, name: str) -> ServerState:
        """Its state once it serves, or will not."""
        await self._one(name).settled()
        return self.state(name)

    async def stop(self, name: str) -> None:
        """Returns when nothing of it is left; it stays stopped. Raises NotFound."""
        self.recipe(name)
        folder = self.folder(name)
        if folder.path.exists():
            wanted = folder.wanted()
            folder.set_wanted(Wanted(running=False, chosen=wanted.chosen, adapters=wanted.adapters))
        if name in self._supervised:
            await self._supervised[name].stop()
        await self._cancel_install(name)

    async def remove(self, name: str) -> None:
        """Stops it and deletes its files. Raises NotFound."""
        await self.stop(name)
        folder = self.folder(name)
        if folder.path.exists():
            await asyncio.to_thread(folder.remove)
        self._failed.pop(name, None)
        self._keys.pop(name, None)
        self._changed(name)

    # what LLMFlow asks for

    async def start_wanted(self) -> None:
        """Starts what ran before and what llmflow.yaml uses; ends what a killed LLMFlow left. Never raises."""
        for name in self.recipes:
            folder = self.folder(name)
            if not folder.path.exists():
                continue
            last = folder.last()
            if left := await asyncio.to_thread(sweep, folder.work, session=last.session if last else None):
                _log.warning("%d processes of %s were left from before, and ended", left, name)
            if folder.wanted().running or name in self.pinned:
                try:
                    await self.start(name)
                except LLMFlowError as error:
                    _log.warning("%s is not started: %s", name, error)

    def starting(self) -> list[str]:
        """Names of the servers that llmflow.yaml uses and that are on their way to serve for the first time."""
        on_their_way = ("starting", "restarting")
        return [
            name
            for name in self.pinned
            if (one := self._supervised.get(name)) and one.state in on_their_way and not one.has_served
        ]

    def log(self, name: str, lines: int, *, install: bool = False) -> list[str]:
        """The last lines of what it printed, or of its last installation, its key masked. Raises NotFound."""
        self.recipe(name)
        folder = self.folder(name)
        key = self._key(name) if folder.key.exists() else ""
        return [line.replace(key, "***") if key else line for line in folder.tail(lines, install=install)]

    def is_running(self, name: str) -> bool:
        """It serves now."""
        one = self._supervised.get(name)
        return one is not None and one.state == "running"

    async def close(self) -> None:
        """Ends all of them; they start again with the next LLMFlow."""
        await asyncio.gather(*(self._cancel_install(name) for name in list(self._installing)))
        await asyncio.gather(*(one.stop() for one in self._supervised.values()))

    async def follow(self, name: str) -> AsyncGenerator[ServerState]:
        """Its state now, and again after each change; while it runs, every few seconds for its memory."""
        news = asyncio.Event()
        self._readers.setdefault(name, set()).add(news)
        try:
            while True:
                news.clear()
                yield self.state(name)
                await asyncio.sleep(_REST_S)
                one = self._supervised.get(name)
                wait = _MEMORY_S if one is not None and one.pid else None
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), wait)
        finally:
            self._readers[name].discard(news)

    def server(self, name: str) -> Server:
        """What an adapter talks to it by. Raises NotFound."""
        self.recipe(name)
        return Server(self, name)

    def recipe(self, name: str) -> Recipe:
        if name not in self.recipes:
            raise shelf.unknown(name, list(self.recipes))
        return self.recipes[name]

    def folder(self, name: str) -> OrganFolder:
        return OrganFolder(self._path / name)

    def address(self, name: str) -> ServerAddress:
        """Raises OrganError as ManagedServer.address does."""
        recipe, folder, one = self.recipe(name), self.folder(name), self._supervised.get(name)
        if one is not None and one.state == "running":
            return ServerAddress(one.url, self._key(name), one.model)
        self._check_ready(recipe, folder)
        if one is None or one.state in ("stopped", "stopping"):
            raise OrganError(
                f"{recipe.title} is not running.", code="organ_stopped", hint=f"Start it: llmflow organs start {name}"
            )
        if one.state == "failed":
            raise OrganError(f"{recipe.title} does not run. {one.reason}", code="organ_failed")
        raise OrganError(f"{recipe.title} is starting. {one.reason}".rstrip(), code="organ_starting")

    def _told(self, recipe: Recipe, folder: OrganFolder, one: Supervised | None) -> tuple[State, str, str]:
        """State, reason, hint."""
        if recipe.name in self._installing:
            return "installing", "", ""
        if one is not None and one.state != "stopped":
            hint = f"Read its log: llmflow organs logs {recipe.name}" if one.state == "failed" else ""
            return one.state, one.reason, hint
        if error := self._failed.get(recipe.name):
            return "broken", error.message, error.hint
        return at_rest(recipe, folder)

    async def _install(self, recipe: Recipe) -> None:
        name = recipe.name

        def progress(news: InstallProgress) -> None:
            self._progress[name] = news
            self._changed(name)

        try:
            await install(recipe, self.folder(name), progress, environ=dict(os.environ))
        except LLMFlowError as error:
            self._failed[name] = error
            _log.warning("%s was not installed: %s", name, error)
        except OSError as error:
            message = f"{recipe.title} was not installed: {error.strerror}: {error.filename}"
            self._failed[name] = OrganError(message, code="install_failed")
        finally:
            self._progress.pop(name, None)
            del self._installing[name]
            self._changed(name)

    async def _cancel_install(self, name: str) -> None:
        if task := self._installing.get(name):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _check_ready(self, recipe: Recipe, folder: OrganFolder) -> None:
        name = recipe.name
        if name in self._installing:
            raise OrganError(f"{recipe.title} is being installed.", code="organ_starting")
        if not is_current(recipe, folder):
            raise OrganError(
                f"{recipe.title} is not installed.",
                code="organ_not_installed",
                hint=f"Install it: llmflow organs install {name}",
            )

    def _one(self, name: str) -> Supervised:
        if name not in self._supervised:
            recipe, folder = self.recipe(name), self.folder(name)
            folder.prepare()
            self._supervised[name] = Supervised(
                recipe, folder, lambda: self._key(name), lambda: self._changed(name), pace=self._pace
            )
        return self._supervised[name]

    def _chosen(self, recipe: Recipe, chosen: Chosen) -> dict[str, str | int]:
        defaults = {choice.name: choice.default for choice in recipe.choices}
        return {**defaults, **chosen, **self.pinned.get(recipe.name, {})}

    def _key(self, name: str) -> str:
        """The key that the server answers to: made once, kept sealed."""
        if name not in self._keys:
            path, purpose = self.folder(name).key, f"organs/{name}"
            try:
                key = self._cipher.decrypt(path.read_text("ascii"), purpose)
            except (FileNotFoundError, ConfigError, ValueError):
                key = secrets.token_urlsafe(32)
                path.touch(mode=0o600)
                path.write_text(self._cipher.encrypt(key, purpose), "ascii")
            self._keys[name] = key
        return self._keys[name]

    def _changed(self, name: str) -> None:
        for news in self._readers.get(name, ()):
            news.set()
        self.on_change(name)


class Server:
    """One server as its adapter sees it (ports/server.py)."""

    def __init__(self, servers: Servers, name: str) -> None:
        self._servers = servers
        self._name = name

    def address(self) -> ServerAddress:
        return self._servers.address(self._name)

    def health(self) -> Health:
        state = self._servers.state(self._name)
        where = f"http://127.0.0.1:{state.port}" if state.port else str(self._servers.folder(self._name).path)
        try:
            self.address()
        except OrganError as error:
            return Health(ok=False, where=where, version=state.version, detail=error.message, hint=error.hint)
        detail = f"serves {state.model}, {state.memory_mb} MB of memory"
        return Health(ok=True, where=where, version=state.version, detail=detail)


def _checked(recipe: Recipe, chosen: Chosen) -> dict[str, str | int]:
    """The chosen values as their types. Raises UsageError for what the recipe does not know or allow."""
    choices = {choice.name: choice for choice in recipe.choices}
    values: dict[str, str | int] = {}
    for name, value in chosen.items():
        choice = choices.get(name)
        if choice is None:
            raise UsageError(
                f"{recipe.title} has no choice '{name}'.", param=name, hint=f"It has: {', '.join(choices) or 'none'}."
            )
        if isinstance(choice.default, str):
            values[name] = str(value)
            continue
        try:
            values[name] = number = int(value)
        except ValueError:
            raise UsageError(f"{name} must be a whole number.", param=name) from None
        if number < choice.least:
            raise UsageError(f"{name} must be {choice.least} or more.", param=name)
    return values
