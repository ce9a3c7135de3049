"""OpenAI's own clients against a gateway whose servers fail: streaming, tools, errors, retries, timeouts."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel

from tests import upstream as up
from tests.api.npm import npm_installed
from tests.live import LiveServer, start_server

SCRIPT = Path(__file__).with_name("openai.mjs")
NPM_CLIENT = "openai@7.57.0"
HELLO: list[Any] = [{"role": "user", "content": "안녕"}]
CONFIG = """
organs: {{llm: {{use: scripted}}, embedding: {{use: hashing}}, vector_store: {{use: memory}}, rerank: {{use: overlap}}}}
servers:
{servers}
models:
  smart: {{deployments: [{{server: bad}}, {{server: good, priority: 1}}]}}
  breaks: {{deployments: [{{server: breaks}}]}}
  busy: {{deployments: [{{server: busy}}], attempts: 1}}
  hangs: {{deployments: [{{server: hangs}}]}}
  tools: {{deployments: [{{server: tools}}]}}
  endless: {{deployments: [{{server: endless}}]}}
  silent: {{deployments: [{{server: hangs}}], attempts: 1, timeouts: {{first_s: 0.3}}}}
  garbage: {{deployments: [{{server: garbage}}], attempts: 1}}
  mixed: {{deployments: [{{server: bad}}], fallbacks: [default]}}
"""
CALL = {"index": 0, "id": "c1", "type": "function", "function": {"name": "weather", "arguments": ""}}
PIECES = ['{"city":', '"서울"}']


@dataclass(frozen=True)
class Scene:
    live: LiveServer
    key: str
    servers: dict[str, up.Upstream]

    def client(self, **options: Any) -> OpenAI:
        http = httpx.Client(trust_env=False, timeout=options.pop("timeout", 30))
        return OpenAI(
            base_url=f"{self.live.url}/v1", api_key=self.key, http_client=http, **{"max_retries": 0} | options
        )


def _tool_calls() -> up.Act:
    deltas = [{"tool_calls": [CALL]}, *({"tool_calls": [{"index": 0, "function": {"arguments": p}}]} for p in PIECES)]
    return up.streams(
        up.role(), *(up._chunk(delta) for delta in deltas), up.finish("tool_calls"), up.usage(), b"[DONE]"
    )


ACTS: dict[str, up.Act] = {
    "good": up.completion("네, 안녕하세요"),
    "bad": up.streams(up.role(), ends=False),
    "breaks": up.streams(up.role(), up.word("반만"), ends=False),
    "busy": up.completion("이제"),
    "hangs": up.hangs(),
    "tools": _tool_calls(),
    "endless": up.streams(up.role(), up.word("아직"), waits=asyncio.Event()),
    "garbage": up.answers(b"<html>no JSON", content_type="application/json"),
}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    running = {name: up.upstream_thread(models=[f"{name}-1"], default=act) for name, act in ACTS.items()}
    servers = {name: context.__enter__() for name, context in running.items()}
    lines = "\n".join(f'  {name}: {{url: "{one.url}", timeout_s: 20}}' for name, one in servers.items())
    live = start_server(tmp_path_factory.mktemp("home"), "--no-demo", config=CONFIG.format(servers=lines))
    with live.client() as console:
        key = console.post("/api/v1/keys", json={"kind": "model"}).json()["token"]
    yield Scene(live, key, servers)
    live.stop()
    for context in running.values():
        context.__exit__(None, None, None)


def test_a_server_that_breaks_off_before_its_first_word_is_never_seen(scene: Scene) -> None:
    client = scene.client()
    stream = client.chat.completions.create(
        model="smart", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "네,안녕하세요"
    assert chunks[-1].usage and chunks[-1].usage.total_tokens == 9
    whole = client.chat.completions.create(model="smart", messages=HELLO)
    assert whole.choices[0].message.content == "네, 안녕하세요"
    mixed = client.chat.completions.create(model="mixed", messages=HELLO)
    assert mixed.choices[0].message.content == "안녕"


def test_what_breaks_off_later_raises_behind_what_was_said(scene: Scene) -> None:
    said = ""
    with pytest.raises(openai.APIError, match="ended early") as caught:
        for chunk in scene.client().chat.completions.create(model="breaks", messages=HELLO, stream=True):
            said += chunk.choices[0].delta.content or ""
    assert (said, caught.value.code) == ("반만", "model_failed")


def test_errors_are_those_the_client_knows(scene: Scene) -> None:
    client = scene.client()
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="nothing", messages=HELLO)
    assert (unknown.value.code, unknown.value.param, unknown.value.type) == (
        "model_unknown",
        "model",
        "not_found_error",
    )
    with pytest.raises(openai.BadRequestError) as empty:
        client.chat.completions.create(model="smart", messages=[])
    assert empty.value.param == "messages"
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="sk-wrong").models.list()
    scene.servers["good"].does = [up.refuses(400, "temperature must be below 2")]
    with pytest.raises(openai.BadRequestError, match="temperature"):
        client.chat.completions.create(model="good-1", messages=HELLO, temperature=9)


def test_the_client_waits_as_long_as_the_server_asks_and_tries_again(scene: Scene) -> None:
    scene.servers["busy"].does = [up.refuses(429, "slow down", retry_after="1")]
    with pytest.raises(openai.RateLimitError) as caught:
        scene.client().chat.completions.create(model="busy", messages=HELLO)
    assert caught.value.response.headers["retry-after"] == "1"
    answer = scene.client(max_retries=2).chat.completions.create(model="busy", messages=HELLO)
    assert answer.choices[0].message.content == "이제"


def test_the_clients_timeout_is_its_own(scene: Scene) -> None:
    with pytest.raises(openai.APITimeoutError):
        scene.client(timeout=0.3).chat.completions.create(model="hangs", messages=HELLO)


def test_a_server_that_says_nothing_or_garbage_is_an_error_of_the_servers(scene: Scene) -> None:
    client = scene.client()
    with pytest.raises(openai.InternalServerError) as silent:
        client.chat.completions.create(model="silent", messages=HELLO)
    assert (silent.value.status_code, silent.value.code) == (503, "model_timeout")
    with pytest.raises(openai.InternalServerError) as garbage:
        client.chat.completions.create(model="garbage", messages=HELLO)
    assert garbage.value.code == "model_failed"


def test_a_client_that_leaves_a_stream_ends_the_call(scene: Scene) -> None:
    def cancelled() -> float:
        with scene.live.client() as console:
            text = console.get("/metrics").text
        found = re.findall(r'gateway_calls_total\{.*outcome="cancelled"\} (\S+)', text)
        return sum(map(float, found))

    before = cancelled()
    with scene.client().chat.completions.create(model="endless", messages=HELLO, stream=True) as stream:
        assert any(chunk.choices[0].delta.content == "아직" for chunk in stream)
    end = time.monotonic() + 30
    while cancelled() == before:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_budget_that_is_used_up_is_a_rate_limit_with_its_code(scene: Scene) -> None:
    with scene.live.client() as console:
        made = console.post("/api/v1/keys", json={"kind": "model"}).json()
        quota = {"subject": "key", "subject_id": made["key"]["id"], "requests_per_minute": 1, "models": ["smart"]}
        console.put("/api/v1/quotas", json=quota).raise_for_status()
    client = scene.client().with_options(api_key=made["token"])
    with pytest.raises(openai.PermissionDeniedError) as closed:
        client.chat.completions.create(model="good-1", messages=HELLO)
    assert closed.value.code == "model_not_allowed"
    with pytest.raises(openai.RateLimitError) as limited:
        for _ in range(3):  # the second one, or the third in the next minute
            client.chat.completions.create(model="smart", messages=HELLO)
    assert limited.value.code == "rate_limited"
    assert 1 <= int(limited.value.response.headers["retry-after"]) <= 60


def test_tool_calls_are_put_together_by_the_client(scene: Scene) -> None:
    with scene.client().chat.completions.stream(model="tools", messages=HELLO) as stream:
        final = stream.get_final_completion()
    (call,) = final.choices[0].message.tool_calls or []
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "서울"})
    assert final.choices[0].finish_reason == "tool_calls"


def test_schemas_pass_and_answers_are_parsed(scene: Scene) -> None:
    class City(BaseModel):
        name: str

    scene.servers["good"].does = [up.completion('{"name":"서울"}')]
    found = scene.client().chat.completions.parse(model="good-1", messages=HELLO, response_format=City)
    assert found.choices[0].message.parsed == City(name="서울")
    assert scene.servers["good"].seen[-1].body["response_format"]["json_schema"]["name"] == "City"


def test_responses_are_chats_in_newer_words(scene: Scene) -> None:
    client = scene.client()
    whole = client.responses.create(model="smart", input="안녕", instructions="짧게", max_output_tokens=9)
    assert (whole.output_text, whole.status) == ("네, 안녕하세요", "completed")
    assert whole.usage and (whole.usage.input_tokens, whole.usage.output_tokens) == (7, 2)
    sent = scene.servers["good"].seen[-1].body
    assert [one["role"] for one in sent["messages"]] == ["system", "user"]
    assert sent["max_tokens"] == 9
    with client.responses.stream(model="smart", input="안녕") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert final.output_text == "네,안녕하세요"
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    assert {"response.output_item.added", "response.output_text.done", "response.content_part.done"} <= set(kinds)


def test_a_responses_tools_come_as_items_and_its_conversation_stands_in_the_request(scene: Scene) -> None:
    client = scene.client()
    tool: Any = {"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False}
    with client.responses.stream(model="tools", input="날씨?", tools=[tool]) as stream:
        list(stream)
        (item,) = stream.get_final_response().output
    assert item.type == "function_call"
    assert json.loads(item.arguments) == {"city": "서울"}
    given: Any = [
        {"role": "user", "content": [{"type": "input_text", "text": "날씨?"}]},
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "맑음"},
    ]
    client.responses.create(model="smart", input=given)
    sent = scene.servers["good"].seen[-1].body["messages"]
    assert [one["role"] for one in sent] == ["user", "assistant", "tool"]
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="smart", input="x", previous_response_id="resp_1")
    assert caught.value.param == "previous_response_id"


def test_a_broken_response_ends_as_failed(scene: Scene) -> None:
    events = list(scene.client().responses.create(model="breaks", input="안녕", stream=True))
    assert events[-1].type == "response.failed"


def test_completions_are_handed_on_or_asked_as_a_chat(scene: Scene) -> None:
    client = scene.client()
    body = {"id": "x", "object": "text_completion", "choices": [{"index": 0, "text": "가", "finish_reason": "stop"}]}
    scene.servers["good"].routes["/v1/completions"] = up.answers(body | {"usage": {"prompt_tokens": 1}})
    assert client.completions.create(model="good-1", prompt="x", logprobs=2).choices[0].text == "가"
    assert scene.servers["good"].seen[-1].body["logprobs"] == 2
    assert client.completions.create(model="scripted", prompt="되풀이").choices[0].text == "되풀이"
    streamed = client.completions.create(model="scripted", prompt="하나 둘", stream=True)
    assert "".join(chunk.choices[0].text for chunk in streamed) == "하나 둘"


def test_embeddings_and_sound_of_a_server_pass_as_they_are(scene: Scene) -> None:
    client, good = scene.client(), scene.servers["good"]
    vector = {"object": "list", "data": [{"index": 0, "embedding": [1.0, 0.0]}], "usage": {"prompt_tokens": 1}}
    good.routes["/v1/embeddings"] = up.answers(vector)
    found = client.embeddings.create(model="good-1", input="x", encoding_format="float")
    assert found.data[0].embedding == [1.0, 0.0]
    good.routes["/v1/audio/transcriptions"] = up.answers({"text": "안녕"})
    heard = client.audio.transcriptions.create(model="good-1", file=("a.wav", b"RIFFsound"), language="ko")
    assert heard.text == "안녕"
    assert b"RIFFsound" in good.seen[-1].raw and b'name="language"' in good.seen[-1].raw
    good.routes["/v1/audio/speech"] = up.answers(b"ID3sound", content_type="audio/mpeg")
    spoken = client.audio.speech.create(model="good-1", voice="alloy", input="안녕")
    assert spoken.content == b"ID3sound"


def test_reranking_has_the_shape_of_cohere_and_jina(scene: Scene) -> None:
    headers = {"Authorization": f"Bearer {scene.key}"}
    with httpx.Client(base_url=f"{scene.live.url}/v1", headers=headers, trust_env=False, timeout=30) as http:
        body = {"query": "연차 휴가", "documents": ["급여", {"text": "연차 휴가는 15일"}], "return_documents": True}
        found = http.post("/rerank", json={**body, "top_n": 1}).json()
        assert found["model"] == "overlap"
        assert [(one["index"], one["document"]["text"]) for one in found["results"]] == [(1, "연차 휴가는 15일")]
        refused = http.post("/rerank", json={"query": "q", "documents": []})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "documents")


@pytest.fixture(scope="module")
def npm_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return npm_installed(NPM_CLIENT, tmp_path_factory.mktemp("npm"))


def test_the_npm_client_sees_the_same(scene: Scene, npm_folder: Path) -> None:
    scene.servers["busy"].does = [up.refuses(429, "slow down", retry_after="1")]
    command: list[str | Path] = ["node", SCRIPT, npm_folder, f"{scene.live.url}/v1", scene.key]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    told = cast(dict[str, Any], json.loads(done.stdout))
    assert (told["whole"], told["streamed"], told["usage"]) == ("네, 안녕하세요", "네,안녕하세요", 9)
    assert told["response"] == "네, 안녕하세요"
    assert told["called"] == [{"name": "weather", "arguments": '{"city":"서울"}'}]
    assert told["left"] == "아직"
    assert told["silent"] == ["InternalServerError", 503, "model_timeout"]
    assert (told["events"][0], told["events"][-1]) == ("response.created", "response.completed")
    assert {"scripted", "smart", "good-1"} <= set(told["models"])
    assert told["unknown"] == ["NotFoundError", 404, "model_unknown", "model", "not_found_error"]
    assert told["before"] == "반만"
    assert told["broken"] == [True, "model_failed"]
    assert told["retried"] == "이제"
    assert told["timeout"] == "APIConnectionTimeoutError"
