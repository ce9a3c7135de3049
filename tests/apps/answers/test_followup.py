from __future__ import annotations

import unicodedata

import pytest

from llmflow.apps.answers.followup import search_text

BEFORE = "HR-100의 보증 기간은?"


@pytest.mark.parametrize(
    "question",
    [
        "And for the HR-300?",
        "How long is it valid?",
        "Who has to approve that?",
        "Is that paid out in December?",
        "Can I cancel this booking later?",
        "What about hotels in San Francisco?",
        "Does the same limit apply to contractors?",
        "How do they request another one?",
        "그럼 병가는?",
        "그건 언제까지 써야 하나요?",
        "얼마예요?",
        "그 기간 안에 신청하지 못하면 어떻게 되나요?",
        "해당 서류는 누구에게 제출하나요?",
        "그런데 주말에도 적용되나요?",
        "거기 숙박비 한도는 얼마예요?",
        "계약직 직원은요?",
    ],
)
def test_a_question_that_does_not_stand_alone_is_searched_with_the_one_before(question: str) -> None:
    assert search_text(question, BEFORE) == f"{BEFORE}\n{question}"
    apart = unicodedata.normalize("NFD", question)
    assert search_text(apart, BEFORE) == f"{BEFORE}\n{apart}"


@pytest.mark.parametrize(
    "question",
    [
        "What is the hotel limit for San Francisco business trips?",
        "Does the handbook say that unused leave expires in March?",
        "Is it true that employees get a holiday on their birthday?",
        "Which forms that need a signature go to the payroll team?",
        "How many weeks of parental leave can one parent take?",
        "What is the travel budget of the sales team this year?",
        "Are there rules about overtime work on weekends?",
        "Does the robot stop when its battery falls below ten percent?",
        "싱가포르 출장 때 석식비는 얼마까지 쓸 수 있나요?",
        "육아휴직은 최대 몇 개월까지 사용할 수 있나요?",
        "재택근무 신청은 며칠 전까지 해야 하나요?",
        "이중 국적 직원의 비자 발급 비용은 회사가 지원하나요?",
        "이번 분기 영업팀 출장 예산 한도는 얼마인가요?",
        "법인카드로 개인 물품을 결제하면 어떤 징계를 받나요?",
        "HR-300 로봇의 최대 이동 속도는 얼마인가요?",
        "그룹 보험에 가입한 직원의 건강검진 주기는?",
    ],
)
def test_a_question_that_stands_alone_is_searched_alone(question: str) -> None:
    assert search_text(question, "Something else entirely?") == question


def test_the_first_question_is_searched_alone() -> None:
    assert search_text("그건 언제까지?", None) == "그건 언제까지?"
