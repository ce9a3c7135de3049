from __future__ import annotations

import pytest

from llmflow.apps.followup import search_text


@pytest.mark.parametrize(
    "question",
    ["And for the HR-300?", "그럼 병가는?", "How long is it valid?", "그건 언제까지 써야 하나요?", "얼마예요?"],
)
def test_a_question_that_does_not_stand_alone_is_searched_with_the_one_before(question: str) -> None:
    assert search_text(question, "HR-100의 보증 기간은?") == f"HR-100의 보증 기간은?\n{question}"


@pytest.mark.parametrize(
    "question",
    ["What is the hotel limit for San Francisco business trips?", "싱가포르 출장 때 석식비는 얼마까지 쓸 수 있나요?"],
)
def test_a_question_that_stands_alone_is_searched_alone(question: str) -> None:
    assert search_text(question, "Something else entirely?") == question


def test_the_first_question_is_searched_alone() -> None:
    assert search_text("그건 언제까지?", None) == "그건 언제까지?"
