"""Asking through the console: history, branches, stopping, following, feedback; a real server on a slow fake model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.live import LiveServer, start_server

CONFIG = "organs: {llm: {use: scripted, delay_ms: 20}, embedding: {use: hashing}, vector_store: {use: memory}}\n"
LONG = "천천히 오래 말해 주세요 " * 300


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    live = start_server(tmp_path_factory.mktemp("asking") / "home", "--no-demo", config=CONFIG)
    with live.client() as client:
        client.post("/api/v1/apps", json={"name": "plain"}).raise_for_status()
    yield live
    live.stop()


@pytest.fixture
def client(server: LiveServer) -> Iterator[httpx.Client]:
    with server.client() as client:
        client.base_url = f"{server.url}/api/v1"
        yield client


@pytest.fixture(scope="module")
def session(server: LiveServer) -> Iterator[httpx.Client]:
    """A browser in which the first administrator is signed in."""
    match = re.search(r"Sign in as (\S+) with the password (\S+)", server.printed)
    assert match
    new = "a long new password"
    with httpx.Client(base_url=f"{server.url}/api/v1", trust_env=False, timeout=60) as browser:
        browser.post("/session", json={"email": match[1], "password": match[2]}).raise_for_status()
        browser.post("/session/password", json={"old": match[2], "new": new}).raise_for_status()
        yield browser


def _events(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    """Each event as it comes."""
    for line in answer.iter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


def _ask(client: httpx.Client, question: str, **more: Any) -> list[dict[str, Any]]:
    with client.stream("POST", "/apps/plain/ask", json={"question": question, **more}) as answer:
        assert answer.status_code == 200
        return list(_events(answer))


def _text(told: list[dict[str, Any]]) -> str:
    return "".join(event["text"] for event in told if event["event"] == "delta")


def test_an_answer_begins_with_its_ids_and_is_kept(session: httpx.Client) -> None:
    told = _ask(session, "안녕하세요 반갑습니다")
    begin, end = told[0], told[-1]
    assert (begin["event"], end["event"]) == ("begin", "end")
    assert {begin[k] for k in ("message_id", "conversation_id", "task_id")} == {
        end[k] for k in ("message_id", "conversation_id", "task_id")
    }
    kept = session.get(f"/apps/plain/conversations/{begin['conversation_id']}").json()
    (message,) = kept["messages"]
    assert message["question"] == message["answer"] == "안녕하세요 반갑습니다"
    assert (message["status"], message["task_id"], message["error"]) == ("normal", None, None)
    listed = session.get("/apps/plain/conversations", params={"search": "반갑습니다"}).json()
    assert [c["id"] for c in listed["conversations"]] == [begin["conversation_id"]]


def test_an_answer_under_way_is_followed_from_its_start_and_stopped(
    session: httpx.Client, client: httpx.Client
) -> None:
    with session.stream("POST", "/apps/plain/ask", json={"question": LONG}) as answer:
        begin = next(_events(answer))  # and the page is closed
    conversation = f"/apps/plain/conversations/{begin['conversation_id']}"
    (running,) = session.get(conversation).json()["messages"]
    assert (running["status"], running["task_id"]) == ("running", begin["task_id"])
    assert session.get("/apps/plain/conversations").json()["conversations"][0]["running"]
    assert client.post(f"/tasks/{begin['task_id']}/stop").json() == {"stopped": False}  # somebody else
    told = []
    with session.stream("GET", f"/apps/plain/messages/{begin['message_id']}/events") as followed:
        for event in _events(followed):
            told.append(event)
            if len(told) == 5:
                assert session.post(f"/tasks/{begin['task_id']}/stop").json() == {"stopped": True}
    assert told[0] == begin
    assert told[-1]["stopped"]
    (stopped,) = session.get(conversation).json()["messages"]
    assert (stopped["status"], stopped["task_id"]) == ("stopped", None)
    assert stopped["answer"] == _text(told)
    assert LONG.startswith(stopped["answer"])
    with session.stream("GET", f"/apps/plain/messages/{begin['message_id']}/events") as again:
        over = list(_events(again))
    assert [event["event"] for event in over] == ["begin", "delta", "end"]
    assert _text(over) == stopped["answer"]
    assert session.post(f"/tasks/{begin['task_id']}/stop").json() == {"stopped": False}


def test_the_same_question_again_is_a_branch(session: httpx.Client) -> None:
    first = _ask(session, "하나")[0]
    again = _ask(session, "하나", conversation_id=first["conversation_id"], parent_id="")[0]
    child = _ask(session, "둘", conversation_id=first["conversation_id"], parent_id=first["message_id"])[0]
    shown = session.get(f"/apps/plain/conversations/{first['conversation_id']}").json()["messages"]
    assert [(m["id"], m["parent_id"]) for m in shown] == [
        (first["message_id"], None),
        (again["message_id"], None),
        (child["message_id"], first["message_id"]),
    ]
    wrong = {"question": "x", "conversation_id": first["conversation_id"], "parent_id": first["conversation_id"]}
    refused = session.post("/apps/plain/ask", json=wrong)
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "message_not_exists")


def test_a_callers_user_named_as_an_account_sees_nothing_of_it(session: httpx.Client, client: httpx.Client) -> None:
    account = session.get("/session").json()["id"]
    begin = _ask(session, "나만 보는 질문")[0]
    path = f"/apps/plain/conversations/{begin['conversation_id']}"
    assert client.get("/apps/plain/conversations", params={"user": account}).json()["conversations"] == []
    for method, where in (("GET", path), ("DELETE", path), ("GET", f"{path}/export")):
        assert client.request(method, where, params={"user": account}).status_code == 404
    assert client.patch(path, params={"user": account}, json={"name": "x"}).status_code == 404
    key = client.post("/keys", json={"kind": "app", "app": "plain"}).json()["token"]
    headers = {"Authorization": f"Bearer {key}"}
    url = str(client.base_url).rstrip("/").replace("/api/v1", "/v1")
    answer = httpx.get(f"{url}/conversations", params={"user": account}, headers=headers, trust_env=False)
    assert answer.json()["data"] == []
    answer = httpx.get(
        f"{url}/messages",
        params={"user": account, "conversation_id": begin["conversation_id"]},
        headers=headers,
        trust_env=False,
    )
    assert answer.status_code == 404


def test_a_conversation_is_renamed_exported_and_deleted(session: httpx.Client) -> None:
    begin = _ask(session, "이름이 될 질문")[0]
    path = f"/apps/plain/conversations/{begin['conversation_id']}"
    assert session.patch(path, json={"name": "  인사/문의 🙂 "}).json()["name"] == "인사/문의 🙂"
    text = session.get(f"{path}/export")
    assert text.text.startswith("# 인사/문의 🙂\n")
    assert "%2F" not in text.headers["content-disposition"]
    assert text.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%EC%9D%B8%EC%82%AC-")
    record = session.get(f"{path}/export", params={"format": "json"})
    assert json.loads(record.text)["messages"][0]["question"] == "이름이 될 질문"
    assert session.get(f"{path}/export", params={"message": begin["task_id"]}).status_code == 404
    assert session.patch(path, json={"name": None}).json()["name"] == "이름이 될 질문"
    assert session.delete(path).status_code == 204
    assert session.get(path).status_code == 404


def test_a_conversation_deleted_while_it_is_answered_is_gone(session: httpx.Client) -> None:
    with session.stream("POST", "/apps/plain/ask", json={"question": LONG}) as answer:
        begin = next(_events(answer))
        path = f"/apps/plain/conversations/{begin['conversation_id']}"
        assert session.delete(path).status_code == 204
    assert session.get(path).status_code == 404
    assert session.post(f"/tasks/{begin['task_id']}/stop").json() == {"stopped": False}


def test_a_correction_is_kept_and_read_by_administrators(session: httpx.Client, client: httpx.Client) -> None:
    begin = _ask(session, "연차는 며칠인가요?")[0]
    path = f"/apps/plain/messages/{begin['message_id']}/feedback"
    opinion = {"rating": "dislike", "reason": "질문을 되풀이합니다", "correction": "15일입니다."}
    assert session.put(path, json=opinion).status_code == 204
    shown = session.get(f"/apps/plain/conversations/{begin['conversation_id']}").json()["messages"][0]
    assert {key: shown[key] for key in opinion} == opinion
    for reader in (session, client):
        review = reader.get("/apps/plain/feedback").json()[0]
        assert (review["question"], review["correction"]) == ("연차는 며칠인가요?", "15일입니다.")
        assert review["source"] == "account"
    assert session.put(path, json={"rating": "like"}).status_code == 204
    shown = session.get(f"/apps/plain/conversations/{begin['conversation_id']}").json()["messages"][0]
    assert (shown["rating"], shown["correction"]) == ("like", None)
    assert session.delete(path).status_code == 204
    assert session.delete(path).status_code == 400
    assert client.put(path, json=opinion).status_code == 404  # somebody else's answer
    assert session.put(path, json={"rating": "meh"}).status_code == 400


def test_a_file_is_its_senders_alone_and_never_runs_as_a_page(session: httpx.Client, client: httpx.Client) -> None:
    page = "<html><script>alert(1)</script><p>연차는 15일입니다.</p></html>".encode()
    sent = session.post("/apps/plain/files", params={"name": "규정.html"}, content=page)
    assert sent.status_code == 201
    file = sent.json()
    assert (file["name"], file["is_image"], file["size"]) == ("규정.html", False, len(page))
    path = f"/apps/plain/files/{file['id']}"
    got = session.get(path)
    assert got.content == page
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
    assert "sandbox" in got.headers["content-security-policy"]
    assert got.headers["x-content-type-options"] == "nosniff"
    account = session.get("/session").json()["id"]
    for user in ("console", account):
        assert client.get(path, params={"user": user}).status_code == 404
    key = client.post("/keys", json={"kind": "app", "app": "plain"}).json()["token"]
    url = str(client.base_url).rstrip("/").replace("/api/v1", "/v1")
    preview = httpx.get(
        f"{url}/files/{file['id']}/preview", headers={"Authorization": f"Bearer {key}"}, trust_env=False
    )
    assert preview.status_code == 403
    told = _ask(session, "며칠인가요?", files=[file["id"]])
    assert "연차는 15일입니다." in _text(told)
    shown = session.get(f"/apps/plain/conversations/{told[0]['conversation_id']}").json()["messages"][0]
    assert shown["files"] == [file]
    other = client.post("/apps/plain/ask", json={"question": "x", "files": [file["id"]]})
    assert (other.status_code, other.json()["error"]["param"]) == (400, "files")


def test_what_cannot_be_attached_is_refused_with_a_code(session: httpx.Client) -> None:
    accepted = session.get("/apps/plain/files").json()
    assert not accepted["images"]
    assert ".pdf" in accepted["suffixes"]
    assert ".png" not in accepted["suffixes"]
    image = session.post("/apps/plain/files", params={"name": "a.png"}, content=b"\x89PNG\r\n\x1a\n" + bytes(20))
    assert (image.status_code, image.json()["error"]["code"]) == (415, "model_blind")
    assert image.json()["error"]["hint"]
    empty = session.post("/apps/plain/files", params={"name": "a.txt"}, content=b"")
    assert (empty.status_code, empty.json()["error"]["code"]) == (422, "document_empty")
