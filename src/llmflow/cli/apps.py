"""`llmflow apps`: make and list apps; take them in from DSL files and hand them out."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from llmflow.cli.client import connect, part
from llmflow.cli.options import Home, Json
from llmflow.cli.options import group as new_group
from llmflow.cli.run import run_app
from llmflow.cli.show import coloured, cut, note, plain, print_json, table, when
from llmflow.errors import UsageError

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


@group.command("import")
def import_app(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A DSL file (YAML) that Dify or LLMFlow exported")],
    publish: Annotated[bool, typer.Option("--publish", help="Put it in force at once, not only as a draft")] = False,
    map_dataset: Annotated[
        list[str] | None,
        typer.Option(metavar="OLD=NEW", help="A data set's id in the file, and the knowledge base it is here"),
    ] = None,
    map_model: Annotated[
        list[str] | None,
        typer.Option(metavar="OLD=NEW", help="A model in the file, and the model it is here; NEW empty: the default"),
    ] = None,
    name: Annotated[str, typer.Option(help="The app's name; default: the file's")] = "",
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Make an app from a DSL file, with a key for it; reports of each node whether it runs here as it did there. A
    pipeline of knowledge comes with a new knowledge base, and a key for knowledge."""
    wanted = {
        "document": _read(file),
        "name": name,
        "publish": publish,
        "map_datasets": _pairs(map_dataset, "--map-dataset"),
        "map_models": _pairs(map_model, "--map-model"),
    }
    with connect(home) as server:
        made = server.call("POST", "/apps/import", json=wanted)
        kind = {"kind": "app", "app": made["app_id"]} if made["knowledge"] is None else {"kind": "dataset"}
        key = server.call("POST", "/keys", json={**kind, "name": "import"})["token"]
    if as_json:
        print_json({**made, "api_key": key})
        return
    state = "in force" if made["published"] else "as a draft" if made["has_graph"] else "ready"
    print(f"{coloured('Imported', 'green')} {made['mode']} app {plain(made['name'])} ({made['app_id']}), {state}")
    print(key)
    if made["knowledge"] is not None:
        base = plain(made["knowledge"]["name"])
        print(f"{coloured('Made', 'green')} knowledge base {base} ({made['knowledge']['id']}), read by that pipeline")
        waits = "" if made["published"] else f"llmflow apps import --publish, or publish {plain(made['name'])}; then "
        note(f'Next: {waits}llmflow knowledge add "{base}" FILE')
    for change in made["base_changes"]:
        note(plain(change["text"]))
    _show_report(made)


def _show_report(made: dict[str, Any]) -> None:
    """What is not exact, on stderr, and how much is."""
    counts = Counter(item["status"] for item in made["report"])
    shown = [f"{counts[status]} {status}" for status in ("exact", "approximate", "unsupported") if counts[status]]
    note(f"Of {len(made['report'])} parts: {', '.join(shown) or 'none'}.")
    for item in made["report"]:
        if item["status"] != "exact":
            what = " ".join(filter(None, (item["type"], item["title"] and f"“{item['title']}”", item["node"])))
            note(plain(f"  {item['status']:<12} {what}: {item['why']}"))
    for remark in made["notes"]:
        note(plain(remark))


@group.command("export")
def export_app(
    app: Annotated[str, typer.Argument(metavar="APP", help="Name or id of the app")],
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it there; default: stdout")] = None,
    version: Annotated[str, typer.Option(help="A published version's number; default: the draft")] = "draft",
    include_secret: Annotated[bool, typer.Option("--include-secret", help="With values of secret variables")] = False,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Print an app as a DSL file (YAML) that Dify imports."""
    with connect(home) as server:
        text = server.text(f"/apps/{part(app)}/export", version=version, include_secret=include_secret)
    if out is not None:
        try:
            out.write_text(text, "utf-8")
        except OSError as error:
            raise UsageError(f"{out} cannot be written: {error.strerror}.", param="out") from error
    if as_json:
        print_json({"app": app, "file": str(out)} if out is not None else {"app": app, "document": text})
    elif out is None:
        sys.stdout.buffer.write(text.encode())  # a DSL file is UTF-8, whatever the terminal is
    else:
        print(f"{coloured('Written', 'green')} {out}")


def _read(file: Path) -> str:
    """The file's text; what is no text is refused by whoever reads it as a DSL."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.", param="FILE") from error
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UsageError(f"{file}, line {line}: the file is not UTF-8 text.", code="dsl_unreadable") from error


def _pairs(given: list[str] | None, option: str) -> dict[str, str]:
    """OLD=NEW as {OLD: NEW}; an OLD may end in `=` itself, as encoded ids do."""
    found = {}
    for pair in given or ():
        old, sign, new = pair.rpartition("=")
        if not sign or not old:
            raise UsageError(f"{option} {pair}: write OLD=NEW.", param=option)
        found[old] = new
    return found


@group.command("run")
def run(
    app: Annotated[str, typer.Argument(metavar="APP", help="A workflow, by name or id")],
    given: Annotated[
        list[str] | None, typer.Option("--input", "-i", metavar="NAME=VALUE", help="An input; may be repeated")
    ] = None,
    version: Annotated[str, typer.Option(help="A published version's number, or draft; else the one in force")] = "",
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Run a workflow once and print what it gives."""
    run_app(app, given or [], version, as_json, home)
