"""Branches of a conversation: what follows what, and what the model is told of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmflow.apps.chat.transcript import branch_of, markdown, record
from llmflow.apps.types import ChatConfig
from llmflow.errors import NotFound
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.store.database import Database
from tests.apps.fakes import WORKSPACE, World, world_of


async def _talker(database: Database, folder: Path) -> World:
    """An app without knowledge, whose model repeats the question."""
    world = await world_of(database, folder, ScriptedLlm())
    world.app = await world.room.catalogue.create(WORKSPACE, "talker", ChatConfig())
    world.user = await world.room.conversations.user(WORKSPACE, world.app.id, "ann", source="account")
    return world


async def test_the_model_hears_its_own_branch_alone(database: Database, tmp_path: Path) -> None:
    world = await _talker(database, tmp_path)
    first, _ = await world.ask("one")
    talk = first.conversation_id
    left, _ = await world.ask("two, left", conversation_id=talk)
    await world.ask("three, left", conversation_id=talk)
    right, _ = await world.ask("two, right", conversation_id=talk, parent_id=first.message_id)
    await world.ask("three, right", conversation_id=talk)  # after the newest
    heard = [str(m.content) for m in world.llm.requests[-1].messages[1:]]
    assert heard == ["one", "one", "two, right", "two, right", "three, right"]
    await world.ask("four, left", conversation_id=talk, parent_id=left.message_id)
    assert "two, left" in [m.content for m in world.llm.requests[-1].messages]
    assert "two, right" not in [m.content for m in world.llm.requests[-1].messages]
    _, messages = await world.room.conversations.tree(world.user, talk)
    parents = {m.query: m.parent_id for m in messages}
    assert parents["two, right"] == parents["two, left"] == first.message_id
    assert parents["three, right"] == right.message_id
    await world.room.close()


async def test_another_beginning_follows_nothing(database: Database, tmp_path: Path) -> None:
    world = await _talker(database, tmp_path)
    first, _ = await world.ask("one")
    again, _ = await world.ask("one, said better", conversation_id=first.conversation_id, parent_id="")
    assert [m.role for m in world.llm.requests[-1].messages] == ["system", "user"]
    assert (await world.room.conversations.message(world.user, again.message_id)).parent_id is None
    await world.room.close()


async def test_a_parent_of_another_conversation_does_not_exist(world: World) -> None:
    first, _ = await world.ask("one")
    other, _ = await world.ask("two")
    with pytest.raises(NotFound) as refused:
        await world.ask("three", conversation_id=first.conversation_id, parent_id=other.message_id)
    assert refused.value.code == "message_not_exists"
    assert len(world.room.turns) == 0


async def test_a_branch_is_written_as_markdown_and_everything_as_json(database: Database, tmp_path: Path) -> None:
    world = await _talker(database, tmp_path)
    first, _ = await world.ask("연차는 며칠인가요?\n정확히요.")
    await world.ask("왼쪽", conversation_id=first.conversation_id)
    right, _ = await world.ask("오른쪽", conversation_id=first.conversation_id, parent_id=first.message_id)
    await world.room.feedback.rate(
        WORKSPACE, world.user, right.message_id, "dislike", content="틀렸어요", correction="15일입니다."
    )
    conversation, messages = await world.room.conversations.tree(world.user, first.conversation_id)
    assert [m.query for m in branch_of(messages, messages[1].id)] == ["연차는 며칠인가요?\n정확히요.", "왼쪽"]
    assert branch_of(messages, "nowhere") == []
    text = markdown(conversation, branch_of(messages))
    assert "## 질문 1\n\n> 연차는 며칠인가요?\n> 정확히요." in text
    assert "오른쪽" in text
    assert "왼쪽" not in text
    assert "바로잡은 답변:\n\n> 15일입니다." in text
    kept = record(conversation, messages)["messages"]
    assert [(m["question"], m["correction"]) for m in kept] == [
        ("연차는 며칠인가요?\n정확히요.", None),
        ("왼쪽", None),
        ("오른쪽", "15일입니다."),
    ]
    assert kept[2]["parent_id"] == kept[1]["parent_id"] == first.message_id
    await world.room.close()
