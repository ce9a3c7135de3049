from __future__ import annotations

import asyncio
import unicodedata
from pathlib import Path

import pytest

from llmflow.apps.chat.conversations import name_after
from llmflow.apps.types import ChatConfig
from llmflow.errors import Conflict, NotFound, UsageError
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.store.database import Database
from tests.apps.fakes import WORKSPACE, World, world_of


async def test_conversations_are_paged_newest_first_and_in_any_order_asked(database: Database, tmp_path: Path) -> None:
    world = await world_of(database, tmp_path, ScriptedLlm())
    turns = [(await world.ask(f"question number {n}"))[0] for n in range(5)]
    ids = [turn.conversation_id for turn in turns]
    first, more = await world.room.conversations.page(world.user, limit=2)
    assert ([c.id for c in first], more) == ([ids[4], ids[3]], True)
    rest, more = await world.room.conversations.page(world.user, last_id=first[-1].id, limit=10)
    assert ([c.id for c in rest], more) == ([ids[2], ids[1], ids[0]], False)
    oldest, _ = await world.room.conversations.page(world.user, order="created_at")
    assert [c.id for c in oldest] == ids
    await world.ask("again", conversation_id=ids[0])
    newest, _ = await world.room.conversations.page(world.user, limit=1)
    assert newest[0].id == ids[0]
    with pytest.raises(NotFound) as refused:
        await world.room.conversations.page(world.user, last_id=WORKSPACE)
    assert refused.value.code == "last_conversation_not_exists"


async def test_messages_are_paged_backwards_each_page_in_reading_order(database: Database, tmp_path: Path) -> None:
    world = await world_of(database, tmp_path, ScriptedLlm())
    turn, _ = await world.ask("question 0")
    for n in range(1, 5):
        await world.ask(f"question {n}", conversation_id=turn.conversation_id)
    page, more = await world.room.conversations.messages(world.user, turn.conversation_id, limit=2)
    assert ([m.query for m in page], more) == (["question 3", "question 4"], True)
    page, more = await world.room.conversations.messages(world.user, turn.conversation_id, first_id=page[0].id, limit=5)
    assert ([m.query for m in page], more) == (["question 0", "question 1", "question 2"], False)
    assert page[1].parent_id == page[0].id
    with pytest.raises(NotFound) as refused:
        await world.room.conversations.messages(world.user, turn.conversation_id, first_id=WORKSPACE)
    assert refused.value.code == "first_message_not_exists"


async def test_a_conversation_is_renamed_by_hand_or_after_its_first_question(world: World) -> None:
    turn, _ = await world.ask("연차는 며칠인가요?")
    renamed = await world.room.conversations.rename(world.user, turn.conversation_id, "휴가 이야기")
    assert renamed.name == "휴가 이야기"
    renamed = await world.room.conversations.rename(world.user, turn.conversation_id, None)
    assert renamed.name == "연차는 며칠인가요?"


def test_a_long_question_is_cut_at_a_word_for_a_name() -> None:
    name = name_after("What is\nthe   hotel limit for San Francisco business trips in the second quarter?")
    assert name == "What is the hotel limit for San Francisco…"
    assert len(name_after("가" * 200)) == 51


async def test_a_deleted_conversation_takes_its_messages_with_it(world: World) -> None:
    turn, _ = await world.ask("hello there")
    await world.room.feedback.rate(WORKSPACE, world.user, turn.message_id, "like")
    await world.room.conversations.delete(world.user, turn.conversation_id)
    with pytest.raises(NotFound):
        await world.room.conversations.message(world.user, turn.message_id)
    assert await world.room.feedback.page(world.app.id) == []


async def test_feedback_is_one_opinion_that_can_be_changed_and_taken_back(world: World) -> None:
    turn, _ = await world.ask("hello there")
    rate = world.room.feedback.rate
    with pytest.raises(UsageError):
        await rate(WORKSPACE, world.user, turn.message_id, None)
    await rate(WORKSPACE, world.user, turn.message_id, "like", content="좋아요")
    await rate(WORKSPACE, world.user, turn.message_id, "dislike")
    (feedback,) = await world.room.feedback.page(world.app.id)
    assert (feedback.rating, feedback.content) == ("dislike", None)
    ((message,), _) = await world.room.conversations.messages(world.user, turn.conversation_id)
    assert message.rating == "dislike"
    await rate(WORKSPACE, world.user, turn.message_id, None)
    assert await world.room.feedback.page(world.app.id) == []
    other = await world.room.conversations.user(WORKSPACE, world.app.id, "bob")
    with pytest.raises(NotFound):
        await rate(WORKSPACE, other, turn.message_id, "like")


async def test_an_apps_name_is_taken_once_and_its_users_are_its_own(world: World) -> None:
    with pytest.raises(Conflict):
        await world.room.catalogue.create(WORKSPACE, "helper", ChatConfig())
    with pytest.raises(NotFound) as refused:
        await world.room.catalogue.get(WORKSPACE, "helpr")
    assert "`helper`" in refused.value.message
    other = await world.room.catalogue.create(WORKSPACE, "다른 앱 🙂", ChatConfig(language="ko"))
    assert (await world.room.catalogue.get(WORKSPACE, "다른 앱 🙂")).config.language == "ko"
    user = await world.room.conversations.user(WORKSPACE, other.id, "ann")
    assert user.id != world.user.id
    assert (await world.room.conversations.user(WORKSPACE, other.id, "ann")).id == user.id


async def test_an_equal_name_from_another_source_is_another_person(world: World) -> None:
    turn, _ = await world.ask("What may nobody else read?")
    for source in ("account", "public"):
        namesake = await world.room.conversations.user(WORKSPACE, world.app.id, "ann", source=source)
        assert namesake.id != world.user.id
        assert await world.room.conversations.page(namesake) == ([], False)
        with pytest.raises(NotFound):
            await world.room.conversations.get(namesake, turn.conversation_id)
        with pytest.raises(NotFound):
            await world.room.conversations.user_by_id(world.app.id, namesake.id)


async def test_an_apps_name_is_the_same_however_its_letters_are_composed(world: World) -> None:
    apart = unicodedata.normalize("NFD", "휴가 도우미")
    made = await world.room.catalogue.create(WORKSPACE, apart, ChatConfig())
    assert made.name == "휴가 도우미"
    for name in (apart, "휴가 도우미"):
        assert (await world.room.catalogue.get(WORKSPACE, name)).id == made.id
    with pytest.raises(Conflict):
        await world.room.catalogue.create(WORKSPACE, apart, ChatConfig())


async def test_a_name_with_a_slash_is_refused(world: World) -> None:
    with pytest.raises(UsageError):
        await world.room.catalogue.create(WORKSPACE, "인사/휴가", ChatConfig())
    with pytest.raises(UsageError):
        await world.room.catalogue.update(WORKSPACE, "helper", name="a/b")


async def test_a_deleted_app_leaves_nothing(world: World) -> None:
    turn, _ = await world.ask("hello there")
    await world.room.catalogue.delete(WORKSPACE, "helper")
    with pytest.raises(NotFound):
        await world.room.catalogue.get(WORKSPACE, world.app.id)
    with pytest.raises(NotFound):
        await world.room.conversations.message(world.user, turn.message_id)


async def test_first_requests_of_a_new_user_at_once_find_one_user(database: Database, tmp_path: Path) -> None:
    world = await world_of(database, tmp_path, ScriptedLlm())
    find = world.room.conversations.user
    users = await asyncio.gather(*(find(WORKSPACE, world.app.id, "새 사람") for _ in range(12)))
    assert len({user.id for user in users}) == 1


async def test_ratings_of_one_message_at_once_are_one_opinion(database: Database, tmp_path: Path) -> None:
    world = await world_of(database, tmp_path, ScriptedLlm())
    turn, _ = await world.ask("hello there")
    rate = world.room.feedback.rate
    await asyncio.gather(*(rate(WORKSPACE, world.user, turn.message_id, "like", content=str(n)) for n in range(12)))
    (feedback,) = await world.room.feedback.page(world.app.id)
    assert feedback.rating == "like"
