from __future__ import annotations

from llmflow.apps.answers.sentences import units


def _texts(text: str) -> list[str]:
    return [unit.text for unit in units(text)]


def test_korean_and_english_sentences_are_told_apart() -> None:
    assert _texts("연차는 15일입니다. 이월은 6일까지 됩니다! Ask HR, e.g. by mail. It takes 3.5 days.") == [
        "연차는 15일입니다.",
        "이월은 6일까지 됩니다!",
        "Ask HR, e.g. by mail.",
        "It takes 3.5 days.",
    ]


def test_wrapped_lines_are_joined_and_list_items_stand_alone() -> None:
    assert _texts("One sentence\nover two lines.\n- first item\n- second item") == [
        "One sentence over two lines.",
        "- first item",
        "- second item",
    ]


def test_a_heading_is_no_sentence_but_the_context_of_those_below_it() -> None:
    found = units("2.2 사용 방법\n연차는 나누어 쓸 수 있습니다.\n## Leave\nAsk early.", heading="2. 연차")
    assert [(unit.heading, unit.text) for unit in found] == [
        ("2.2 사용 방법", "연차는 나누어 쓸 수 있습니다."),
        ("Leave", "Ask early."),
    ]


def test_table_rows_are_read_with_their_column_names() -> None:
    found = units(
        "한도는 아래 표와 같습니다.\n\n| 직급 | 한도 |\n| --- | --- |\n| 팀장 | 350만원 |\n| 사원 | 80만원 |\n\n끝."
    )
    assert [(unit.text, unit.table) for unit in found] == [
        ("한도는 아래 표와 같습니다.", 0),
        ("| 팀장 | 350만원 |", 1),
        ("| 사원 | 80만원 |", 1),
        ("끝.", 0),
    ]
    assert found[1].plain == "직급: 팀장, 한도: 350만원"
    assert found[1].header == "| 직급 | 한도 |"


def test_text_without_any_mark_is_one_sentence_and_blank_text_none() -> None:
    assert _texts("no mark at all") == ["no mark at all"]
    assert _texts(" \n\n ") == []


def test_korean_sentences_without_a_space_between_them_are_told_apart() -> None:
    assert _texts("연차는 15일이다.신청은 팀장에게 합니다.승인이 필요해요.끝.") == [
        "연차는 15일이다.",
        "신청은 팀장에게 합니다.",
        "승인이 필요해요.",
        "끝.",
    ]
    assert _texts("둘은 다르다。끝났다！？ 다음。") == ["둘은 다르다。", "끝났다！？", "다음。"]
    assert _texts("그는 “다르다。”라고 했다. 버전은 3.5다.") == ["그는 “다르다。”라고 했다.", "버전은 3.5다."]


def test_the_letters_that_number_a_list_are_no_sentences() -> None:
    assert _texts("가. 신청서 작성 나. 팀장 승인\n다. 인사팀 접수\n라. 결과 통보") == [
        "가. 신청서 작성 나. 팀장 승인",
        "다. 인사팀 접수",
        "라. 결과 통보",
    ]
    assert _texts("순서는 가.나.다.라. 순이다.") == ["순서는 가.나.다.라. 순이다."]


def test_circled_numbers_begin_items_with_or_without_a_space() -> None:
    assert _texts("① 신청서 작성\n②팀장 승인\n㉠ 인사팀\n그 뒤 접수") == [
        "① 신청서 작성",
        "②팀장 승인",
        "㉠ 인사팀 그 뒤 접수",
    ]
