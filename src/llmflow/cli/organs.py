"""`llmflow organs`: servers that LLMFlow installs and runs itself."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from llmflow import home as homes
from llmflow.cli.client import Server, connect, part
from llmflow.cli.options import Home, Json
from llmflow.cli.options import group as new_group
from llmflow.cli.show import ProgressLine, coloured, cut, note, plain, print_json, size, table
from llmflow.config.load import load
from llmflow.config.settings import Settings
from llmflow.errors import OrganError, UsageError
from llmflow.managed import shelf
from llmflow.managed.folder import OrganFolder, tail
from llmflow.managed.install import InstallProgress, install
from llmflow.managed.look import at_rest, place
from llmflow.managed.recipe import Recipe

group = new_group("Servers that LLMFlow installs and runs itself.")

_Name = Annotated[str, typer.Argument(metavar="NAME", help="The server, as `llmflow organs list` names it")]
_MB = 1024 * 1024
_FOLLOW_S = 0.3


@group.command("list")
def list_organs(as_json: Json = False, home: Home = None) -> None:
    """List the servers that can be installed, and how they are."""
    settings = load(home=home)
    if homes.running(settings.home) is None:
        found = [_from_here(settings, recipe) for recipe in shelf.recipes(settings.managed.recipes).values()]
    else:
        with connect(home) as server:
            found = server.call("GET", "/organs/managed")
    if as_json:
        print_json({"organs": found})
        return
    print(table(("NAME", "STATE", "VERSION", "PORT", "MEMORY", "DISK", "WHAT IT DOES"), [_row(one) for one in found]))
    for one in found:
        if one["state"]["reason"]:
            note(f"{one['state']['name']}: {plain(one['state']['reason'])} {one['state']['hint']}".rstrip())


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    """What is not known yet is estimated, with a sign before it."""
    state = one["state"]
    disk = size(state["disk_mb"] * _MB) if state["disk_mb"] else f"~{size(one['needs_disk_mb'] * _MB)}"
    memory = size(state["memory_mb"] * _MB) if state["memory_mb"] else f"~{size(one['needs_memory_mb'] * _MB)}"
    version = f"{state['version']} ({state['build']})"
    return state["name"], state["state"], version, str(state["port"] or "-"), memory, disk, cut(one["summary"], 60)


def _from_here(settings: Settings, recipe: Recipe) -> dict[str, Any]:
    """As the server would say it, were it running."""
    folder = _folder(settings, recipe.name)
    installed = folder.installed()
    state, reason, hint = at_rest(recipe, folder)
    about: dict[str, Any] = {
        "name": recipe.name,
        "state": state,
        "reason": reason,
        "hint": hint,
        "version": installed.version if installed else recipe.version,
        "build": installed.build if installed else "cpu",
        "port": 0,
        "memory_mb": 0,
        "disk_mb": installed.disk_mb if installed else 0,
    }
    return {
        "title": recipe.title,
        "summary": recipe.summary,
        "needs_memory_mb": recipe.memory_mb,
        "needs_disk_mb": recipe.disk_mb,
        "state": about,
    }


@group.command("install")
def install_organ(name: _Name, as_json: Json = False, home: Home = None) -> None:
    """Build a server's own environment; needs no running LLMFlow, resumes nothing, leaves what is whole alone."""
    settings = load(home=home)
    line = ProgressLine()
    try:
        if homes.running(settings.home) is None:
            _install_here(settings, name, line)
        else:
            with connect(home) as server:
                server.call("POST", f"/organs/managed/{part(name)}/install")
                _follow_install(server, name, line)
    finally:
        line.clear()
    installed = _folder(settings, name).installed()
    if as_json:
        print_json({"name": name, "installed": installed})
        return
    room = f", {size(installed.disk_mb * _MB)}" if installed else ""
    print(f"{coloured('Installed', 'green')} {name} {installed.version if installed else ''}{room}")
    note(f"Next: llmflow organs start {name}")


def _install_here(settings: Settings, name: str, line: ProgressLine) -> None:
    homes.prepare(settings.home)
    recipe = _recipe(settings, name)
    os.umask(0o077)

    def progress(news: InstallProgress) -> None:
        line.say(_said(dataclasses.asdict(news)))

    asyncio.run(install(recipe, _folder(settings, name), progress, environ=dict(os.environ)))


def _follow_install(server: Server, name: str, line: ProgressLine) -> None:
    for state in _states(server, name):
        if state["state"] != "installing":
            _refuse(state, "stopped")
            return
        if state["progress"]:
            line.say(_said(state["progress"]))


def _said(progress: dict[str, Any]) -> str:
    """One line of where an installation is."""
    words = {
        "environment": "making an environment",
        "installer": "fetching pip",
        "packages": "fetching",
        "unpack": "putting packages in place",
        "adjust": "taking out what is in the way",
        "models": "making models",
        "check": "trying it",
    }
    done, total = progress["done"], progress["total"]
    far = ""
    if total:
        far = f" {done} of {total}" if progress["phase"] == "unpack" else f" {size(done)} of {size(total)}"
    line = f"[{progress['step']}/{progress['steps']}] {words[progress['phase']]} {progress['detail']}".rstrip()
    return f"{line}{far}"


@group.command()
def start(
    name: _Name,
    chosen: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A value of its choices; may be repeated")
    ] = None,
    wait: Annotated[bool, typer.Option(help="Return when it serves")] = True,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Start a server, now and with each start of LLMFlow; with `--set`, with other values than before."""
    values = _values(chosen) if chosen else None
    line = ProgressLine()
    with connect(home) as server:
        answer = server.call("POST", f"/organs/managed/{part(name)}/start", json={"chosen": values})
        state = answer["state"]
        if wait:
            try:
                state = _until_served(server, name, line)
            finally:
                line.clear()
    if as_json:
        print_json(state)
        return
    where = f" at http://127.0.0.1:{state['port']}, serving {state['model']}" if state["state"] == "running" else ""
    print(f"{coloured(state['state'].capitalize(), 'green')} {name}{where}")


def _values(chosen: list[str]) -> dict[str, str]:
    values = {}
    for pair in chosen:
        key, is_pair, value = pair.partition("=")
        if not is_pair:
            raise UsageError(f"--set {pair}: there is no `=`.", param="--set", hint="Write --set KEY=VALUE.")
        values[key.strip()] = value.strip()
    return values


def _until_served(server: Server, name: str, line: ProgressLine) -> dict[str, Any]:
    begun = time.monotonic()
    for state in _states(server, name):
        if state["state"] not in ("starting", "restarting"):
            _refuse(state, "running")
            return state
        line.say(
            f"{name} is {state['state']}: {time.monotonic() - begun:.0f} s, {size(state['memory_mb'] * _MB)} of memory"
        )
    raise OrganError("The server stopped telling.", code="server_unreachable")


@group.command()
def stop(name: _Name, as_json: Json = False, home: Home = None) -> None:
    """Stop a server, or its installation; it stays stopped."""
    with connect(home) as server:
        answer = server.call("POST", f"/organs/managed/{part(name)}/stop")
    if as_json:
        print_json(answer["state"])
        return
    print(f"{coloured('Stopped', 'green')} {name}")


@group.command()
def remove(
    name: _Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Stop a server and delete its environment, models and logs."""
    settings = load(home=home)
    folder = _folder(settings, _recipe(settings, name).name)
    if not yes and not as_json:
        typer.confirm(f"Delete {folder.path}?", abort=True, err=True)
    if homes.running(settings.home) is not None:
        with connect(home) as server:
            server.call("DELETE", f"/organs/managed/{part(name)}")
    elif folder.path.exists():
        with folder.installing():
            folder.remove()
    if as_json:
        print_json({"removed": str(folder.path)})
        return
    print(f"{coloured('Removed', 'green')} {name}")


@group.command()
def logs(
    name: _Name,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many of the last lines")] = 100,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C")] = False,
    of_install: Annotated[bool, typer.Option("--install", help="Of its installation")] = False,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Print what a server has printed; reads the file, so it works after LLMFlow has stopped, too."""
    settings = load(home=home)
    folder = _folder(settings, _recipe(settings, name).name)
    path = folder.install_log if of_install else folder.log
    if as_json:
        print_json({"file": str(path), "lines": folder.tail(lines, install=of_install)})
        return
    file = path.open("rb") if path.exists() else None
    end = file.seek(0, os.SEEK_END) if file else 0
    for line in tail(path, lines, end=end):
        print(plain(line), flush=follow)
    if file is None:
        note(f"There is no {path} yet.")
    if follow:
        for line in _appended(path, file):
            print(plain(line), flush=True)


def _appended(path: Path, file: BinaryIO | None) -> Iterator[str]:
    """Lines as they are written behind where `file` stands, also after the log was turned."""
    rest = b""
    while True:
        if file is not None and (piece := file.read(1 << 16)):
            *whole, rest = (rest + piece).split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in whole)
            continue
        if path.exists() and (file is None or os.fstat(file.fileno()).st_ino != path.stat().st_ino):
            if file is not None:
                file.close()
            file = path.open("rb")
            continue
        time.sleep(_FOLLOW_S)


def _states(server: Server, name: str) -> Iterator[dict[str, Any]]:
    """The server's states as they change, the first at once."""
    yield from server.events(f"/organs/managed/{part(name)}/events")


def _refuse(state: dict[str, Any], wanted: str) -> None:
    """Raises what went wrong instead of `wanted`."""
    if state["state"] != wanted:
        code = "install_failed" if wanted == "stopped" else "organ_failed"
        message = state["reason"] or f"{state['name']} is {state['state']}."
        raise OrganError(message, code=code, hint=state["hint"] or None)


def _recipe(settings: Settings, name: str) -> Recipe:
    known = shelf.recipes(settings.managed.recipes)
    if name not in known:
        raise shelf.unknown(name, list(known))
    return known[name]


def _folder(settings: Settings, name: str) -> OrganFolder:
    return OrganFolder(place(settings.managed.path, settings.home) / name)
