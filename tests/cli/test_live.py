"""The command line with a real server: what the stub of the other tests promises is what the server does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from llmflow.catalog import PORTS
from tests.cli.conftest import LLMFLOW, Result
from tests.live import LiveServer, start_server

Ours = Callable[..., Result]


@pytest.fixture
def ours(fake_model_server: LiveServer, tmp_path: Path) -> Ours:
    """Runs the program on the real server with fake models."""
    return lambda *arguments: on(fake_model_server, tmp_path, *arguments)


def on(server: LiveServer, folder: Path, *arguments: str | Path) -> Result:
    environment = {"PATH": os.environ["PATH"], "LLMFLOW_HOME": str(server.home), "HOME": str(folder)}
    done = subprocess.run([LLMFLOW, *map(str, arguments)], capture_output=True, env=environment, cwd=folder)
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def test_from_files_to_an_answer_with_its_source(ours: Ours, tmp_path: Path) -> None:
    folder = tmp_path / "문서 모음"
    (folder / "하위").mkdir(parents=True)
    (folder / "휴가 규정 🌴.md").write_text("# 휴가\n\n연차휴가는 매년 열다섯 날을 부여합니다.\n")
    (folder / "하위" / "parking #1.txt").write_text("The parking garage opens at seven in the morning.\n")
    added = ours("knowledge", "add", "명령줄", folder, "--create", "--wait", "--json")
    assert added.code == 0, added.err
    assert (added.json["counts"]["accepted"], added.json["counts"]["ready"]) == (2, 2)
    again = ours("knowledge", "add", "명령줄", folder, "--wait", "--json").json["counts"]
    assert (again["unchanged"], again["accepted"], again["ready"]) == (2, 0, 2)

    for mode in ("dense", "keyword", "hybrid"):
        hits = ours("knowledge", "search", "명령줄", "parking garage", "--mode", mode, "--top-k", "1", "--json").json[
            "hits"
        ]
        assert hits[0]["document"] == "parking #1.txt"
        assert {"document", "chunk_id", "text", "score", "scores", "page"} <= hits[0].keys()
        assert set(hits[0]["scores"]) == {"dense", "keyword", "rerank", "graph"}
        assert (hits[0]["scores"]["keyword"] is None) == (mode == "dense")

    assert ours("apps", "create", "명령줄 앱", "명령줄").code == 0
    answer = ours("ask", "명령줄 앱", "연차휴가는 며칠을 부여하나요?", "--json")
    assert answer.code == 0, answer.err
    assert answer.json["citations"][0]["document"] == "휴가 규정 🌴.md"
    went_on = ours("ask", "명령줄 앱", "parking?", "--conversation", answer.json["conversation_id"], "--json")
    assert went_on.json["conversation_id"] == answer.json["conversation_id"]

    assert "2 ready" in ours("knowledge", "list").out
    assert ours("knowledge", "remove", "명령줄", "parking #1.txt").code == 0
    assert [d["name"] for d in ours("knowledge", "documents", "명령줄", "--json").json["documents"]] == [
        "휴가 규정 🌴.md"
    ]


def test_broken_files_fail_with_what_to_do_and_the_others_go_on(ours: Ours, tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "empty.txt").write_bytes(b"")
    (folder / "noise.pdf").write_bytes(bytes(range(256)) * 8)
    (folder / "good.txt").write_text("Good morning.")
    result = ours("knowledge", "add", "broken", folder, "--create", "--wait", "--json")
    assert result.code == 1
    found = {d["name"]: (d["state"], d["code"], bool(d["hint"])) for d in result.json["documents"]}
    assert found == {
        "empty.txt": ("failed", "document_empty", True),
        "good.txt": ("ready", "", False),
        "noise.pdf": ("failed", "document_mislabelled", True),
    }
    assert ours("knowledge", "retry", "broken", "--json").json["retried"] != []
    assert ours("knowledge", "delete", "broken", "--yes").code == 0
    assert "There is no knowledge base `broken`" in ours("knowledge", "documents", "broken").err


def test_a_key_works_until_it_is_revoked(ours: Ours, fake_model_server: LiveServer) -> None:
    made = ours("keys", "create", "--kind", "model", "--expires", "1h", "--name", "시험", "--json").json
    assert made["key"].startswith("sk-")
    url, headers = f"{fake_model_server.url}/v1/models", {"Authorization": f"Bearer {made['key']}"}
    assert httpx.get(url, headers=headers, trust_env=False).status_code == 200
    assert ours("keys", "revoke", made["id"]).code == 0
    assert httpx.get(url, headers=headers, trust_env=False).status_code == 401
    wrong = ours("keys", "create", "--kind", "model", "--expires", "soon", "--json")
    assert (wrong.code, wrong.error["param"]) == (1, "expires")


def test_doctor_asks_every_organ_of_the_server(ours: Ours) -> None:
    result = ours("doctor", "--json")
    assert [organ["port"] for organ in result.json["organs"]] == list(PORTS)
    assert result.json["ok"] == (result.code == 0)
    assert all(organ["ok"] for organ in result.json["organs"]), result.json


def test_openapi_of_the_server_is_that_of_the_routes(ours: Ours, tmp_path: Path) -> None:
    alone = subprocess.run([LLMFLOW, "openapi", "--home", tmp_path], capture_output=True, check=True).stdout.decode()
    found, wanted = ours("openapi").json, Result(0, alone, "").json
    assert found["paths"].keys() == wanted["paths"].keys()


@pytest.mark.slow
def test_doctor_without_a_server_builds_the_organs_itself(tmp_path: Path) -> None:
    server = start_server(tmp_path / "home", "--no-demo")
    server.stop()
    result = on(server, tmp_path, "doctor", "--json")
    assert result.json["server"] is None
    assert [organ["port"] for organ in result.json["organs"] if not organ["ok"]] == []
    assert {organ["port"] for organ in result.json["organs"]} == set(PORTS) - {"jobs"}
    assert "Jobs" in result.json["not_asked"]
    assert result.code == 0
