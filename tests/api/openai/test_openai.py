"""OpenAI's API through OpenAI's own client."""

from __future__ import annotations

import base64
import json
import struct
import time
from collections.abc import Iterator

import httpx
import openai
import pytest
from openai import OpenAI

from llmflow.api.routes.openai.later import PATHS
from tests.api.chat_server import QUESTION, ChatServer


@pytest.fixture
def client(chat_server: ChatServer) -> Iterator[OpenAI]:
    http = httpx.Client(trust_env=False, timeout=30)
    with OpenAI(
        base_url=f"{chat_server.live.url}/v1", api_key=chat_server.model, max_retries=0, http_client=http
    ) as it:
        yield it


@pytest.fixture
def raw(chat_server: ChatServer) -> Iterator[httpx.Client]:
    with chat_server.client(chat_server.model) as client:
        yield client


def test_a_completion_is_relayed_with_its_usage(client: OpenAI) -> None:
    found = client.chat.completions.create(model="scripted", messages=[{"role": "user", "content": "안녕 세상"}])
    assert found.choices[0].message.content == "안녕 세상"
    assert found.choices[0].finish_reason == "stop"
    assert found.usage and (found.usage.prompt_tokens, found.usage.completion_tokens) == (2, 2)
    assert found.usage.total_tokens == 4


def test_a_stream_comes_word_by_word_and_ends_with_its_usage_when_asked(client: OpenAI) -> None:
    stream = client.chat.completions.create(
        model="scripted",
        messages=[{"role": "user", "content": "one two three"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].delta.content for c in chunks[1:-2]] == ["one", " two", " three"]
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage and chunks[-1].usage.completion_tokens == 3
    assert len({chunk.id for chunk in chunks}) == 1
    plain = list(
        client.chat.completions.create(model="scripted", messages=[{"role": "user", "content": "one"}], stream=True)
    )
    assert all(chunk.usage is None for chunk in plain)


def test_max_tokens_and_stop_are_handed_on(client: OpenAI) -> None:
    messages = [{"role": "user", "content": "one two three"}]
    for limit in ({"max_tokens": 2}, {"max_completion_tokens": 2}):
        found = client.chat.completions.create(model="scripted", messages=messages, **limit)
        assert (found.choices[0].message.content, found.choices[0].finish_reason) == ("one two", "length")
    found = client.chat.completions.create(model="scripted", messages=messages, stop=" three")
    assert found.choices[0].message.content == "one two"


def test_a_chat_app_answers_as_a_model_with_citations(client: OpenAI) -> None:
    found = client.chat.completions.create(model="app/knows", messages=[{"role": "user", "content": QUESTION}])
    message = found.choices[0].message.model_dump()
    assert message["citations"][0]["document"] == "휴가 규정.md"
    assert message["llmflow"]["kind"] == "generated"
    chunks = list(
        client.chat.completions.create(model="app/knows", messages=[{"role": "user", "content": QUESTION}], stream=True)
    )
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == message["content"]
    last = chunks[-1].model_dump()
    assert last["choices"][0]["finish_reason"] == "stop"
    assert last["citations"][0]["document"] == "휴가 규정.md"


def test_an_app_is_given_the_earlier_messages_as_history(client: OpenAI) -> None:
    found = client.chat.completions.create(
        model="app/knows",
        messages=[
            {"role": "system", "content": "ignored: an app has its own instruction"},
            {"role": "user", "content": QUESTION},
            {"role": "assistant", "content": "네."},
            {"role": "user", "content": "그럼 며칠입니까?"},
        ],
    )
    assert found.choices[0].message.model_dump()["citations"]


def test_models_are_chat_models_the_embedding_and_the_apps(client: OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert names[:2] == ["scripted", "hashing-384"]
    assert {"app/knows", "app/plain"} <= set(names[2:])  # and those of other tests of this server
    assert all(name.startswith("app/") for name in names[2:])
    assert client.models.retrieve("scripted").id == "scripted"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-99")


def test_embeddings_come_as_floats_and_as_base64(client: OpenAI, raw: httpx.Client) -> None:
    found = client.embeddings.create(model="hashing-384", input=["연차 휴가", "leave"])
    assert [item.index for item in found.data] == [0, 1]
    assert len(found.data[0].embedding) == 384
    assert abs(sum(x * x for x in found.data[0].embedding) - 1) < 1e-5
    body = {"model": "hashing-384", "input": "연차 휴가"}
    floats = raw.post("/embeddings", json={**body, "encoding_format": "float"}).json()["data"][0]["embedding"]
    packed = raw.post("/embeddings", json={**body, "encoding_format": "base64"}).json()["data"][0]["embedding"]
    assert list(struct.unpack("<384f", base64.b64decode(packed))) == pytest.approx(floats)
    asked = raw.post("/embeddings", json={**body, "input_type": "query"})
    assert asked.status_code == 200


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"input": [1, 2, 3]}, "input"),
        ({"input": [[1, 2], [3]]}, "input"),
        ({"input": []}, "input"),
        ({"input": 5}, "input"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"input_type": "document"}, "input_type"),
        ({"dimensions": 12}, "dimensions"),
        ({"model": "other"}, "model"),
    ],
)
def test_embeddings_that_cannot_be_made_name_the_parameter(
    raw: httpx.Client, change: dict[str, object], param: str
) -> None:
    answer = raw.post("/embeddings", json={"model": "hashing-384", "input": "a", **change})
    assert answer.status_code in (400, 404)
    assert answer.json()["error"]["param"] == param


def test_errors_are_the_clients_own_exceptions(chat_server: ChatServer, client: OpenAI) -> None:
    hello = [{"role": "user", "content": "hi"}]
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="gpt-99", messages=hello)
    assert missing.value.code == "model_unknown"
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="app/nothing", messages=hello, stream=True)
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="gpt-99", messages=hello, stream=True)
    with pytest.raises(openai.BadRequestError) as empty:
        client.chat.completions.create(model="scripted", messages=[])
    assert empty.value.param == "messages"
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="scripted", messages=hello, n=2)
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="sk-wrong").models.list()
    with pytest.raises(openai.PermissionDeniedError) as denied:
        client.with_options(api_key=chat_server.knows).models.list()
    assert denied.value.body and set(denied.value.body) == {
        "code",
        "message",
        "hint",
        "param",
        "request_id",
        "type",
    }


def test_a_body_that_is_no_json_and_a_wrong_method_are_errors_in_openais_shape(raw: httpx.Client) -> None:
    answer = raw.post("/chat/completions", content=b"{")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_json")
    answer = raw.get("/chat/completions")
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
    answer = raw.delete("/models/app/knows")
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")


def test_an_unknown_path_is_told_in_the_shape_of_the_keys_own_api(chat_server: ChatServer, raw: httpx.Client) -> None:
    answer = raw.get("/nope")
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found_error")
    assert answer.json()["error"]["code"] == "not_found"
    for key in (chat_server.knows, None):
        with chat_server.client(key) as client:
            assert client.get("/nope").headers["content-type"].startswith("text/html")


def test_openais_operations_that_are_not_served_say_so(chat_server: ChatServer, raw: httpx.Client) -> None:
    for method, path in [(method, path) for path, methods in PATHS for method in methods.split()]:
        answer = raw.request(method, path.format(response_id="resp_1"), json={})
        assert (answer.status_code, answer.json()["error"]["code"]) == (501, "not_yet"), path
        assert answer.json()["error"]["type"] == "server_error"
    with chat_server.client(None) as client:
        assert client.post("/responses", json={}).status_code == 401


def test_the_client_raises_what_it_raises_for_servers_that_cannot(client: OpenAI) -> None:
    with pytest.raises(openai.InternalServerError) as refused:
        client.moderations.create(input="hi")
    assert refused.value.code == "not_yet"


def test_a_client_that_leaves_stops_the_generation(chat_server: ChatServer, raw: httpx.Client) -> None:
    wanted = {"model": "app/plain", "messages": [{"role": "user", "content": "word " * 2000}], "user": "quitter"}
    with raw.stream("POST", "/chat/completions", json={**wanted, "stream": True}) as answer:
        next(line for line in answer.iter_lines() if '"content":"word"' in line)
    with chat_server.client(chat_server.plain) as service:
        end = time.monotonic() + 20
        status = "running"
        while status == "running" and time.monotonic() < end:
            (conversation,) = service.get("/conversations", params={"user": "quitter"}).json()["data"]
            params = {"user": "quitter", "conversation_id": conversation["id"]}
            (message,) = service.get("/messages", params=params).json()["data"]
            status = message["llmflow"]["status"]
            time.sleep(0.05)
    assert status == "stopped"
    assert len(message["answer"].split()) < 2000


def test_every_line_of_a_stream_is_an_event(raw: httpx.Client) -> None:
    wanted = {"model": "scripted", "messages": [{"role": "user", "content": 'a "quoted"\nline'}], "stream": True}
    with raw.stream("POST", "/chat/completions", json=wanted) as answer:
        lines = [line for line in answer.iter_lines() if line]
    assert lines[-1] == "data: [DONE]"
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    assert "".join(c["choices"][0]["delta"].get("content", "") for c in chunks) == 'a "quoted"\nline'
