"""`llmflow settings`: every key of llmflow.yaml, with its value here."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from llmflow.cli.options import Home, Json
from llmflow.cli.show import note, print_json, table
from llmflow.config import settings as config
from llmflow.config.load import load


def settings(
    file: Annotated[Path | None, typer.Option("--config", help="Configuration file (llmflow.yaml)")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the reference page instead of values")] = False,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Show every setting with its value, type and meaning."""
    if markdown:
        print(reference(), end="")
        return
    current = load(home=home, file=file)
    if as_json:
        rows = [dataclasses.asdict(row) | {"value": config.in_force(current, row)} for row in config.table()]
        print_json({"home": str(current.home), "file": str(current.file or ""), "settings": rows})
        return
    print(f"Home {current.home}, file {current.file or 'none: every key has its default'}\n")
    lines = []
    for row in config.table():
        value = config.in_force(current, row)
        if value is None:
            continue  # an option of an adapter that is not in use
        text = _written(value)
        changed = value != config.shown(row, row.default)
        lines.append((row.key, f"{text} *" if changed else text, row.type, row.help))
    print(table(("KEY", "VALUE", "TYPE", "MEANING"), lines))
    note("\n* differs from the default. `llmflow settings --markdown` lists the options of every adapter.")


def reference() -> str:
    """The table of settings as a page of Markdown."""
    lines = [
        "# Settings",
        "",
        "One file, `llmflow.yaml`, in the working folder or in the home; `--config` or `LLMFLOW_CONFIG` names another.",
        "Every key has a default, so an empty file, or none, is the embedded platform.",
        "",
        "- An environment variable `LLMFLOW_<SECTION>_<KEY>` wins over the file: `LLMFLOW_SERVER_PORT=9000`.",
        "- `${NAME}` in a value is read from the environment variable `NAME`, from the file that `NAME_FILE` names, or",
        "  from `secrets/NAME` in the home; `${NAME:-default}` has a default. So secrets stay out of the file.",
        "- `LLMFLOW_HOME` names the home (`~/.llmflow`), `LLMFLOW_MASTER_KEY` the key that encrypts stored secrets",
        "  (default: `master.key` in the home, made at the first start).",
        "- A key that does not exist is an error that names the line and the nearest key that does.",
        "- `llmflow settings` shows the values in force; secrets are never shown.",
    ]
    section = ""
    for row in config.table():
        parts = row.key.split(".")
        heading = ".".join(parts[:2]) if parts[0] == "organs" else parts[0]
        if heading != section:
            section = heading
            about = config.SECTIONS[parts[0]].__doc__ if parts[0] in config.SECTIONS else "See [organs](organs.md)."
            lines += [
                "",
                f"## {heading}",
                "",
                str(about),
                "",
                "| key | type | default | meaning |",
                "| --- | --- | --- | --- |",
            ]
        default = "" if row.default in ("", (), None) else f"`{_written(row.default)}`"
        lines.append(f"| `{row.key}` | {row.type} | {default} | {_cell(row.help)} |")
    return "\n".join(lines) + "\n"


def _written(value: Any) -> str:
    """As it would stand in YAML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return f"[{', '.join(value)}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
