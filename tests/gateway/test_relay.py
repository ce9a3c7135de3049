"""Bytes handed on, over servers that fail in every way: what a client sees, and what it does not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from typing import Any, cast

import pytest

from llmflow.errors import LLMFlowError, NotFound, OrganError, TooMany, UsageError
from llmflow.gateway.asked import asked_of
from llmflow.gateway.asker import more_of_asker
from llmflow.gateway.gateway import Gateway
from llmflow.gateway.relay import Relay
from llmflow.gateway.routes import read_route
from llmflow.gateway.servers import Elsewhere
from llmflow.gateway.types import Call, Tell, UsageRecord
from llmflow.net.client import HttpClient
from llmflow.net.direct import DirectClient
from llmflow.organs.embedding.hashing import HashingEmbedding
from llmflow.organs.llm.openai import OpenAILlm
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.ports.embedding import Embedding
from llmflow.ports.llm import ChatRequest, Llm, Message
from tests import upstream as up


class House:
    """A gateway over upstreams `a`, `b`, `c`; the route "r" has a before b."""

    def __init__(self, servers: dict[str, up.Upstream], http: HttpClient, direct: DirectClient) -> None:
        self.used: list[UsageRecord] = []
        self.spans: list[Any] = []
        self.servers = servers
        llms = {
            name: cast(
                Llm,
                OpenAILlm(
                    url=one.url, model="", api_key="", context_tokens=99, timeout_s=5.0, http=http, direct=direct
                ),
            )
            for name, one in servers.items()
        }
        llms["fake"] = cast(Llm, ScriptedLlm(model="fake", reply="하나 둘"))
        self.gateway = Gateway(
            llms, cast(Embedding, HashingEmbedding()), limits=self, on_span=self.spans.append, draw=lambda: 0.0
        )
        self.relay = Relay(self.gateway)
        self.route(deployments=[{"server": "a"}, {"server": "b", "priority": 1}])

    async def ask(self, call: Call) -> Tell:
        return self.used.append

    def route(self, **given: Any) -> None:
        self.gateway.servers.route({"r": read_route("r", given)})

    async def said(self, model: str = "r", **more: Any) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await self.relay.chat(asking(model, **more)))
        return found

    async def events(self, model: str = "r", **more: Any) -> list[Any]:
        pieces = [piece async for piece in self.relay.chat_stream(asking(model, stream=True, **more))]
        told = b"".join(pieces).decode().split("\n\n")
        assert told[-1] == ""
        return [json.loads(one[6:]) if one != "data: [DONE]" else "[DONE]" for one in told[:-1]]


def asking(model: str, **more: Any) -> Any:
    return asked_of(json.dumps({"model": model, "messages": [{"role": "user", "content": "안녕"}], **more}).encode())


def text_of(events: list[Any]) -> str:
    return "".join(
        choice["delta"].get("content") or "" for event in events if event != "[DONE]" for choice in event["choices"]
    )


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        servers = {name: await stack.enter_async_context(up.upstream(models=["m", name])) for name in "abc"}
        http, direct = HttpClient(), DirectClient()
        yield House(servers, http, direct)
        await http.close()
        await direct.close()


async def test_an_answer_goes_through_as_it_came_and_is_counted(house: House) -> None:
    strange: dict[str, Any] = {"logprobs": {"content": []}, "n": 2, "seed": 7, "x_extra": [1, "둘"]}
    house.servers["a"].does = [up.completion("네", reasoning_content="흠")]
    answer = await house.said(**strange)
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "네", "reasoning_content": "흠"}
    sent = house.servers["a"].seen[0].body
    assert {name: sent[name] for name in strange} == strange
    assert sent["model"] == "m"
    (used,) = house.used
    assert (used.deployment, used.prompt_tokens, used.completion_tokens, used.is_estimated) == ("a", 7, 2, False)
    assert house.spans[0].attributes["gen_ai.response.finish_reasons"] == ["stop"]


async def test_a_stream_goes_through_and_its_usage_only_where_it_was_asked_for(house: House) -> None:
    plain = await house.events()
    assert text_of(plain) == "안녕"
    assert plain[-1] == "[DONE]"
    assert not any("usage" in event and event["usage"] for event in plain[:-1])
    asked = await house.events(stream_options={"include_usage": True})
    assert asked[-2]["usage"]["total_tokens"] == 9
    assert [used.completion_tokens for used in house.used] == [2, 2]
    assert house.servers["a"].seen[0].body["stream_options"] == {"include_usage": True}


BEFORE_A_WORD = [
    up.resets(),
    up.refuses(500, "CUDA out of memory"),
    up.refuses(503, "busy", retry_after="30"),
    up.refuses(429, "slow down", retry_after="30"),
    up.refuses(401, "wrong key"),
    up.refuses(404, "The model `m` does not exist"),
    up.answers(b"<html>nginx</html>", content_type="text/html"),
    up.hangs(),
    up.answers(b"\x00\x01 not http at all", content_type="application/json"),
    up.streams(up.role(), ends=False),
    up.streams(up.role(), up.broken()),
    up.streams(b"{garbage"),
    up.streams(),
]


@pytest.mark.parametrize("act", BEFORE_A_WORD, ids=range(len(BEFORE_A_WORD)))
async def test_what_fails_before_the_first_word_no_client_sees(house: House, act: up.Act) -> None:
    house.servers["a"].default = act
    house.route(deployments=[{"server": "a"}, {"server": "b", "priority": 1}], timeouts={"first_s": 0.3})
    events = await house.events()
    assert (text_of(events), events[-1]) == ("안녕", "[DONE]")
    assert [used.deployment for used in house.used] == ["b"]
    assert [used.outcome for used in house.used] == ["ok"]


@pytest.mark.parametrize("act", [*BEFORE_A_WORD[:9]], ids=range(9))
async def test_nor_what_fails_when_the_answer_is_whole(house: House, act: up.Act) -> None:
    house.servers["a"].default = act
    assert (await house.said())["choices"][0]["message"]["content"] == "안녕"


@pytest.mark.parametrize(
    "act",
    [
        up.streams(up.role(), up.word("반"), ends=False),
        up.streams(up.role(), up.word("반"), up.broken()),
        up.streams(up.role(), up.word("반")),
        up.streams(up.role(), up.word("반"), waits=asyncio.Event()),
    ],
    ids=["cut", "error", "no end", "hangs"],
)
async def test_what_fails_after_a_word_raises_behind_whole_events(house: House, act: up.Act) -> None:
    house.servers["a"].default = act
    pieces: list[bytes] = []
    with pytest.raises(OrganError) as caught:
        async for piece in house.relay.chat_stream(asking("r", stream=True)):
            pieces.append(piece)
    assert b"".join(pieces).endswith(b"\n\n")
    assert caught.value.code in ("model_failed", "model_timeout")
    assert house.used[0].outcome == caught.value.code
    assert house.servers["b"].seen == []


async def test_an_answer_cut_behind_its_last_word_is_whole(house: House) -> None:
    house.servers["a"].default = up.streams(up.role(), up.word("끝"), up.finish(), ends=False)
    events = await house.events()
    assert (text_of(events), events[-1]) == ("끝", "[DONE]")


async def test_events_cut_anywhere_and_with_other_line_ends_come_through_whole(house: House) -> None:
    async def act(request: up.Received, writer: asyncio.StreamWriter) -> None:
        raw = b"".join(
            b"data: " + one + b"\r\n\r\n" for one in (up.role(), up.word("가나"), up.finish(), up.usage(), b"[DONE]")
        )
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        for at in range(0, len(raw), 7):
            writer.write(raw[at : at + 7])
            await writer.drain()
            await asyncio.sleep(0)
        writer.close()

    house.servers["a"].default = act
    events = await house.events()
    assert (text_of(events), events[-1], len(events)) == ("가나", "[DONE]", 4)
    assert house.used[0].completion_tokens == 2


async def test_a_lone_deployment_is_asked_again_and_told_when_it_stays_down(house: House) -> None:
    house.route(deployments=[{"server": "a"}])
    house.servers["a"].does = [up.refuses(500), up.resets()]
    assert (await house.said())["choices"][0]["message"]["content"] == "안녕"
    assert len(house.servers["a"].seen) == 3
    house.servers["a"].default = up.refuses(500, "CUDA died")
    with pytest.raises(OrganError, match="CUDA died"):
        await house.said()


async def test_retry_after_is_honoured_and_handed_on(house: House) -> None:
    house.route(deployments=[{"server": "a"}])
    house.servers["a"].does = [up.refuses(429, "slow", retry_after="30")]
    with pytest.raises(TooMany) as caught:
        await house.said()
    assert caught.value.wait_s == 30
    with pytest.raises(OrganError) as resting:
        await house.said()
    assert (resting.value.code, len(house.servers["a"].seen)) == ("model_resting", 1)
    assert 28 <= (resting.value.wait_s or 0) <= 30


async def test_a_wrong_request_is_told_at_once_and_blames_nobody(house: House) -> None:
    house.servers["a"].default = up.refuses(400, "temperature must be below 2")
    for _ in range(7):
        with pytest.raises(UsageError, match="temperature"):
            await house.said()
    assert house.servers["b"].seen == []
    assert len(house.servers["a"].seen) == 7


async def test_another_model_answers_when_no_deployment_can(house: House) -> None:
    house.servers["a"].default = house.servers["b"].default = up.resets()
    first = {"deployments": [{"server": "a"}, {"server": "b"}], "fallbacks": ["missing", "second", "fake"]}
    second = {"deployments": [{"server": "b"}], "fallbacks": ["r"]}
    house.gateway.servers.route({"r": read_route("r", first), "second": read_route("second", second)})
    with pytest.raises(OrganError):  # a fallback that is not there does not hide what went wrong
        await house.said()
    first["fallbacks"] = ["second", "fake"]
    house.gateway.servers.route({"r": read_route("r", first), "second": read_route("second", second)})
    assert (await house.said())["choices"][0]["message"]["content"] == "하나 둘"
    assert text_of(await house.events()) == "하나 둘"
    assert house.used[-1].deployment == "fake"


async def test_a_request_that_is_too_long_goes_to_the_longer_model(house: House) -> None:
    house.servers["a"].default = up.refuses(400, "maximum context length is 99 tokens")
    house.route(deployments=[{"server": "a"}], context_fallback="c")
    assert (await house.said())["choices"][0]["message"]["content"] == "안녕"
    assert len(house.servers["c"].seen) == 1
    house.route(deployments=[{"server": "a"}])
    with pytest.raises(UsageError) as caught:
        await house.said()
    assert caught.value.code == "context_too_long"


async def test_a_name_that_several_servers_list_is_one_route(house: House) -> None:
    house.servers["a"].default = up.resets()
    for _ in range(3):
        assert (await house.said("m"))["choices"][0]["message"]["content"] == "안녕"
    assert {used.deployment for used in house.used} <= {"b", "c"}


async def test_a_failing_deployment_rests_while_others_answer(house: House) -> None:
    house.servers["a"].default = up.resets()
    for _ in range(12):
        await house.said()
    assert len(house.servers["a"].seen) == 5
    assert len(house.servers["b"].seen) == 12


async def test_64_streams_over_a_failing_server_all_end_whole(house: House) -> None:
    house.servers["a"].default = up.streams(up.role(), ends=False)
    found = await asyncio.gather(*(house.events() for _ in range(64)))
    assert {(text_of(events), events[-1]) for events in found} == {("안녕", "[DONE]")}
    assert len(house.used) == 64


async def test_a_reader_that_leaves_stops_the_server(house: House) -> None:
    never = asyncio.Event()
    house.servers["a"].default = up.streams(up.role(), up.word("가"), waits=never)
    async with aclosing(house.relay.chat_stream(asking("r", stream=True))) as pieces:
        await anext(pieces)
    (used,) = house.used
    assert used.outcome == "cancelled"
    never.set()
    for _ in range(100):
        if house.servers["a"].gone:
            break
        await asyncio.sleep(0.01)
    assert house.servers["a"].gone
    assert all(leg.condition.in_flight == 0 for leg in house.gateway.servers.legs())


async def test_a_shadow_gets_its_share_and_costs_nobody(house: House) -> None:
    house.route(deployments=[{"server": "a"}], shadow={"server": "c", "percent": 50})
    await house.said()
    request = ChatRequest((Message("user", "안녕"),), model="r")
    assert [delta async for delta in house.gateway.stream(request)]
    for _ in range(100):
        if len(house.spans) == 4:
            break
        await asyncio.sleep(0.01)
    assert len(house.servers["c"].seen) == 2
    assert [used.deployment for used in house.used] == ["a", "a"]
    assert sorted(span.attributes.get("llmflow.shadow", False) for span in house.spans) == [False, False, True, True]


async def test_a_conversation_stays_where_it_is(house: House) -> None:
    house.route(deployments=[{"server": "a"}, {"server": "b"}, {"server": "c"}], sticky=True)
    more_of_asker(conversation_id="c1")
    for _ in range(5):
        await house.said()
    assert len({used.deployment for used in house.used}) == 1


async def test_what_a_server_lacks_another_may_have(house: House) -> None:
    house.route(deployments=[{"server": "fake"}, {"server": "b", "priority": 1}])
    house.servers["b"].routes["/v1/rerank"] = up.answers({"results": [{"index": 0, "relevance_score": 0.5}]})
    asked = asked_of(b'{"model": "r", "query": "q", "documents": ["d"]}')
    assert json.loads(await house.relay.pass_on("rerank", "/rerank", asked))["results"][0]["index"] == 0
    house.route(deployments=[{"server": "fake"}])
    with pytest.raises(OrganError, match="does not know"):
        await house.relay.pass_on("rerank", "/rerank", asked)


async def test_unknown_models_and_routes_without_servers_are_told(house: House) -> None:
    with pytest.raises(NotFound, match="There are"):
        await house.said("zzz")
    house.route(deployments=[{"server": "gone"}])
    with pytest.raises(LLMFlowError, match="No server of the route"):
        await house.said()


async def test_a_part_of_the_servers_serves_only_what_no_other_may(house: House) -> None:
    """As a process beside the one that leads, which has the servers `b` and "default" too."""
    part = Gateway(
        {"a": house.gateway.servers._llms["a"]}, cast(Embedding, HashingEmbedding()), draw=lambda: 0.0, is_whole=False
    )
    alone = {"deployments": [{"server": "a"}]}
    given: dict[str, Any] = {
        "alone": alone,
        "both": {"deployments": [{"server": "a"}, {"server": "b", "priority": 1}]},
        "shadowed": {**alone, "shadow": {"server": "b"}},
        "falls": {**alone, "fallbacks": ["both"]},
        "falls-far": {**alone, "fallbacks": ["alone", "falls"]},
        "falls-well": {**alone, "fallbacks": ["alone", "a", "and-back"], "context_fallback": "alone"},
        "and-back": {**alone, "fallbacks": ["falls-well"]},
        "falls-out": {**alone, "context_fallback": "fake"},
    }
    part.servers.route({name: read_route(name, one) for name, one in given.items()})
    for name in ("alone", "falls-well", "and-back", "a"):
        assert (await part.servers.resolve(name)).legs[0].deployment.name == "a"
    for name in ("both", "shadowed", "falls", "falls-far", "falls-out", "fake", "nobody-has-it", "", "default"):
        with pytest.raises(Elsewhere):
            await part.servers.resolve(name)
    part.servers.prefer("a")
    assert (await part.servers.resolve("")).info.id == "m"
