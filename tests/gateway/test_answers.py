"""Kept and shared answers: given again to whom the scope says and to nobody else, within bounds."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmflow.errors import OrganError
from llmflow.gateway.answers import Answers, key_of
from llmflow.gateway.asker import Asker, speak_for
from llmflow.gateway.gateway import Gateway
from llmflow.gateway.relay import Relay
from llmflow.gateway.routes import Caching, read_route
from llmflow.gateway.types import Call, Tell, UsageRecord
from llmflow.organs.embedding.hashing import HashingEmbedding
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.ports.embedding import Embedding
from llmflow.ports.llm import ChatRequest, Llm, Message
from tests.gateway.test_relay import asking

_NAMES = st.sampled_from([None, "a", "b"])
_ASKERS = st.builds(
    Asker,
    workspace_id=st.sampled_from(["w", "v"]),
    key_id=_NAMES,
    account_id=_NAMES,
    app_id=_NAMES,
    end_user_id=_NAMES,
    user=st.sampled_from(["", "a", "b"]),
)


@given(_ASKERS, _ASKERS, st.sampled_from(["workspace", "app", "key", "user"]))
def test_no_answer_crosses_its_scope(one: Asker, other: Asker, scope: Any) -> None:
    rule = Caching(scope=scope)
    keys = [key_of(rule, asker, 0.0, b"request") for asker in (one, other)]
    if None in keys or keys[0] != keys[1]:
        return
    assert one.workspace_id == other.workspace_id
    if scope == "app":
        assert one.app_id == other.app_id is not None
    if scope == "key":
        assert (one.key_id or one.account_id) == (other.key_id or other.account_id)
    if scope == "user":
        people = [asker.end_user_id or asker.account_id or (asker.key_id, asker.user) for asker in (one, other)]
        assert people[0] == people[1]


def test_what_is_not_certain_is_not_kept() -> None:
    asker = Asker("w", key_id="k")
    assert key_of(Caching(), asker, None, b"x") is None  # 1 where nobody says otherwise
    assert key_of(Caching(), asker, 0.1, b"x") is None
    assert key_of(Caching(most_temperature=0.5), asker, 0.1, b"x")
    assert key_of(Caching(), Asker("w"), 0.0, b"x") is None
    assert key_of(Caching(scope="workspace"), Asker(), 0.0, b"x") is None
    assert key_of(Caching(), asker, 0.0, b"ab", b"c") != key_of(Caching(), asker, 0.0, b"a", b"bc")


class House:
    """A gateway over one model whose answers differ each time; the route "r" keeps them."""

    def __init__(self, **cache: Any) -> None:
        self.used: list[UsageRecord] = []
        self.llm = ScriptedLlm(model="m", replies=[f"답 {n}" for n in itertools.islice(itertools.count(1), 200)])
        self.gateway = Gateway({"default": cast(Llm, self.llm)}, cast(Embedding, HashingEmbedding()), limits=self)
        route = {"deployments": [{"server": "default"}], "cache": cache}
        self.gateway.servers.route({"r": read_route("r", route)})
        self.relay = Relay(self.gateway)

    async def ask(self, call: Call) -> Tell:
        return self.used.append

    async def whole(self, **more: Any) -> bytes:
        return await self.relay.chat(asking("r", temperature=0, **more))

    async def stream(self, **more: Any) -> bytes:
        request = asking("r", temperature=0, stream=True, **more)
        return b"".join([piece async for piece in self.relay.chat_stream(request)])

    async def deltas(self) -> str:
        request = ChatRequest((Message("user", "안녕"),), model="r", temperature=0.0)
        return "".join([delta.text async for delta in self.gateway.stream(request)])


async def test_the_same_question_is_answered_once_in_each_form() -> None:
    house = House()
    speak_for(Asker("w", key_id="k"))
    for ask in (house.whole, house.stream, house.deltas):
        assert await ask() == await ask()
    assert len(house.llm.requests) == 3
    assert [used.deployment for used in house.used] == ["default", "cache"] * 3
    assert [used.completion_tokens for used in house.used] == [2, 0] * 3
    assert await house.whole(seed=1) != await house.whole(seed=2)


async def test_another_key_gets_an_answer_of_its_own() -> None:
    house = House()
    speak_for(Asker("w", key_id="k"))
    first = await house.stream()
    speak_for(Asker("w", key_id="l"))
    assert await house.stream() != first
    speak_for(Asker("v", key_id="k"))
    assert await house.stream() != first


async def test_questions_at_the_same_moment_are_asked_once() -> None:
    house = House()
    speak_for(Asker("w", key_id="k"))
    found = await asyncio.gather(*(house.stream() for _ in range(20)))
    assert len(set(found)) == 1
    assert len(house.llm.requests) == 1
    assert len(house.used) == 20


async def test_an_error_is_kept_for_nobody() -> None:
    house = House()
    speak_for(Asker("w", key_id="k"))
    house.llm._replies[:3] = [OrganError("no", code="model_failed")] * 3
    with pytest.raises(OrganError):
        await house.whole()
    assert "답" in (await house.whole()).decode()


async def test_a_reader_that_leaves_does_not_take_the_answer_from_another() -> None:
    house = House()
    house.llm._delay_s = 0.01
    speak_for(Asker("w", key_id="k"))
    leaving = asyncio.create_task(house.stream())
    staying = asyncio.create_task(house.stream())
    await asyncio.sleep(0.005)
    leaving.cancel()
    assert (await staying).endswith(b"[DONE]\n\n")
    assert len(house.llm.requests) == 1


async def _pieces(*texts: bytes) -> AsyncGenerator[bytes]:
    for text in texts:
        yield text


async def test_memory_is_bounded_and_time_passes() -> None:
    now = 0.0
    answers = Answers(most_bytes=10, clock=lambda: now)

    async def keep(key: bytes, text: bytes) -> None:
        recording = answers.record(key, _pieces(text), len, seconds=60)
        assert [piece async for piece in recording.read()] == [text]
        await asyncio.sleep(0)

    await keep(b"1", b"xxxx")
    await keep(b"2", b"xxxx")
    assert answers.find(b"1")
    await keep(b"3", b"xxxx")
    assert (bool(answers.find(b"1")), bool(answers.find(b"2")), bool(answers.find(b"3"))) == (True, False, True)
    await keep(b"4", b"x" * 11)
    assert answers.find(b"4") is None
    now = 61.0
    assert answers.find(b"1") is None
