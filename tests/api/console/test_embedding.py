"""Which model a base is embedded with, over the console API of a real server on fakes."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.live import LiveServer

MODEL = "hashing-384"


@pytest.fixture
def client(fake_model_server: LiveServer) -> Iterator[httpx.Client]:
    with fake_model_server.client() as client:
        yield client


@pytest.fixture
def base(client: httpx.Client, fake_model_server: LiveServer) -> Iterator[str]:
    made = client.post("/api/v1/knowledge", json={"name": "벡터"}).raise_for_status().json()
    client.put(f"/api/v1/knowledge/{made['id']}/documents/a.txt", content="연차는 15일입니다.".encode())
    fake_model_server.wait_until_indexed(made["id"])
    yield made["id"]
    client.delete(f"/api/v1/knowledge/{made['id']}")


def test_a_base_says_which_model_its_index_is_of(client: httpx.Client, base: str) -> None:
    found = client.get(f"/api/v1/knowledge/{base}/embedding").raise_for_status().json()
    models = found.pop("models")
    assert found == {"model": MODEL, "is_here": True, "wanted": MODEL, "passages": 1, "anew": None}
    assert models[0] == MODEL


def test_what_needs_nothing_and_what_nothing_can_do_are_errors_that_say_so(client: httpx.Client, base: str) -> None:
    path = f"/api/v1/knowledge/{base}/embedding"
    for answer, status, code in (
        (client.post(path, json={}), 409, "conflict"),
        (client.post(path, json={"model": "no-such"}), 404, "not_found"),
        (client.delete(path), 409, "conflict"),
        (client.get("/api/v1/knowledge/no-such/embedding"), 404, "not_found"),
    ):
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (status, code)
        assert error["hint"]
