"""Answers beside those a real Dify gave: status, headers, key sets and types. Extra keys of ours are allowed where
`shapes` says so; nulls stand for any type."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.chat_server import QUESTION, ChatServer, events, imported

OURS = {"llmflow"}  # the one key that is added to Dify's objects


@pytest.fixture
def golden(shared_data: Path) -> Any:
    def load(name: str) -> Any:
        return json.loads((shared_data / "dify" / "golden" / f"{name}.json").read_text("utf-8"))

    return load


def _same(ours: Any, theirs: Any, path: str = "$") -> None:
    """Equal in shape: keys and types, lists by their first items."""
    if theirs is None or ours is None:
        return
    if isinstance(theirs, bool | str):
        assert type(ours) is type(theirs), path
    elif isinstance(theirs, int | float):
        assert isinstance(ours, int | float) and not isinstance(ours, bool), path
    elif isinstance(theirs, dict):
        assert isinstance(ours, dict), path
        assert ours.keys() - OURS == theirs.keys(), path
        for key, value in theirs.items():
            _same(ours[key], value, f"{path}.{key}")
    else:
        assert isinstance(ours, list), path
        if ours and theirs:
            _same(ours[0], theirs[0], f"{path}[0]")


def _check(answer: httpx.Response, golden: Any, *, same_body: bool = False) -> None:
    assert answer.status_code == golden["status"]
    assert answer.headers["content-type"].partition(";")[0] == golden["content_type"].partition(";")[0]
    for name, value in golden["headers"].items():
        assert answer.headers[name] == value
    if isinstance(golden["body"], dict):
        _same(answer.json(), golden["body"])
    if same_body:
        assert (answer.json() if isinstance(golden["body"], dict) else answer.text) == golden["body"]


@pytest.fixture(scope="module")
def golden_apps(chat_server: ChatServer, shared_data: Path) -> dict[str, str]:
    """The keys of the very apps that the golden answers are of."""
    folder = shared_data / "dify" / "golden" / "apps"
    with chat_server.live.client() as console:
        return {file.stem: imported(console, file.read_text("utf-8")) for file in sorted(folder.glob("*.yml"))}


@pytest.fixture
def as_app(chat_server: ChatServer, golden_apps: dict[str, str]) -> Iterator[Callable[[str], httpx.Client]]:
    """The Service API with the key of one of them."""
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(chat_server.client(golden_apps[name]))


@pytest.fixture
def asked(service: httpx.Client) -> dict[str, Any]:
    """A question asked, blocking."""
    wanted = {"inputs": {}, "query": QUESTION, "response_mode": "blocking", "user": "g1", "auto_generate_name": False}
    found: dict[str, Any] = service.post("/chat-messages", json=wanted).json()
    return found


@pytest.mark.parametrize("name", ["info_c3", "meta_c3", "site_c3", "parameters_c3"])
def test_what_an_app_tells_of_itself(service: httpx.Client, golden: Any, name: str) -> None:
    theirs = golden(name)
    _check(service.get(theirs["request"]["path"]), theirs)


def test_a_blocking_chat_message(service: httpx.Client, golden: Any) -> None:
    theirs = golden("chat_blocking")
    answer = service.post("/chat-messages", json={**theirs["request"]["json"], "query": QUESTION})
    sources = answer.json()["metadata"]["retriever_resources"]
    assert sources
    _check(answer, theirs)


def test_a_streamed_chat_message(service: httpx.Client, golden: Any) -> None:
    theirs = golden("chat_stream")
    known = {event["event"]: event for event in events(iter(theirs["body"].splitlines()))}
    wanted = {"inputs": {}, "query": QUESTION, "response_mode": "streaming", "user": "g1"}
    with service.stream("POST", "/chat-messages", json=wanted) as answer:
        assert answer.status_code == theirs["status"]
        assert answer.headers["content-type"] == theirs["content_type"]
        lines = list(answer.iter_lines())
    assert lines[0] == theirs["body"].splitlines()[0]
    for event in events(iter(lines)):
        _same(event, known[event["event"]])


def test_conversations_and_messages(service: httpx.Client, golden: Any, asked: dict[str, Any]) -> None:
    _check(service.get("/conversations", params={"user": "g1", "limit": 2}), golden("conversations"))
    params = {"user": "g1", "conversation_id": asked["conversation_id"], "limit": 1}
    _check(service.get("/messages", params=params), golden("messages"))


def test_feedback(service: httpx.Client, golden: Any, asked: dict[str, Any]) -> None:
    rated = {"rating": "like", "user": "g1", "content": "ok"}
    answer = service.post(f"/messages/{asked['message_id']}/feedbacks", json=rated)
    assert answer.json() == {"result": "success"}
    _check(service.get("/app/feedbacks"), golden("app_feedbacks"))


def test_a_conversation_deleted(service: httpx.Client, golden: Any, asked: dict[str, Any]) -> None:
    path = f"/conversations/{asked['conversation_id']}"
    _check(service.request("DELETE", path, json={"user": "g1"}), golden("delete_conv"))
    assert service.request("DELETE", path, json={"user": "g1"}).json() == {
        "code": "not_found",
        "message": "Conversation Not Exists.",
        "status": 404,
    }


def test_an_upload(service: httpx.Client, golden: Any) -> None:
    _check(service.post("/files/upload", files={"file": ("a.txt", b"hello")}, data={"user": "g1"}), golden("upload"))
    _check(service.post("/files/upload"), golden("err_upload_nofile"), same_body=True)


def test_stopping_what_does_not_run(service: httpx.Client, golden: Any) -> None:
    path = "/chat-messages/00000000-0000-0000-0000-000000000000/stop"
    _check(service.post(path, json={"user": "g1"}), golden("stop_unknown"), same_body=True)


def test_errors_are_the_same_to_the_letter(chat_server: ChatServer, service: httpx.Client, golden: Any) -> None:
    url = f"{chat_server.live.url}/v1"
    _check(service.get("/nope"), golden("err_404_path"), same_body=True)
    _check(service.get("/workflows/run"), golden("err_405"), same_body=True)
    _check(service.get("/datasets/not-a-uuid"), golden("err_bad_uuid"), same_body=True)
    bad_json = service.post("/chat-messages", content=b"{", headers={"Content-Type": "application/json"})
    _check(bad_json, golden("err_bad_json"), same_body=True)
    _check(service.post("/chat-messages", json={"inputs": {}}), golden("err_missing_user"), same_body=True)
    wrong_mode = {"inputs": {"q": "x"}, "user": "g1", "response_mode": "blocking"}
    _check(service.post("/workflows/run", json=wrong_mode), golden("err_wrong_mode2"), same_body=True)
    for name, headers in (
        ("err_no_auth", {}),
        ("err_bad_scheme", {"Authorization": "Basic abc"}),
        ("err_bad_key", {"Authorization": "Bearer app-wrong"}),
    ):
        _check(httpx.get(f"{url}/info", headers=headers, trust_env=False), golden(name), same_body=True)


# the apps the golden answers are of


def _same_events(ours: list[dict[str, Any]], golden: Any, *, ids: dict[str, str]) -> None:
    """The same events in the same order, of the same nodes, with the same keys and types; `ids` agree."""
    theirs = events(iter(golden["body"].splitlines()))
    assert [_named(event) for event in ours] == [_named(event) for event in theirs]
    for event, known in zip(ours, theirs, strict=True):
        _same(event, known, f"$.{known['event']}")
        for name, value in ids.items():
            assert event.get(name, value) == value


def _named(event: dict[str, Any]) -> tuple[str, str | None, str | None]:
    data = event.get("data") or {}
    return event["event"], data.get("node_id"), data.get("node_type")


@pytest.mark.parametrize(
    ("name", "app"),
    [
        ("info_c3", "c3"),
        ("info_w3", "w3"),
        ("meta_c3", "c3"),
        ("meta_w3", "w3"),
        ("parameters_c3", "c3"),
        ("parameters_w3", "w3"),
        ("site_c3", "c3"),
    ],
)
def test_what_an_imported_app_tells_of_itself(
    as_app: Callable[[str], httpx.Client], golden: Any, name: str, app: str
) -> None:
    theirs = golden(name)
    same_body = name.startswith(("meta", "parameters"))
    if name.startswith("parameters"):  # the one thing that is the installation's own: its limits
        ours = as_app(app).get(theirs["request"]["path"])
        theirs["body"]["system_parameters"] = ours.json()["system_parameters"]
    _check(as_app(app).get(theirs["request"]["path"]), theirs, same_body=same_body)


def test_a_blocking_run(as_app: Callable[[str], httpx.Client], golden: Any) -> None:
    theirs = golden("wf_blocking")
    answer = as_app("w3").post("/workflows/run", json=theirs["request"]["json"])
    _check(answer, theirs)
    body = answer.json()
    assert body["data"]["outputs"] == theirs["body"]["data"]["outputs"]
    assert (body["data"]["status"], body["data"]["total_steps"]) == ("succeeded", 3)
    assert body["workflow_run_id"] == body["data"]["id"]


def test_a_streamed_run(as_app: Callable[[str], httpx.Client], golden: Any) -> None:
    theirs = golden("wf_stream_w10")
    with as_app("w10").stream("POST", "/workflows/run", json=theirs["request"]["json"]) as answer:
        assert answer.headers["content-type"] == theirs["content_type"]
        assert {name: answer.headers[name] for name in theirs["headers"]} == theirs["headers"]
        lines = list(answer.iter_lines())
    assert lines[:2] == theirs["body"].splitlines()[:2]
    found = events(iter(lines))
    _same_events(found, theirs, ids={name: found[0][name] for name in ("workflow_run_id", "task_id")})
    assert found[-1]["data"]["outputs"] == {"out": "hi hi hi hi hi hi x"}


def test_a_finished_run_looked_at_and_followed_again(as_app: Callable[[str], httpx.Client], golden: Any) -> None:
    client = as_app("w3")
    ran = client.post("/workflows/run", json=golden("wf_blocking")["request"]["json"]).json()
    detail = client.get(f"/workflows/run/{ran['workflow_run_id']}")
    theirs = golden("wf_run_detail")
    _check(detail, theirs)
    assert json.loads(detail.json()["inputs"]).keys() == json.loads(theirs["body"]["inputs"]).keys()
    assert detail.json()["outputs"] == theirs["body"]["outputs"]
    theirs = golden("wf_events_finished")
    again = client.get(f"/workflow/{ran['workflow_run_id']}/events", params={"user": "g1"})
    _check(again, theirs)
    assert again.text.startswith("data: ")
    _same_events(events(iter(again.text.splitlines())), theirs, ids={"workflow_run_id": ran["workflow_run_id"]})


def test_a_chatflow_asked_twice(as_app: Callable[[str], httpx.Client], golden: Any) -> None:
    client = as_app("c3")
    theirs = golden("chat_blocking")
    first = client.post("/chat-messages", json=theirs["request"]["json"])
    _check(first, theirs)
    assert (first.json()["answer"], first.json()["mode"]) == ("hi hello", "advanced-chat")
    theirs = golden("chat_stream")
    conversation_id = first.json()["conversation_id"]
    wanted = {**theirs["request"]["json"], "conversation_id": conversation_id}
    with client.stream("POST", "/chat-messages", json=wanted) as answer:
        lines = list(answer.iter_lines())
    assert lines[:2] == theirs["body"].splitlines()[:2]
    found = events(iter(lines))
    same = ("message_id", "task_id", "workflow_run_id", "created_at")
    _same_events(found, theirs, ids={"conversation_id": conversation_id, **{name: found[0][name] for name in same}})
    assert found[0]["data"]["inputs"]["sys.dialogue_count"] == 2
    listed = client.get("/messages", params={"user": "g1", "conversation_id": conversation_id, "limit": 1})
    _check(listed, golden("messages"))
    assert (listed.json()["data"][0]["answer"], listed.json()["has_more"]) == ("hi hello", True)
    _check(client.get("/conversations", params={"user": "g1", "limit": 2}), golden("conversations"))


@pytest.mark.parametrize(
    ("name", "app"),
    [
        ("err_missing_input", "w3"),
        ("err_missing_user", "w3"),
        ("err_bad_response_mode", "w3"),
        ("err_run_detail_404", "w3"),
        ("err_wrong_mode", "w3"),
        ("err_wrong_mode2", "c3"),
        ("stop_unknown", "w3"),
    ],
)
def test_what_an_imported_app_refuses(as_app: Callable[[str], httpx.Client], golden: Any, name: str, app: str) -> None:
    theirs = golden(name)
    wanted = theirs["request"]
    answer = as_app(app).request(wanted["method"], wanted["path"], json=wanted["json"], params=wanted["params"])
    _check(answer, theirs, same_body=name != "err_bad_response_mode")


def test_an_annotation_made(service: httpx.Client, golden: Any) -> None:
    theirs = golden("annotations_create")
    _check(service.post("/apps/annotations", json=theirs["request"]["json"]), theirs)


def _replayed(client: httpx.Client, golden: Any) -> httpx.Response:
    wanted = golden["request"]
    answer = client.request(wanted["method"], wanted["path"], json=wanted["json"], params=wanted["params"])
    _check(answer, golden)
    return answer


def test_a_data_set_and_its_document(chat_server: ChatServer, golden: Any) -> None:
    """The golden answers in the order in which they were given."""
    with chat_server.client(chat_server.dataset) as client:
        created = golden("ds_create")
        base = _replayed(client, created).json()
        same = ("name", "description", "permission", "indexing_technique", "embedding_model", "doc_form", "enable_api")
        assert {key: base[key] for key in same} == {key: created["body"][key] for key in same}
        _check(client.post("/datasets", json={"name": "kb1"}), golden("ds_create_dup"), same_body=True)

        def replay(name: str) -> httpx.Response:
            theirs = golden(name)
            there = created["body"]["id"], "20261122115535417926"
            path = theirs["request"]["path"].replace(there[0], base["id"]).replace(there[1], batch)
            theirs["request"]["path"] = path
            return _replayed(client, theirs)

        batch = ""
        made = replay("doc_create_text").json()
        batch = made["batch"]
        assert (made["document"]["name"], made["document"]["position"]) == ("d1", 1)
        chat_server.live.wait_until_indexed("kb1")
        status = replay("doc_index_status").json()["data"][0]
        assert (status["indexing_status"], status["total_segments"]) == ("completed", 1)
        assert replay("md_create").json()["name"] == "lang"
        _check(client.get(f"/datasets/{base['id']}/metadata/built-in"), golden("md_builtin"), same_body=True)
        found = replay("ds_get").json()
        assert (found["document_count"], found["word_count"], found["doc_metadata"][0]["name"]) == (1, 38, "lang")
        assert found["retrieval_model_dict"]["search_method"] == "keyword_search"
        assert replay("ds_list").json()["data"][0]["id"] == base["id"]
        assert replay("docs_list").json()["total"] == 1
        assert replay("ds_tags").json() == golden("ds_tags")["body"]
        assert replay("tags_create").json()["binding_count"] == "0"
        (record,) = replay("retrieve").json()["records"]
        assert record["segment"]["content"] == "Dify is a platform. It runs workflows."


def test_the_models_of_a_type(chat_server: ChatServer, golden: Any) -> None:
    theirs = golden("models_llm")
    with chat_server.client(chat_server.dataset) as client:
        _check(client.get(theirs["request"]["path"]), theirs)


def test_no_golden_answer_is_forgotten(shared_data: Path) -> None:
    source = Path(__file__).read_text("utf-8")
    names = [file.stem for file in sorted((shared_data / "dify" / "golden").glob("*.json"))]
    assert names
    assert [name for name in names if f'"{name}"' not in source] == []
