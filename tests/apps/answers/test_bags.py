from __future__ import annotations

import threading

import pytest

from llmflow.knowledge.terms import terms
from tests.apps.fakes import World


async def test_the_terms_of_a_turns_passages_are_found_once_and_off_the_event_loop(
    tiny_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tiny_world.learn("휴가.md", "연차 휴가는 매년 15일입니다.", "병가 휴가는 연간 10일입니다.", heading=("휴가",))
    seen: list[tuple[str, bool]] = []

    def watched(text: str) -> list[str]:
        seen.append((text, threading.current_thread() is threading.main_thread()))
        return terms(text)

    monkeypatch.setattr("llmflow.apps.answers.bags.terms", watched)
    _, end = await tiny_world.ask("연차 휴가는 매년 며칠입니까?")
    assert end.answer.kind == "quoted"
    assert sorted(seen) == [("휴가 병가 휴가는 연간 10일입니다.", False), ("휴가 연차 휴가는 매년 15일입니다.", False)]
