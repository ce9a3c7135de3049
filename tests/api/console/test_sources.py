"""Sources of a knowledge base over the console API of a real server on fakes."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.live import LiveServer


@pytest.fixture
def client(fake_model_server: LiveServer) -> Iterator[httpx.Client]:
    with fake_model_server.client() as client:
        yield client


@pytest.fixture
def base(client: httpx.Client) -> Iterator[str]:
    made = client.post("/api/v1/knowledge", json={"name": "원본"}).raise_for_status().json()
    yield made["id"]
    client.delete(f"/api/v1/knowledge/{made['id']}")


def test_a_source_is_made_changed_looked_into_and_deleted(client: httpx.Client, base: str) -> None:
    body = {
        "kind": "s3",
        "name": "계약서",
        "settings": {"endpoint": "http://169.254.169.254", "bucket": "docs", "access_key": "AK"},
        "secrets": {"secret_key": "a-very-secret-key"},
    }
    answer = client.post(f"/api/v1/knowledge/{base}/sources", json=body)
    assert answer.status_code == 201
    made = answer.json()
    assert (made["has_secret"], made["state"], made["next_at"]) == (True, "idle", None)
    assert "a-very-secret-key" not in answer.text
    changed = client.patch(f"/api/v1/sources/{made['id']}", json={"every_minutes": 60}).json()
    assert changed["next_at"] > made["created_at"]
    assert client.post(f"/api/v1/sources/{made['id']}/synchronise").status_code == 202
    while (found := client.get(f"/api/v1/knowledge/{base}/sources").json()[0])["state"] != "idle":
        time.sleep(0.05)
    assert found["reports"][0]["error_code"] == "address_blocked"
    assert client.get(f"/api/v1/sources/{made['id']}/files").json() == {"files": [], "total": 0}
    assert client.delete(f"/api/v1/sources/{made['id']}").status_code == 204
    assert client.get(f"/api/v1/knowledge/{base}/sources").json() == []


def test_what_no_source_can_be_made_of_is_said_by_name(client: httpx.Client, base: str) -> None:
    for kind, settings, status, code in (
        ("folder", {"path": "/etc"}, 403, "folder_not_allowed"),
        ("urls", {"urls": ["file:///etc/passwd"]}, 400, "invalid_request"),
        ("s3", {"endpoint": "http://s3", "bucket": "a/b"}, 400, "invalid_request"),
        ("s3", {"secret_key": "x"}, 400, "invalid_request"),
    ):
        answer = client.post(
            f"/api/v1/knowledge/{base}/sources", json={"kind": kind, "name": "x", "settings": settings}
        )
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (status, code), answer.text
        assert error["hint"]
