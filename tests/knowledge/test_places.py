"""Where cut texts stand in their document, however a chunker changed them."""

from __future__ import annotations

import pytest

from llmflow.knowledge.places import Places
from llmflow.ports.parser import Element

ONE = "연차 휴가는 매년 열다섯 날이며, 입사한 해에는 한 달에 하루씩 생기고 다음 해 말까지 쓸 수 있습니다."
TWO = "보수는 매월 이십오일에 지급하며, 그날이 쉬는 날이면 그 앞날에 지급합니다. 문의는 인사팀으로 합니다."
ROWS = "| 직급 | 휴가 |\n| --- | --- |\n| 사원 | 15일 |\n| 임원 | 20일 |"
NOTE = "이 규정은 공포한 날부터 시행하며, 시행에 필요한 세칙은 따로 정합니다."

ELEMENTS = [
    Element("Title", "취업 규칙", page=1, level=1, bbox=(50, 40, 300, 60)),
    Element("Title", "제1조 휴가", page=1, heading_path=("취업 규칙",), level=2, bbox=(50, 70, 300, 90)),
    Element("NarrativeText", ONE, page=1, heading_path=("취업 규칙", "제1조 휴가"), bbox=(50, 100, 500, 140)),
    Element("Header", "주식회사 예시", page=2),
    Element("Title", "제2조 보수", page=2, heading_path=("취업 규칙",), level=2, bbox=(50, 40, 300, 60)),
    Element("NarrativeText", TWO, page=2, heading_path=("취업 규칙", "제2조 보수"), bbox=(50, 70, 500, 110)),
    Element("Table", ROWS, page=2, heading_path=("취업 규칙", "제2조 보수"), bbox=(50, 120, 500, 200)),
    Element("NarrativeText", NOTE, page=2, heading_path=("취업 규칙", "제2조 보수"), bbox=(50, 210, 500, 230)),
    Element("NarrativeText", NOTE, page=3, heading_path=("취업 규칙", "부칙"), bbox=(50, 40, 500, 60)),
]


@pytest.fixture
def places() -> Places:
    return Places(ELEMENTS)


def test_a_passage_has_its_page_its_box_and_the_headings_that_it_does_not_repeat(places: Places) -> None:
    place = places.of(ONE)
    assert place is not None
    assert (place.page, place.page_end, place.heading_path) == (1, 1, ("취업 규칙", "제1조 휴가"))
    assert list(place.boxes) == [(1, 50, 100, 500, 140)]
    headed = places.of(f"## 제2조 보수\n\n{TWO}")
    assert headed is not None
    assert (headed.page, headed.heading_path) == (2, ("취업 규칙",))
    assert list(headed.boxes) == [(2, 50, 40, 500, 110)]


def test_one_that_goes_over_a_page_has_both(places: Places) -> None:
    place = places.of(f"{ONE[-30:]}\n\n## 제2조 보수\n\n{TWO[:30]}")
    assert place is not None
    assert (place.page, place.page_end, place.heading_path) == (1, 2, ("취업 규칙",))
    assert [box[0] for box in place.boxes] == [1, 2]


def test_blanks_marks_and_bars_do_not_matter(places: Places) -> None:
    place = places.of("* 사원 15일\n* 임원 20일")
    assert place is not None and list(place.boxes) == [(2, 50, 120, 500, 200)]
    squeezed = places.of(ONE.replace(" ", "\n"))
    assert squeezed is not None and squeezed.page == 1


@pytest.mark.parametrize(
    "changed",
    [TWO.replace("그 앞날에 지급합니다", "앞날에"), f"이 글은 보수를 다룹니다. {TWO}", TWO.replace("이십오일", "")],
)
def test_what_is_no_longer_whole_is_known_by_its_pieces(places: Places, changed: str) -> None:
    place = places.of(changed)
    assert place is not None
    assert (place.page, place.boxes[-1][:3]) == (2, (2, 50, 70))


def test_of_two_that_say_the_same_the_second_is_the_seconds(places: Places) -> None:
    first, second = places.of(NOTE), places.of(NOTE)
    assert first is not None and second is not None
    assert (first.page, second.page) == (2, 3)
    again = places.of(ONE)  # one that comes out of order is found all the same
    assert again is not None and again.page == 1


def test_parts_are_looked_for_in_their_parent_alone(places: Places) -> None:
    parent = places.of(f"{TWO}\n\n{NOTE}")
    assert parent is not None
    part = places.of("문의는 인사팀으로 합니다", within=parent)
    assert part is not None and list(part.boxes) == [(2, 50, 70, 500, 110)]
    assert places.of("연차 휴가는 매년", within=parent) is None


@pytest.mark.parametrize("text", ["", " — ", "이 문서에는 없는 글이며, 모델이 처음부터 새로 지어낸 요약일 뿐입니다."])
def test_what_the_document_does_not_say_stands_nowhere(places: Places, text: str) -> None:
    assert places.of(text) is None
    assert Places([]).of(text) is None
