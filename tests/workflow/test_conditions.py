"""Conditions, operator by operator."""

from __future__ import annotations

from typing import Any

import pytest

from llmflow.errors import NodeFailed
from llmflow.workflow.conditions import OPERATORS, Condition, holds
from llmflow.workflow.files import make_file
from llmflow.workflow.variables import Pool
from tests.workflow.graphs import end, graph, node, run, start, template

FILES = [make_file(name="보고서.PDF", media_type="application/pdf", size=10), make_file(name="cat.png", size=99)]

TRUE: list[tuple[Any, str, Any]] = [
    ("서울특별시", "contains", "특별"),
    (["가", "나"], "contains", "나"),
    ([1, 2], "contains", "2"),
    ("", "not contains", "a"),
    ("서울", "start with", "서"),
    ("서울", "end with", "울"),
    ("서울", "is", "서울"),
    ("서울", "is not", "부산"),
    (3, "is", "3"),
    (True, "is", "true"),
    (False, "is not", "true"),
    ("", "empty", ""),
    ([], "empty", ""),
    (None, "empty", ""),
    (0, "not empty", ""),
    ("0", "not empty", ""),
    (3, "=", "3"),
    (3.0, "=", "3"),
    (0.5, "=", "0.5"),
    ("3", "=", "3"),
    (3, "≠", "4"),
    (3, ">", "2.5"),
    (3, "<", "10"),
    (3, "≥", "3"),
    (3, "≤", "3"),
    ("5", "≥", "5"),
    (None, "null", ""),
    ("", "not null", ""),
    ("가", "in", ["가", "나"]),
    ("다", "not in", ["가", "나"]),
    (["가", "나", "다"], "all of", ["가", "다"]),
    ("a", "exists", ""),
    (None, "not exists", ""),
    (True, "=", "true"),
    (5, "==", "5"),
    (5, "!=", "6"),
    (5, ">=", "5"),
    (5, "<=", "5"),
]


def condition(operator: str, value: Any, **more: Any) -> Condition:
    given = {"variable_selector": ["n", "v"], "comparison_operator": operator, "value": value, **more}
    return Condition.model_validate(given)


def pool_of(value: Any) -> Pool:
    pool = Pool()
    pool.put("n", {"v": value})
    pool.put("sys", {"query": "서울"})
    return pool


@pytest.mark.parametrize(("actual", "operator", "expected"), TRUE)
def test_a_condition_holds(actual: Any, operator: str, expected: Any) -> None:
    assert holds([condition(operator, expected)], "and", pool_of(actual)).holds


FALSE: list[tuple[Any, str, Any]] = [
    ("서울", "contains", "부산"),
    ("서울", "not contains", "서"),
    ("서울", "is", "서울시"),
    ("서울", "empty", ""),
    ("", "not empty", ""),
    (None, "is", "서울"),
    (None, ">", "1"),
    (None, "=", "0"),
    (3, "=", "3.5"),
    (3, ">", "3"),
    ("", "in", ["가"]),
    ("가", "not in", ["가"]),
    (["가"], "all of", ["가", "나"]),
    (False, "=", "true"),
]


@pytest.mark.parametrize(("actual", "operator", "expected"), FALSE)
def test_a_condition_does_not_hold(actual: Any, operator: str, expected: Any) -> None:
    assert not holds([condition(operator, expected)], "and", pool_of(actual)).holds


def test_every_operator_of_dify_is_known() -> None:
    named = "contains|not contains|start with|end with|is|is not|empty|not empty|in|not in|all of|=|≠|>|<|≥|≤"
    assert set(OPERATORS) == {*named.split("|"), "null", "not null", "exists", "not exists"}
    assert {operator for _, operator, _ in TRUE} >= set(OPERATORS)


def test_what_is_compared_with_may_hold_variables() -> None:
    verdict = holds([condition("is", "{{#sys.query#}}특별시")], "and", pool_of("서울특별시"))
    assert verdict.holds
    assert verdict.compared == [
        {"actual_value": "서울특별시", "expected_value": "서울특별시", "comparison_operator": "is"}
    ]


def test_conditions_are_looked_at_until_the_answer_is_known() -> None:
    three = [condition("is", "a"), condition("is", "b"), condition("is", "a")]
    assert holds(three, "and", pool_of("a")).results == [True, False]
    assert holds(three, "or", pool_of("b")).results == [False, True]


@pytest.mark.parametrize(("actual", "operator", "expected"), [("셋", ">", "2"), (3, "contains", "3"), ([1], "is", "1")])
def test_what_cannot_be_compared_fails_and_says_so(actual: Any, operator: str, expected: Any) -> None:
    with pytest.raises(NodeFailed, match="cannot compare") as caught:
        holds([condition(operator, expected)], "and", pool_of(actual))
    assert caught.value.code == "node_input_invalid"


def test_a_variable_that_is_not_there_fails_but_for_asking_whether_it_is() -> None:
    absent = ["n", "other"]
    with pytest.raises(NodeFailed, match=r"n\.other"):
        holds([Condition(variable_selector=absent, comparison_operator="is")], "and", pool_of(1))
    assert holds([Condition(variable_selector=absent, comparison_operator="not exists")], "and", pool_of(1)).holds


@pytest.mark.parametrize(
    ("key", "operator", "value", "result"),
    [
        ("type", "in", ["document"], True),
        ("type", "not in", ["document"], False),
        ("extension", "is", "pdf", True),
        ("name", "contains", "cat", True),
        ("size", ">", "50", True),
        ("size", ">", "100", False),
    ],
)
def test_a_condition_looks_into_the_files_of_a_list(key: str, operator: str, value: Any, result: bool) -> None:
    sub = {"logical_operator": "and", "conditions": [{"key": key, "comparison_operator": operator, "value": value}]}
    found = holds([condition("contains", "", sub_variable_condition=sub)], "and", pool_of(FILES))
    assert found.holds is result


def test_a_selector_goes_into_a_file() -> None:
    pool = pool_of(FILES[0])
    one = {"variable_selector": ["n", "v", "extension"], "comparison_operator": "is", "value": ".pdf"}
    assert holds([Condition.model_validate(one)], "and", pool).holds


async def test_the_old_form_of_if_else_is_one_case_named_true() -> None:
    tests = [{"variable_selector": ["start", "q"], "comparison_operator": "is", "value": "예"}]
    design = graph(
        [
            start("q"),
            node("if", "if-else", conditions=tests, logical_operator="and"),
            template("t", "T"),
            end(t="t.output"),
        ],
        "start > if:true > t > end",
        "if:false > end",
    )
    for said, output in (("예", "T"), ("아니오", None)):
        last, _ = await run(design, inputs={"q": said})
        assert last.outputs == {"t": output}
