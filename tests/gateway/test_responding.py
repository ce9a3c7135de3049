"""Responses over servers that have them and servers that do not; what a client sees when they fail."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI

from llmflow.api.routes.openai.surface import direct_paths
from llmflow.config.load import load
from llmflow.wiring import Platform, build
from tests import upstream as up

CONFIG = """
organs: {{llm: {{use: scripted}}, embedding: {{use: hashing}}, vector_store: {{use: memory}}}}
servers: {{has: {{url: "{has}"}}, lacks: {{url: "{lacks}"}}}}
models:
  both: {{deployments: [{{server: has}}, {{server: lacks, priority: 1}}], attempts: 2}}
  kept: {{deployments: [{{server: has}}], cache: {{scope: workspace}}, attempts: 1}}
"""
USAGE = {
    "input_tokens": 11,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 16,
}


def response(text: str, **more: Any) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": []}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    base = {"id": "resp_theirs", "object": "response", "created_at": 1, "model": "has", "status": "completed"}
    return {**base, "output": [message], "usage": USAGE, "error": None, "tools": [], **more}


def event(kind: str, **more: Any) -> bytes:
    return json.dumps({"type": kind, "sequence_number": 0, **more}, ensure_ascii=False).encode()


CREATED = event("response.created", response=response("", status="in_progress", output=[], usage=None))
WORDS = [
    event("response.output_text.delta", item_id="msg_1", output_index=0, content_index=0, delta=one, logprobs=[])
    for one in ("네, ", "안녕하세요")
]
COMPLETED = event("response.completed", response=response("네, 안녕하세요"))


class House:
    def __init__(self, platform: Platform, has: up.Upstream, lacks: up.Upstream, client: AsyncOpenAI) -> None:
        self.platform, self.has, self.lacks, self.client = platform, has, lacks, client

    def does(self, act: up.Act) -> None:
        self.has.routes["/v1/responses"] = act

    async def used(self) -> list[tuple[Any, ...]]:
        rows = await self.platform.quotas.spent(
            self.platform.workspace_id, ["operation", "deployment"], since=0, until=99999999
        )
        return [(one["operation"], one["deployment"], one["prompt_tokens"], one["completion_tokens"]) for one in rows]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        has = await stack.enter_async_context(up.upstream(models=["has"], default=up.completion("ein Chat")))
        lacks = await stack.enter_async_context(up.upstream(models=["lacks"], default=up.completion("als Chat")))
        (tmp_path / "llmflow.yaml").write_text(CONFIG.format(has=has.url, lacks=lacks.url), "utf-8")
        platform = await build(load(home=tmp_path))
        stack.push_async_callback(platform.close)
        _, key = await platform.keys.create(platform.workspace_id, "model")
        paths = direct_paths(platform)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await paths[scope["path"]](scope, receive, send)

        http = httpx.AsyncClient(transport=httpx.ASGITransport(app))
        client = AsyncOpenAI(api_key=key, base_url="http://x/v1", http_client=http, max_retries=0)
        yield House(platform, has, lacks, await stack.enter_async_context(client))


async def test_a_servers_own_response_comes_as_it_is_and_is_counted(house: House) -> None:
    house.does(up.answers(response("검색했습니다", x_theirs=7)))
    found = await house.client.responses.create(
        model="both", input="안녕", tools=[{"type": "web_search"}], reasoning={"summary": "auto"}, store=True
    )
    assert (found.id, found.output_text, found.model_extra) == ("resp_theirs", "검색했습니다", {"x_theirs": 7})
    [seen] = house.has.seen
    assert (seen.path, seen.body["tools"], seen.body["input"]) == ("/v1/responses", [{"type": "web_search"}], "안녕")
    assert (seen.body["store"], seen.body["model"]) == (False, "has"), "nothing is kept there"
    assert await house.used() == [("responses", "has", 11, 5)]


async def test_a_servers_own_events_come_as_they_are(house: House) -> None:
    house.does(up.streams(CREATED, *WORDS, COMPLETED))
    stream = await house.client.responses.create(model="has", input="안녕", stream=True)
    events = [one async for one in stream]
    assert [one.type for one in events] == [
        "response.created",
        *["response.output_text.delta"] * 2,
        "response.completed",
    ]
    assert events[0].response.id == "resp_theirs"
    assert await house.used() == [("responses", "has", 11, 5)]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_server_without_responses_is_asked_for_a_chat_and_not_again_for_one(house: House, stream: bool) -> None:
    for _ in range(2):
        found: Any = await house.client.responses.create(model="lacks", input="안녕", stream=stream)
        last = [one async for one in found][-1].response if stream else found
        assert (last.output_text.replace(" ", ""), last.status, last.store) == ("alsChat", "completed", False)
    paths = [one.path for one in house.lacks.seen]
    assert paths == ["/v1/responses", "/v1/chat/completions", "/v1/chat/completions"]
    assert {row[:2] for row in await house.used()} == {("responses", "lacks")}
    assert all(leg.condition.circuit.phase(0) == "closed" for leg in house.platform.gateway.servers.legs())


BEFORE = {
    "refused": up.refuses(500, "CUDA died"),
    "garbage": up.answers(b"<garbage", content_type="text/event-stream"),
    "reset": up.resets(),
    "failed": up.streams(CREATED, event("response.failed", response=response("", error={"message": "no"}))),
    "error event": up.streams(CREATED, event("error", message="no", code=None, param=None)),
    "cut": up.streams(CREATED, ends=False),
    "ended": up.streams(CREATED),
    "429": up.refuses(429, "slow down", retry_after="30"),
}


@pytest.mark.parametrize("act", BEFORE.values(), ids=BEFORE.keys())
async def test_what_fails_before_the_first_word_no_client_sees(house: House, act: up.Act) -> None:
    house.does(act)
    stream = await house.client.responses.create(model="both", input="안녕", stream=True)
    events: list[Any] = [one async for one in stream]
    assert (events[-1].type, events[-1].response.output_text) == ("response.completed", "alsChat")
    assert [one.type for one in events].count("response.created") == 1


@pytest.mark.parametrize("ends", [True, False])
async def test_what_fails_after_it_raises_behind_what_was_said(house: House, ends: bool) -> None:
    house.does(up.streams(CREATED, WORDS[0], ends=ends))
    said = []
    with pytest.raises(openai.APIError) as caught:
        async for one in await house.client.responses.create(model="both", input="안녕", stream=True):
            said.append(one.type)
    assert said == ["response.created", "response.output_text.delta"]
    assert "ended early" in caught.value.message
    assert house.lacks.seen == []


async def test_what_a_chat_has_no_words_for_is_told_where_only_a_chat_can_be_had(house: House) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await house.client.responses.create(model="lacks", input="안녕", tools=[{"type": "web_search"}])
    assert caught.value.param == "tools"


@pytest.mark.parametrize("state", [{"previous_response_id": "resp_1"}, {"conversation": "c"}, {"background": True}])
async def test_what_would_have_to_be_kept_reaches_no_server(house: House, state: dict[str, Any]) -> None:
    house.does(up.answers(response("x")))
    with pytest.raises(openai.BadRequestError) as caught:
        await house.client.responses.create(model="has", input="안녕", **state)
    assert ([*state], house.has.seen) == ([caught.value.param], [])


@pytest.mark.parametrize(
    "wrong",
    [
        {"reasoning": "high"},
        {"text": {"format": "json"}},
        {"tools": ["web_search"]},
        {"tools": {"type": "function"}},
        {"input": [{"role": "user", "content": ["안녕"]}]},
        {"input": [{"role": "user", "content": 5}]},
        {"input": [{"type": "function_call_output", "call_id": "c", "output": 5}]},
    ],
    ids=str,
)
async def test_what_is_no_object_or_list_is_refused_by_name(house: House, wrong: dict[str, Any]) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await house.client.responses.create(**{"model": "lacks", "input": "안녕", **wrong})
    assert [caught.value.param] == [*wrong]


async def test_what_a_request_says_of_usage_is_not_believed(house: House) -> None:
    """A response repeats its tools, before its usage."""
    parameters = {"type": "object", "properties": {"usage": {"input_tokens": 0, "output_tokens": 0}}}
    tools = [{"type": "function", "name": "f", "parameters": parameters}]
    ended = {"tools": tools, **response("네", tools=tools)}
    house.does(up.streams(CREATED, WORDS[0], event("response.completed", response=ended)))
    stream: Any = await house.client.responses.create(model="has", input="안녕", stream=True)
    assert [one.type async for one in stream][-1] == "response.completed"
    assert await house.used() == [("responses", "has", 11, 5)]


async def test_each_word_counts_once_where_the_server_does_not_count(house: House) -> None:
    named = [word + b"\nevent: response.output_text.delta" for word in WORDS]
    house.does(up.streams(CREATED, *named, event("response.completed", response=response("네", usage=None))))
    stream: Any = await house.client.responses.create(model="has", input="안녕", stream=True)
    assert len([one async for one in stream]) == 4
    [(*_, words)] = await house.used()
    assert words == 2


@pytest.mark.parametrize("error", [{"code": "server_error", "message": "CUDA died"}, None, "died"], ids=str)
async def test_a_response_that_fails_on_its_way_is_told_once_and_not_kept(house: House, error: Any) -> None:
    failed = event("response.failed", response=response("", status="failed", error=error))
    house.does(up.streams(CREATED, WORDS[0], failed))
    for _ in range(2):
        asked: Any = house.client.responses.with_raw_response
        answer = await asked.create(model="kept", input="안녕", stream=True, temperature=0)
        raw = (await answer.http_response.aread()).split(b"\n\n")
        assert [json.loads(one[6:]).get("type") for one in raw if one] == [
            "response.created",
            "response.output_text.delta",
            "response.failed",
        ]
    assert len(house.has.seen) == 2, "asked afresh"
    rows = await house.platform.quotas.spent(house.platform.workspace_id, ["operation"], since=0, until=99999999)
    assert [(one["requests"], one["failures"]) for one in rows] == [(2, 2)]


async def test_an_answer_that_is_given_again_counts_as_a_response(house: House) -> None:
    house.does(up.answers(response("네")))
    for _ in range(2):
        await house.client.responses.create(model="kept", input="안녕", temperature=0)
    await house.client.chat.completions.create(model="kept", messages=[{"role": "user", "content": "안녕"}])
    assert [one.path for one in house.has.seen] == ["/v1/responses", "/v1/chat/completions"]
    rows = await house.platform.quotas.spent(house.platform.workspace_id, ["operation"], since=0, until=99999999)
    assert {one["operation"]: one["requests"] for one in rows} == {"responses": 2, "chat": 1}
