"""`settings` and `openapi`, which need no server."""

from __future__ import annotations

from pathlib import Path

from llmflow.config.settings import table
from tests.cli.conftest import Run, Stub


def test_settings_shows_values_of_file_and_environment_but_no_secret(run: Run, home: Path) -> None:
    (home / "llmflow.yaml").write_text(
        "store: {url: 'postgresql://u:hunter2@h/d'}\n"
        "organs: {llm: {use: openai, url: 'http://127.0.0.1:1/v1', api_key: hunter3}}\n"
    )
    result = run("settings", "--json", env={"LLMFLOW_SERVER_PORT": "9000"})
    assert "hunter" not in result.out
    values = {row["key"]: row["value"] for row in result.json["settings"] if row["value"] is not None}
    assert values["server.port"] == 9000
    assert values["store.url"] == "(set)"
    assert values["organs.llm.use"] == "openai"
    assert values["organs.llm.url"] == "http://127.0.0.1:1/v1"
    assert values["organs.llm.api_key"] == "(set)"
    assert values["organs.llm.context_tokens"] == 8192
    assert [row["key"] for row in result.json["settings"]] == [row.key for row in table()]


def test_settings_marks_what_differs_from_the_default(run: Run) -> None:
    lines = run("settings", env={"LLMFLOW_SERVER_PORT": "9000"}).out.splitlines()
    assert [line.split()[:3] for line in lines if " * " in line] == [["server.port", "9000", "*"]]


def test_a_wrong_setting_ends_with_its_place(run: Run, home: Path) -> None:
    (home / "llmflow.yaml").write_text("server:\n  prot: 1\n")
    result = run("settings")
    assert result.code == 1
    assert "llmflow.yaml, line 2: there is no setting `server.prot`. Did you mean `server.port`?" in result.err


def test_openapi_needs_no_server(run: Run) -> None:
    document = run("openapi").json
    assert document["openapi"].startswith("3.")
    assert "/knowledge/{base}/search" in document["paths"]


def test_openapi_is_the_running_servers_where_one_runs(run: Run, stub: Stub) -> None:
    stub.routes["GET", "/openapi.json"] = (200, {"openapi": "3.1.0", "paths": {}})
    assert run("openapi", "--json").json == {"openapi": "3.1.0", "paths": {}}
