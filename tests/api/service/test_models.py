"""The workspace's models by type, and the index of the API."""

from __future__ import annotations

import pytest

from tests.api.chat_server import ChatServer

PATH = "/workspaces/current/models/model-types"


@pytest.mark.parametrize(("kind", "name"), [("llm", "scripted"), ("text-embedding", "hashing-384")])
def test_models_are_listed_by_type(chat_server: ChatServer, kind: str, name: str) -> None:
    with chat_server.client(chat_server.dataset) as client:
        (provider,) = client.get(f"{PATH}/{kind}").json()["data"]
    assert provider["status"] == "active"
    (model,) = provider["models"]
    assert (model["model"], model["model_type"], model["label"]["en_US"]) == (name, kind, name)
    assert model["model_properties"]["context_size"] > 0


def test_of_types_that_nothing_serves_there_are_none(chat_server: ChatServer) -> None:
    with chat_server.client(chat_server.dataset) as client:
        assert client.get(f"{PATH}/moderation").json() == {"data": []}
        assert client.get(f"{PATH}/odd").json()["code"] == "invalid_param"
    with chat_server.client(chat_server.knows) as client:
        assert client.get(f"{PATH}/llm").status_code == 401


def test_the_index_says_what_this_is_without_a_key(chat_server: ChatServer) -> None:
    with chat_server.client(None) as client:
        answer = client.get("/")
    assert answer.json() == {"welcome": "LLMFlow", "api_version": "v1", "server_version": "1.14.2"}
    assert (answer.headers["x-version"], answer.headers["x-env"]) == ("1.14.2", "PRODUCTION")
