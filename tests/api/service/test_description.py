"""The descriptions of the Service API, Dify's and our own: every operation is served, and what is answered fits.

The real server does not keep Dify's to the letter: it sends nulls where none are declared, HTML for a malformed id,
times without a zone, and a file under its own type. Those are allowed here; the golden answers are the stronger judge.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import pytest

from llmflow.api.routes.service import described_apps, described_datasets
from llmflow.api.routes.service.surface import document
from llmflow.wiring import Platform
from tests.api.chat_server import QUESTION, ChatServer, imported
from tests.flow_apps import answer, dsl, end, start, template

SCHEMATHESIS = "schemathesis==4.32.5"  # of its own: it brings 25 packages that nothing else needs
NOBODY = "00000000-0000-0000-0000-000000000000"
#: Operations with a body or an answer that come later, or that others describe better: a form's token is no guess.
OF_APPS = r"^/(?!datasets|workspaces|form|workflow)"
OF_WORKFLOWS = r"^/workflow"
OF_KNOWLEDGE = r"^/(datasets|workspaces)(?!.*pipeline)"


@pytest.fixture(scope="module")
def official(shared_data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared_data / "dify" / "service_api.openapi.json").read_text("utf-8"))
    return found


def _operations(official: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for path, methods in official["paths"].items():
        for method in methods.keys() & {"get", "post", "put", "patch", "delete"}:
            yield method, path


def test_no_documented_operation_is_unknown(chat_server: ChatServer, official: dict[str, Any]) -> None:
    """Its path is known and so is its method, whatever is answered about ids that are nobody's."""
    places = {"action": "enable", "model_type": "llm", "task_id": "x", "form_token": "x", "node_id": "x", "batch": "x"}
    unknown = []
    with chat_server.client(chat_server.knows) as apps, chat_server.client(chat_server.dataset) as datasets:
        for method, path in _operations(official):
            filled = path
            for name in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
                filled = filled.replace(f"{{{name}}}", places.get(name, NOBODY))
            client = datasets if path.startswith(("/datasets", "/workspaces")) else apps
            found = client.request(method, filled)
            is_page = found.headers["content-type"].startswith("text/html")
            if is_page or found.status_code in (401, 405) or found.status_code == 500:
                unknown.append((method, path, found.status_code))
    assert unknown == []


def _lenient(document: Any) -> Any:
    """The description with what the real server does, too."""
    document = deepcopy(document)
    _nullable(document["components"]["schemas"])
    for methods in document["paths"].values():
        for operation in methods.values():
            if not isinstance(operation, dict):
                continue
            for status, told in operation.get("responses", {}).items():
                contents = told.get("content", {})
                _nullable(contents)
                contents.pop("text/event-stream", None)
                if "application/octet-stream" in contents or status == "404":
                    contents["*/*"] = {}
    return document


def _nullable(found: Any) -> None:
    if isinstance(found, list):
        for item in found:
            _nullable(item)
    if not isinstance(found, dict):
        return
    if found.get("format") == "date-time":
        del found["format"]  # it is sent without a zone
    for item in found.values():
        _nullable(item)
    for name, schema in (found.get("properties") or {}).items():
        found["properties"][name] = (
            {"nullable": True, "allOf": [schema]} if "$ref" in schema else {**schema, "nullable": True}
        )


@pytest.fixture(scope="module")
def schemathesis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with schemathesis installed."""
    folder = tmp_path_factory.mktemp("schemathesis")
    pip: list[str | Path] = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    done = subprocess.run(
        [*pip, "--target", folder, SCHEMATHESIS], capture_output=True, text=True, timeout=240, check=False
    )
    if done.returncode != 0:
        if os.environ.get("CI"):
            pytest.fail(done.stderr)
        pytest.skip(f"skipped: {SCHEMATHESIS} cannot be installed here")
    return folder


@pytest.fixture(scope="module")
def keys(chat_server: ChatServer) -> dict[str, str]:
    """Of a chat app over knowledge, a chatflow and a workflow."""
    flow = (start("q"), template("t", "안녕 {{ q }}", q="start.q"), end(out="t.output"))
    variable = {"id": "a", "name": "name", "value_type": "string", "value": "없음"}
    chatflow = dsl("described", (start(), answer("{{#sys.query#}}")), mode="advanced-chat", conversation=[variable])
    with chat_server.live.client() as console:
        return {
            "chat": chat_server.knows,
            "advanced-chat": imported(console, chatflow),
            "workflow": imported(console, dsl("described flow", flow)),
            "knowledge": chat_server.dataset,
        }


def _known(chat_server: ChatServer, key: str, mode: str) -> dict[str, str]:
    """Ids of things that are there, by the names that the description gives them."""
    if mode == "knowledge":
        return _known_of_knowledge(chat_server, key)
    with chat_server.client(key) as client:
        up = client.post("/files/upload", files={"file": ("a.txt", b"a", "text/plain")}, data={"user": "fuzz"}).json()
        known = {"user": "fuzz", "file_id": up["id"], "end_user_id": up["created_by"]}
        if mode == "workflow":
            ran = client.post("/workflows/run", json={"inputs": {"q": "x"}, "user": "fuzz"}).json()
            return {
                **known,
                "workflow_run_id": ran["workflow_run_id"],
                "workflow_id": ran["data"]["workflow_id"],
                "run_id": ran["workflow_run_id"],
            }
        sent = [{"type": "document", "transfer_method": "local_file", "upload_file_id": up["id"]}]
        wanted = {"inputs": {}, "query": QUESTION, "user": "fuzz", "files": sent}
        asked = client.post("/chat-messages", json=wanted).raise_for_status().json()
        return {**known, "message_id": asked["message_id"], "conversation_id": asked["conversation_id"]}


def _known_of_knowledge(chat_server: ChatServer, key: str) -> dict[str, str]:
    with chat_server.client(key) as client:
        name = f"described {time.monotonic()}"
        base = client.post("/datasets", json={"name": name}).raise_for_status().json()["id"]
        body = {"name": "a.txt", "text": "연차 휴가는 15일입니다.", "indexing_technique": "high_quality"}
        made = client.post(f"/datasets/{base}/document/create-by-text", json=body).raise_for_status().json()
        field = client.post(f"/datasets/{base}/metadata", json={"type": "string", "name": "부서"}).json()["id"]
        tag = client.post("/datasets/tags", json={"name": name[:50]}).raise_for_status().json()["id"]
        chat_server.live.wait_until_indexed(name)
        document = made["document"]["id"]
        (segment,) = client.get(f"/datasets/{base}/documents/{document}/segments").json()["data"]
        known = {"dataset_id": base, "document_id": document, "segment_id": segment["id"], "metadata_id": field}
        return {**known, "batch": made["batch"], "tag_id": tag, "target_id": base}


MODES = [("chat", OF_APPS), ("advanced-chat", OF_APPS), ("workflow", OF_WORKFLOWS)]


@pytest.mark.parametrize(("mode", "only"), [*MODES, ("knowledge", OF_KNOWLEDGE)])
def test_what_is_answered_fits_the_official_description(
    chat_server: ChatServer,
    official: dict[str, Any],
    schemathesis: Path,
    keys: dict[str, str],
    tmp_path: Path,
    mode: str,
    only: str,
) -> None:
    _fuzz(chat_server, _lenient(official), schemathesis, keys[mode], mode, only, tmp_path)


# chat apps answer by the official one as chatflows do
@pytest.mark.parametrize(("mode", "only"), [*MODES[1:], ("knowledge", OF_KNOWLEDGE)])
def test_what_is_answered_fits_our_own_description(
    chat_server: ChatServer, schemathesis: Path, keys: dict[str, str], tmp_path: Path, mode: str, only: str
) -> None:
    with chat_server.client(None) as client:
        described = client.get("/openapi.json").raise_for_status().json()
    _fuzz(chat_server, described, schemathesis, keys[mode], mode, only, tmp_path)


def _fuzz(
    chat_server: ChatServer, described: Any, schemathesis: Path, key: str, mode: str, only: str, folder: Path
) -> None:
    """Calls every operation that `only` lets through; nothing may fail or go unanswered."""
    document = folder / "description.json"
    document.write_text(json.dumps(described), "utf-8")
    known = json.dumps(_known(chat_server, key, mode))
    fuzz = Path(__file__).with_name("fuzz.py")
    done = subprocess.run(
        [sys.executable, fuzz, document, f"{chat_server.live.url}/v1", key, only, known],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        env={**os.environ, "PYTHONPATH": str(schemathesis), "NO_PROXY": "127.0.0.1"},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["failures"] == {}, "\n".join(f"{name}: {wrong}" for name, wrong in found["failures"].items())
    statuses = {status for called in found["called"].values() for status in called}
    assert len(found["called"]) > 5
    assert "200" in statuses
    assert not [status for status in statuses if status >= "500"]


def test_our_own_description_has_every_operation_and_no_row_too_many() -> None:
    described = document(cast(Platform, None))
    there = {(method.upper(), path) for path, methods in described["paths"].items() for method in methods}
    assert len(there) > 90
    for said in (described_apps.DESCRIBED, described_datasets.DESCRIBED):
        assert {*said.bodies, *said.forms, *said.queries, *said.older} <= there
        assert all(names <= said.queries[operation].keys() for operation, names in said.needed.items())
        assert said.places.keys() <= described["paths"].keys()
    for method, path in there:
        told = described["paths"][path][method.lower()]
        places = {one["name"] for one in told.get("parameters", []) if one["in"] == "path"}
        assert places == set(re.findall(r"\{(\w+)\}", path)), path
    schemas = described["components"]["schemas"]
    assert {"inputs", "query", "user"} == set(schemas["ChatRequestPayload"]["required"])
    assert {"name", "text"} == set(schemas["DocumentTextCreatePayload"]["required"])
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(described)))
    assert named == schemas.keys()


@pytest.mark.parametrize("path", ["/chat-messages", "/workflows/run", "/datasets", "/datasets/{dataset_id}/retrieve"])
def test_our_own_description_says_which_key_an_operation_takes(path: str) -> None:
    kind = "dataset" if path.startswith("/datasets") else "app"
    assert document(cast(Platform, None))["paths"][path]["post"]["security"] == [{kind: []}]


def test_our_own_description_names_no_operation_that_dify_does_not_have(official: dict[str, Any]) -> None:
    theirs = {re.sub(r"\{\w+\}", "{}", path) for path in official["paths"]}
    described = document(cast(Platform, None))["paths"]
    new = {path for path, methods in described.items() if not all(one.get("deprecated") for one in methods.values())}
    assert {re.sub(r"\{\w+\}", "{}", path) for path in new} - theirs == {"/"}  # the index


def test_the_command_prints_our_own_description() -> None:
    program = Path(sys.executable).with_name("llmflow")
    done = subprocess.run([program, "openapi", "--surface", "service"], capture_output=True, check=True, timeout=60)
    assert json.loads(done.stdout) == document(cast(Platform, None))
