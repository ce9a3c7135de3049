"""Members, invitations, sign-in and preferences over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from llmflow.access.types import Role
from tests.api.console.conftest import PASSWORD
from tests.live import LiveServer, start_server


@pytest.fixture
def client(fake_model_server: LiveServer) -> Iterator[httpx.Client]:
    with fake_model_server.client() as client:
        yield client


@pytest.fixture
def stranger(fake_model_server: LiveServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=fake_model_server.url, trust_env=False) as client:
        yield client


def test_a_colleague_is_invited_comes_in_and_is_removed(client: httpx.Client, stranger: httpx.Client) -> None:
    made = client.post("/api/v1/invitations", json={"email": "lee@example.com", "role": "editor"}).json()
    assert made["url"] == f"/invite/{made['token']}"
    assert made["token"] not in client.get("/api/v1/invitations").text
    seen = stranger.post("/api/v1/invitations/look", json={"token": made["token"]}).json()
    assert (seen["email"], seen["role"]) == ("lee@example.com", "editor")
    accept = {"token": made["token"], "name": "이바다", "password": PASSWORD}
    account = stranger.post("/api/v1/invitations/accept", json=accept).json()
    assert (account["role"], account["name"], account["must_change_password"]) == ("editor", "이바다", False)
    assert stranger.get("/api/v1/knowledge").status_code == 200
    used = stranger.post("/api/v1/invitations/accept", json=accept)
    assert (used.status_code, used.json()["error"]["code"]) == (409, "invitation_used")
    assert client.delete(f"/api/v1/members/{account['id']}").status_code == 204
    assert stranger.get("/api/v1/knowledge").status_code == 401


def test_a_stream_that_is_open_ends_when_its_readers_role_is_lowered(
    client: httpx.Client, stranger: httpx.Client
) -> None:
    client.post("/api/v1/knowledge", json={"name": "watched"}).raise_for_status()
    made = client.post("/api/v1/invitations", json={"email": "watcher@example.com", "role": "editor"}).json()
    accept = {"token": made["token"], "name": "보는 사람", "password": PASSWORD}
    account = stranger.post("/api/v1/invitations/accept", json=accept).json()
    for change in ({"role": "member"}, {"role": "editor"}):
        with stranger.stream("GET", "/api/v1/knowledge/watched/progress", timeout=30) as answer:
            lines = answer.iter_lines()
            assert next(lines).startswith("data: ")
            client.patch(f"/api/v1/members/{account['id']}", json=change).raise_for_status()
            assert [line for line in lines if line.startswith("data: ")] == []
    with stranger.stream("GET", "/api/v1/knowledge/watched/progress", timeout=30) as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("data: ")
        client.delete(f"/api/v1/members/{account['id']}").raise_for_status()
        assert list(lines)[-1:] in ([], [""])
    assert stranger.get("/api/v1/knowledge/watched/progress").status_code == 401


def test_preferences_belong_to_the_account(by_role: dict[Role, httpx.Client]) -> None:
    browser = by_role["editor"]
    assert browser.patch("/api/v1/session/preferences", json={"language": "ko", "tour": "begun"}).status_code == 200
    changed = browser.patch("/api/v1/session/preferences", json={"tour": "done", "tour_step": 4}).json()
    assert (changed["language"], changed["tour"], changed["tour_step"], changed["theme"]) == ("ko", "done", 4, None)
    assert by_role["admin"].get("/api/v1/session/preferences").json()["language"] is None
    assert browser.patch("/api/v1/session/preferences", json={"language": "xx"}).status_code == 400


def test_guessing_from_one_address_is_paused_and_told_how_long(tmp_path_factory: pytest.TempPathFactory) -> None:
    config = "organs: {llm: {use: scripted}, embedding: {use: hashing}, vector_store: {use: memory}}\n"
    server = start_server(tmp_path_factory.mktemp("guess") / "home", "--no-demo", config=config)
    try:
        with httpx.Client(base_url=server.url, trust_env=False) as stranger:

            def guess(number: int, client: str) -> httpx.Response:
                return stranger.post(
                    "/api/v1/invitations/look", json={"token": f"guess {number}"}, headers={"X-Forwarded-For": client}
                )

            assert {guess(number, "198.51.100.7").status_code for number in range(30)} == {404}
            paused = guess(30, "198.51.100.7")
            assert (paused.status_code, paused.json()["error"]["code"]) == (429, "sign_in_paused")
            assert 1 <= int(paused.headers["retry-after"]) <= 10
            sign_in = {"email": "kim@example.com", "password": "some password"}
            headers = {"X-Forwarded-For": "198.51.100.7"}
            assert stranger.post("/api/v1/session", json=sign_in, headers=headers).status_code == 429
            assert guess(31, "198.51.100.8").status_code == 404
    finally:
        server.stop()
