"""Where sentences end, in Korean above all: sentences of our own, each with what makes real text difficult."""

from __future__ import annotations

import time

import pytest

from llmflow.organs.chunker import sentences


@pytest.mark.parametrize(
    "text",
    [
        # ends are marked | and nothing else ends
        '팀장은 "보고서를 다시 쓰세요. 오늘까지입니다."라고 말했다. |모두 조용했다.',
        "그는 “됐다.” 라고 짧게 답했다. |회의는 끝났다.",
        '"정말 그렇습니까?" |그가 물었다. |"네, 그렇습니다."',
        '표어는 "함께 가자!"(同行)라고 쓴다. |다른 표어는 없다.',
        "요금은 3.5% 올랐다. |연 1.25배이다.",
        "제1조. 이 규정은 휴가를 정한다. |제2조. 휴가는 15일이다.",
        "시행일은 2024. 3. 1. 부터이다. |이전 규정은 폐지한다.",
        "가. 목적 나. 적용 범위 다. 기간",
        "1. 목적 |2. 적용 범위 |3. 기간",
        "그는... 아무 말도 없었다. |잘 모르겠다... |나는 돌아섰다.",
        "정말 좋았음... |다음에 또 오겠음.",
        "글쎄… 어쩌면 그럴지도 모른다. |아마도.",
        "담당은 Dr. Kim이다. |주소는 St. James 거리이고 U.S. 지사는 따로 있다.",
        "작가 J.K. 가나다와 A. B. 라마바가 썼다. |독일 클럽 이름은 하나 e. V. 이다.",
        "신청은 끝났다.|그러나 접수는 계속된다.|10월까지이다.",
        "가능한가요? |네! |좋습니다. |언제죠?",
        "회의를 시작합니다 |자료를 보세요 |질문 있나요 |없으면 마치겠습니다",
        "검토 결과를 보고드립니다\n|첨부를 확인해 주세요\n|이상입니다",
        "배가 떠났다 |기차도 갔다 |아무도 없다",
        "물가가 오르니까 미리 사세요 |값이 더 오릅니다만 괜찮아요",
        "필요 서류와 중요 사항, 주요 도시와 수요 예측을 본다. |개요 다음에 적는다.",
        "바다 보다 깊고 날마다 새롭다 싶은 곳",
        "예산(2023년. 잠정치)은 늘었다. |(단, 인건비는 뺀다.) |다음 장에서 본다.",
        "원년(기원전 57년(갑자년). 봄)에 세웠다. |뒤에 옮겼다.",
        "고 홍길동 회장이 세웠다. |고 성춘향 사장이 이었다.",
        "야호!는 검색 회사다. |왜?라는 물음이 남았다.",
        "출처가 있다.[1] |다음 문장이다.[2][3] |또 있다.[4]:12-13 |끝이다.",
        "좋아요ㅎㅎ |내일 봐요~ |네",
        "영화입니다. ㅠㅠ",
        "보고서를 제출함. |승인됨. |결재가 끝났음. |첨부 1부.",
        "- 첫째 항목\n|- 둘째 항목이다.\n|- 셋째",
        "이 문장은 줄이\n바뀌어도 하나다. |다음이다.",
        "He said “Stop. Go home.” and left. |Then it rained.",
    ],
)
def test_korean_sentences_end_by_ending_and_mark(text: str) -> None:
    assert sentences.split(text.replace("|", "")) == text.split("|")


def test_a_text_written_without_spaces_is_cut_behind_its_verbs() -> None:
    pieces = ["신청은끝났다.", "그러나접수는계속된다.", "언제까지인가?", "아무도모른다."]
    assert sentences.split("".join(pieces)) == pieces


def test_points_between_names_are_no_ends() -> None:
    assert sentences.split("김철수.이영희.박민수가 왔다.") == ["김철수.이영희.박민수가 왔다."]


@pytest.mark.parametrize(
    "text", ["No. " * 20_000, "(" * 50_000 + ".", '"가. ' * 20_000, "합니다 라고 " * 10_000, "1. 2. 3. " * 10_000]
)
def test_long_lines_that_never_end_take_no_longer_by_the_sentence(text: str) -> None:
    began = time.process_time()
    assert "".join(sentences.split(text)) == text
    assert time.process_time() - began < 20  # minutes, were each mark looked at together with all before it
