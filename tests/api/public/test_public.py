"""Public pages over HTTP: what strangers get, and what they never get."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.api.chat_server import QUESTION, ChatServer, events

ORIGINS = ["https://intranet.example.com", "http://localhost:3000"]


@pytest.fixture
def console(chat_server: ChatServer) -> Iterator[httpx.Client]:
    with chat_server.live.client() as client:
        yield client


@pytest.fixture
def app(console: httpx.Client) -> Iterator[str]:
    """The name of an app over the handbook, of one test alone: limits are counted for each page."""
    name = f"규정 {secrets.token_hex(4)}"
    console.post("/api/v1/apps", json={"name": name, "knowledge": ["handbook"]}).raise_for_status()
    yield name
    console.delete(f"/api/v1/apps/{name}").raise_for_status()


def publish(console: httpx.Client, app: str, **settings: Any) -> str:
    """The code of the app's page, a new one each time."""
    console.put(f"/api/v1/apps/{app}/site", json={"is_on": True, **settings}).raise_for_status()
    code: str = console.post(f"/api/v1/apps/{app}/site/code").json()["code"]
    return code


@contextmanager
def visitor(server: ChatServer, code: str, *, token: str | None = None) -> Iterator[httpx.Client]:
    headers = {"X-Visitor": token or secrets.token_urlsafe(32)}
    base = f"{server.live.url}/api/public/v1/apps/{code}"
    with httpx.Client(base_url=base, headers=headers, timeout=30, trust_env=False) as client:
        yield client


def look(client: httpx.Client) -> httpx.Response:
    return client.get(str(client.base_url).rstrip("/"))


def ask(client: httpx.Client, question: str = QUESTION, conversation_id: str | None = None) -> list[dict[str, Any]]:
    answer = client.post("/ask", json={"question": question, "conversation_id": conversation_id})
    assert answer.status_code == 200, answer.text
    return events(iter(answer.text.splitlines()))


def test_an_app_is_not_public_until_it_is_published(console: httpx.Client, chat_server: ChatServer) -> None:
    console.post("/api/v1/apps", json={"name": "나만 보는 앱"}).raise_for_status()
    assert console.get("/api/v1/apps/나만 보는 앱/site").json() is None
    app_id = console.get("/api/v1/apps/나만 보는 앱").json()["id"]
    for guess in (app_id, "나만 보는 앱"):
        with visitor(chat_server, guess) as client:
            assert look(client).status_code == 404
    console.delete("/api/v1/apps/나만 보는 앱").raise_for_status()


def test_a_visitor_asks_in_korean_and_finds_the_conversation_again(
    console: httpx.Client, chat_server: ChatServer, app: str
) -> None:
    code = publish(console, app)
    token = secrets.token_urlsafe(32)
    with visitor(chat_server, code, token=token) as client:
        told = ask(client)
        assert [told[0]["event"], told[-1]["event"]] == ["begin", "end"]
        answer = "".join(event["text"] for event in told if event["event"] == "delta")
        assert answer
        citation = told[-1]["citations"][0]
        assert citation["document"] == "휴가 규정.md"
        assert citation.keys() == {"position", "document", "text", "quote", "page", "heading_path"}
        conversation_id = told[-1]["conversation_id"]
        ask(client, "그럼 병가는요?", conversation_id)
    with visitor(chat_server, code, token=token) as again:
        assert [c["id"] for c in again.get("/conversations").json()["conversations"]] == [conversation_id]
        kept = again.get(f"/conversations/{conversation_id}").json()
        assert [m["question"] for m in kept["messages"]] == [QUESTION, "그럼 병가는요?"]
        assert kept["messages"][0]["answer"] == answer
        assert kept["messages"][-1]["task_id"] is None


def test_strangers_are_told_nothing_of_the_installation(
    console: httpx.Client, chat_server: ChatServer, app: str
) -> None:
    code = publish(console, app)
    with visitor(chat_server, code) as client:
        page = look(client).json()
        assert page["title"] == app
        everything = json.dumps([page, ask(client, "Who won the cup in 1998?"), ask(client)])
    kept = console.get(f"/api/v1/apps/{app}").json()
    base = console.get("/api/v1/knowledge/handbook").json()["base"]
    for secret in (kept["id"], kept["workspace_id"], base["id"], "scripted", "llmflow.yaml", "doctor"):
        assert secret not in everything


def test_strangers_are_not_told_why_a_model_fails(console: httpx.Client, chat_server: ChatServer, app: str) -> None:
    body = {"name": f"{app} 모델", "knowledge": ["handbook"], "model": "inner-model-9"}
    made = console.post("/api/v1/apps", json=body).raise_for_status().json()["id"]
    with visitor(chat_server, publish(console, made)) as client:
        last = ask(client)[-1]
    console.delete(f"/api/v1/apps/{made}").raise_for_status()
    assert (last["event"], last["error"]["code"]) == ("error", "page_failed")
    assert "inner-model-9" not in str(last)


def test_visitors_cannot_reach_each_others_conversations(
    console: httpx.Client, chat_server: ChatServer, app: str
) -> None:
    code = publish(console, app)
    with visitor(chat_server, code) as one, visitor(chat_server, code) as other:
        end = ask(one)[-1]
        path = f"/conversations/{end['conversation_id']}"
        ask(other)
        assert len(other.get("/conversations").json()["conversations"]) == 1
        assert other.get(path).status_code == 404
        assert other.delete(path).status_code == 404
        refused = other.post("/ask", json={"question": "?", "conversation_id": end["conversation_id"]})
        assert refused.status_code == 404
        assert other.put(f"/messages/{end['message_id']}/feedback", json={"rating": "like"}).status_code == 404
        assert one.put(f"/messages/{end['message_id']}/feedback", json={"rating": "like"}).status_code == 204
        assert one.get(path).json()["messages"][0]["rating"] == "like"
        assert one.delete(path).status_code == 204
        assert one.get("/conversations").json() == {"conversations": [], "has_more": False}


def test_an_api_caller_who_names_a_visitor_is_somebody_else(
    console: httpx.Client, chat_server: ChatServer, app: str
) -> None:
    from llmflow.store.crypto import digest

    token = secrets.token_urlsafe(32)
    with visitor(chat_server, publish(console, app), token=token) as client:
        ask(client)
    with chat_server.client(chat_server.knows) as service:
        assert service.get("/conversations", params={"user": digest(token)}).json()["data"] == []


def test_reading_makes_no_visitor(console: httpx.Client, chat_server: ChatServer, app: str) -> None:
    code = publish(console, app)
    before = console.get(f"/api/v1/apps/{app}/contents").json()["end_users"]
    with visitor(chat_server, code) as client:
        assert client.get("/conversations").json() == {"conversations": [], "has_more": False}
    assert console.get(f"/api/v1/apps/{app}/contents").json()["end_users"] == before


@pytest.mark.parametrize("token", ["", "short", "x" * 200, "한국어" * 20])
def test_a_visitor_without_a_good_token_cannot_ask(
    console: httpx.Client, chat_server: ChatServer, token: str, app: str
) -> None:
    path = f"{chat_server.live.url}/api/public/v1/apps/{publish(console, app)}/ask"
    answer = httpx.post(path, json={"question": "?"}, headers={b"X-Visitor": token.encode()}, trust_env=False)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "X-Visitor")


def test_a_session_or_key_of_the_console_means_nothing_here(
    console: httpx.Client, chat_server: ChatServer, app: str
) -> None:
    code = publish(console, app)
    url = f"{chat_server.live.url}/api/public/v1/apps/{code}"
    headers = {"Authorization": f"Bearer {chat_server.live.token}", "Cookie": "llmflow_session=whatever"}
    answer = httpx.post(f"{url}/ask", json={"question": "?"}, headers=headers, trust_env=False)
    assert answer.status_code == 400
    assert "set-cookie" not in httpx.get(url, headers=headers, trust_env=False).headers
    inside = httpx.get(f"{chat_server.live.url}/api/v1/apps", headers={"X-Visitor": "x" * 43}, trust_env=False)
    assert inside.status_code == 401


def test_a_renewed_or_withdrawn_or_ended_page_is_gone(console: httpx.Client, chat_server: ChatServer, app: str) -> None:
    code = publish(console, app)
    new = console.post(f"/api/v1/apps/{app}/site/code").json()["code"]
    with visitor(chat_server, code) as old, visitor(chat_server, new) as client:
        assert look(old).json()["error"]["code"] == "page_not_found"
        assert look(client).status_code == 200
        console.put(f"/api/v1/apps/{app}/site", json={"is_on": False}).raise_for_status()
        assert client.post("/ask", json={"question": "?"}).status_code == 404
        console.put(f"/api/v1/apps/{app}/site", json={"is_on": True, "expires_at": 1}).raise_for_status()
        assert look(client).status_code == 404
        assert httpx.get(f"{chat_server.live.url}/p/{new}", trust_env=False).status_code in (404, 503)


def test_a_hasty_visitor_waits_and_the_others_do_not(console: httpx.Client, chat_server: ChatServer, app: str) -> None:
    code = publish(console, app, visitor_per_minute=2)
    with visitor(chat_server, code) as hasty, visitor(chat_server, code) as calm:
        ask(hasty)
        ask(hasty)
        refused = hasty.post("/ask", json={"question": QUESTION})
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_requests")
        assert int(refused.headers["retry-after"]) >= 1
        ask(calm)


def test_new_tokens_do_not_help_over_the_limit_of_an_address(
    console: httpx.Client, chat_server: ChatServer, app: str
) -> None:
    code = publish(console, app, address_per_minute=2)
    for _ in range(2):
        with visitor(chat_server, code) as client:
            ask(client)
    with visitor(chat_server, code) as client:
        assert client.post("/ask", json={"question": QUESTION}).status_code == 429


def test_a_question_may_not_be_endless_and_must_say_something(
    console: httpx.Client, chat_server: ChatServer, app: str
) -> None:
    with visitor(chat_server, publish(console, app)) as client:
        assert client.post("/ask", json={"question": "가" * 4001}).status_code == 413
        assert client.post("/ask", json={"question": "  "}).status_code == 400
        assert client.post("/ask", content=b"{").json()["error"]["code"] == "invalid_json"
        assert client.post("/ask", json={"question": 7}).status_code == 400


def test_one_visitor_has_one_answer_at_a_time_which_can_be_followed_and_stopped(
    console: httpx.Client, chat_server: ChatServer
) -> None:
    token = secrets.token_urlsafe(32)
    code = publish(console, "plain")  # its model repeats the question, slowly
    long = "아주 긴 질문입니다. " * 150
    with visitor(chat_server, code, token=token) as client, visitor(chat_server, code, token=token) as second:
        with client.stream("POST", "/ask", json={"question": long}) as answer:
            begin = next(event for event in events_of(answer) if event["event"] == "begin")
            answer_path = f"/messages/{begin['message_id']}"
            task = f"{chat_server.live.url}/api/public/v1/tasks/{begin['task_id']}/stop"
            assert second.post("/ask", json={"question": "둘째"}).status_code == 429
            kept = second.get(f"/conversations/{begin['conversation_id']}").json()
            assert kept["messages"][-1]["task_id"] == begin["task_id"]
            with visitor(chat_server, code) as stranger:
                assert stranger.get(f"{answer_path}/events").status_code == 404
                assert stranger.post(task).json() == {"stopped": False}
        with second.stream("GET", f"{answer_path}/events") as again:  # the first reader has gone; the answer goes on
            followed = events_of(again)
            assert next(followed)["event"] == "begin"
            assert client.post(task).json()["stopped"]
            assert list(followed)[-1]["stopped"]
        over = events(iter(second.get(f"{answer_path}/events").text.splitlines()))
        assert (over[-1]["event"], over[-1]["stopped"]) == ("end", True)
        assert not client.post(task).json()["stopped"]
        assert client.post("/ask", json={"question": "둘째"}).status_code == 200


def events_of(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    for line in answer.iter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


def test_a_page_may_show_no_citations(console: httpx.Client, chat_server: ChatServer, app: str) -> None:
    with visitor(chat_server, publish(console, app, citations=False)) as client:
        end = ask(client)[-1]
        assert end["citations"] == []
        kept = client.get(f"/conversations/{end['conversation_id']}").json()
        assert kept["messages"][0]["citations"] == []


def test_the_page_may_be_framed_by_exactly_the_named_origins(
    console: httpx.Client, chat_server: ChatServer, app: str
) -> None:
    def policy_of(code: str) -> tuple[dict[str, str], httpx.Headers]:
        headers = httpx.get(f"{chat_server.live.url}/p/{code}", trust_env=False).headers
        return dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; ")), headers

    policy, headers = policy_of(publish(console, app))
    assert policy["frame-ancestors"] == "'none'"
    assert headers["x-frame-options"] == "DENY"
    policy, headers = policy_of(publish(console, app, origins=[*ORIGINS, "https://INTRANET.example.com:443/"]))
    assert policy["frame-ancestors"] == " ".join(ORIGINS)
    assert "x-frame-options" not in headers
    assert headers["cache-control"] == "no-store"
    assert policy["connect-src"].endswith("/api/public/v1/")
    assert (policy["default-src"], policy["script-src"], policy["style-src"]) == ("'none'", "'self'", "'self'")
    assert policy_of("unknown")[0]["frame-ancestors"] == "'none'"


def test_an_origin_learns_whether_it_is_allowed_and_no_other(
    console: httpx.Client, chat_server: ChatServer, app: str
) -> None:
    with visitor(chat_server, publish(console, app, origins=ORIGINS)) as client:
        for origin, allowed in ((ORIGINS[0], True), ("https://evil.example", False), ("", False)):
            answer = client.get("/embedding", params={"origin": origin})
            assert answer.json() == {"allowed": allowed}
            assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-origin" not in look(client).headers


def test_a_wrong_origin_is_refused_with_what_to_write(console: httpx.Client, app: str) -> None:
    answer = console.put(f"/api/v1/apps/{app}/site", json={"is_on": True, "origins": ["https://*.example.com"]})
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, "origins")
    assert re.search("https://", error["hint"])


def test_words_of_the_publisher_travel_as_text(console: httpx.Client, chat_server: ChatServer, app: str) -> None:
    attack = "<img src=x onerror=alert(1)><script>alert(1)</script>"
    code = publish(console, app, title=attack, welcome=attack)
    with visitor(chat_server, code) as client:
        answer = look(client)
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["title"] == attack
    assert "onerror" not in httpx.get(f"{chat_server.live.url}/p/{code}", trust_env=False).text


def test_every_published_page_is_listed_for_the_team(console: httpx.Client, app: str) -> None:
    code = publish(console, app)
    assert code in [site["code"] for site in console.get("/api/v1/sites").json()]


def test_an_app_is_changed_and_a_stale_change_refused(console: httpx.Client) -> None:
    made = console.post("/api/v1/apps", json={"name": "바꿀 앱", "knowledge": ["handbook"]}).json()
    change = {"icon": "📘", "icon_background": "#D9E8FF", "suggested_questions": ["휴가는?", " "], "top_k": 7}
    changed = console.patch(f"/api/v1/apps/{made['id']}", json={**change, "seen_at": made["updated_at"]}).json()
    assert changed["config"]["suggested_questions"] == ["휴가는?"]
    assert changed["config"]["knowledge"] == made["config"]["knowledge"]
    stale = console.patch(f"/api/v1/apps/{made['id']}", json={"name": "x", "seen_at": made["updated_at"]})
    assert (stale.status_code, stale.json()["error"]["code"]) == (409, "changed_meanwhile")
    for wrong in (
        {"icon_background": "red"},
        {"top_k": 101},
        {"language": "fr"},
        {"knowledge": ["none"]},
        {"name": " "},
    ):
        assert console.patch(f"/api/v1/apps/{made['id']}", json=wrong).status_code in (400, 404), wrong
    assert console.patch(f"/api/v1/apps/{made['id']}", json={"top_k": 0}).json()["config"]["top_k"] is None
    console.delete(f"/api/v1/apps/{made['id']}").raise_for_status()
