"""list-operator: what it keeps of a list, in which order, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from llmflow.errors import NodeFailed
from llmflow.workflow.files import make_file
from tests.workflow.graphs import node, outputs_of

FILES = [
    make_file(name="규정.pdf", size=300, id="1"),
    make_file(name="사진.png", size=100, id="2"),
    make_file(name="표.xlsx", size=200, id="3"),
]


async def of(items: Any, **data: Any) -> dict[str, Any]:
    tested = node("l", "list-operator", variable=["start", "items"], **data)
    return await outputs_of(tested, inputs={"items": items, "word": "사과"})


def names(outputs: dict[str, Any]) -> list[str]:
    return [file["filename"] for file in outputs["result"]]


def where(*conditions: dict[str, Any]) -> dict[str, Any]:
    return {"filter_by": {"enabled": True, "conditions": list(conditions)}}


def is_(operator: str, value: Any, key: str = "") -> dict[str, Any]:
    return {"key": key, "comparison_operator": operator, "value": value}


@pytest.mark.parametrize(
    ("items", "condition", "kept"),
    [
        (["사과", "배", "사과즙"], is_("contains", "사과"), ["사과", "사과즙"]),
        (["사과", "배", "사과즙"], is_("not contains", "{{#start.word#}}"), ["배"]),
        (["사과", "배"], is_("in", "배, 감"), ["배"]),
        (["사과", "배"], is_("not in", "배, 감"), ["사과"]),
        (["사과", ""], is_("not empty", ""), ["사과"]),
        ([1, 2.5, 3], is_("≥", "2.5"), [2.5, 3]),
        ([1, 2], is_("=", "2"), [2]),
        ([True, False], is_("is", True), [True]),
        ([True, False], is_("is", "false"), [False]),
    ],
)
async def test_what_satisfies_the_condition_is_kept(items: list[Any], condition: dict[str, Any], kept: Any) -> None:
    assert (await of(items, **where(condition)))["result"] == kept


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        (is_("in", ["document"], "type"), ["규정.pdf", "표.xlsx"]),
        (is_("not in", ["document"], "type"), ["사진.png"]),
        (is_("is", "pdf", "extension"), ["규정.pdf"]),
        (is_("in", [".png", "xlsx"], "extension"), ["사진.png", "표.xlsx"]),
        (is_("<", "250", "size"), ["사진.png", "표.xlsx"]),
        (is_("contains", "규", "name"), ["규정.pdf"]),
        (is_("is not", "http://a/b", "url"), ["규정.pdf", "사진.png", "표.xlsx"]),
    ],
)
async def test_files_are_chosen_by_their_properties(condition: dict[str, Any], kept: list[str]) -> None:
    assert names(await of(FILES, **where(condition))) == kept


async def test_conditions_must_all_hold_and_then_one_is_taken_or_all_are_ordered_and_cut() -> None:
    both = where(is_("in", ["document"], "type"), is_(">", "100", "size"))
    order = {"order_by": {"enabled": True, "key": "size", "value": "asc"}}
    outputs = await of(FILES, **both, **order, limit={"enabled": True, "size": 1})
    assert names(outputs) == ["표.xlsx"]
    outputs = await of(FILES, **order)
    assert names(outputs) == ["사진.png", "표.xlsx", "규정.pdf"]
    assert (outputs["first_record"]["filename"], outputs["last_record"]["filename"]) == ("사진.png", "규정.pdf")
    outputs = await of([3, 1, 2], extract_by={"enabled": True, "serial": "2"})
    assert outputs == {"result": [1], "first_record": 1, "last_record": 1}
    outputs = await of(["가", "다", "나"], order_by={"enabled": True, "key": None, "value": "desc"})
    assert outputs["result"] == ["다", "나", "가"]


async def test_an_old_file_without_extraction_and_with_switches_off_changes_nothing() -> None:
    off = {"enabled": False, "conditions": [is_("contains", "없음")]}
    outputs = await of(["가", "나"], filter_by=off, order_by=None, limit={"enabled": False, "size": 1})
    assert outputs["result"] == ["가", "나"]


@pytest.mark.parametrize("items", [[], None, ""])
async def test_nothing_gives_an_empty_list(items: Any) -> None:
    outputs = await of(items, extract_by={"enabled": True, "serial": "1"})
    assert outputs == {"result": [], "first_record": None, "last_record": None}


@pytest.mark.parametrize(
    ("items", "data", "code"),
    [
        ("글", {}, "node_input_invalid"),
        ([{"a": 1}], {}, "node_input_invalid"),
        (["가", 1], {}, "node_input_invalid"),
        ([1], {"extract_by": {"enabled": True, "serial": "2"}}, "node_input_invalid"),
        ([1], {"extract_by": {"enabled": True, "serial": "둘"}}, "node_input_invalid"),
        ([1], where(is_("≥", "둘")), "node_input_invalid"),
        (["가"], where(is_("resembles", "가")), "node_invalid"),
        (FILES, where(is_("is", "가", "colour")), "node_invalid"),
        (FILES, {"order_by": {"enabled": True, "key": ""}}, "node_invalid"),
    ],
)
async def test_what_cannot_be_done_fails_by_name(items: Any, data: dict[str, Any], code: str) -> None:
    with pytest.raises(NodeFailed) as failed:
        await of(items, **data)
    assert failed.value.code == code


async def test_a_list_that_is_not_there_fails() -> None:
    with pytest.raises(NodeFailed) as failed:
        await outputs_of(node("l", "list-operator", variable=["start", "gone"]))
    assert failed.value.code == "node_input_invalid"


async def test_a_long_list_is_gone_through_as_well() -> None:
    outputs = await of(list(range(5_000)), **where(is_(">", "4997")))
    assert outputs["result"] == [4998, 4999]
