"""Answers beside those a real Dify gave: status, headers, key sets and types. Extra keys of ours are allowed where
`shapes` says so; nulls stand for any type."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.chat_server import QUESTION, ChatServer, events

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
    assert service.request("DELETE", path, json={"user": "g1"}).json()["code"] == "conversation_not_exists"


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
