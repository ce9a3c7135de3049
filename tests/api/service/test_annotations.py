"""Annotations over the Service API: kept, listed, and answering before the model, in chat apps and chatflows."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.api.chat_server import ChatServer, events, imported
from tests.flow_apps import answer, dsl, start

NOBODY = "00000000-0000-0000-0000-000000000000"
SETTINGS = {"score_threshold": 0.9, "embedding_provider_name": "embedding", "embedding_model_name": "hashing-384"}
QUESTION, ANSWER = "주차장은 몇 시까지 엽니까?", "밤 열한 시까지 엽니다."


@pytest.fixture(scope="module")
def annotated(chat_server: ChatServer) -> Iterator[httpx.Client]:
    """A chat app of its own."""
    with chat_server.live.client() as console:
        console.post("/api/v1/apps", json={"name": "annotated"}).raise_for_status()
        made = console.post("/api/v1/keys", json={"kind": "app", "app": "annotated"}).json()
    with chat_server.client(made["token"]) as client:
        yield client


def _switch(client: httpx.Client, action: str, **changes: object) -> dict[str, str]:
    """The job's end."""
    begun = client.post(f"/apps/annotation-reply/{action}", json={**SETTINGS, **changes}).raise_for_status().json()
    assert begun.keys() == {"job_id", "job_status"}
    assert begun["job_status"] in ("waiting", "processing")
    end = time.monotonic() + 30
    while time.monotonic() < end:
        found: dict[str, str] = client.get(f"/apps/annotation-reply/{action}/status/{begun['job_id']}").json()
        assert found["job_id"] == begun["job_id"]
        if found["job_status"] not in ("waiting", "processing"):
            return found
        time.sleep(0.05)
    raise TimeoutError(found)


def test_annotations_are_made_changed_listed_and_deleted(annotated: httpx.Client) -> None:
    made = annotated.post("/apps/annotations", json={"question": "하나?", "answer": "일"})
    assert made.status_code == 201
    assert made.json().keys() == {"id", "question", "answer", "hit_count", "created_at"}
    path = f"/apps/annotations/{made.json()['id']}"
    changed = annotated.put(path, json={"question": "둘?", "answer": "이"})
    assert (changed.status_code, changed.json()["question"], changed.json()["id"]) == (200, "둘?", made.json()["id"])
    for number in range(3):
        annotated.post("/apps/annotations", json={"question": f"Q{number}", "answer": "A"}).raise_for_status()
    page = annotated.get("/apps/annotations", params={"limit": 3}).json()
    assert [item["question"] for item in page["data"]] == ["Q2", "Q1", "Q0"]
    assert (page["total"], page["has_more"], page["page"], page["limit"]) == (4, True, 1, 3)
    page = annotated.get("/apps/annotations", params={"page": 2, "limit": 3}).json()
    assert ([item["question"] for item in page["data"]], page["has_more"]) == (["둘?"], False)
    assert annotated.get("/apps/annotations", params={"limit": 500}).json()["limit"] == 100
    assert annotated.get("/apps/annotations", params={"keyword": "q1"}).json()["total"] == 1
    deleted = annotated.delete(path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    for gone in (annotated.delete(path), annotated.put(path, json={"question": "q", "answer": "a"})):
        assert gone.json() == {"code": "not_found", "message": "Annotation not found", "status": 404}
    for wrong in ({}, {"question": "q"}, {"question": "", "answer": "a"}, {"question": 5, "answer": "a"}):
        refused = annotated.post("/apps/annotations", json=wrong)
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_param")


def test_an_annotation_answers_before_the_model(annotated: httpx.Client) -> None:
    made = annotated.post("/apps/annotations", json={"question": QUESTION, "answer": ANSWER}).json()
    assert annotated.get("/parameters").json()["annotation_reply"] == {"enabled": False}
    assert _switch(annotated, "enable") | {"job_id": ""} == {"job_id": "", "job_status": "completed", "error_msg": ""}
    assert annotated.get("/parameters").json()["annotation_reply"] == {"enabled": True}
    wanted = {"inputs": {}, "query": QUESTION, "user": "ann"}
    asked = annotated.post("/chat-messages", json=wanted).json()
    assert (asked["answer"], asked["mode"]) == (ANSWER, "chat")
    assert asked["metadata"]["annotation_reply"]["id"] == made["id"]
    assert asked["metadata"]["annotation_reply"]["account"].keys() == {"id", "name"}
    streamed = annotated.post("/chat-messages", json={**wanted, "response_mode": "streaming"})
    said, end = events(iter(streamed.text.splitlines()))
    assert (said["event"], said["answer"], end["event"]) == ("message", ANSWER, "message_end")
    assert end["metadata"]["annotation_reply"]["id"] == made["id"]
    params = {"user": "ann", "conversation_id": asked["conversation_id"]}
    (message,) = annotated.get("/messages", params=params).json()["data"]
    assert (message["answer"], message["llmflow"]["kind"]) == (ANSWER, "annotated")
    (listed,) = annotated.get("/apps/annotations", params={"keyword": "주차장"}).json()["data"]
    assert listed["hit_count"] == 2
    other = annotated.post("/chat-messages", json={**wanted, "query": "a question of another kind"}).json()
    assert other["metadata"]["annotation_reply"] is None
    assert _switch(annotated, "disable")["job_status"] == "completed"
    assert annotated.post("/chat-messages", json=wanted).json()["metadata"]["annotation_reply"] is None


def test_a_chatflow_is_answered_by_its_annotation_without_a_run(chat_server: ChatServer) -> None:
    variable = {"id": "a", "name": "name", "value_type": "string", "value": "없음"}
    with chat_server.live.client() as console:
        flow = dsl("noted", (start(), answer("run")), mode="advanced-chat", conversation=[variable])
        key = imported(console, flow)
    with chat_server.client(key) as client:
        client.post("/apps/annotations", json={"question": QUESTION, "answer": ANSWER}).raise_for_status()
        assert _switch(client, "enable")["job_status"] == "completed"
        wanted = {"inputs": {}, "query": QUESTION, "user": "ann", "response_mode": "streaming"}
        found = events(iter(client.post("/chat-messages", json=wanted).text.splitlines()))
        assert [event["event"] for event in found] == ["message", "message_end"]
        conversation_id = found[0]["conversation_id"]
        variables = client.get(f"/conversations/{conversation_id}/variables", params={"user": "ann"}).json()
        assert [item["name"] for item in variables["data"]] == ["name"]
        assert client.get("/workflows/logs").json()["total"] == 0
        again = {**wanted, "query": "other", "conversation_id": conversation_id, "response_mode": "blocking"}
        assert client.post("/chat-messages", json=again).json()["answer"] == "run"


def test_what_the_reply_cannot_do_is_said(annotated: httpx.Client) -> None:
    failed = _switch(annotated, "enable", embedding_model_name="text-embedding-3-small")
    assert failed["job_status"] == "error"
    assert "hashing-384" in failed["error_msg"]
    for action, changes, code in (
        ("enable", {"score_threshold": 2}, "invalid_param"),
        ("enable", {"score_threshold": "high"}, "invalid_param"),
        ("enable", {"embedding_model_name": None}, "invalid_param"),
        ("disable", {"score_threshold": None}, "invalid_param"),
        ("toggle", {}, "invalid_param"),
    ):
        refused = annotated.post(f"/apps/annotation-reply/{action}", json={**SETTINGS, **changes})
        assert (refused.status_code, refused.json()["code"]) == (400, code)
    unknown = annotated.get(f"/apps/annotation-reply/enable/status/{NOBODY}")
    assert unknown.json() == {"code": "invalid_param", "message": "The job does not exist.", "status": 400}
