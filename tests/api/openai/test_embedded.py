"""OpenAI's client against the embedded llama.cpp, as a new installation has it: no server, no key of a provider."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI

from tests.live import LiveServer, start_server

CONFIG = "organs: {llm: {use: llama_cpp}, embedding: {use: hashing}, vector_store: {use: memory}}\n"
ASK: list[Any] = [{"role": "user", "content": "Say hello in one short sentence."}]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    server = start_server(tmp_path_factory.mktemp("home"), "--no-demo", config=CONFIG)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def client(live: LiveServer) -> Iterator[OpenAI]:
    with live.client() as console:
        key = console.post("/api/v1/keys", json={"kind": "model"}).json()["token"]
    with httpx.Client(trust_env=False, timeout=120) as http:
        yield OpenAI(base_url=f"{live.url}/v1", api_key=key, http_client=http, max_retries=0)


def test_an_answer_comes_whole_with_its_usage(client: OpenAI) -> None:
    model = client.models.list().data[0].id
    answer = client.chat.completions.create(model=model, messages=ASK, max_tokens=12, temperature=0)
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.usage and answer.usage.prompt_tokens > 5 and 0 < answer.usage.completion_tokens <= 12


def test_and_the_same_word_by_word(client: OpenAI) -> None:
    whole = client.chat.completions.create(model="default", messages=ASK, max_tokens=12, temperature=0)
    chunks = list(
        client.chat.completions.create(
            model="default",
            messages=ASK,
            max_tokens=12,
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    said = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert len(said) > 1
    assert "".join(said) == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage


def test_a_schema_is_kept_to(client: OpenAI) -> None:
    schema = {"type": "object", "properties": {"city": {"enum": ["서울", "부산"]}}, "required": ["city"]}
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "City", "schema": schema}}
    answer = client.chat.completions.create(model="default", messages=ASK, max_tokens=40, response_format=wanted)
    assert json.loads(answer.choices[0].message.content or "")["city"] in ("서울", "부산")


def test_a_response_is_a_chat_of_it(client: OpenAI) -> None:
    found = client.responses.create(model="default", input="Say hello.", max_output_tokens=8)
    assert found.output_text
    assert found.usage and 0 < found.usage.output_tokens <= 8


def test_a_question_that_is_too_long_is_the_callers_to_mend(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="default", messages=[{"role": "user", "content": "hello " * 9000}])
    assert caught.value.code == "context_too_long"
