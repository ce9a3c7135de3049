"""parameter-extractor: values with their types, by a tool or by JSON, and what is said when they are not there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from llmflow.errors import NodeFailed, UsageError
from llmflow.ports.llm import ChatDelta
from tests.workflow.graphs import graph, node, outputs_of, run, start
from tests.workflow.outside import FAKES, Model, Replies, messages


def wanted(name: str, type: str = "string", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type, "description": "", "required": False, **more}


def extractor(*parameters: dict[str, Any], mode: str | None = "prompt", **data: Any) -> dict[str, Any]:
    found = {"query": ["sys", "query"], "parameters": list(parameters), "reasoning_mode": mode, **data}
    return node("p", "parameter-extractor", **found)


async def of(model: Model, *parameters: dict[str, Any], mode: str | None = "prompt", **data: Any) -> dict[str, Any]:
    tested = extractor(*parameters, mode=mode, **data)
    system = {"query": "지수가 3월 2일부터 이틀 쉰다"}
    return await outputs_of(tested, outside=replace(FAKES, chat=model), system=system, inputs={"word": "빨리"})


def calls(*arguments: str) -> list[ChatDelta]:
    """A tool call in pieces."""
    first = {"index": 0, "id": "1", "function": {"name": "take_values", "arguments": ""}}
    rest = [{"index": 0, "function": {"arguments": part}} for part in arguments]
    return [ChatDelta(tool_calls=[call]) for call in (first, *rest)]


@pytest.mark.parametrize(
    ("type", "said", "value"),
    [
        ("string", '"지수"', "지수"),
        ("string", "7", "7"),
        ("number", "2", 2),
        ("number", '" 2.5 "', 2.5),
        ("boolean", "true", True),
        ("bool", '"No"', False),
        ("select", '"연차"', "연차"),
        ("object", '{"a": 1}', {"a": 1}),
        ("array[string]", '["가", "나"]', ["가", "나"]),
        ("array[number]", '[1, "2"]', [1, 2]),
        ("array[boolean]", "[true]", [True]),
        ("array[object]", '[{"a": 1}]', [{"a": 1}]),
    ],
)
async def test_a_value_has_its_type(type: str, said: str, value: Any) -> None:
    outputs = await of(Model(f'{{"v": {said}}}'), wanted("v", type, options=["연차"] if type == "select" else None))
    assert outputs["v"] == value
    assert (outputs["__is_success"], outputs["__reason"]) == (1, None)
    assert outputs["__usage"]["total_tokens"] == 12


@pytest.mark.parametrize(
    ("parameter", "said", "empty"),
    [
        (wanted("v", required=True), "null", ""),
        (wanted("v", "number"), '"이틀"', 0),
        (wanted("v", "number"), "NaN", 0),
        (wanted("v", "number"), "true", 0),
        (wanted("v", "bool"), '"글쎄"', False),
        (wanted("v", "array[string]"), '"가"', []),
        (wanted("v", "array[number]"), '[1, "둘"]', []),
        (wanted("v", "object"), "[]", {}),
        (wanted("v", "select", options=["연차", "반차"]), '"병가"', ""),
        (wanted("v", "array[string]", options=["연차"]), '["연차", "병가"]', []),
    ],
)
async def test_what_does_not_fit_is_empty_and_named(parameter: dict[str, Any], said: str, empty: Any) -> None:
    outputs = await of(Model(f'{{"v": {said}, "w": "옳다"}}'), parameter, wanted("w"))
    assert outputs["v"] == empty
    assert type(outputs["v"]) is type(empty)
    assert outputs["w"] == "옳다"
    assert outputs["__is_success"] == 0
    assert "parameter v" in outputs["__reason"]


async def test_what_is_not_required_may_be_left_out() -> None:
    outputs = await of(Model("{}"), wanted("v", "number"))
    assert (outputs["v"], outputs["__is_success"]) == (0, 1)


@pytest.mark.parametrize("said", ["", "모르겠습니다", '{"v": {"v": "가"}'])
async def test_an_answer_without_json_gives_empty_values_and_says_so(said: str) -> None:
    outputs = await of(Model(said), wanted("v"))
    assert (outputs["v"], outputs["__is_success"]) == ("", 0)
    assert outputs["__reason"] == "The model's answer holds no JSON object."


@pytest.mark.parametrize("mode", ["function_call", None, ""])
async def test_a_model_that_calls_tools_gives_the_values_in_a_call(mode: str | None) -> None:
    model = Replies(calls('{"v": ', '"지수"}'))
    assert (await of(model, wanted("v", required=True), mode=mode))["v"] == "지수"
    [request] = model.asked
    schema = request.options["tools"][0]["function"]["parameters"]
    assert schema["properties"] == {"v": {"type": ["string", "null"]}}
    assert schema["required"] == ["v"]


async def test_a_model_that_calls_no_tool_is_asked_for_json_and_both_are_counted() -> None:
    model = Replies("도구를 모릅니다", '{"v": "지수"}')
    outputs = await of(model, wanted("v"), mode="function_call")
    assert (outputs["v"], outputs["__usage"]["total_tokens"]) == ("지수", 24)
    assert ["tools" in request.options for request in model.asked] == [True, False]
    assert "response_format" in model.asked[1].options


async def test_json_in_words_instead_of_a_call_is_taken() -> None:
    model = Replies('찾았습니다: {"v": "지수"}')
    assert (await of(model, wanted("v"), mode="function_call"))["v"] == "지수"


async def test_a_server_that_takes_neither_tools_nor_schemas_is_asked_in_words() -> None:
    refusal = UsageError("The model server refused the request: unknown field")
    model = Replies(refusal, refusal, '{"v": "지수"}')
    assert (await of(model, wanted("v"), mode="function_call"))["v"] == "지수"
    assert [sorted(request.options) for request in model.asked] == [["tool_choice", "tools"], ["response_format"], []]
    with pytest.raises(NodeFailed) as failed:
        await of(Replies(refusal, refusal, refusal), wanted("v"), mode="function_call")
    assert failed.value.code == refusal.code


async def test_the_model_is_told_what_each_parameter_means_and_the_instruction() -> None:
    model = Model('{"종류": "연차"}')
    tested = extractor(
        wanted("종류", "select", options=["연차", "반차"], description="휴가의 종류"),
        instruction="{{#start.word#}} 찾아라",
    )
    _, sink = await run(
        graph([start("word"), tested], "start > p"),
        outside=replace(FAKES, chat=model),
        system={"query": "연차요"},
        inputs={"word": "빨리"},
    )
    (_, system), (_, question) = messages(model.asked[0])
    assert "빨리 찾아라" in system and "휴가의 종류" in system
    assert question == "<text>\n연차요\n</text>"
    schema = model.asked[0].options["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["종류"]["enum"] == ["연차", "반차", None]
    assert sink.end_of("p").inputs["query"] == "연차요"


@pytest.mark.parametrize("parameters", [[], [wanted("__reason")], [wanted("v", "file")], [wanted("")]])
async def test_parameters_that_cannot_be_fail_the_node(parameters: list[dict[str, Any]]) -> None:
    with pytest.raises(NodeFailed) as failed:
        await of(Model("{}"), *parameters)
    assert failed.value.code == "node_invalid"
