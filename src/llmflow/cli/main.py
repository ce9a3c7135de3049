"""The `llmflow` program: a table of commands, each loaded when it is called; and how it ends."""

from __future__ import annotations

import importlib
import io
import os
import sys
from typing import Any

import typer
import typer.core
import typer.main

from llmflow.cli.show import print_error
from llmflow.errors import LLMFlowError, UsageError

#: Command: where it lives, and its line in `llmflow --help` (the first line of its docstring; a test compares them).
COMMANDS: dict[str, tuple[str, str]] = {
    "up": (
        "llmflow.cli.up:up",
        "Start LLMFlow; prints its address when it is ready, and the first sign-in at the first start.",
    ),
    "ask": ("llmflow.cli.ask:ask", "Ask an app; prints the answer as it comes, then its citations."),
    "knowledge": ("llmflow.cli.knowledge:group", "Knowledge bases and their documents."),
    "apps": ("llmflow.cli.apps:group", "Apps."),
    "keys": ("llmflow.cli.keys:group", "API keys."),
    "accounts": ("llmflow.cli.accounts:group", "People who sign in."),
    "models": ("llmflow.cli.models:group", "Language models."),
    "organs": ("llmflow.cli.organs:group", "Servers that LLMFlow installs and runs itself."),
    "doctor": ("llmflow.cli.doctor:doctor", "Examine this machine and every organ; says what is wrong and what to do."),
    "settings": ("llmflow.cli.settings:settings", "Show every setting with its value, type and meaning."),
    "openapi": ("llmflow.cli.openapi:openapi", "Print the OpenAPI document of an API."),
    "version": ("llmflow.cli.version:version", "Print the version."),
}


class _Late(typer.core.TyperGroup):
    """Knows its commands by COMMANDS and imports one when it is called: `version` must not pay for `up`."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, (_, line) in COMMANDS.items():
            self.commands[name] = typer.core.TyperCommand(name, help=line)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return load_command(cmd_name) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


def load_command(name: str) -> Any:
    """The click command called `name`, imported now."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    found = getattr(importlib.import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command()(found)
        found = alone
    command = typer.main.get_command(found)
    command.name = name
    return command


def program() -> Any:
    """The click command of the whole program."""
    app = typer.Typer(cls=_Late, add_completion=False, rich_markup_mode=None, no_args_is_help=True)
    app.callback(help="LLMFlow: a self-hosted LLM platform. `llmflow COMMAND --help` explains a command.")(_top)
    return typer.main.get_command(app)


def _top() -> None:
    """Holds the place that typer wants for options of the whole program; there are none."""


def main() -> None:
    """Runs the command line. Ends with 0 done, 1 failed (a coded error on stderr), 2 wrong usage, 130 interrupted."""
    arguments = sys.argv[1:]
    as_json = "--json" in arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # names of files may hold anything
    try:
        ended = program().main(arguments, prog_name="llmflow", standalone_mode=not as_json)
        code = ended if isinstance(ended, int) else 0
        sys.stdout.flush()
    except typer.TyperException as error:  # wrong usage; without --json typer has printed it and left
        print_error(UsageError(error.format_message(), hint="See --help."), as_json=True)
        code = error.exit_code
    except LLMFlowError as error:
        print_error(error, as_json=as_json)
        code = 1
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # `llmflow ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)
