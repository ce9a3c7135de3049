"""Connecting a model server over HTTP, and that a restart keeps it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.live import LiveServer, free_port, start_server
from tests.model_server import ModelServer, model_server

KEY = "sk-secret-0123456789"
CONFIG = "organs: {llm: {use: scripted, reply: base}, embedding: {use: hashing}, vector_store: {use: memory}}\n"


def _answer(server: LiveServer, model: str) -> str:
    with server.client() as client:
        token = client.post("/api/v1/keys", json={"kind": "model"}).json()["token"]
        body = {"model": model, "messages": [{"role": "user", "content": "안녕"}]}
        answer = client.post("/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {token}"})
        answer.raise_for_status()
        found: str = answer.json()["choices"][0]["message"]["content"]
        return found.strip()


def _code(answer: httpx.Response) -> str:
    code: str = answer.json()["error"]["code"]
    return code


@pytest.mark.slow
def test_a_connected_server_answers_at_once_and_after_a_restart(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with model_server(key=KEY) as models:
        server = start_server(home, "--no-demo", config=CONFIG)
        try:
            with server.client() as client:
                made = _connected(client, models)
            assert _answer(server, "tiny-2") == models.reply
            assert _answer(server, "default") == models.reply
        finally:
            server.stop()
        server = start_server(home, "--no-demo")
        try:
            assert _answer(server, "tiny-1") == models.reply
            with server.client() as client:
                (kept,) = client.get("/api/v1/models/connections").json()
                assert kept["connection"] == made
                assert kept["health"]["ok"]
            models.stop()
            with server.client() as client:
                (dead,) = client.get("/api/v1/models/connections").json()
                assert not dead["health"]["ok"]
                assert [one["server"] for one in client.get("/api/v1/models").json()] == ["default"]
                client.patch(f"/api/v1/models/connections/{made['id']}", json={"is_default": False}).raise_for_status()
            assert _answer(server, "default") == "base"
            assert KEY not in server.log()
            assert KEY not in (home / "server.out").read_text()
        finally:
            server.stop()


def _connected(client: httpx.Client, models: ModelServer) -> dict[str, Any]:
    """Every way to it: tested, refused, kept, changed. The connection, now the default."""
    path = "/api/v1/models/connections"
    tried = client.post(f"{path}/test", json={"url": models.url, "api_key": KEY}).json()
    assert [one["id"] for one in tried["models"]] == ["tiny-1", "tiny-2"]
    assert tried["reply"] == models.reply
    wrong = {"name": "회사", "url": models.url, "api_key": "sk-wrong"}
    assert _code(client.post(path, json=wrong)) == "model_key_wrong"
    assert client.get(path).json() == []
    made = client.post(path, json={**wrong, "api_key": KEY}).json()
    assert made["tried"]["model"] == "tiny-1"
    connection = made["connection"]
    assert KEY not in client.get(path).text + str(made)
    assert [one["server"] for one in client.get("/api/v1/models").json()] == ["default", "회사", "회사"]
    again = client.post(f"{path}/test", json={"url": models.url, "connection": connection["id"]})
    assert again.status_code == 200
    elsewhere = f"http://127.0.0.1:{free_port()}/v1"
    assert _code(client.patch(f"{path}/{connection['id']}", json={"url": elsewhere})) == "invalid_request"
    assert (
        _code(client.post(f"{path}/test", json={"url": elsewhere, "connection": connection["id"]})) == "invalid_request"
    )
    assert _code(client.post(path, json={"name": "later", "url": elsewhere})) == "model_unreachable"
    later = client.post(path, json={"name": "later", "url": elsewhere, "untested": True}).json()
    assert later["tried"] is None
    assert client.delete(f"{path}/later").status_code == 204
    assert _code(client.post(f"{path}/test", json={"url": "http://169.254.169.254/"})) == "address_blocked"
    changed = client.patch(f"{path}/{connection['id']}", json={"is_default": True}).json()
    assert (changed["tried"], changed["connection"]["is_default"]) == (None, True)
    assert [one["server"] for one in client.get("/api/v1/models").json()] == ["회사", "회사", "default"]
    kept: dict[str, Any] = changed["connection"]
    return kept
