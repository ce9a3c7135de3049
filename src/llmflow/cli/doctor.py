"""`llmflow doctor`: this machine, every organ, and model servers that could be used."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from llmflow import __version__, catalog
from llmflow import home as homes
from llmflow.cli import checks
from llmflow.cli.checks import Check
from llmflow.cli.client import connect
from llmflow.cli.options import Home, Json
from llmflow.cli.show import coloured, note, print_json, table
from llmflow.config.load import load
from llmflow.config.settings import Settings
from llmflow.errors import LLMFlowError

_COLOURS = {"ok": "green", "note": "yellow", "wrong": "red"}


@dataclass(frozen=True, slots=True)
class _Organs:
    """What the organs said. `not_asked`: why they, or some, could not be asked; "" when all were."""

    organs: list[dict[str, Any]] = field(default_factory=list)
    found: list[dict[str, Any]] = field(default_factory=list)  # model servers on this machine
    not_asked: str = ""


def doctor(
    file: Annotated[Path | None, typer.Option("--config", help="Configuration file (llmflow.yaml)")] = None,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Examine this machine and every organ; says what is wrong and what to do."""
    settings = load(home=home, file=file)
    running = homes.running(settings.home)
    local = checks.examine(settings, server=running.url if running else None)
    try:
        organs = _from_server(home) if running else _from_here(settings)
    except LLMFlowError as error:
        local.append(Check("organs", "wrong", error.message, error.hint))
        organs = _Organs(not_asked=error.message)
    is_well = all(check.state != "wrong" for check in local) and all(organ["ok"] for organ in organs.organs)
    if as_json:
        print_json(
            {
                "ok": is_well,
                "version": __version__,
                "home": str(settings.home),
                "server": running.url if running else None,
                "checks": [dataclasses.asdict(check) for check in local],
                **dataclasses.asdict(organs),
            }
        )
    else:
        _print(local, organs)
    if not is_well:
        raise typer.Exit(1)


def _from_server(home: Path | None) -> _Organs:
    with connect(home) as server:
        answer = server.call("GET", "/doctor")
    organs = []
    for organ in answer["organs"]:
        health = organ.pop("health")
        organs.append(organ | health)
    return _Organs(organs, answer["found"])


def _from_here(settings: Settings) -> _Organs:
    """Builds the organs to ask them, where there is a home that no server has."""
    if not settings.store.url and not (settings.home / "llmflow.db").is_file():
        return _Organs(not_asked="LLMFlow was never started on this home; `llmflow up` starts it.")
    lock = homes.HomeLock(settings.home)
    lock.acquire()
    try:
        return asyncio.run(_built(settings))
    finally:
        lock.release()


async def _built(settings: Settings) -> _Organs:
    # imported late: it takes seconds, which a running server has already paid
    platform = await importlib.import_module("llmflow.wiring").build(settings)
    try:
        states, found = await platform.examine()
    finally:
        await platform.close()
    organs = []
    del states["jobs"]  # takes up work when it starts: that is a server's, not an examination's
    for port, (health, milliseconds) in states.items():
        use = settings.organs[port].use
        adapter = catalog.find(port, use)
        about = {"port": port, "use": use, "kind": adapter.kind if adapter else "custom", "milliseconds": milliseconds}
        organs.append(about | dataclasses.asdict(health))
    return _Organs(organs, [dataclasses.asdict(server) for server in found], "Jobs run, and are seen, with a server.")


def _print(local: list[Check], organs: _Organs) -> None:
    print(coloured(f"LLMFlow {__version__}", "bold"))
    for check in local:
        print(f"  {coloured(f'{check.state:<6}', _COLOURS[check.state])} {check.name:<14} {check.detail}")
        if check.hint:
            print(f"{'':24}{check.hint}")
    if organs.organs:
        print(f"\n{_organ_table(organs.organs)}")
        for organ in organs.organs:
            remarks = " ".join(part for part in (organ["detail"], organ["hint"]) if part)
            if remarks:
                print(f"{coloured(organ['port'], 'bold' if organ['ok'] else 'red')}: {remarks}")
    if organs.not_asked:
        note(f"\nNot asked: {'jobs' if organs.organs else 'the organs'}. {organs.not_asked}")
    for server in organs.found:
        print(f"\n{_advice(server)}")


def _organ_table(organs: list[dict[str, Any]]) -> str:
    rows = [
        (
            organ["port"],
            organ["use"],
            organ["kind"],
            organ["version"] or "-",
            f"{organ['milliseconds']:.0f} ms",
            "ok" if organ["ok"] else "WRONG",
            organ["where"],
        )
        for organ in organs
    ]
    return table(("ORGAN", "USES", "KIND", "VERSION", "ANSWERED", "STATE", "WHERE"), rows)


def _advice(server: dict[str, Any]) -> str:
    """How to use a model server that was found: the lines to paste."""
    models = list(server["models"])
    listed = f" with {', '.join(models[:5])}{' ...' if len(models) > 5 else ''}" if models else ", which lists no model"
    lines = [
        coloured(f"Found {server['kind']} at {server['url']}{listed}.", "bold"),
        "To use it, put this into llmflow.yaml and start LLMFlow again:",
        "  organs:",
        "    llm:",
        "      use: openai",
        f"      url: {server['url']}",
    ]
    return "\n".join([*lines, f"      model: {models[0]}"] if models else lines)
