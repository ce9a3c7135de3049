"""The gateway: routes by model, counts once for each call, traces without content."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, cast

import numpy as np
import pytest

from llmflow.errors import NotFound, OrganError, TooMany
from llmflow.gateway.asker import Asker, more_of_asker, speak_for
from llmflow.gateway.gateway import Gateway
from llmflow.gateway.types import Border, Call, Tell, UsageRecord
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.ports.embedding import Embedding, Role, Vectors
from llmflow.ports.health import Health
from llmflow.ports.llm import ChatDelta, ChatRequest, Llm, Message, ModelInfo, TokenUsage
from llmflow.ports.tracing import Span
from tests.gateway.masking import Masking

DOWN = OrganError("It is down.")


class OneEmbedding:
    """Every text is the same unit vector."""

    model, dimensions, max_tokens = "one", 3, 16

    async def embed(self, texts: Sequence[str], role: Role) -> Vectors:
        if "down" in texts:
            raise DOWN
        return np.tile(np.array([1, 0, 0], dtype=np.float32), (len(texts), 1))

    async def health(self) -> Health:
        return Health(ok=True, where="here")

    async def close(self) -> None: ...


class DownLlm(ScriptedLlm):
    """A server that can be switched off."""

    is_down = True

    async def models(self) -> list[ModelInfo]:
        if self.is_down:
            raise DOWN
        return await super().models()


class Scene:
    """A gateway with limits that note what they are asked and told, and refuse the model "forbidden"."""

    def __init__(self, border: Border | None = None, **llms: ScriptedLlm) -> None:
        self.asked: list[Call] = []
        self.used: list[UsageRecord] = []
        self.spans: list[Span] = []
        self.llms = llms
        servers = {name: cast(Llm, llm) for name, llm in llms.items()}
        self.gateway = Gateway(
            servers, cast(Embedding, OneEmbedding()), limits=self, border=border, on_span=self.spans.append
        )

    async def ask(self, call: Call) -> Tell:
        self.asked.append(call)
        if call.model == "forbidden":
            raise TooMany("Not this one.")
        return self.used.append


def ask(text: str, **more: Any) -> ChatRequest:
    return ChatRequest((Message("user", text),), **more)


async def said(gateway: Gateway, request: ChatRequest) -> str:
    return "".join([delta.text async for delta in gateway.stream(request)])


async def test_a_request_goes_to_the_server_that_has_its_model() -> None:
    scene = Scene(other=ScriptedLlm(model="small", reply="S"), default=ScriptedLlm(model="big", reply="B"))
    assert [info.id for info in await scene.gateway.models()] == ["big", "small"]
    for model, reply in (("", "B"), ("default", "B"), ("big", "B"), ("small", "S")):
        assert await said(scene.gateway, ask("x", model=model)) == reply
    assert (await scene.gateway.info()).id == "big"
    assert (await scene.gateway.info("small")).id == "small"
    assert await scene.gateway.count_tokens("셋 낱말 뿐", "small") == 3


async def test_without_a_default_the_first_server_answers() -> None:
    scene = Scene(one=ScriptedLlm(model="a", reply="A"), two=ScriptedLlm(model="b", reply="B"))
    assert await said(scene.gateway, ask("x")) == "A"


async def test_an_untagged_name_finds_its_latest_tag() -> None:
    scene = Scene(default=ScriptedLlm(model="qwen3:latest", reply="Q"))
    assert (await scene.gateway.info("qwen3")).id == "qwen3:latest"


@pytest.mark.parametrize(("asked", "told"), [("bigg", "Did you mean 'big'?"), ("zzz", "There are: big, small.")])
async def test_an_unknown_model_names_the_nearest_and_costs_nothing(asked: str, told: str) -> None:
    scene = Scene(default=ScriptedLlm(model="big"), other=ScriptedLlm(model="small"))
    with pytest.raises(NotFound) as caught:
        await said(scene.gateway, ask("x", model=asked))
    assert caught.value.code == "model_unknown"
    assert told in caught.value.message
    assert scene.used == []


async def test_a_model_that_came_later_is_found() -> None:
    llm = ScriptedLlm(model="old", reply="R")
    scene = Scene(default=llm)
    assert await said(scene.gateway, ask("x", model="old")) == "R"
    llm._info = ModelInfo("new")
    assert await said(scene.gateway, ask("x", model="new")) == "R"


async def test_one_server_down_fails_only_its_own_models() -> None:
    down = DownLlm(model="gone")
    scene = Scene(default=down, other=ScriptedLlm(model="small", reply="S"))
    assert [info.id for info in await scene.gateway.models()] == ["small"]
    assert await said(scene.gateway, ask("x", model="small")) == "S"
    with pytest.raises(OrganError, match="down"):
        await said(scene.gateway, ask("x"))
    down.is_down = False
    assert await said(scene.gateway, ask("back again")) == "back again"


async def test_servers_are_asked_for_their_models_once_not_for_each_request() -> None:
    class Counting(ScriptedLlm):
        asked = 0

        async def models(self) -> list[ModelInfo]:
            Counting.asked += 1
            return await super().models()

    scene = Scene(default=ScriptedLlm(model="big", reply="B"), other=Counting(model="small"))
    for _ in range(3):
        assert await said(scene.gateway, ask("x", model="big")) == "B"
    assert Counting.asked == 1


async def test_all_servers_down_is_told() -> None:
    scene = Scene(default=DownLlm())
    with pytest.raises(OrganError, match="It is down"):
        await scene.gateway.models()
    with pytest.raises(OrganError, match="It is down"):
        await said(scene.gateway, ask("x"))


async def test_each_answer_is_counted_once_with_the_servers_own_numbers() -> None:
    scene = Scene(default=ScriptedLlm(model="m"))
    await said(scene.gateway, ask("하나 둘 셋 넷", max_tokens=3))
    (used,) = scene.used
    assert (used.operation, used.deployment, used.model) == ("chat", "default", "m")
    assert (used.prompt_tokens, used.completion_tokens) == (4, 3)
    assert (used.is_estimated, used.outcome) == (False, "ok")
    assert used.first_s is not None
    assert used.duration_s >= used.first_s


async def test_an_answer_left_early_is_stopped_and_counted_as_far_as_it_came() -> None:
    stopped = asyncio.Event()

    class Endless(ScriptedLlm):
        async def stream(self, request: ChatRequest) -> AsyncIterator[ChatDelta]:  # type: ignore[override]
            try:
                while True:
                    yield ChatDelta(text="on ")
                    await asyncio.sleep(0)
            finally:
                stopped.set()

    scene = Scene(default=Endless())
    async with aclosing(scene.gateway.stream(ask("x" * 40))) as deltas:
        for _ in range(3):
            await anext(deltas)
    assert stopped.is_set()
    (used,) = scene.used
    assert (used.outcome, used.is_estimated) == ("cancelled", True)
    assert (used.prompt_tokens, used.completion_tokens) == (10, 3)
    (span,) = scene.spans
    assert span.ok


async def test_a_cancelled_task_is_counted_too() -> None:
    scene = Scene(default=ScriptedLlm(delay_ms=60_000))
    task = asyncio.create_task(said(scene.gateway, ask("x")))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [used.outcome for used in scene.used] == ["cancelled"]


async def test_a_failing_server_is_counted_by_its_code() -> None:
    scene = Scene(default=ScriptedLlm(replies=[OrganError("no", code="model_failed")] * 3))
    with pytest.raises(OrganError):
        await said(scene.gateway, ask("x"))
    assert [used.outcome for used in scene.used] == ["model_failed"]
    (span,) = scene.spans
    assert not span.ok
    assert span.attributes["error.type"] == "model_failed"


async def test_a_span_tells_the_numbers_and_no_content() -> None:
    scene = Scene(default=ScriptedLlm(model="m"))
    await said(scene.gateway, ask("비밀 이야기", temperature=0.5, max_tokens=9))
    (span,) = scene.spans
    told = dict(span.attributes)
    assert span.name == "chat m"
    assert told.pop("gen_ai.response.time_to_first_chunk")
    assert told == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "llmflow",
        "gen_ai.request.model": "m",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.usage.input_tokens": 2,
        "gen_ai.usage.output_tokens": 2,
        "gen_ai.response.finish_reasons": ["stop"],
        "llmflow.deployment": "default",
    }
    assert "비밀" not in repr(span)


async def test_tool_calls_and_usage_pass_through_unchanged() -> None:
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}
    scene = Scene(default=ScriptedLlm(replies=[[ChatDelta(reasoning="hm"), ChatDelta(tool_calls=[call])]]))
    deltas = [delta async for delta in scene.gateway.stream(ask("x"))]
    assert deltas == [
        ChatDelta(reasoning="hm"),
        ChatDelta(tool_calls=[call]),
        ChatDelta(finish_reason="tool_calls", usage=TokenUsage(1, 2)),
    ]


async def test_embeddings_are_routed_counted_and_traced() -> None:
    scene = Scene(default=ScriptedLlm())
    assert await scene.gateway.embedding_model() == "one"
    vectors = await scene.gateway.embed("one", ["a" * 8, "b" * 8], "passage")
    assert vectors.shape == (2, 3)
    assert (await scene.gateway.embed("", [], "query")).shape == (0, 3)
    with pytest.raises(OrganError):
        await scene.gateway.embed("", ["down"], "query")
    with pytest.raises(NotFound, match="'one'"):
        await scene.gateway.embed("ones", ["x"], "query")
    counted = [(used.operation, used.prompt_tokens, used.outcome) for used in scene.used]
    assert counted == [("embeddings", 4, "ok"), ("embeddings", 0, "ok"), ("embeddings", 1, "organ_unavailable")]
    assert [span.name for span in scene.spans] == ["embeddings one"] * 3


async def test_limits_are_asked_for_whoever_the_task_works_for() -> None:
    scene = Scene(default=ScriptedLlm(model="m"))
    speak_for(Asker("w", key_id="k"))
    more_of_asker(end_user_id="u")
    await asyncio.create_task(said(scene.gateway, ask("x" * 40, max_tokens=7)))
    await scene.gateway.embed("", ["x" * 8], "query")
    chat, embeddings = scene.asked
    assert chat == Call("chat", "m", Asker("w", key_id="k", end_user_id="u"), 10, 7, ("m",))
    assert (embeddings.operation, embeddings.prompt_tokens) == ("embeddings", 2)


async def test_what_limits_refuse_reaches_no_model_and_is_not_told() -> None:
    llm = ScriptedLlm(model="forbidden")
    scene = Scene(default=llm)
    with pytest.raises(TooMany):
        await said(scene.gateway, ask("x"))
    assert (llm.requests, scene.used) == ([], [])


async def test_the_border_changes_what_a_model_gets_and_what_comes_back_on_a_stream() -> None:
    llm = ScriptedLlm(replies=[[ChatDelta(text="그 <"), ChatDelta(text="1>은 <"), ChatDelta(text="끝")]])
    scene = Scene(border=Masking(), default=llm)
    assert await said(scene.gateway, ask("비밀 이야기")) == "그 비밀은 <끝"
    assert llm.requests[0].messages[0].content == "<1> 이야기"
    assert await said(scene.gateway, ask("그냥")) == "그냥"
