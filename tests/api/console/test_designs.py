"""Designs over HTTP: import, draft, versions, differences, export, and what apps of other modes answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import httpx
import pytest
import yaml

from llmflow.access.types import Role
from tests.live import LiveServer
from tests.workflow.dsl.files import FOLDER

GRAPH = (FOLDER / "휴가-안내.yml").read_text("utf-8")
FLOW = (FOLDER / "triggered.yml").read_text("utf-8")
CHAT = (FOLDER / "helpdesk-chat.yml").read_text("utf-8")


@pytest.fixture
def app(console: httpx.Client) -> Iterator[str]:
    """A published advanced-chat app, deleted at the end."""
    made = console.post("/apps/import", json={"document": GRAPH, "publish": True})
    assert made.status_code == 201, made.text
    yield made.json()["app_id"]
    console.delete(f"/apps/{made.json()['app_id']}")


def _refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text


def test_an_import_tells_what_became_of_each_node(console: httpx.Client) -> None:
    made = console.post("/apps/import", json={"document": GRAPH}).json()
    assert (made["mode"], made["status"], made["published"]) == ("advanced-chat", "completed", None)
    assert {item["node"]: item["status"] for item in made["report"]}["weather"] == "unsupported"
    assert console.get(f"/apps/{made['app_id']}").json()["config"]["opening_statement"].startswith("안녕하세요")
    console.delete(f"/apps/{made['app_id']}")


@pytest.mark.parametrize(
    ("document", "status", "code"),
    [
        ("a: [", 400, "dsl_unreadable"),
        ("a: 1", 400, "dsl_invalid"),
        ("x: " + "[" * 5000, 413, "dsl_too_large"),
        ("a: " + "x" * (6 * 1024 * 1024), 413, "dsl_too_large"),
    ],
)
def test_what_is_no_dsl_makes_no_app(console: httpx.Client, document: str, status: int, code: str) -> None:
    before = len(console.get("/apps").json())
    _refused(console.post("/apps/import", json={"document": document}), status, code)
    assert len(console.get("/apps").json()) == before


def test_a_mapping_to_nothing_is_not_found(console: httpx.Client) -> None:
    _refused(
        console.post("/apps/import", json={"document": CHAT, "map_datasets": {"x": "없는 지식"}}), 404, "not_found"
    )
    _refused(
        console.post("/apps/import", json={"document": CHAT, "map_models": {"x": "없는 모델"}}), 404, "model_unknown"
    )


def test_a_draft_lists_its_problems_and_is_kept(console: httpx.Client, app: str) -> None:
    draft = console.get(f"/apps/{app}/draft").json()
    strange = {"id": "자료", "type": "custom", "data": {"type": "trigger-plugin", "title": "자료"}}
    draft["document"]["workflow"]["graph"]["nodes"].append(strange)
    body = {"document": draft["document"], "hash": draft["version"]["hash"]}
    assert console.put(f"/apps/{app}/draft", json=body).status_code == 200
    problems = console.get(f"/apps/{app}/draft").json()["problems"]
    assert ("node_unsupported", "자료") in [(problem["code"], problem["node"]) for problem in problems]


def test_a_draft_is_changed_published_compared_and_restored(console: httpx.Client, app: str) -> None:
    draft = console.get(f"/apps/{app}/draft").json()
    assert "s3cret" not in str(draft)
    assert draft["problems"] == []
    draft["document"]["workflow"]["features"]["opening_statement"] = "새 인사"
    body = {"document": draft["document"], "hash": draft["version"]["hash"]}
    saved = console.put(f"/apps/{app}/draft", json=body)
    assert saved.status_code == 200, saved.text
    _refused(console.put(f"/apps/{app}/draft", json=body), 409, "changed_meanwhile")
    found = console.get(f"/apps/{app}/diff", params={"old": "1"}).json()
    assert [change["path"] for change in found["features"]] == ["opening_statement"]
    assert (found["added"], found["variables"]) == ([], [])

    stale = {"name": "둘째", "note": "인사를 바꿈", "hash": draft["version"]["hash"]}
    _refused(console.post(f"/apps/{app}/publish", json=stale), 409, "changed_meanwhile")
    made = console.post(f"/apps/{app}/publish", json=stale | {"hash": saved.json()["version"]["hash"]})
    assert (made.status_code, made.json()["number"]) == (201, 2)
    assert console.get(f"/apps/{app}").json()["config"]["opening_statement"] == "새 인사"
    assert [(v["number"], v["name"]) for v in console.get(f"/apps/{app}/versions").json()] == [(2, "둘째"), (1, "")]
    renamed = console.patch(f"/apps/{app}/versions/1", json={"name": "첫째"}).json()
    assert renamed["name"] == "첫째"

    assert console.post(f"/apps/{app}/versions/1/restore", json={}).status_code == 200
    back = console.get(f"/apps/{app}/draft").json()["document"]
    assert back["workflow"]["features"]["opening_statement"].startswith("안녕하세요")
    assert console.get(f"/apps/{app}/versions/2").json()["document"]["workflow"]["features"] != back
    _refused(console.delete(f"/apps/{app}/versions/2"), 409, "version_in_force")
    assert console.delete(f"/apps/{app}/versions/1").status_code == 204
    _refused(console.get(f"/apps/{app}/versions/1"), 404, "version_not_found")
    _refused(console.get(f"/apps/{app}/versions/0"), 400, "invalid_request")
    _refused(console.get(f"/apps/{app}/diff", params={"old": "one"}), 400, "invalid_request")


def test_a_draft_with_a_node_that_nobody_runs_is_saved_and_the_node_named(console: httpx.Client, app: str) -> None:
    draft = console.get(f"/apps/{app}/draft").json()
    graph = draft["document"]["workflow"]["graph"]
    graph["nodes"].append({"id": "p", "type": "custom", "data": {"type": "trigger-plugin", "title": "메일이 오면"}})
    body = {"document": draft["document"], "hash": draft["version"]["hash"]}
    saved = console.put(f"/apps/{app}/draft", json=body)
    assert saved.status_code == 200, saved.text
    for problems in (saved.json()["problems"], console.get(f"/apps/{app}/draft").json()["problems"]):
        assert [(problem["code"], problem["node"]) for problem in problems] == [("node_unsupported", "p")]


def test_a_secret_survives_a_draft_that_never_showed_it(console: httpx.Client, app: str) -> None:
    draft = console.get(f"/apps/{app}/draft").json()
    console.put(f"/apps/{app}/draft", json={"document": draft["document"], "hash": draft["version"]["hash"]})
    plain = console.get(f"/apps/{app}/export")
    assert plain.headers["content-type"].startswith("application/yaml")
    assert "s3cret" not in plain.text
    secret = console.get(f"/apps/{app}/export", params={"include_secret": True}).text
    assert yaml.safe_load(secret) == yaml.safe_load(GRAPH)


def test_a_draft_of_another_mode_or_no_shape_is_refused(console: httpx.Client, app: str) -> None:
    draft = console.get(f"/apps/{app}/draft").json()
    other = {**draft["document"], "app": {"name": "x", "mode": "workflow"}}
    _refused(
        console.put(f"/apps/{app}/draft", json={"document": other, "hash": draft["version"]["hash"]}),
        400,
        "invalid_request",
    )
    _refused(console.put(f"/apps/{app}/draft", json={"document": {}, "hash": "x"}), 400, "dsl_invalid")


def test_a_published_version_is_exported_by_its_number(console: httpx.Client, app: str) -> None:
    answer = console.get(f"/apps/{app}/export", params={"version": "1"})
    assert yaml.safe_load(answer.text)["app"]["name"] == "휴가 안내"
    _refused(console.get(f"/apps/{app}/export", params={"version": "7"}), 404, "version_not_found")


def test_a_chat_app_made_here_is_exported_and_has_no_draft(console: httpx.Client) -> None:
    made = console.post("/apps", json={"name": "plain export", "instruction": "친절하게"}).json()
    found = yaml.safe_load(console.get(f"/apps/{made['id']}/export").text)
    assert (found["app"]["mode"], found["model_config"]["pre_prompt"]) == ("chat", "친절하게")
    _refused(console.get(f"/apps/{made['id']}/draft"), 404, "no_design")
    assert console.get(f"/apps/{made['id']}/versions").json() == []
    console.delete(f"/apps/{made['id']}")


def test_a_file_replaces_a_draft(console: httpx.Client, app: str) -> None:
    changed = GRAPH.replace("안녕하세요! 휴가에 대해 물어보세요.", "다시 왔습니다")
    assert console.post(f"/apps/{app}/import", json={"document": changed}).json()["app_id"] == app
    draft = console.get(f"/apps/{app}/draft").json()["document"]
    assert draft["workflow"]["features"]["opening_statement"] == "다시 왔습니다"
    _refused(console.post(f"/apps/{app}/import", json={"document": FLOW}), 409, "mode_differs")


def test_the_design_of_a_graph_app_is_changed_in_its_draft_alone(console: httpx.Client, app: str) -> None:
    _refused(console.patch(f"/apps/{app}", json={"instruction": "x"}), 400, "invalid_request")
    assert console.patch(f"/apps/{app}", json={"name": "휴가 도우미", "icon": "🌴"}).status_code == 200
    header = yaml.safe_load(console.get(f"/apps/{app}/export").text)["app"]
    assert (header["name"], header["icon"]) == ("휴가 도우미", "🌴")


def test_every_node_type_says_its_fields_in_both_languages(console: httpx.Client) -> None:
    found = {item["type"]: item for item in console.get("/workflow/nodes").json()}
    assert {"start", "end", "answer", "if-else"} <= found.keys()
    for item in found.values():
        assert item["words"]["ko"]["label"] and item["words"]["en"]["label"]
        assert item["data"]["type"] == "object"


def test_an_app_is_asked_or_run_by_its_mode_and_its_form(
    console: httpx.Client, app: str, fake_model_server: LiveServer
) -> None:
    flow = console.post("/apps/import", json={"document": FLOW, "publish": True}).json()["app_id"]
    keys = {id: console.post("/keys", json={"kind": "app", "app": id}).json()["token"] for id in (app, flow)}
    model_key = console.post("/keys", json={"kind": "model"}).json()["token"]
    with httpx.Client(base_url=f"{fake_model_server.url}/v1", timeout=30, trust_env=False) as service:

        def call(id: str, method: str, path: str, **body: object) -> httpx.Response:
            headers = {"Authorization": f"Bearer {keys[id]}"}
            return service.request(method, path, json=body or None, headers=headers)

        talk = {"inputs": {}, "query": "안녕", "user": "u"}
        assert "is required in input form" in call(app, "POST", "/chat-messages", **talk).json()["message"]
        assert call(flow, "POST", "/chat-messages", **talk).json()["code"] == "not_chat_app"
        assert call(app, "POST", "/workflows/run", inputs={}, user="u").json()["code"] == "not_workflow_app"
        assert call(app, "GET", "/parameters").json()["opening_statement"].startswith("안녕하세요")
        assert call(flow, "GET", "/info").json()["mode"] == "workflow"
        service.headers["Authorization"] = f"Bearer {model_key}"
        assert not [m for m in service.get("/models").json()["data"] if "Nightly" in m["id"]]
        body = {"model": "app/Nightly digest", "messages": [{"role": "user", "content": "hi"}]}
        refused = service.post("/chat/completions", json=body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "not_chat_app")
    asked = console.post(f"/apps/{app}/ask", json={"question": "연차?"})
    assert "workflow_input_invalid" in asked.text
    console.delete(f"/apps/{flow}")


def test_only_administrators_take_secrets_out(by_role: dict[Role, httpx.Client], app: str) -> None:
    for role, plain, secret in (("member", 403, 403), ("editor", 200, 403), ("admin", 200, 200)):
        client = by_role[cast(Role, role)]
        assert client.get(f"/api/v1/apps/{app}/export").status_code == plain
        answer = client.get(f"/api/v1/apps/{app}/export", params={"include_secret": True})
        assert (answer.status_code, "s3cret" in answer.text) == (secret, secret == 200)
