"""Quotas, spend and prices over the console's API, on a real server whose model costs what it is told to."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from tests.live import LiveServer


@pytest.fixture
def key(fake_model_server: LiveServer) -> tuple[str, str]:
    """A model key of its own: id, token."""
    with fake_model_server.client() as client:
        made = client.post("/api/v1/keys", json={"kind": "model", "name": "사내 포털"}).raise_for_status().json()
    return made["key"]["id"], made["token"]


def ask(server: LiveServer, token: str, words: str = "하나 둘 셋") -> httpx.Response:
    body = {"model": "default", "max_tokens": 20, "messages": [{"role": "user", "content": words}]}
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.post(f"{server.url}/v1/chat/completions", json=body, headers=headers, trust_env=False, timeout=60)


def test_a_key_with_a_limit_is_refused_as_openai_clients_expect(
    fake_model_server: LiveServer, key: tuple[str, str]
) -> None:
    key_id, token = key
    with fake_model_server.client() as client:
        quota = {"subject": "key", "subject_id": key_id, "requests_per_minute": 0}
        made = client.put("/api/v1/quotas", json=quota).raise_for_status().json()
        assert made["name"] == "사내 포털"
        refused = ask(fake_model_server, token)
        assert refused.status_code == 429 and refused.json()["error"]["code"] == "rate_limited"
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        client.put("/api/v1/quotas", json={**quota, "requests_per_minute": None, "models": ["else"]}).raise_for_status()
        refused = ask(fake_model_server, token)
        assert refused.status_code == 403 and refused.json()["error"]["code"] == "model_not_allowed"
        assert client.delete(f"/api/v1/quotas/{made['id']}").status_code == 204
        assert client.delete(f"/api/v1/quotas/{made['id']}").status_code == 404
        assert ask(fake_model_server, token).status_code == 200


def test_a_key_is_made_with_its_limits_or_not_at_all(fake_model_server: LiveServer) -> None:
    with fake_model_server.client() as client:
        body = {"kind": "model", "name": "한도 있는 키", "limits": {"models": ["없는 모델"], "requests_per_minute": 5}}
        made = client.post("/api/v1/keys", json=body).raise_for_status().json()
        assert ask(fake_model_server, made["token"]).json()["error"]["code"] == "model_not_allowed"
        [quota] = [one for one in client.get("/api/v1/quotas").json() if one["subject_id"] == made["key"]["id"]]
        assert (quota["name"], quota["requests_per_minute"], quota["budget_usd"]) == ("한도 있는 키", 5, None)
        client.delete(f"/api/v1/keys/{made['key']['id']}").raise_for_status()
        assert quota["id"] not in {one["id"] for one in client.get("/api/v1/quotas").json()}
        refused = client.post("/api/v1/keys", json={**body, "name": "빈 한도", "limits": {}})
        assert refused.status_code == 400
        assert "빈 한도" not in {key["name"] for key in client.get("/api/v1/keys").json()}


def _spent(client: httpx.Client, key_id: str, *, requests: int) -> dict[str, Any]:
    """What a key spent, once so many requests are counted: a call is counted when its answer has gone out."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        rows = client.get("/api/v1/spend", params={"by": ["key", "model"]}).raise_for_status().json()["rows"]
        mine: dict[str, Any] = next((row for row in rows if row["by"]["key"] == key_id), {})
        if mine.get("requests") == requests:
            return mine
        time.sleep(0.1)
    raise AssertionError(f"not {requests} requests but {rows}")


def test_what_a_key_spends_is_shown_and_bounded(fake_model_server: LiveServer, key: tuple[str, str]) -> None:
    key_id, token = key
    with fake_model_server.client() as client:
        ask(fake_model_server, token).raise_for_status()
        model = _spent(client, key_id, requests=1)["by"]["model"]
        assert client.put(f"/api/v1/prices/{model}", json={"input_usd": 1_000_000}).status_code == 200
        try:
            quota = {"subject": "key", "subject_id": key_id, "budget_usd": 1000.0}
            client.put("/api/v1/quotas", json=quota).raise_for_status()
            answered = ask(fake_model_server, token).raise_for_status().json()
            tokens = answered["usage"]["prompt_tokens"]
            mine = _spent(client, key_id, requests=2)
            assert mine["names"] == {"key": "사내 포털"}
            assert mine["usd"] == pytest.approx(tokens)
            state = next(one for one in client.get("/api/v1/quotas").json() if one["subject_id"] == key_id)
            assert state["used_usd"] >= tokens and state["budget_usd"] == 1000.0
            client.put("/api/v1/quotas", json={**quota, "budget_usd": 0}).raise_for_status()
            refused = ask(fake_model_server, token)
            assert refused.status_code == 429 and refused.json()["error"]["code"] == "budget_exceeded"
            table = client.get("/api/v1/spend.csv", params={"by": ["day", "key"]}).raise_for_status()
            assert table.text.splitlines()[0].startswith("day,key_id,requests") and key_id in table.text
        finally:
            assert client.delete(f"/api/v1/prices/{model}").status_code == 204
        own = {one["model"] for one in client.get("/api/v1/prices").json()["prices"] if one["is_own"]}
        assert model not in own


def test_a_quota_is_for_somebody_who_is_there(fake_model_server: LiveServer) -> None:
    with fake_model_server.client() as client:
        wrong = client.put("/api/v1/quotas", json={"subject": "key", "subject_id": "nobody", "requests_per_minute": 1})
        assert wrong.status_code == 400 and wrong.json()["error"]["param"] == "subject_id"
        backwards = client.get("/api/v1/spend", params={"since": "2026-02-02", "until": "2026-01-01"})
        assert backwards.status_code == 400


def test_users_of_apps_are_called_by_the_name_their_program_gave(fake_model_server: LiveServer) -> None:
    with fake_model_server.client() as client:
        app = client.post("/api/v1/apps", json={"name": "휴가 도우미"}).raise_for_status().json()["id"]
        made = client.post("/api/v1/keys", json={"kind": "app", "app": app}).raise_for_status().json()
        body = {"inputs": {}, "query": "연차는?", "response_mode": "blocking", "user": "김하나"}
        headers = {"Authorization": f"Bearer {made['token']}"}
        client.post("/v1/chat-messages", json=body, headers=headers).raise_for_status()
        end = time.monotonic() + 30
        names: dict[str, str] = {}
        while "김하나 · 휴가 도우미" not in names.values() and time.monotonic() < end:
            rows = client.get("/api/v1/spend", params={"by": ["end_user"]}).raise_for_status().json()["rows"]
            names = {row["by"]["end_user"]: row["names"]["end_user"] for row in rows}
        [user] = [id for id, name in names.items() if name == "김하나 · 휴가 도우미"]
        quota = {"subject": "end_user", "subject_id": user, "budget_usd": 1}
        assert client.put("/api/v1/quotas", json=quota).raise_for_status().json()["name"] == "김하나 · 휴가 도우미"
        nobody = client.put("/api/v1/quotas", json={**quota, "subject_id": "nobody"})
        assert nobody.status_code == 400 and nobody.json()["error"]["param"] == "subject_id"
