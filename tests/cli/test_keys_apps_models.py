"""`keys`, `apps`, `models`."""

from __future__ import annotations

import hashlib
from pathlib import Path

from llmflow.organs.llm.pull import KNOWN
from tests.cli.conftest import Run, Stub

KEY = {
    "id": "k1",
    "workspace_id": "w",
    "kind": "app",
    "app_id": "a1",
    "name": "사이트",
    "hint": "app-abcd",
    "created_at": 0,
    "expires_at": None,
    "last_used_at": None,
}


def test_a_key_alone_is_on_stdout(run: Run, stub: Stub) -> None:
    stub.routes["POST", "/keys"] = (201, {"key": KEY, "token": "app-secret"})
    result = run("keys", "create", "--kind", "app", "--app", "demo", "--expires", "30d")
    assert result.out == "app-secret\n"
    assert "shown this once" in result.err
    assert stub.requests[0].json == {"kind": "app", "name": "", "app": "demo", "expires": "30d"}


def test_a_key_as_json_has_its_id_and_itself(run: Run, stub: Stub) -> None:
    stub.routes["POST", "/keys"] = (201, {"key": KEY, "token": "app-secret"})
    found = run("keys", "create", "--kind", "app", "--app", "demo", "--json").json
    assert (found["id"], found["kind"], found["key"]) == ("k1", "app", "app-secret")


def test_listed_keys_show_their_first_letters(run: Run, stub: Stub) -> None:
    stub.routes["GET", "/keys"] = (200, [KEY])
    assert "app-abcd…" in run("keys", "list").out
    assert run("keys", "list", "--json").json == {"keys": [KEY]}


def test_revoke_names_the_key(run: Run, stub: Stub) -> None:
    stub.routes["DELETE", "/keys/k1"] = (204, None)
    assert run("keys", "revoke", "k1").out == "Revoked k1\n"


def test_an_app_is_made_over_its_knowledge(run: Run, stub: Stub) -> None:
    stub.routes["POST", "/apps"] = (201, {"id": "a1", "name": "인사"})
    result = run("apps", "create", "인사", "규정", "faq")
    assert result.out == "Made app 인사 (a1)\n"
    assert stub.requests[0].json == {"name": "인사", "description": "", "knowledge": ["규정", "faq"]}


def test_models_are_listed_with_those_to_pull(run: Run, stub: Stub) -> None:
    model = {"id": "smollm2", "context_tokens": 2048, "languages": ["en"], "owned_by": "llmflow", "server": "default"}
    stub.routes["GET", "/models"] = (200, [model, {**model, "id": "big", "languages": None, "server": "회사 vLLM"}])
    health = {"ok": False, "detail": "It is down.", "hint": "Start it."}
    stub.routes["GET", "/models/connections"] = (200, [{"connection": {"name": "old"}, "health": health}])
    result = run("models", "list")
    assert result.out.splitlines()[1].split() == ["smollm2", "2048", "en", "llmflow", "default"]
    assert result.out.splitlines()[2].split() == ["big", "2048", "any", "llmflow", "회사", "vLLM"]
    assert "old serves nothing now: It is down. Start it." in result.err
    assert run("models", "list", "--json").json["to_pull"] == list(KNOWN)


def test_a_pulled_model_lies_in_the_home_with_the_lines_to_use_it(run: Run, stub: Stub, home: Path) -> None:
    stub.routes["GET", "/tiny.gguf"] = (200, b"GGUF....")
    result = run("models", "pull", f"{stub.url}/tiny.gguf", "--sha256", hashlib.sha256(b"GGUF....").hexdigest())
    assert result.code == 0, result.err
    path = home / "models" / "tiny.gguf"
    assert path.read_bytes() == b"GGUF...."
    assert f"    path: {path}\n" in result.out


def test_a_wrong_checksum_keeps_nothing(run: Run, stub: Stub, home: Path) -> None:
    stub.routes["GET", "/tiny.gguf"] = (200, b"GGUF....")
    result = run("models", "pull", f"{stub.url}/tiny.gguf", "--sha256", "0" * 64, "--json")
    assert result.error["code"] == "checksum_mismatch"
    assert list((home / "models").iterdir()) == []


def test_an_unknown_model_names_the_known(run: Run) -> None:
    result = run("models", "pull", "qwen", "--json")
    assert result.code == 1
    assert result.error["code"] == "model_unknown"
    assert "qwen2.5-0.5b" in result.error["message"]
