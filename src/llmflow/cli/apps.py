"""`llmflow apps`: make and list apps."""

from __future__ import annotations

from typing import Annotated

import typer

from llmflow.cli.client import connect
from llmflow.cli.options import Home, Json
from llmflow.cli.options import group as new_group
from llmflow.cli.show import coloured, cut, note, print_json, table, when

group = new_group("Apps.")


@group.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The app's name")],
    knowledge: Annotated[list[str] | None, typer.Argument(metavar="KB", help="Knowledge bases it answers from")] = None,
    description: Annotated[str, typer.Option(help="One line for people")] = "",
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Make a chat app over knowledge bases."""
    with connect(home) as server:
        made = server.call(
            "POST", "/apps", json={"name": name, "description": description, "knowledge": knowledge or []}
        )
    if as_json:
        print_json(made)
        return
    print(f"{coloured('Made', 'green')} app {made['name']} ({made['id']})")
    if not knowledge:
        note("It has no knowledge base, so it answers from its model alone.")
    note(f'Next: llmflow ask "{made["name"]}" QUESTION')


@group.command("list")
def list_apps(as_json: Json = False, home: Home = None) -> None:
    """List the apps."""
    with connect(home) as server:
        apps = server.call("GET", "/apps")
    if as_json:
        print_json({"apps": apps})
        return
    rows = [(a["name"], a["mode"], a["id"], when(a["created_at"]), cut(a["description"], 60)) for a in apps]
    print(
        table(("NAME", "MODE", "ID", "MADE", "ABOUT"), rows)
        if rows
        else "No apps yet. `llmflow apps create` makes one."
    )
