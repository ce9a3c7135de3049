"""The console API against a real server on fakes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.live import LiveServer


@pytest.fixture
def client(fake_model_server: LiveServer) -> Iterator[httpx.Client]:
    with fake_model_server.client() as client:
        yield client


@pytest.fixture
def anonymous(fake_model_server: LiveServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=fake_model_server.url, trust_env=False) as client:
        yield client


def _error(answer: httpx.Response) -> dict[str, str]:
    found: dict[str, str] = answer.json()["error"]
    assert set(found) == {"code", "message", "hint", "param", "request_id"}
    assert found["hint"]
    assert answer.headers["x-request-id"] == found["request_id"]
    return found


def test_health_and_readiness_need_no_key(anonymous: httpx.Client) -> None:
    assert anonymous.get("/healthz").json() == {"status": "ok"}
    assert anonymous.get("/readyz").json() == {"status": "ready", "not_ready": []}
    assert "llmflow_http_requests_total" in anonymous.get("/metrics").text


@pytest.mark.parametrize("path", ["/api/v1/knowledge", "/api/v1/apps", "/api/v1/keys", "/api/v1/doctor"])
def test_without_a_key_nothing_is_shown(anonymous: httpx.Client, path: str) -> None:
    answer = anonymous.get(path)
    assert answer.status_code == 401
    assert _error(answer)["code"] == "unauthorized"
    answer = anonymous.get(path, headers={"Authorization": "Bearer adm-wrong"})
    assert answer.status_code == 401


def test_a_key_of_another_kind_is_forbidden(client: httpx.Client, anonymous: httpx.Client) -> None:
    token = client.post("/api/v1/keys", json={"kind": "model"}).json()["token"]
    answer = anonymous.get("/api/v1/knowledge", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403
    assert _error(answer)["code"] == "forbidden"


def test_a_key_is_shown_once_listed_by_its_hint_and_revoked(client: httpx.Client, anonymous: httpx.Client) -> None:
    made = client.post("/api/v1/keys", json={"kind": "admin", "name": "ci", "expires": "30d"}).json()
    listed = client.get("/api/v1/keys").text
    assert made["token"] not in listed
    assert made["key"]["hint"] in listed
    headers = {"Authorization": f"Bearer {made['token']}"}
    assert anonymous.get("/api/v1/knowledge", headers=headers).status_code == 200
    assert client.delete(f"/api/v1/keys/{made['key']['id']}").status_code == 204
    assert anonymous.get("/api/v1/knowledge", headers=headers).status_code == 401


def test_a_person_signs_in_with_the_printed_password(fake_model_server: LiveServer) -> None:
    match = re.search(r"Sign in as (\S+) with the password (\S+)", fake_model_server.printed)
    assert match
    with httpx.Client(base_url=fake_model_server.url, trust_env=False, timeout=60) as browser:
        wrong = browser.post("/api/v1/session", json={"email": match[1], "password": "wrong password"})
        assert _error(wrong)["code"] == "wrong_credentials"
        answer = browser.post("/api/v1/session", json={"email": match[1], "password": match[2]})
        assert answer.status_code == 200
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert browser.get("/api/v1/session").json()["email"] == match[1]
        held = browser.get("/api/v1/knowledge")
        assert (held.status_code, _error(held)["code"]) == (403, "password_change_required")
        change = {"old": match[2], "new": "네 낱말로 된 새 비밀번호"}
        assert browser.post("/api/v1/session/password", json=change).status_code == 200
        assert browser.get("/api/v1/knowledge").status_code == 200
        forged = browser.post("/api/v1/knowledge", json={"name": "x"}, headers={"Origin": "https://evil.example"})
        assert forged.status_code == 403
        own = browser.post("/api/v1/knowledge", json={"name": "own"}, headers={"Origin": fake_model_server.url})
        assert own.status_code == 201
        assert browser.delete("/api/v1/knowledge/own").status_code == 204
        assert browser.delete("/api/v1/session").status_code == 204
        assert browser.get("/api/v1/session").status_code == 401


def test_a_lost_password_is_made_anew_by_an_admin_key_alone(
    client: httpx.Client, anonymous: httpx.Client, fake_model_server: LiveServer
) -> None:
    path = "/api/v1/members/admin@llmflow.local/password"
    assert anonymous.post(path).status_code == 401
    assert client.post("/api/v1/members/nobody@llmflow.local/password").status_code == 404
    made = client.post(path).json()
    account = anonymous.post("/api/v1/session", json=made).json()
    assert account["must_change_password"]


def test_a_page_that_rebinds_its_name_to_loopback_gets_nothing(client: httpx.Client) -> None:
    answer = client.get("/api/v1/knowledge", headers={"Host": "evil.example:8700"})
    assert answer.status_code == 403
    assert "evil.example" in _error(answer)["message"]


def test_documents_are_added_searched_and_deleted(client: httpx.Client, fake_model_server: LiveServer) -> None:
    base = client.post("/api/v1/knowledge", json={"name": "인사 규정 📚"}).json()
    answer = client.put(
        f"/api/v1/knowledge/{base['id']}/documents/%ED%9C%B4%EA%B0%80%20%EA%B7%9C%EC%A0%95.txt",
        content="연차 휴가는 열다섯 날입니다.".encode(),
    )
    assert answer.status_code == 202
    accepted = answer.json()
    assert (accepted["outcome"], accepted["document"]["name"]) == ("accepted", "휴가 규정.txt")
    assert fake_model_server.wait_until_indexed(base["id"]) == {"ready": 1}
    hits = client.post(f"/api/v1/knowledge/{base['id']}/search", json={"query": "연차 휴가"}).json()["found"]
    assert {"document", "chunk_id", "text", "score", "scores", "page"} <= set(hits[0])
    assert set(hits[0]["scores"]) == {"dense", "keyword", "rerank", "graph"}
    path = f"/api/v1/knowledge/{base['id']}"
    assert client.get(f"{path}/retrieval").json()["mode"] == "hybrid"
    assert client.put(f"{path}/retrieval", json={"mode": "keyword", "rerank": True}).status_code == 200
    searched = client.post(f"{path}/search", json={"query": "연차 휴가"}).json()
    assert searched["found"][0]["scores"]["dense"] is None
    assert [note["code"] for note in searched["notes"]] == ["rerank_missing"]
    assert client.post(f"{path}/search", json={"query": "연차", "mode": "dense"}).json()["found"][0]["scores"]["dense"]
    assert client.put(f"{path}/retrieval", json={"mode": "graph"}).status_code == 400
    document_id = accepted["document"]["id"]
    passages = client.get(f"/api/v1/documents/{document_id}/passages").json()
    assert [p["text"] for p in passages] == ["연차 휴가는 열다섯 날입니다."]
    listed = client.get(f"/api/v1/knowledge/{base['id']}/documents", params={"search": "휴가"}).json()
    assert listed["total"] == 1
    assert client.delete(f"/api/v1/documents/{document_id}").status_code == 204
    assert client.post(f"/api/v1/knowledge/{base['id']}/search", json={"query": "연차"}).json()["found"] == []
    assert client.delete(f"/api/v1/knowledge/{base['id']}").status_code == 204


def test_a_document_without_text_fails_visibly_and_says_what_to_do(
    client: httpx.Client, fake_model_server: LiveServer
) -> None:
    base = client.post("/api/v1/knowledge", json={"name": "empty ones"}).json()
    client.put(f"/api/v1/knowledge/{base['id']}/documents/empty.txt", content=b"")
    assert fake_model_server.wait_until_indexed(base["id"]) == {"failed": 1}
    document = client.get(f"/api/v1/knowledge/{base['id']}/documents").json()["documents"][0]
    assert document["error_code"] == "document_empty"
    assert document["error_hint"]
    assert client.post(f"/api/v1/documents/{document['id']}/retry").status_code == 202
    assert fake_model_server.wait_until_indexed(base["id"]) == {"failed": 1}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/api/v1/knowledge", b"{not json", 400, "invalid_json"),
        ("POST", "/api/v1/knowledge", b'{"nam": "x"}', 400, "invalid_request"),
        ("POST", "/api/v1/knowledge", b'{"name": "  "}', 400, "invalid_request"),
        ("GET", "/api/v1/knowledge/not-there", b"", 404, "not_found"),
        ("GET", "/api/v1/documents/not-there", b"", 404, "not_found"),
        ("GET", "/api/v1/nowhere", b"", 404, "not_found"),
        ("PATCH", "/api/v1/knowledge", b"", 405, "method_not_allowed"),
        ("POST", "/api/v1/keys", b'{"kind": "app"}', 400, "invalid_request"),
        ("POST", "/api/v1/keys", b'{"kind": "root"}', 400, "invalid_request"),
        ("POST", "/api/v1/apps/not-there/ask", b'{"question": "x"}', 404, "not_found"),
        ("POST", "/api/v1/knowledge", b'{"name": "' + b"x" * 11_000_000 + b'"}', 413, "too_large"),
    ],
)
def test_a_wrong_request_gets_a_coded_error(
    client: httpx.Client, method: str, path: str, body: bytes, status: int, code: str
) -> None:
    answer = client.request(method, path, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, _error(answer)["code"]) == (status, code)


def test_a_body_that_hides_its_size_is_cut_off(client: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(300):
            yield b"x" * 100_000

    answer = client.post("/api/v1/knowledge", content=endless(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, _error(answer)["code"]) == (413, "too_large")


def test_the_same_name_twice_is_a_conflict(client: httpx.Client) -> None:
    assert client.post("/api/v1/knowledge", json={"name": "twice"}).status_code == 201
    answer = client.post("/api/v1/knowledge", json={"name": "twice"})
    assert (answer.status_code, _error(answer)["code"]) == (409, "conflict")
    client.delete("/api/v1/knowledge/twice")


def test_the_doctor_names_every_organ(client: httpx.Client) -> None:
    found = client.get("/api/v1/doctor").json()
    assert {organ["port"] for organ in found["organs"]} == {
        "llm",
        "embedding",
        "rerank",
        "speech",
        "vector_store",
        "parser",
        "chunker",
        "sandbox",
        "jobs",
        "blobs",
        "identity",
        "tracing",
    }
    assert all(organ["health"]["ok"] for organ in found["organs"]), found


def test_settings_show_values_and_no_secret(client: httpx.Client) -> None:
    rows = {row["key"]: row for row in client.get("/api/v1/settings").json()}
    assert rows["organs.embedding.use"]["value"] == "hashing"
    assert rows["server.port"]["default"] == 8700
    assert rows["store.url"]["value"] == ""
    assert "organs.embedding.processes" not in rows


def test_an_app_answers_by_events_and_keeps_the_conversation(
    client: httpx.Client, fake_model_server: LiveServer
) -> None:
    base = client.post("/api/v1/knowledge", json={"name": "app base"}).json()
    for name, text in {
        "a.txt": b"The warranty of the robot lasts two years.",
        "b.txt": b"Lunch is served between noon and one in the canteen on the third floor.",
        "c.txt": b"Passwords have at least twelve characters and are changed when they leak.",
    }.items():
        fake_model_server.put(base["id"], name, text)
    app = client.post("/api/v1/apps", json={"name": "helper", "knowledge": ["app base"]}).json()
    assert app["mode"] == "chat"
    answer = client.post("/api/v1/apps/helper/ask", json={"question": "How long is the warranty of the robot?"})
    events = [line for line in answer.text.split("\n\n") if line]
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert '"event":"delta"' in answer.text
    end = events[-1]
    assert '"event":"end"' in end
    assert '"document":"a.txt"' in end
    conversation = re.search(r'"conversation_id":"([^"]+)"', end)
    assert conversation
    follow = client.post(
        "/api/v1/apps/helper/ask", json={"question": "And who pays?", "conversation_id": conversation[1]}
    )
    assert conversation[1] in follow.text
    missing = client.post("/api/v1/apps/helper/ask", json={"question": "x", "conversation_id": "none"})
    assert missing.status_code == 404


def test_the_openapi_document_describes_every_console_path(anonymous: httpx.Client) -> None:
    document = anonymous.get("/api/v1/openapi.json").json()
    assert {
        "/session",
        "/knowledge",
        "/knowledge/{base}/documents/{name}",
        "/apps/{app}/ask",
        "/keys",
        "/doctor",
    } <= set(document["paths"])
    assert document["components"]["schemas"]["Found"]["properties"].keys() >= {"score", "scores", "page"}
