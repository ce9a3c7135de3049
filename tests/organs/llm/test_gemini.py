"""Google's generateContent: what is sent, what comes back, and its faults."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from llmflow.errors import LLMFlowError, NotFound, OrganError, TooMany, UsageError
from llmflow.net.client import HttpClient
from llmflow.organs.llm.gemini import GeminiLlm
from llmflow.ports.llm import ChatDelta, ChatRequest, Message, TokenUsage
from tests import upstream as up

KEY = "AIza-secret"
HELLO = ChatRequest((Message("user", "안녕"),), model="gemini-x")
PATH = "/v1beta/models/gemini-x:streamGenerateContent?alt=sse"
WEATHER = {"type": "function", "function": {"name": "weather", "description": "d", "parameters": {"type": "object"}}}


def chunk(*parts: dict[str, Any], reason: str | None = None, **more: Any) -> bytes:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": reason}
    return json.dumps({"candidates": [candidate], **more}).encode()


USAGE = {"promptTokenCount": 7, "candidatesTokenCount": 3, "thoughtsTokenCount": 2}
LISTED = {
    "models": [
        {"name": "models/embedder", "supportedGenerationMethods": ["embedContent"]},
        {"name": "models/gemini-x", "inputTokenLimit": 4096, "supportedGenerationMethods": ["generateContent"]},
    ]
}


@pytest.fixture
async def server() -> AsyncIterator[up.Upstream]:
    async with up.upstream(routes={"/v1beta/models?pageSize=1000": up.answers(LISTED)}) as running:
        yield running


@pytest.fixture
async def llm(server: up.Upstream) -> AsyncIterator[GeminiLlm]:
    http = HttpClient()
    yield GeminiLlm(http=http, url=server.url, api_key=KEY, timeout_s=5)
    await http.close()


async def answer(llm: GeminiLlm, request: ChatRequest = HELLO) -> list[ChatDelta]:
    return [delta async for delta in llm.stream(request)]


async def test_a_text_comes_with_its_end_and_its_usage(llm: GeminiLlm, server: up.Upstream) -> None:
    server.default = up.streams(
        chunk({"text": "흠", "thought": True}),
        chunk({"text": "네, "}),
        chunk({"text": "안녕"}, reason="STOP", usageMetadata=USAGE),
    )
    assert await answer(llm) == [
        ChatDelta(reasoning="흠"),
        ChatDelta(text="네, "),
        ChatDelta(text="안녕"),
        ChatDelta(finish_reason="stop", usage=TokenUsage(7, 5)),
    ]
    (seen,) = server.seen
    assert (seen.path, seen.headers["x-goog-api-key"]) == (PATH, KEY)


async def test_a_conversation_with_tools_and_pictures_is_told_in_their_words(
    llm: GeminiLlm, server: up.Upstream
) -> None:
    function = {"functionCall": {"name": "weather", "args": {"city": "서울"}}}
    server.default = up.streams(chunk(function, function, reason="STOP", usageMetadata=USAGE))
    call = {"id": "t1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "서울"}'}}
    picture: list[dict[str, Any]] = [
        {"type": "text", "text": "?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
    ]
    schema = {"name": "x", "schema": {"type": "object"}}
    options = {
        "tools": [WEATHER],
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
        "response_format": {"type": "json_schema", "json_schema": schema},
        "seed": 3,
    }
    messages = (
        Message("system", "짧게"),
        Message("user", picture),
        Message("assistant", None, tool_calls=[call]),
        Message("tool", "맑음", tool_call_id="t1"),
    )
    *calls, end = await answer(llm, ChatRequest(messages, "gemini-x", 0.5, 50, ("끝",), options))
    assert [one["index"] for delta in calls for one in delta.tool_calls or ()] == [0, 1]
    assert json.loads((calls[0].tool_calls or [])[0]["function"]["arguments"]) == {"city": "서울"}
    assert end.finish_reason == "tool_calls"
    body = server.seen[0].body
    assert body["systemInstruction"] == {"parts": [{"text": "짧게"}]}
    assert [one["role"] for one in body["contents"]] == ["user", "model", "user"]
    assert body["contents"][0]["parts"][1] == {"inlineData": {"mimeType": "image/png", "data": "QUJD"}}
    assert body["contents"][2]["parts"] == [{"functionResponse": {"name": "weather", "response": {"result": "맑음"}}}]
    assert body["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"] == {"type": "object"}
    assert body["toolConfig"]["functionCallingConfig"] == {"mode": "ANY", "allowedFunctionNames": ["weather"]}
    assert body["generationConfig"] == {
        "seed": 3,
        "temperature": 0.5,
        "maxOutputTokens": 50,
        "stopSequences": ["끝"],
        "responseMimeType": "application/json",
        "responseJsonSchema": {"type": "object"},
    }


def _error(status: int, message: str, **more: Any) -> up.Act:
    return up.answers({"error": {"code": status, "message": message, "status": "X", **more}}, status)


@pytest.mark.parametrize(
    ("act", "kind", "code"),
    [
        (_error(400, "API key not valid. Please pass a valid API key."), OrganError, "model_key_wrong"),
        (_error(404, "models/gemini-x is not found"), NotFound, "model_unknown"),
        (_error(400, "Invalid value at contents"), UsageError, "invalid_request"),
        (_error(503, f"The model is overloaded {KEY}"), OrganError, "model_failed"),
        (up.streams(chunk({"text": "반"})), OrganError, "model_failed"),
        (up.streams(b'{"error": {"code": 500, "message": "x"}}'), OrganError, "model_failed"),
        (up.streams(b"{nonsense"), OrganError, "model_failed"),
        (up.resets(), OrganError, "organ_unavailable"),
    ],
    ids=range(8),
)
async def test_faults_have_their_codes(
    llm: GeminiLlm, server: up.Upstream, act: up.Act, kind: type[LLMFlowError], code: str
) -> None:
    server.default = act
    with pytest.raises(kind) as caught:
        await answer(llm)
    assert caught.value.code == code
    assert KEY not in str(caught.value)


async def test_how_long_to_wait_stands_in_the_details(llm: GeminiLlm, server: up.Upstream) -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "30s"}]
    server.default = _error(429, "quota", details=details)
    with pytest.raises(TooMany) as caught:
        await answer(llm)
    assert caught.value.wait_s == 30


async def test_a_blocked_question_ends_as_filtered(llm: GeminiLlm, server: up.Upstream) -> None:
    server.default = up.streams(json.dumps({"promptFeedback": {"blockReason": "SAFETY"}}).encode())
    assert [delta.finish_reason for delta in await answer(llm)] == ["content_filter"]


async def test_only_models_that_make_text_are_listed(llm: GeminiLlm) -> None:
    assert [(one.id, one.context_tokens) for one in await llm.models()] == [("gemini-x", 4096)]
    assert (await llm.health()).ok
