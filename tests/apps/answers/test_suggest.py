from __future__ import annotations

import time
from dataclasses import replace

import pytest

from llmflow.errors import LLMFlowError, NotFound, OrganError, UsageError
from tests.apps.fakes import World


async def test_what_to_ask_next_comes_from_headings_that_were_not_cited(tiny_world: World) -> None:
    await tiny_world.learn("휴가.md", "연차는 매년 15일입니다.", heading=("휴가", "2.1 연차 일수"))
    await tiny_world.learn("휴가2.md", "연차 이월은 6일까지 됩니다.", heading=("휴가", "2.2 연차 이월"))
    turn, _ = await tiny_world.ask("연차는 매년 며칠입니까?")
    message = await tiny_world.room.conversations.message(tiny_world.user, turn.message_id)
    cited = {citation.heading_path[-1] for citation in message.citations}
    assert cited == {"2.1 연차 일수"}
    assert await tiny_world.room.suggestions.after(tiny_world.app, message) == ["‘연차 이월’에 대해 더 알려 주세요."]


async def test_a_trusted_model_proposes_the_questions_itself(world: World) -> None:
    await world.learn("leave.md", "Annual leave is fifteen days a year.")
    turn, _ = await world.ask("How many days is annual leave?")
    spaces = " " * 300_000  # what a model says is nobody's promise
    said = f"Here you go:\n{spaces}x{spaces}x\n 1. Can I carry leave over? \n- Who approves it?\nno question"
    world.llm._replies.append(said)
    began = time.process_time()
    message = await world.room.conversations.message(world.user, turn.message_id)
    found = await world.room.suggestions.after(world.app, message)
    assert found == ["Can I carry leave over?", "Who approves it?"]
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    "error", [NotFound("gone", code="model_unknown"), UsageError("too long"), OrganError("down")], ids=lambda e: e.code
)
async def test_a_model_that_cannot_propose_leaves_it_to_the_headings(world: World, error: LLMFlowError) -> None:
    await world.learn("leave.md", "Annual leave is fifteen days a year.", heading=("Leave", "Annual leave"))
    turn, _ = await world.ask("How many days is annual leave?")
    message = await world.room.conversations.message(world.user, turn.message_id)
    world.llm._replies.extend([error] * 9)  # however often it is tried
    found = await world.room.suggestions.after(world.app, replace(message, citations=[]))
    assert found == ["Tell me more about “Annual leave”."]


async def test_an_app_whose_model_is_gone_still_suggests(world: World) -> None:
    await world.learn("leave.md", "Annual leave is fifteen days a year.", heading=("Leave", "Annual leave"))
    turn, _ = await world.ask("How many days is annual leave?")
    message = await world.room.conversations.message(world.user, turn.message_id)
    app = replace(world.app, config=replace(world.app.config, model="gpt-99"))
    found = await world.room.suggestions.after(app, replace(message, citations=[]))
    assert found == ["Tell me more about “Annual leave”."]
