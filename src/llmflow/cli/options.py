"""The options that every command takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Home = Annotated[
    Path | None, typer.Option("--home", metavar="DIR", help="Home folder; default LLMFLOW_HOME, else ~/.llmflow")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout")]


def group(help: str) -> typer.Typer:
    """An empty group of commands, such as `llmflow keys`."""
    return typer.Typer(help=help, add_completion=False, rich_markup_mode=None, no_args_is_help=True)
