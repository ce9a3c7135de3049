"""The border over every operation: what leaves for a model, and what comes back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from llmflow.api.routes.openai.surface import direct_paths
from llmflow.config.load import load
from llmflow.gateway.gateway import Gateway
from llmflow.gateway.speech import SpeechGateway
from llmflow.organs.embedding.hashing import HashingEmbedding
from llmflow.organs.rerank.overlap import OverlapRerank
from llmflow.organs.speech.scripted import ScriptedSpeech
from llmflow.ports.embedding import Embedding
from llmflow.ports.rerank import Rerank
from llmflow.ports.speech import Speech
from llmflow.wiring import Platform, build
from tests import upstream as up
from tests.gateway.masking import Masking

CONFIG = """
organs: {{llm: {{use: scripted}}, embedding: {{use: hashing}}, vector_store: {{use: memory}}}}
servers: {{up: {{use: openai, url: "{url}"}}}}
"""
SECRET, HIDDEN = "비밀 이야기", "<1> 이야기"


@dataclass(frozen=True)
class House:
    platform: Platform
    server: up.Upstream
    http: httpx.AsyncClient

    async def post(self, path: str, **body: Any) -> httpx.Response:
        answer = await self.http.post(path, json={"model": "up", **body})
        answer.raise_for_status()
        return answer


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(up.upstream(default=up.completion("<1> 이야기군요")))
        (tmp_path / "llmflow.yaml").write_text(CONFIG.format(url=server.url), "utf-8")
        platform = await build(load(home=tmp_path))
        stack.push_async_callback(platform.close)
        platform.gateway.border = Masking()
        _, key = await platform.keys.create(platform.workspace_id, "model")
        paths = direct_paths(platform)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await paths[scope["path"]](scope, receive, send)

        http = await stack.enter_async_context(
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url="http://x", headers={"Authorization": f"Bearer {key}"}
            )
        )
        yield House(platform, server, http)


async def test_embedded_texts_are_hidden_from_the_organ_and_from_servers(house: House) -> None:
    hashing = HashingEmbedding()
    gateway = Gateway({}, cast(Embedding, hashing), border=Masking())
    assert (await gateway.embed("", [SECRET], "query") == await hashing.embed([HIDDEN], "query")).all()
    house.server.default = up.answers({"data": [], "usage": {"prompt_tokens": 1}})
    for given, sent in ((SECRET, HIDDEN), ([SECRET, "그냥"], [HIDDEN, "그냥"])):
        await house.post("/v1/embeddings", input=given)
        assert house.server.seen[-1].body["input"] == sent


async def test_tokens_that_nobody_can_read_do_not_leave(house: House) -> None:
    answer = await house.http.post("/v1/embeddings", json={"model": "up", "input": [[1, 2, 3]]})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "input")
    assert house.server.seen == []


async def test_ranked_texts_and_their_question_are_hidden(house: House) -> None:
    overlap = OverlapRerank()
    gateway = Gateway({}, cast(Embedding, HashingEmbedding()), cast(Rerank, overlap), border=Masking())
    assert await gateway.rerank(SECRET, [HIDDEN, "x"]) == await overlap.rerank(HIDDEN, [HIDDEN, "x"])
    house.server.default = up.answers({"results": [{"index": 0, "relevance_score": 1.0}]})
    await house.post("/v1/rerank", query=SECRET, documents=[SECRET, {"text": SECRET, "id": 7}])
    sent = house.server.seen[-1].body
    assert (sent["query"], sent["documents"]) == (HIDDEN, [HIDDEN, {"text": HIDDEN, "id": 7}])


async def test_what_is_spoken_is_hidden(house: House) -> None:
    spoken = SpeechGateway(cast(Speech, ScriptedSpeech()), border=Masking())
    plain = SpeechGateway(cast(Speech, ScriptedSpeech()))
    assert [p async for p in spoken.speak(SECRET)] == [p async for p in plain.speak(HIDDEN)]
    house.server.default = up.answers(b"sound", content_type="audio/mpeg")

    def body_for(model: str, texts: Any) -> bytes:
        return json.dumps({"model": model, "input": texts[0]}).encode()

    sent = await house.platform.relay.send(
        "speech", "/audio/speech", "up", [SECRET], body_for, media_type="application/json"
    )
    assert (sent.body, house.server.seen[-1].body["input"]) == (b"sound", HIDDEN)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_completion_crosses_both_ways(house: House, stream: bool) -> None:
    answer = await house.post("/v1/completions", prompt=SECRET, stream=stream)
    seen = house.server.seen[-1]
    assert (seen.path, seen.body["messages"][0]["content"]) == ("/v1/chat/completions", HIDDEN)
    if stream:
        events = [json.loads(line[6:]) for line in answer.text.split("\n\n") if line.startswith("data: {")]
        assert "".join(event["choices"][0]["text"] for event in events) == "비밀이야기군요"
    else:
        assert answer.json()["choices"][0]["text"] == "비밀이야기군요"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_response_crosses_both_ways(house: House, stream: bool) -> None:
    answer = await house.post("/v1/responses", input=SECRET, stream=stream)
    seen = house.server.seen[-1]
    assert (seen.path, seen.body["messages"][0]["content"]) == ("/v1/chat/completions", HIDDEN)
    if stream:
        events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
        text = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
        assert text == "비밀이야기군요"
    else:
        assert answer.json()["output"][0]["content"][0]["text"] == "비밀이야기군요"
