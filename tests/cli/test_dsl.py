"""`apps import` and `apps export`."""

from __future__ import annotations

from pathlib import Path

import httpx
import yaml

from tests.cli.conftest import Request, Run, Stub
from tests.live import LiveServer
from tests.workflow.dsl.files import FOLDER

FILE = FOLDER / "휴가-안내.yml"
MADE = {
    "app_id": "a1",
    "name": "휴가 안내",
    "mode": "advanced-chat",
    "has_graph": True,
    "dsl_version": "0.6.0",
    "status": "completed",
    "published": None,
    "report": [
        {"node": "start", "type": "start", "title": "시작", "status": "exact", "why": "", "codes": []},
        {"node": "w", "type": "tool", "title": "날씨\x1b[2J", "status": "unsupported", "why": "아직.", "codes": ["x"]},
    ],
    "notes": ["The file names plugins of Dify: langgenius/openai."],
    "knowledge": None,
    "base_changes": [],
}


def _serve(stub: Stub) -> None:
    stub.routes["POST", "/apps/import"] = (201, MADE)
    stub.routes["POST", "/keys"] = (201, {"key": {}, "token": "app-secret"})


def test_an_import_sends_the_file_and_the_mappings(run: Run, stub: Stub) -> None:
    _serve(stub)
    options = ("--map-dataset", "YWJj===handbook", "--map-model", "openai/gpt-4o=", "--map-model", "a=b", "--publish")
    found = run("apps", "import", FILE, *options, "--json").json
    assert (found["app_id"], found["mode"], found["api_key"]) == ("a1", "advanced-chat", "app-secret")
    assert found["report"] == MADE["report"]
    sent = stub.requests[0].json
    assert sent["document"] == FILE.read_text("utf-8")
    assert sent["map_datasets"] == {"YWJj==": "handbook"}
    assert sent["map_models"] == {"openai/gpt-4o": "", "a": "b"}
    assert sent["publish"] is True
    assert stub.requests[1].json == {"kind": "app", "app": "a1", "name": "import"}


def test_people_see_what_is_not_exact(run: Run, stub: Stub) -> None:
    _serve(stub)
    result = run("apps", "import", FILE)
    assert result.out.splitlines() == ["Imported advanced-chat app 휴가 안내 (a1), as a draft", "app-secret"]
    assert "1 exact, 1 unsupported" in result.err
    assert "unsupported  tool “날씨[2J” w: 아직." in result.err
    assert "langgenius/openai" in result.err


def test_a_pipeline_comes_with_its_knowledge_base_and_a_key_for_knowledge(run: Run, stub: Stub) -> None:
    _serve(stub)
    change = {"setting": "embedding_model", "old": "", "new": "e5", "is_done": True, "text": "Embedded with e5."}
    made = {**MADE, "mode": "rag-pipeline", "knowledge": {"id": "k1", "name": "규정"}, "base_changes": [change]}
    stub.routes["POST", "/apps/import"] = (201, made)
    result = run("apps", "import", FILE)
    assert stub.requests[1].json == {"kind": "dataset", "name": "import"}
    assert result.out.splitlines()[2] == "Made knowledge base 규정 (k1), read by that pipeline"
    assert 'llmflow knowledge add "규정" FILE' in result.err
    assert "Embedded with e5." in result.err


def test_what_is_no_file_no_text_or_no_pair_is_refused(run: Run, stub: Stub, tmp_path: Path) -> None:
    binary = tmp_path / "app.yml"
    binary.write_bytes(b"app:\n  name: \xff\xfa\n")
    assert run("apps", "import", tmp_path / "nothing.yml", "--json").error["code"] == "invalid_request"
    error = run("apps", "import", binary, "--json").error
    assert error["code"] == "dsl_unreadable"
    assert "line 2" in error["message"]
    assert "OLD=NEW" in run("apps", "import", FILE, "--map-model", "gpt", "--json").error["message"]
    assert stub.requests == []


def test_a_file_in_utf_16_is_sent_as_text(run: Run, stub: Stub, tmp_path: Path) -> None:
    _serve(stub)
    wide = tmp_path / "wide.yml"
    wide.write_bytes("app: {name: 한글}\n".encode("utf-16"))
    assert run("apps", "import", wide).code == 0
    assert stub.requests[0].json["document"] == "app: {name: 한글}\n"


def test_an_export_is_the_file_and_nothing_else(run: Run, stub: Stub, tmp_path: Path) -> None:
    asked: list[str] = []

    def export(request: Request) -> tuple[int, bytes]:
        asked.append(request.query)
        return 200, "app:\n  name: 휴가 🏖️\n".encode()

    stub.routes["GET", "/apps/%ED%9C%B4%EA%B0%80/export"] = export
    assert run("apps", "export", "휴가").out == "app:\n  name: 휴가 🏖️\n"
    assert run("apps", "export", "휴가", "--version", "2", "--include-secret", "--json").json == {
        "app": "휴가",
        "document": "app:\n  name: 휴가 🏖️\n",
    }
    assert "version=2" in asked[1] and "include_secret=true" in asked[1]
    out = tmp_path / "app.yml"
    assert run("apps", "export", "휴가", "--out", out).code == 0
    assert out.read_text("utf-8") == "app:\n  name: 휴가 🏖️\n"
    assert run("apps", "export", "휴가", "--out", tmp_path / "no" / "app.yml", "--json").code == 1


def test_an_export_of_nothing_is_an_error(run: Run, stub: Stub) -> None:
    assert run("apps", "export", "nothing", "--json").error["code"] == "not_found"


def test_a_file_goes_through_a_real_server_and_comes_back(run: Run, fake_model_server: LiveServer) -> None:
    home = {"LLMFLOW_HOME": str(fake_model_server.home)}
    made = run("apps", "import", FILE, "--publish", "--json", env=home).json
    try:
        assert made["published"]["number"] == 1
        with httpx.Client(base_url=fake_model_server.url, trust_env=False) as client:
            info = client.get("/v1/info", headers={"Authorization": f"Bearer {made['api_key']}"}).json()
        assert (info["name"], info["mode"]) == ("휴가 안내", "advanced-chat")
        exported = run("apps", "export", made["app_id"], "--version", "1", "--include-secret", env=home).out
        assert yaml.safe_load(exported) == yaml.safe_load(FILE.read_text("utf-8"))
    finally:
        with fake_model_server.client() as client:
            client.delete(f"/api/v1/apps/{made['app_id']}")
