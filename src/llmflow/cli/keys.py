"""`llmflow keys`: make, list and revoke API keys."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from llmflow.cli.client import connect, part
from llmflow.cli.options import Home, Json
from llmflow.cli.options import group as new_group
from llmflow.cli.show import coloured, note, print_json, table, when

group = new_group("API keys.")


@group.command()
def create(
    kind: Annotated[
        Literal["app", "dataset", "model", "admin"],
        typer.Option(help="app: one app's Service API; dataset: knowledge; model: /v1; admin: everything"),
    ],
    app: Annotated[str | None, typer.Option(help="The app, for a key of kind app")] = None,
    expires: Annotated[str | None, typer.Option(help="For example 15m, 12h or 30d; default: never")] = None,
    name: Annotated[str, typer.Option(help="A name to know it by")] = "",
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Make a key and print it, this once."""
    wanted = {"kind": kind, "name": name, "app": app, "expires": expires}
    with connect(home) as server:
        made = server.call("POST", "/keys", json=wanted)
    if as_json:
        print_json({**made["key"], "key": made["token"]})
        return
    print(made["token"])
    until = made["key"]["expires_at"]
    note(f"Keep it: it is shown this once. It {f'expires {when(until)}' if until else 'does not expire'}.")


@group.command("list")
def list_keys(as_json: Json = False, home: Home = None) -> None:
    """List the keys by their first letters."""
    with connect(home) as server:
        keys = server.call("GET", "/keys")
    if as_json:
        print_json({"keys": keys})
        return
    rows = [
        (
            key["id"],
            key["kind"],
            key["hint"] + "…",
            key["name"] or "-",
            when(key["created_at"]),
            when(key["last_used_at"]) or "never",
            when(key["expires_at"]) or "never",
        )
        for key in keys
    ]
    print(table(("ID", "KIND", "KEY", "NAME", "MADE", "USED", "EXPIRES"), rows))


@group.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `llmflow keys list` shows it")],
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Make a key worthless from now on."""
    with connect(home) as server:
        server.call("DELETE", f"/keys/{part(key_id)}")
    if as_json:
        print_json({"revoked": key_id})
    else:
        print(f"{coloured('Revoked', 'green')} {key_id}")
