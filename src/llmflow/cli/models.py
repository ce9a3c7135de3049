"""`llmflow models`: what can be chatted with, and fetching more."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from llmflow.cli.client import connect
from llmflow.cli.options import Home, Json
from llmflow.cli.options import group as new_group
from llmflow.cli.show import ProgressLine, coloured, note, print_json, size, table
from llmflow.config.load import home_folder
from llmflow.net.client import HttpClient
from llmflow.organs.llm.pull import KNOWN
from llmflow.organs.llm.pull import pull as download

group = new_group("Language models.")


@group.command("list")
def list_models(as_json: Json = False, home: Home = None) -> None:
    """List the models that apps and /v1 can use, the default first."""
    with connect(home) as server:
        models = server.call("GET", "/models")
        connections = server.call("GET", "/models/connections")
    if as_json:
        print_json({"models": models, "connections": connections, "to_pull": list(KNOWN)})
        return
    rows = [
        (m["id"], str(m["context_tokens"]), ", ".join(m["languages"] or ()) or "any", m["owned_by"], m["server"])
        for m in models
    ]
    print(table(("MODEL", "CONTEXT", "LANGUAGES", "FROM", "SERVER"), rows))
    for one in connections:
        if not one["health"]["ok"]:
            note(f"{one['connection']['name']} serves nothing now: {one['health']['detail']} {one['health']['hint']}")
    note(f"To pull: {', '.join(KNOWN)}")


@group.command()
def pull(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(KNOWN)}; or the https address of a GGUF file")],
    sha256: Annotated[str | None, typer.Option(help="Checksum that the file must have")] = None,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Download a model file into the home; resumes what broke off and checks the checksum."""
    path = asyncio.run(_pull(name, home_folder(home) / "models", sha256))
    lines = f"organs:\n  llm:\n    use: llama_cpp\n    path: {path}\n    context_tokens: 8192\n"
    if as_json:
        print_json({"path": str(path), "bytes": path.stat().st_size, "yaml": lines})
        return
    print(f"{coloured('Ready', 'green')} {path} ({size(path.stat().st_size)})")
    note("To use it, put this into llmflow.yaml and start LLMFlow again:\n")
    print(lines, end="")


async def _pull(name: str, into: Path, sha256: str | None) -> Path:
    line = ProgressLine()

    def progress(there: int, total: int | None) -> None:
        share = f" of {size(total)}, {100 * there // total} %" if total else ""
        line.say(f"{name}: {size(there)}{share}")

    http = HttpClient()
    try:
        return await download(name, into=into, http=http, progress=progress, sha256=sha256)
    finally:
        line.clear()
        await http.close()
