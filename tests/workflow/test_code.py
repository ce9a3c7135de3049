"""The code node: what it gives to the sandbox, which outputs it lets through, and what its errors say."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from llmflow.config.settings import Workflow
from llmflow.errors import NodeFailed, OrganError
from llmflow.ports.sandbox import Code, Ran
from llmflow.workflow.context import Outside
from llmflow.workflow.events import WorkflowFinished
from llmflow.workflow.nodes.code import CodeData
from tests.workflow.graphs import end, graph, node, outputs_of, run, start


class Sandbox:
    """Gives what it is told to give, and keeps what it was asked."""

    def __init__(self, result: Any = None, printed: str = "", error: Exception | None = None) -> None:
        self.ran, self.error = Ran(result, printed), error
        self.asked: list[Code] = []

    async def __call__(self, code: Code) -> Ran:
        self.asked.append(code)
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return self.ran


def code(outputs: dict[str, Any] | None, **data: Any) -> dict[str, Any]:
    data = {"code_language": "python3", "code": "def main(말): ...", "variables": [], **data}
    return node("c", "code", outputs=outputs, **data)


def typed(**types: str) -> dict[str, Any]:
    return {name: {"type": type, "children": None} for name, type in types.items()}


async def of(result: Any, outputs: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    return await outputs_of(code(outputs), outside=Outside(code=Sandbox(result)), **more)


async def test_variables_become_the_inputs_and_what_was_printed_is_kept_beside() -> None:
    sandbox = Sandbox({"r": "답"}, "찍은 말\n")
    variables = [
        {"variable": "말", "value_selector": ["start", "질문"]},
        {"variable": "없음", "value_selector": ["start", "gone"]},
    ]
    tested = code(typed(r="string"), variables=variables)
    last, sink = await run(
        graph([start("질문"), tested, end(r="c.r")], "start > c > end"),
        inputs={"질문": "휴가는?"},
        outside=Outside(code=sandbox),
    )
    assert isinstance(last, WorkflowFinished)
    assert (last.status, last.outputs) == ("succeeded", {"r": "답"})
    assert sandbox.asked == [Code("python3", "def main(말): ...", {"말": "휴가는?", "없음": None})]
    ended = sink.end_of("c")
    assert ended.inputs == {"말": "휴가는?", "없음": None}
    assert ended.process_data == {"printed": "찍은 말\n"}


@pytest.mark.parametrize(
    ("given", "language"),
    [
        ({}, "python3"),
        ({"code_language": None}, "python3"),
        ({"code_language": "python"}, "python3"),
        ({"code_language": "javascript"}, "javascript"),
        ({"code_language": "nodejs"}, "javascript"),
    ],
)
def test_older_names_of_the_languages_are_read(given: dict[str, Any], language: str) -> None:
    assert CodeData(**given).code_language == language


def test_old_forms_and_dependencies_are_read_and_kept() -> None:
    old: dict[str, Any] = {
        "variables": None,
        "outputs": None,
        "dependencies": [{"name": "jieba", "version": ""}],
        "code": "x",
    }
    data = CodeData(**old)
    assert (data.variables, data.outputs) == ([], None)
    assert data.model_dump()["dependencies"] == old["dependencies"]


@pytest.mark.parametrize(
    ("result", "outputs", "found"),
    [
        ({"a": "가\x00나"}, typed(a="string"), {"a": "가나"}),
        ({"a": None, "b": None, "c": None}, typed(a="string", b="array[object]", c="number"), None),
        ({"a": True, "b": 1.5}, typed(a="number", b="number"), {"a": 1, "b": 1.5}),
        ({"a": False}, typed(a="boolean"), {"a": False}),
        ({"a": [1, True, 2.5, None]}, typed(a="array[number]"), {"a": [1, 1, 2.5, None]}),
        ({"a": ["가", None]}, typed(a="array[string]"), None),
        ({"a": [True, None]}, typed(a="array[boolean]"), None),
        ({"a": [{"b": [1, "가"]}, None]}, typed(a="array[object]"), None),
        ({"a": {"b": {"c": {"d": {}}}}}, typed(a="object"), None),
        ({"a": {"b": 1}}, {"a": {"type": "object", "children": typed(b="number")}}, None),
        ({"a": {}}, {"a": {"type": "object", "children": {}}}, None),
        ({"whatever": [[1], {"b": "가"}]}, None, None),
        ({}, {}, None),
        ({"a": list(range(1000)), "b": ["가"] * 30}, typed(a="array[number]", b="array[string]"), None),
        ({"a": "가" * 400_000}, typed(a="string"), None),
    ],
)
async def test_outputs_of_the_declared_types_go_through(result: Any, outputs: Any, found: Any) -> None:
    assert await of(result, outputs) == (result if found is None else found)


DEEP: dict[str, Any] = {"b": {"c": {"d": {"e": {"f": 1}}}}}


@pytest.mark.parametrize(
    ("result", "outputs", "words"),
    [
        (None, typed(a="string"), "main must return an object, and returned nothing."),
        ("글", typed(a="string"), "main must return an object, and returned a string."),
        ([1], typed(a="string"), "main must return an object, and returned a array[number]."),
        ({}, typed(a="string"), "The output `a` is declared, and main did not return it."),
        ({"a": "", "b": 1}, typed(a="string"), "The output `b` is not declared, and main returned it."),
        ({"a": 1}, typed(a="string"), "The output `a` is declared as string, and is a number."),
        ({"a": "1"}, typed(a="number"), "The output `a` is declared as number, and is a string."),
        ({"a": "true"}, typed(a="boolean"), "The output `a` is declared as boolean, and is a string."),
        ({"a": []}, typed(a="object"), "The output `a` is declared as object, and is a array[any]."),
        ({"a": {}}, typed(a="array[object]"), "The output `a` is declared as array[object], and is an object."),
        ({"a": ["가", 1]}, typed(a="array[string]"), "The output `a[1]` is declared as string, and is a number."),
        ({"a": [1]}, typed(a="array[object]"), "The output `a[0]` is declared as object, and is a number."),
        ({"a": [[]]}, typed(a="array[boolean]"), "The output `a[0]` is declared as boolean, and is a array[any]."),
        ({"a": "가" * 400_001}, typed(a="string"), "The output `a` has more than 400000 characters."),
        ({"a": {"b": ["가" * 400_001]}}, typed(a="object"), "The output `a.b[0]` has more than 400000 characters."),
        ({"a": [0] * 1001}, typed(a="array[number]"), "The output `a` has more than 1000 items."),
        ({"a": [""] * 31}, typed(a="array[string]"), "The output `a` has more than 30 items."),
        ({"a": [{}] * 31}, typed(a="array[object]"), "The output `a` has more than 30 items."),
        ({"a": 2**63}, typed(a="number"), "The output `a` is too large a number."),
        ({"a": {"b": -(2**63)}}, typed(a="object"), "The output `a.b` is too large a number."),
        ({"a": DEEP}, typed(a="object"), "The output `a.b.c.d.e` is nested deeper than 5 levels."),
        ({"a": [DEEP]}, typed(a="array[object]"), "The output `a[0].b.c.d.e` is nested deeper than 5 levels."),
        ({"a": {"b": [[[[[1]]]]]}}, typed(a="object"), "is nested deeper than 5 levels."),
        (
            {"a": {"b": "글"}},
            {"a": {"type": "object", "children": typed(b="number")}},
            "The output `a.b` is declared as number, and is a string.",
        ),
    ],
)
async def test_what_is_not_as_declared_fails_with_its_place(result: Any, outputs: Any, words: str) -> None:
    with pytest.raises(NodeFailed) as failed:
        await of(result, outputs)
    assert failed.value.code == "code_output"
    assert words in failed.value.message


async def test_the_limits_are_settings() -> None:
    limits = Workflow(code_characters=3, code_items=1, code_numbers=2, code_depth=2)
    assert await of({"a": "가나다", "b": [1, 2]}, typed(a="string", b="array[number]"), limits=limits)
    for result in ({"a": "가나다라", "b": []}, {"a": "", "b": [1, 2, 3]}):
        with pytest.raises(NodeFailed):
            await of(result, typed(a="string", b="array[number]"), limits=limits)


async def test_an_error_of_the_code_is_the_nodes_error_and_its_strategy_follows() -> None:
    error = NodeFailed("ValueError: 안 돼요\n  line 2, in main", code="code_failed")
    tested = code(typed(r="string"), error_strategy="fail-branch")
    design = graph([start(), tested, end(e="c.error_message")], "start > c", "c:fail-branch > end")
    last, sink = await run(design, outside=Outside(code=Sandbox(error=error)))
    assert isinstance(last, WorkflowFinished)
    assert last.status == "partial-succeeded"
    assert last.outputs == {"e": "ValueError: 안 돼요\n  line 2, in main"}
    assert sink.end_of("c").status == "exception"


async def test_where_code_cannot_run_the_node_says_why_and_what_to_do() -> None:
    error = OrganError("Code cannot be run apart here: no bubblewrap.", code="sandbox_unavailable", hint="Install it.")
    with pytest.raises(NodeFailed) as failed:
        await outputs_of(code(typed(r="string")), outside=Outside(code=Sandbox(error=error)))
    assert failed.value.code == "sandbox_unavailable"
    assert failed.value.message == "Code cannot be run apart here: no bubblewrap. Install it."


async def test_a_place_without_a_sandbox_runs_nothing() -> None:
    with pytest.raises(NodeFailed, match="A place to run code"):
        await outputs_of(code(typed(r="string")), outside=Outside())
