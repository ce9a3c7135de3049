"""Writes the generated pages of docs/ from the code itself: settings, errors, organs, commands, API.

`python scripts/write_docs.py` writes them; `--check` only compares and exits 1 when a page is out of date.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from llmflow import catalog, errors
from llmflow.api.routes.openai import chat as openai_chat
from llmflow.api.routes.openai import embeddings as openai_embeddings
from llmflow.api.routes.openai import models as openai_models
from llmflow.api.routes.service.surface import NOUNS
from llmflow.catalog import Adapter
from llmflow.cli.main import COMMANDS, load_command, program
from llmflow.cli.openapi import document
from llmflow.cli.settings import reference
from llmflow.config.settings import type_name
from llmflow.organs.parser import sniff
from llmflow.workflow.dsl.node_types import DIFY_TYPES
from llmflow.workflow.registry import kinds

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "llmflow"
#: Dify's own codes live here; its clients know them, docs/errors.md does not list them.
DIFY = SOURCE / "api" / "routes" / "service"
NOTICE = "<!-- Written by scripts/write_docs.py; `make docs` writes it anew. -->"

#: What an adapter's constructor may ask for by name: the keys of `wiring.organs.supplies_of`, in words.
SUPPLIES = {
    "home": "`Path` of the home folder",
    "cache": "`Path` for what can be made again",
    "http": "the outgoing `llmflow.net.client.HttpClient`",
    "direct": "`llmflow.net.direct.DirectClient`: lean HTTP/1.1 to model servers, for bytes that are handed on",
    "database_url": "SQLAlchemy address of the jobs' database",
    "executor_id": "name of this process among those that share the database",
    "accounts": "the accounts in the database, for an identity",
    "write_spans": "writes finished spans to the database, for a tracing",
    "count_tokens": "tokens of each text by the packaged embedding vocabulary",
    "embed_texts": "unit vectors of texts by the embedding organ, one row each",
    "servers": "finds a server that LLMFlow runs itself, by name: a `llmflow.ports.server.ManagedServer`",
    "timeout_s": "seconds a reader may take for one document (`limits.parse_timeout_s`)",
    "memory_mb": "memory a reader may take (`limits.parse_memory_mb`)",
    "max_bytes": "size of the largest document (`limits.document_mb`)",
    "max_pages": "most pages of a document (`limits.document_pages`)",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    checking = parser.parse_args().check
    stale = []
    for name, write in PAGES.items():
        path = ROOT / "docs" / name
        text = _page(write())
        if path.is_file() and path.read_text("utf-8") == text:
            continue
        stale.append(name)
        if not checking:
            path.write_text(text, "utf-8")
    if stale:
        print(f"{'Out of date' if checking else 'Written'}: {', '.join(stale)}", file=sys.stderr)
    return 1 if stale and checking else 0


def _page(text: str) -> str:
    title, _, rest = text.partition("\n")
    return f"{title}\n\n{NOTICE}\n{rest.rstrip()}\n"


def settings() -> str:
    return reference()


# errors


def error_page() -> str:
    tree = inspect.cleandoc(errors.__doc__ or "").split("\n\n")[1]
    lines = [
        "# Errors",
        "",
        "Every error has one shape, on the console API, the OpenAI surface and the command line:",
        "",
        '```json\n{"error": {"code": "...", "message": "...", "hint": "...", "param": null, "request_id": "..."}}\n```',
        "",
        "`code` is for programs and does not change; `message` says what happened, `hint` what to do, `param` names",
        "the input at fault, `request_id` finds the request in the server's log. The Dify Service API keeps",
        "Dify's shape, `{code, message, status}`, with Dify's codes where Dify has one.",
        "",
        f"```text\n{inspect.cleandoc(tree)}\n```",
    ]
    statuses = _statuses()
    for heading, codes in _grouped_codes():
        lines += ["", f"## {heading.capitalize()}", "", "| code | status | what to do |", "| --- | --- | --- |"]
        lines += [
            f"| `{code}` | {', '.join(map(str, sorted(statuses.get(code, ()))))} | {_cell(errors.CODES[code])} |"
            for code in codes
        ]
    return "\n".join(lines)


def _grouped_codes() -> Iterator[tuple[str, list[str]]]:
    """The codes under the comments that head them in errors.py."""
    heading = ""
    codes: list[str] = []
    inside = False
    for line in (SOURCE / "errors.py").read_text("utf-8").splitlines():
        if line.startswith("CODES"):
            inside = True
        elif inside and line.startswith("    # "):
            if codes:
                yield heading, codes
            heading, codes = line[6:], []
        elif inside and line.startswith('    "'):
            codes.append(line.split('"')[1])
    yield heading, codes


def _classes() -> dict[str, type[errors.LLMFlowError]]:
    found = {name: value for name, value in vars(errors).items() if inspect.isclass(value)}
    return {name: value for name, value in found.items() if issubclass(value, errors.LLMFlowError)}


def _statuses() -> dict[str, set[int]]:
    """The HTTP statuses that each code is answered with, by the classes it is raised with."""
    found: dict[str, set[int]] = {"method_not_allowed": {405}, "not_yet": {501}}  # answered without a class
    for cls in _classes().values():
        if "default_code" in vars(cls):
            found.setdefault(cls.default_code, set()).add(cls.status)
    for code, raised in codes_in_use():
        if raised in _classes() and code != "not_yet":
            found.setdefault(code, set()).add(_classes()[raised].status)
    return found


def codes_in_use() -> Iterator[tuple[str, str]]:
    """Each `code=` in the source (but for Dify's) with the name of what is called with it."""
    for path in sorted(SOURCE.rglob("*.py")):
        if not path.is_relative_to(DIFY):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call):
                    yield from _codes_of(node)


def _codes_of(call: ast.Call) -> Iterator[tuple[str, str]]:
    called = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    for keyword in call.keywords:
        if keyword.arg == "code":
            value = keyword.value
            branches = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
            for branch in branches:
                if isinstance(branch, ast.Constant) and isinstance(branch.value, str):
                    yield branch.value, called


# organs


def organs() -> str:
    lines = [
        "# Organs",
        "",
        "An organ is a capability behind a port. `organs.<port>.use` in llmflow.yaml names one of the adapters below;",
        "the keys beside it are its options. Embedded ones run inside LLMFlow, remote ones are servers of yours, fakes",
        "are for tests and benchmarks. Managed ones are servers that LLMFlow installs and runs itself",
        "([managed organs](managed.md)). `llmflow doctor` shows the ones in use and how they are.",
        "",
        "```yaml",
        "organs:",
        "  llm:",
        "    use: openai",
        "    url: http://127.0.0.1:11434/v1",
        "    model: qwen3:8b",
        "```",
    ]
    for port in catalog.PORTS:
        about = (importlib.import_module(f"llmflow.ports.{port}").__doc__ or "").strip().splitlines()[0]
        lines += ["", f"## {port}", "", about, f"Default: `{catalog.DEFAULTS[port]}`."]
        for adapter in catalog.adapters_of(port):
            lines += ["", *_adapter(adapter)]
        if port == "parser":
            lines += ["", f"It reads {', '.join(f'`{suffix}`' for suffix in sniff.PROMISES)}."]
    return "\n".join([*lines, "", *_own_class()])


def _adapter(adapter: Adapter) -> list[str]:
    extra = f" Needs `pip install 'llmflow[{adapter.extra}]'`." if adapter.extra else ""
    lines = [f"### {adapter.port}: {adapter.name}", "", f"{adapter.summary}. ({adapter.kind}){extra}"]
    if not adapter.options:
        return lines
    lines += ["", "| option | type | default | meaning |", "| --- | --- | --- | --- |"]
    for option in adapter.options:
        default = "required" if option.required else f"`{option.default}`" if option.default not in ("", None) else ""
        lines.append(f"| `{option.name}` | {type_name(option.type)} | {default} | {_cell(option.help)} |")
    return lines


def _own_class() -> list[str]:
    if set(SUPPLIES) != _supplied():
        raise SystemExit(f"SUPPLIES differs from wiring.organs.supplies_of: {sorted(set(SUPPLIES) ^ _supplied())}")
    return [
        "## A class of your own",
        "",
        "`use: my_package.my_module:MyClass` takes any importable class that keeps the port's contract: a Protocol in",
        "`llmflow/ports/<port>.py`, whose docstrings state units, order and errors. The keys beside `use` are given to",
        "its constructor by name, and so is whatever of these the constructor has a parameter for:",
        "",
        "| parameter | what it gets |",
        "| --- | --- |",
        *(f"| `{name}` | {_cell(about)} |" for name, about in SUPPLIES.items()),
    ]


def _supplied() -> set[str]:
    """The keys of the dict that `wiring.organs.supplies_of` returns."""
    tree = ast.parse((SOURCE / "wiring" / "organs.py").read_text("utf-8"))
    function = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "supplies_of")
    returned = next(n.value for n in ast.walk(function) if isinstance(n, ast.Return))
    assert isinstance(returned, ast.Dict)
    return {key.value for key in returned.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}


# commands


def commands() -> str:
    lines = [
        "# Commands",
        "",
        "Every command but `up` takes `--json` (one JSON document on stdout; remarks and errors on stderr), and every",
        "command takes `--home DIR` (default `LLMFLOW_HOME`, else `~/.llmflow`). They talk to the server that runs on",
        "that home; `up`, `doctor`, `settings`, `openapi`, `version` and `models pull` need none. Exit codes: 0 done,",
        "1 failed with a coded error ([errors](errors.md)), 2 wrong usage, 130 interrupted.",
    ]
    top = _context(program(), "llmflow", None)
    for name in COMMANDS:
        command = load_command(name)
        context = _context(command, name, top)
        lines += ["", f"## {name}", "", f"```text\n{command.get_help(context)}\n```"]
        for part, inner in getattr(command, "commands", {}).items():
            help_text = inner.get_help(_context(inner, part, context))
            lines += ["", f"### {name} {part}", "", f"```text\n{help_text}\n```"]
    return "\n".join(lines)


def _context(command: Any, name: str, parent: Any) -> Any:
    return command.context_class(command, info_name=name, parent=parent, terminal_width=100, max_content_width=100)


# API


def api() -> str:
    return "\n".join([*_console(), *_surface_v1(), *_rest()])


def _console() -> list[str]:
    lines = [
        "# API",
        "",
        "| path | what | key |",
        "| --- | --- | --- |",
        "| `/api/v1` | console: what Studio and the command line use | `adm-`, or a session cookie |",
        "| `/v1` | Dify's Service API for apps | `app-` |",
        "| `/v1/datasets` | Dify's Service API for knowledge | `dataset-` |",
        "| `/retrieval` | Dify's [External Knowledge API](dify.md#knowledge) | `dataset-` |",
        "| `/v1` | OpenAI's API; each app is the model `app/<name>` | `sk-` |",
        "| `/api/public/v1` | what visitors of a published page use | none; the page's code is in the path |",
        "| `/healthz`, `/readyz`, `/metrics` | alive, ready, Prometheus | none (`server.metrics_open`) |",
        "",
        "Keys go into `Authorization: Bearer KEY`; `llmflow keys create` makes them. Errors: [errors](errors.md).",
        "",
        "## Console API",
        "",
        "`llmflow openapi` prints the whole OpenAPI document, which a running server has at `/api/v1/openapi.json`;\n"
        "`llmflow openapi --surface service` that of the Service API, for apps and knowledge, at `/v1/openapi.json`.",
        "",
        "| operation | what |",
        "| --- | --- |",
    ]
    for path, methods in sorted(document()["paths"].items()):
        for method, operation in methods.items():
            about = " ".join(operation.get("description", "").split("\n\n")[0].split())
            name = operation["summary"].capitalize()
            lines.append(f"| `{method.upper()} /api/v1{path}` | {_cell(f'{name}. {about}')} |")
    return lines


def _surface_v1() -> list[str]:
    platform: Any = None  # routes need one only when they are called
    openai = [route for noun in (openai_chat, openai_embeddings, openai_models) for route in noun.routes(platform)]
    dify = [route for noun in NOUNS for route in noun.routes(platform)]
    lines = ["", "## OpenAI's API", "", *_operations(openai), "", "## Dify's Service API", "", *_operations(dify)]
    return lines


# node types


def node_types() -> str:
    lines = [
        "# Node types",
        "",
        "The nodes that a design of Dify may hold, and which of them this version runs. A node that is not run is kept",
        "and exported, and a run that reaches it fails there with the code `node_unsupported`.",
        "[Moving in from Dify](dify.md) says what else the report of an import looks at.",
        "",
        "| type | what it does | here | label | Korean |",
        "| --- | --- | --- | --- | --- |",
    ]
    ours = {key: kind.words for key, kind in kinds().items()}
    for (name, version), about in {
        **DIFY_TYPES,
        **{k: w.help_en for k, w in ours.items() if k not in DIFY_TYPES},
    }.items():
        words = ours.get((name, version))
        shown = f"`{name}`" if version == "1" else f"`{name}`, version {version}"
        here = f"runs | {words.en} | {words.ko}" if words else "kept, not run | |"
        lines.append(f"| {shown} | {_cell(about)} | {here} |")
    return "\n".join(lines)


def _operations(routes: list[Any]) -> list[str]:
    found = {
        (route.path.replace(":uuid", ""), method)
        for route in routes
        for method in (route.methods or ())
        if method != "HEAD"
    }
    return [f"- `{method} /v1{path}`" for path, method in sorted(found)]


def _rest() -> list[str]:
    return ["", "## From here", "", "[Tutorial](tutorial.md) has curl lines for each surface."]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").rstrip(".")


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings,
    "errors.md": error_page,
    "organs.md": organs,
    "cli.md": commands,
    "api.md": api,
    "nodes.md": node_types,
}

if __name__ == "__main__":
    sys.exit(main())
