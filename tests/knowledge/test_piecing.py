"""Texts of passages as one and as two."""

from __future__ import annotations

import pytest

from llmflow.errors import UsageError
from llmflow.knowledge.piecing import cut, joined

HEAD = "표 1. 직급별 휴가\n\n| 직급 | 휴가 |\n| --- | --- |"


def test_overlap_is_written_once() -> None:
    first = "연차는 15일이다. 남은 연차는 이월된다."
    second = "남은 연차는 이월된다. 이월은 한 번만 된다."
    assert joined(first, second) == "연차는 15일이다. 남은 연차는 이월된다. 이월은 한 번만 된다."


def test_what_is_alike_by_chance_stays() -> None:
    assert joined("It ends in two days", "days are long") == "It ends in two days\n\ndays are long"
    assert joined("the holidays are", "holidays aren't") == "the holidays are\n\nholidays aren't"


def test_two_parts_of_one_table_have_one_header() -> None:
    assert joined(f"{HEAD}\n| 사원 | 15 |", f"{HEAD}\n| 대리 | 16 |") == f"{HEAD}\n| 사원 | 15 |\n| 대리 | 16 |"
    other = HEAD.replace("휴가", "급여")
    assert joined(f"{HEAD}\n| 사원 | 15 |", f"{other}\n| 대리 | 16 |").count("---") == 4


def test_a_table_is_cut_between_rows_and_both_have_the_header() -> None:
    table = f"{HEAD}\n| 사원 | 15 |\n| 대리 | 16 |\n| 과장 | 17 |"
    for word in ("대리", "16"):
        first, second = cut(table, table.index(word), kind="table")
        assert (first, second) == (f"{HEAD}\n| 사원 | 15 |", f"{HEAD}\n| 대리 | 16 |\n| 과장 | 17 |")
    for at in (0, 5, table.index("사원"), len(HEAD)):
        with pytest.raises(UsageError):
            cut(table, at, kind="table")


def test_text_is_cut_where_one_says() -> None:
    assert cut("하나. 둘.", 4, kind="text") == ("하나.", "둘.")
    for at in (-3, 0, 1_000):
        with pytest.raises(UsageError):
            cut("하나.", at, kind="text")
