"""Anthropic's Messages API: what is sent, what comes back, and its faults."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from llmflow.errors import LLMFlowError, NotFound, OrganError, TooMany, UsageError
from llmflow.net.client import HttpClient
from llmflow.organs.llm.anthropic import AnthropicLlm
from llmflow.ports.llm import ChatDelta, ChatRequest, Message, TokenUsage
from tests import upstream as up

KEY = "sk-ant-secret"
HELLO = ChatRequest((Message("user", "안녕"),), model="claude")
WEATHER = {"type": "function", "function": {"name": "weather", "description": "d", "parameters": {"type": "object"}}}


def event(kind: str, **more: Any) -> bytes:
    return json.dumps({"type": kind, **more}).encode()


START = event("message_start", message={"id": "m", "usage": {"input_tokens": 3, "cache_read_input_tokens": 4}})
TEXT = [
    event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
    event("ping"),
    event("content_block_delta", index=0, delta={"type": "text_delta", "text": "네, "}),
    event("content_block_delta", index=0, delta={"type": "text_delta", "text": "안녕"}),
    event("content_block_stop", index=0),
]
END = [event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 5}), event("message_stop")]


@pytest.fixture
async def server() -> AsyncIterator[up.Upstream]:
    async with up.upstream(models=["claude"]) as running:
        yield running


@pytest.fixture
async def llm(server: up.Upstream) -> AsyncIterator[AnthropicLlm]:
    http = HttpClient()
    yield AnthropicLlm(http=http, url=server.url, api_key=KEY, timeout_s=5)
    await http.close()


async def answer(llm: AnthropicLlm, request: ChatRequest = HELLO) -> list[ChatDelta]:
    return [delta async for delta in llm.stream(request)]


async def test_a_text_comes_with_its_end_and_its_usage(llm: AnthropicLlm, server: up.Upstream) -> None:
    server.default = up.streams(START, *TEXT, *END)
    assert await answer(llm) == [
        ChatDelta(text="네, "),
        ChatDelta(text="안녕"),
        ChatDelta(finish_reason="stop", usage=TokenUsage(7, 5)),
    ]
    (seen,) = server.seen
    assert (seen.path, seen.headers["x-api-key"], seen.headers["anthropic-version"]) == (
        "/v1/messages",
        KEY,
        "2023-06-01",
    )
    assert seen.body["max_tokens"] == 4096


async def test_thinking_and_tool_calls_become_deltas(llm: AnthropicLlm, server: up.Upstream) -> None:
    server.default = up.streams(
        START,
        event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "흠"}),
        event("content_block_start", index=1, content_block={"type": "tool_use", "id": "t1", "name": "weather"}),
        event("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": '{"city":'}),
        event("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": '"서울"}'}),
        event("message_delta", delta={"stop_reason": "tool_use"}, usage={"output_tokens": 9}),
    )
    first, start, one, two, end = await answer(llm)
    assert first.reasoning == "흠"
    assert start.tool_calls == [
        {"index": 0, "id": "t1", "type": "function", "function": {"name": "weather", "arguments": ""}}
    ]
    pieces = [call["function"]["arguments"] for delta in (one, two) for call in delta.tool_calls or ()]
    assert "".join(pieces) == '{"city":"서울"}'
    assert end.finish_reason == "tool_calls"


async def test_a_conversation_with_tools_and_pictures_is_told_in_their_words(
    llm: AnthropicLlm, server: up.Upstream
) -> None:
    server.default = up.streams(START, *TEXT, *END)
    call = {"id": "t1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "서울"}'}}
    picture: list[dict[str, Any]] = [
        {"type": "text", "text": "무엇?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    ]
    messages = (
        Message("system", "짧게"),
        Message("user", picture),
        Message("assistant", None, tool_calls=[call]),
        Message("tool", "맑음", tool_call_id="t1"),
        Message("user", "고마워"),
    )
    options = {"tools": [WEATHER], "tool_choice": "required", "parallel_tool_calls": False, "user": "u", "top_p": 0.5}
    await answer(llm, ChatRequest(messages, "claude", 1.7, 50, ("끝",), options))
    body = server.seen[0].body
    assert body["system"] == "짧게"
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]
    assert [block["type"] for block in body["messages"][0]["content"]] == ["text", "image", "image"]
    assert body["messages"][0]["content"][1]["source"] == {"type": "base64", "media_type": "image/png", "data": "QUJD"}
    assert body["messages"][1]["content"] == [
        {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "서울"}}
    ]
    assert [block["type"] for block in body["messages"][2]["content"]] == ["tool_result", "text"]
    assert body["tools"] == [{"name": "weather", "description": "d", "input_schema": {"type": "object"}}]
    assert body["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}
    assert (body["max_tokens"], body["stop_sequences"], body["temperature"]) == (50, ["끝"], 1.0)
    assert (body["metadata"], body["top_p"]) == ({"user_id": "u"}, 0.5)


@pytest.mark.parametrize(
    ("act", "kind", "code"),
    [
        (up.refuses(401, "invalid x-api-key"), OrganError, "model_key_wrong"),
        (up.refuses(404, "model: claude"), NotFound, "model_unknown"),
        (up.refuses(400, "prompt is too long: 9 tokens > 8 maximum"), UsageError, "context_too_long"),
        (up.refuses(400, "max_tokens: too large"), UsageError, "invalid_request"),
        (up.refuses(429, "slow down", retry_after="7"), TooMany, "too_many_requests"),
        (up.refuses(529, "Overloaded"), TooMany, "too_many_requests"),
        (up.refuses(500, f"internal {KEY}"), OrganError, "model_failed"),
        (up.streams(START, event("error", error={"type": "overloaded_error", "message": "busy"})), TooMany, None),
        (up.streams(START, event("error", error={"type": "api_error", "message": "x"})), OrganError, "model_failed"),
        (up.streams(START, *TEXT), OrganError, "model_failed"),
        (up.streams(START, *TEXT, ends=False), OrganError, "model_failed"),
        (up.streams(b"{nonsense"), OrganError, "model_failed"),
        (up.resets(), OrganError, "organ_unavailable"),
    ],
    ids=range(13),
)
async def test_faults_have_their_codes(
    llm: AnthropicLlm, server: up.Upstream, act: up.Act, kind: type[LLMFlowError], code: str | None
) -> None:
    server.default = act
    with pytest.raises(kind) as caught:
        await answer(llm)
    assert caught.value.code == (code or caught.value.code)
    assert KEY not in str(caught.value)


async def test_models_are_listed_and_the_first_is_the_default(llm: AnthropicLlm, server: up.Upstream) -> None:
    assert [(one.id, one.vision) for one in await llm.models()] == [("claude", True)]
    server.default = up.streams(START, *TEXT, *END)
    await answer(llm, ChatRequest((Message("user", "안녕"),)))
    assert server.seen[0].body["model"] == "claude"
    assert (await llm.health()).ok
