"""`llmflow accounts`: people who sign in."""

from __future__ import annotations

from typing import Annotated

import typer

from llmflow.cli.client import connect, part
from llmflow.cli.options import Home, Json
from llmflow.cli.options import group as new_group
from llmflow.cli.show import note, print_json, table, when

group = new_group("People who sign in.")


@group.command("list")
def list_accounts(as_json: Json = False, home: Home = None) -> None:
    """List the people who may sign in."""
    with connect(home) as server:
        accounts = server.call("GET", "/members")
    if as_json:
        print_json({"accounts": accounts})
        return
    rows = [(a["email"], a["name"], a["role"], when(a["created_at"])) for a in accounts]
    print(table(("E-MAIL", "NAME", "ROLE", "MADE"), rows))


@group.command("reset-password")
def reset_password(
    email: Annotated[str, typer.Argument(help="As `llmflow accounts list` shows it")],
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Make a new password for somebody who lost theirs, and print it, this once."""
    with connect(home) as server:
        made = server.call("POST", f"/members/{part(email)}/password")
    if as_json:
        print_json(made)
        return
    print(made["password"])
    note("It is shown this once and must be changed at the next sign-in. Sessions of this account have ended.")
