"""Finding conversations by what was said in them."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from llmflow.errors import NotFound
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.store.database import Database
from tests.apps.fakes import WORKSPACE, World, world_of


async def _found(world: World, words: str) -> list[str]:
    hits, _ = await world.room.conversations.search(world.user, words)
    return [hit.conversation.name for hit in hits]


async def test_conversations_are_found_by_name_question_and_answer(database: Database, tmp_path: Path) -> None:
    world = await world_of(database, tmp_path, ScriptedLlm(reply="The Warranty lasts 18 months."))
    await world.learn("robots.md", "The HR-100 warranty lasts 18 months.")
    said = unicodedata.normalize("NFD", "연차 휴가는 며칠인가요?")
    apart, _ = await world.ask(said)
    await world.ask("How long is the HR-100 warranty?")
    await world.ask("100%_sure about robots?")
    assert await _found(world, "연차") == await _found(world, unicodedata.normalize("NFD", "휴가")) == [said]
    assert await _found(world, "연차 며칠인가요") == [said]
    assert await _found(world, "연차 출장") == []
    assert await _found(world, "18 MONTHS") == ["How long is the HR-100 warranty?"]
    assert await _found(world, "%_") == ["100%_sure about robots?"]
    await world.room.conversations.rename(world.user, apart.conversation_id, "인사 문의")
    assert await _found(world, "인사") == ["인사 문의"]
    assert len(await _found(world, "")) == 3
    await world.room.close()


async def test_a_hit_shows_where_the_word_was_said(world: World) -> None:
    await world.ask("앞에 긴 이야기가 있고 " * 5 + "그 뒤에 출장비가 나옵니다. " + "뒤에도 많이 있습니다. " * 9)
    ((hit,), _) = await world.room.conversations.search(world.user, "출장비")
    assert "그 뒤에 출장비가 나옵니다." in hit.excerpt
    assert hit.excerpt.startswith("…")
    assert hit.excerpt.endswith("…")


async def test_the_list_goes_on_behind_the_last_one_seen(world: World) -> None:
    for number in range(5):
        await world.ask(f"question {number}")
    seen: list[str] = []
    last, more = None, True
    while more:
        page, more = await world.room.conversations.search(world.user, "question", last_id=last, limit=2)
        seen += [hit.conversation.name for hit in page]
        last = page[-1].conversation.id
    assert seen == [f"question {number}" for number in (4, 3, 2, 1, 0)]


async def test_nobody_finds_what_another_said(world: World) -> None:
    turn, _ = await world.ask("the secret plan")
    other = await world.room.conversations.user(WORKSPACE, world.app.id, "ann", source="account")
    assert await world.room.conversations.search(other, "secret") == ([], False)
    with pytest.raises(NotFound):
        await world.room.conversations.search(other, "", last_id=turn.conversation_id)
