"""Faults of a remote model server, each told by its own code; and what differs between servers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from llmflow.errors import ConfigError, LLMFlowError, NotFound, OrganError, TooMany, UsageError
from llmflow.net.client import HttpClient
from llmflow.organs.llm.openai import OpenAILlm, base_url, estimate_tokens
from llmflow.ports.llm import ChatDelta, ChatRequest, Message

KEY = "sk-secret-0123456789abcdef"
HELLO = ChatRequest((Message("user", "hello"),))
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Scene:
    """A server whose chat does what a test says, and an adapter that talks to it."""

    def __init__(self) -> None:
        self.chat: Handler | None = None
        self.listing: Any = {"data": [{"id": "alpha"}, {"id": "beta-7b"}]}
        self.asked: list[dict[str, Any]] = []
        self.http = HttpClient()
        app = web.Application()
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/chat/completions", self._chat)
        self.server = TestServer(app)

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response(self.listing) if not isinstance(self.listing, web.Response) else self.listing

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        assert self.chat
        return await self.chat(request)

    def llm(self, *, model: str = "alpha", key: str = KEY, timeout_s: float = 5.0, url: str = "") -> OpenAILlm:
        url = url or str(self.server.make_url("/v1/"))
        return OpenAILlm(url=url, model=model, api_key=key, context_tokens=4096, timeout_s=timeout_s, http=self.http)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    await made.server.start_server()
    yield made
    await made.http.close()
    await made.server.close()


def refusing(status: int, body: Any, **headers: str) -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, text=text, headers=headers)

    return handler


def sending(*pieces: bytes | float, then: str = "end") -> Handler:
    """Writes the bytes, sleeps the numbers, and then ends, hangs or cuts the connection."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        for piece in pieces:
            if isinstance(piece, bytes):
                await response.write(piece)
            else:
                await asyncio.sleep(piece)
        if then == "hang":
            await asyncio.sleep(30)
        if then == "cut":
            assert request.transport
            request.transport.abort()
        return response

    return handler


def chunk(content: str = "", finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


async def answer(llm: OpenAILlm, request: ChatRequest = HELLO) -> list[ChatDelta]:
    return [delta async for delta in llm.stream(request)]


async def failing(llm: OpenAILlm, kind: type[LLMFlowError], code: str) -> LLMFlowError:
    with pytest.raises(kind) as caught:
        await answer(llm)
    assert caught.value.code == code
    assert KEY not in str(caught.value)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_says_which_setting_is_wrong_and_never_shows_it(scene: Scene, status: int) -> None:
    scene.chat = refusing(status, {"error": {"message": f"Incorrect API key provided: {KEY}"}})
    error = await failing(scene.llm(), OrganError, "model_key_wrong")
    assert "refuses the key" in error.message
    assert "organs.llm.api_key" in (error.hint or "")
    assert "wants a key" in (await failing(scene.llm(key=""), OrganError, "model_key_wrong")).message


async def test_a_key_in_any_other_message_is_blotted_out(scene: Scene) -> None:
    scene.chat = refusing(500, {"error": {"message": f"upstream said: bad bearer {KEY}"}})
    assert "bearer ***" in (await failing(scene.llm(), OrganError, "model_failed")).message
    scene.chat = sending(b'data: {"error": {"message": "who is ' + KEY.encode() + b'?"}}\n\n')
    assert "who is ***?" in (await failing(scene.llm(), OrganError, "model_failed")).message


async def test_an_unknown_model_names_those_there_are_and_the_nearest(scene: Scene) -> None:
    scene.chat = refusing(404, {"error": {"message": "The model `beta7b` does not exist.", "code": 404}})
    error = await failing(scene.llm(model="beta7b"), NotFound, "model_unknown")
    assert "Did you mean 'beta-7b'?" in error.message
    assert "alpha" in error.message


async def test_a_path_that_is_not_there_is_not_taken_for_a_model(scene: Scene) -> None:
    scene.chat = refusing(404, {"detail": "Not Found"})
    assert "organs.llm.url" in ((await failing(scene.llm(), OrganError, "model_address_wrong")).hint or "")
    scene.chat = refusing(308, "", Location="https://elsewhere.example/v1/chat/completions")
    await failing(scene.llm(), OrganError, "model_address_wrong")


async def test_a_web_page_is_no_answer(scene: Scene) -> None:
    async def page(_: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>Sign in</html>", content_type="text/html")

    scene.chat = page
    assert "web page" in (await failing(scene.llm(), OrganError, "model_address_wrong")).message


async def test_too_long_a_context_is_the_callers_to_mend(scene: Scene) -> None:
    message = "This model's maximum context length is 4096 tokens. However, your prompt has 5000 tokens."
    scene.chat = refusing(400, {"error": {"message": message}})
    assert "5000" in (await failing(scene.llm(), UsageError, "context_too_long")).message
    scene.chat = refusing(400, {"error": {"message": "temperature must be non-negative"}})
    assert "temperature" in (await failing(scene.llm(), UsageError, "invalid_request")).message


@pytest.mark.parametrize(("after", "wait_s"), [("7", 7), ("Wed, 21 Oct 2020 07:28:00 GMT", 0), ("soon", None)])
async def test_too_many_requests_hands_on_how_long_to_wait(scene: Scene, after: str, wait_s: int | None) -> None:
    scene.chat = refusing(429, {"error": {"message": "Rate limit reached"}}, **{"Retry-After": after})
    error = await failing(scene.llm(), TooMany, "too_many_requests")
    assert "Rate limit reached" in error.message
    assert isinstance(error, TooMany)
    assert error.wait_s == wait_s


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_failing_server_is_quoted(scene: Scene, status: int) -> None:
    scene.chat = refusing(status, {"error": {"message": "CUDA out of memory"}})
    error = await failing(scene.llm(), OrganError, "model_failed")
    assert "CUDA out of memory" in error.message
    assert str(status) in error.message


async def test_a_server_that_is_not_there_is_unavailable(scene: Scene, unused_tcp_port: int) -> None:
    url = f"http://user:{KEY}@127.0.0.1:{unused_tcp_port}"
    await failing(scene.llm(url=url), OrganError, "organ_unavailable")
    health = await scene.llm(url=url).health()
    assert not health.ok
    assert health.hint
    assert KEY not in f"{health}"


async def test_silence_before_and_within_an_answer_is_a_timeout(scene: Scene) -> None:
    scene.chat = sending(then="hang")
    await failing(scene.llm(timeout_s=0.2), OrganError, "model_timeout")
    scene.chat = sending(chunk("one"), then="hang")
    await failing(scene.llm(timeout_s=0.2), OrganError, "model_timeout")


@pytest.mark.parametrize("then", ["end", "cut"])
async def test_a_stream_without_its_end_is_an_error_after_what_came(scene: Scene, then: str) -> None:
    scene.chat = sending(chunk("one"), chunk("two"), 0.05, then=then)
    came: list[str] = []
    with pytest.raises(OrganError, match="ended early") as caught:
        async for delta in scene.llm().stream(HELLO):
            came.append(delta.text)
    assert came == ["one", "two"]
    assert caught.value.code == "model_failed"


@pytest.mark.parametrize("then", ["end", "cut", "hang"])
async def test_a_finished_answer_is_whole_even_when_done_never_comes(scene: Scene, then: str) -> None:
    scene.chat = sending(chunk("one"), chunk(finish="stop"), 0.05, then=then)
    deltas = await answer(scene.llm())
    assert [(delta.text, delta.finish_reason) for delta in deltas] == [("one", None), ("", "stop")]


async def test_garbage_in_the_stream_is_an_error(scene: Scene) -> None:
    scene.chat = sending(chunk("one"), b"data: {not json\n\n")
    assert "no chat chunk" in (await failing(scene.llm(), OrganError, "model_failed")).message


async def test_an_answer_in_one_json_body_is_read(scene: Scene) -> None:
    whole = {
        "choices": [{"index": 0, "message": {"content": "안녕하세요"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 2, "completion_tokens": 3},
    }

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.json_response(whole)

    scene.chat = handler
    first, last = await answer(scene.llm())
    assert first.text == "안녕하세요"
    assert last.usage is not None
    assert last.usage.completion_tokens == 3


async def test_a_server_that_refuses_stream_options_is_asked_without(scene: Scene) -> None:
    async def picky(request: web.Request) -> web.StreamResponse:
        if "stream_options" in scene.asked[-1]:
            return web.json_response({"detail": [{"loc": ["body", "stream_options"]}]}, status=422)
        return await sending(chunk("ok", "stop"))(request)

    scene.chat = picky
    llm = scene.llm()
    assert (await answer(llm))[0].text == "ok"
    await answer(llm)
    assert ["stream_options" in asked for asked in scene.asked] == [True, False, False]


async def test_a_kept_connection_that_died_is_no_error(scene: Scene) -> None:
    """Servers close idle connections after seconds; the first request after that must not fail."""
    scene.chat = sending(chunk("ok", "stop"), b"data: [DONE]\n\n")
    llm = scene.llm()
    await answer(llm)

    async def drop_once(request: web.Request) -> web.StreamResponse:
        if len(scene.asked) == 2:
            assert request.transport
            request.transport.abort()
        return await sending(chunk("again", "stop"))(request)

    scene.chat = drop_once
    assert (await answer(llm))[0].text == "again"
    assert len(scene.asked) == 3


async def test_leaving_early_closes_the_connection(scene: Scene) -> None:
    left = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            while True:
                await response.write(chunk("on and on"))
                await asyncio.sleep(0.005)
        except (ConnectionResetError, asyncio.CancelledError):
            left.set()
            raise

    scene.chat = endless
    async with aclosing(scene.llm().stream(HELLO)) as deltas:
        assert (await anext(deltas)).text == "on and on"
    await asyncio.wait_for(left.wait(), 5)


async def test_without_a_configured_model_the_first_listed_one_answers(scene: Scene) -> None:
    scene.chat = sending(chunk("ok", "stop"))
    await answer(scene.llm(model=""))
    assert scene.asked[-1]["model"] == "alpha"
    scene.listing = {"data": []}
    await failing(scene.llm(model=""), OrganError, "model_missing")
    assert not (await scene.llm(model="").health()).ok


async def test_the_default_stands_first_with_the_context_each_server_tells(scene: Scene) -> None:
    scene.listing = {
        "data": [
            {"id": "a", "owned_by": "vllm", "max_model_len": 32768},
            {"id": "b", "owned_by": "llamacpp", "meta": {"n_ctx_train": 2048}},
            {"id": "c", "owned_by": "llamacpp", "meta": {"n_ctx_train": 131072}},
            {"id": "d", "owned_by": "llamacpp", "meta": {"n_ctx": 8192, "n_ctx_train": 131072}},
            {"id": "e:latest", "owned_by": "library"},
        ]
    }
    models = await scene.llm(model="e").models()
    contexts = [(info.id, info.context_tokens) for info in models]
    assert contexts == [("e:latest", 4096), ("a", 32768), ("b", 2048), ("c", 4096), ("d", 8192)]


async def test_health_says_when_the_server_lacks_the_configured_model(scene: Scene) -> None:
    health = await scene.llm(model="gamma").health()
    assert not health.ok
    assert "gamma" in health.detail
    assert "beta-7b" in health.detail


async def test_a_server_that_lists_no_models_still_has_the_configured_one(scene: Scene) -> None:
    scene.listing = web.Response(status=404)
    assert [info.id for info in await scene.llm().models()] == ["alpha"]
    scene.listing = web.Response(text="pong")
    with pytest.raises(OrganError, match="no list of models"):
        await scene.llm().models()


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("http://localhost:11434", "http://localhost:11434/v1"),
        ("http://localhost:11434/", "http://localhost:11434/v1"),
        ("http://localhost:8000/v1", "http://localhost:8000/v1"),
        ("http://localhost:8000/v1/", "http://localhost:8000/v1"),
        (" https://h/proxy/v1/chat/completions ", "https://h/proxy/v1"),
        ("https://h/proxy", "https://h/proxy/v1"),
        ("https://h/v1beta/openai/", "https://h/v1beta/openai"),
        ("https://h/api/paas/v4", "https://h/api/paas/v4"),
    ],
)
def test_the_address_may_be_given_with_or_without_its_version(given: str, base: str) -> None:
    assert base_url(given) == base


@pytest.mark.parametrize("given", ["localhost:11434", "", "ftp://h/v1", "/v1", "http://"])
def test_what_is_no_web_address_is_a_wrong_setting(given: str) -> None:
    with pytest.raises(ConfigError, match=r"organs\.llm\.url"):
        base_url(given)


def test_the_token_estimate_is_an_upper_one() -> None:
    assert estimate_tokens("안녕하세요") == 10
    assert estimate_tokens("The quick brown fox") == 7
    assert estimate_tokens("1,234.50") == 8
    assert estimate_tokens("🙂") == 4
