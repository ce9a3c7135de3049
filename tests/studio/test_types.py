"""Studio's types of the console API are written from its OpenAPI document; one that was forgotten shows here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

from llmflow.api.routes.console.app import console
from llmflow.wiring import Platform

SCHEMA = (Path(__file__).resolve().parents[2] / "studio" / "src" / "api" / "schema.d.ts").read_text("utf-8")
HINT = "run: llmflow openapi > studio/openapi.json; npm --prefix studio run types"


def document() -> dict[str, Any]:
    return console(cast(Platform, None)).openapi()


def part(name: str) -> str:
    """The body of a top interface of the file, such as `paths`."""
    found = re.search(rf"^export interface {name} \{{\n(.*?)^\}}", SCHEMA, re.MULTILINE | re.DOTALL)
    assert found, name
    return found[1]


def test_the_types_have_every_operation_of_the_console() -> None:
    there = {
        (path, method) for path, methods in document()["paths"].items() for method in methods if method != "parameters"
    }
    written = set()
    for path, body in re.findall(r'^    "(/[^"]*)": \{\n(.*?)^    \};', part("paths"), re.MULTILINE | re.DOTALL):
        written |= {(path, method) for method in re.findall(r"^        (\w+): operations", body, re.MULTILINE)}
    assert there == written, HINT


def test_the_types_have_every_field_of_the_console() -> None:
    there = {name: set(schema.get("properties", {})) for name, schema in document()["components"]["schemas"].items()}
    written = {}
    for name, body in re.findall(
        r"^        (\w+): \{\n(.*?)^        \};", part("components"), re.MULTILINE | re.DOTALL
    ):
        written[name] = set(re.findall(r"^            (\w+)\??:", body, re.MULTILINE))
    assert there == written, HINT
