"""`doctor`: local checks, organs, model servers."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from llmflow.cli import checks
from tests.cli.conftest import Result, Run, Stub, refusal


def organ(port: str, ok: bool = True, hint: str = "") -> dict[str, Any]:
    health = {"ok": ok, "where": "http://h:1", "version": "2.0", "detail": "" if ok else "It is down.", "hint": hint}
    return {"port": port, "use": "openai", "kind": "remote", "milliseconds": 3.2, "health": health}


def state(result: Result, name: str) -> Any:
    return next(check["state"] for check in result.json["checks"] if check["name"] == name)


def test_a_home_never_started_on_is_left_alone(run: Run, tmp_path: Path) -> None:
    result = run("doctor", "--home", tmp_path / "새 집", "--json")
    assert result.json["organs"] == []
    assert "never started" in result.json["not_asked"]
    assert not (tmp_path / "새 집").exists()
    assert state(result, "home") == "ok"


def test_every_organ_is_told_with_what_it_uses(run: Run, stub: Stub) -> None:
    stub.routes["GET", "/doctor"] = (200, {"version": "0.1.0", "organs": [organ("llm"), organ("jobs")], "found": []})
    result = run("doctor")
    assert result.code == 0
    assert [line.split() for line in result.out.splitlines() if line.startswith(("llm", "jobs"))] == [
        ["llm", "openai", "remote", "2.0", "3", "ms", "ok", "http://h:1"],
        ["jobs", "openai", "remote", "2.0", "3", "ms", "ok", "http://h:1"],
    ]
    assert f"running at {stub.url}" in result.out


def test_a_sick_organ_fails_with_what_to_do(run: Run, stub: Stub) -> None:
    found = [organ("llm", ok=False, hint="Start it."), organ("jobs")]
    stub.routes["GET", "/doctor"] = (200, {"version": "0.1.0", "organs": found, "found": []})
    result = run("doctor")
    assert result.code == 1
    assert "llm: It is down. Start it." in result.out
    as_json = run("doctor", "--json").json
    assert (as_json["ok"], as_json["organs"][0]["hint"]) == (False, "Start it.")


def test_a_model_server_on_this_machine_comes_with_the_lines_to_use_it(run: Run, stub: Stub) -> None:
    server = {"kind": "ollama", "url": "http://127.0.0.1:11434/v1", "models": ["qwen3:8b"]}
    stub.routes["GET", "/doctor"] = (200, {"version": "0.1.0", "organs": [organ("llm")], "found": [server]})
    assert run("doctor").out.endswith(
        "Found ollama at http://127.0.0.1:11434/v1 with qwen3:8b.\n"
        "To use it, put this into llmflow.yaml and start LLMFlow again:\n"
        "  organs:\n"
        "    llm:\n"
        "      use: openai\n"
        "      url: http://127.0.0.1:11434/v1\n"
        "      model: qwen3:8b\n"
    )


def test_a_server_that_answers_with_an_error_is_a_finding(run: Run, stub: Stub) -> None:
    stub.routes["GET", "/doctor"] = (500, refusal("internal_error", "Something went wrong.", "Look at the log."))
    result = run("doctor", "--json")
    assert result.code == 1
    assert state(result, "organs") == "wrong"


def test_a_wrong_configuration_is_told_at_once(run: Run, home: Path) -> None:
    (home / "llmflow.yaml").write_text("server: {port: many}\n")
    result = run("doctor")
    assert result.code == 1
    assert "error[setting_type]" in result.err


def test_a_port_of_another_program_is_found(run: Run, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        result = run("doctor", "--json", "--home", tmp_path / "h", env={"LLMFLOW_SERVER_PORT": str(port)})
        assert result.code == 1
        assert state(result, "server") == "wrong"


def test_a_home_that_is_a_file_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = checks.home_writable(tmp_path / "file")
    assert (found.state, bool(found.hint)) == ("wrong", True)


def test_little_disk_is_wrong(tmp_path: Path) -> None:
    assert checks.free_disk(tmp_path, 10**9).state == "wrong"
    assert checks.free_disk(tmp_path / "not" / "there", 0).state == "ok"


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("printf 'List of available languages (2):\\neng\\nkor\\n'", "ok"),
        ("printf 'List of available languages (1):\\neng\\n'", "lacks kor"),
        ("exit 1", "does not work"),
        (None, "not installed"),
    ],
)
def test_ocr_needs_tesseract_and_its_languages(
    script: str | None, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if script is not None:
        program = tmp_path / "tesseract"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    check = checks.tesseract("kor+eng")
    assert found in (check.state, *check.detail.split("Tesseract ")) or found in check.detail
    assert check.state == ("ok" if found == "ok" else "note")
    assert found == "ok" or "apt-get" in check.hint or "Install" in check.hint
