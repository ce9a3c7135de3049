"""Iterations and loops."""

from __future__ import annotations

from typing import Any

import pytest

from llmflow.config.settings import Workflow
from llmflow.workflow.events import RoundsFinished, RoundsStarted, RoundStarted, WorkflowFinished
from tests.workflow.graphs import end, graph, node, run, template


def iteration(**data: Any) -> dict[str, Any]:
    given = {"iterator_selector": ["start", "items"], "output_selector": ["t", "output"], "start_node_id": "istart"}
    return node("iter", "iteration", **{**given, **data})


def doubling(**data: Any) -> dict[str, Any]:
    return graph(
        [
            node("start", "start", variables=[]),
            iteration(**data),
            node("istart", "iteration-start", parent="iter"),
            template("t", "{{ i }}:{{ x }}{{ x }}", parent="iter", x="iter.item", i="iter.index"),
            end(out="iter.output"),
        ],
        "start > iter > end",
        "istart > t",
    )


@pytest.mark.parametrize("is_parallel", [False, True])
async def test_an_iteration_gives_what_each_round_gave_in_the_order_of_the_items(is_parallel: bool) -> None:
    last, sink = await run(doubling(is_parallel=is_parallel), inputs={"items": ["가", "나", "다"]})
    assert last.outputs == {"out": ["0:가가", "1:나나", "2:다다"]}
    assert [event.index for event in sink.events if isinstance(event, RoundStarted)] == [0, 1, 2]
    assert [len(sink.named(kind)) for kind in (RoundsStarted, RoundsFinished)] == [1, 1]
    inner = [event for event in sink.events if getattr(event, "node_id", "") == "t"]
    assert {event.iteration_id for event in inner} == {"iter"}  # type: ignore[union-attr]


async def test_an_empty_list_gives_an_empty_list() -> None:
    last, _ = await run(doubling(), inputs={"items": []})
    assert last.outputs == {"out": []}


async def test_what_is_no_list_fails_the_node() -> None:
    last, _ = await run(doubling(), inputs={"items": "가나다"})
    assert isinstance(last, WorkflowFinished)
    assert (last.status, last.error_code) == ("failed", "node_input_invalid")


def failing(mode: str, is_parallel: bool) -> dict[str, Any]:
    """Fails for the item "b", whose path ends at a type nobody runs."""
    condition = {"variable_selector": ["iter", "item"], "comparison_operator": "is", "value": "b"}
    return graph(
        [
            node("start", "start"),
            iteration(error_handle_mode=mode, is_parallel=is_parallel, output_selector=["t", "output"]),
            node("istart", "iteration-start", parent="iter"),
            node("if", "if-else", parent="iter", cases=[{"case_id": "bad", "conditions": [condition]}]),
            node("bad", "quantum-node", parent="iter"),
            template("t", "{{ x }}!", parent="iter", x="iter.item"),
            end(out="iter.output"),
        ],
        "start > iter > end",
        "istart > if:bad > bad",
        "if:false > t",
    )


@pytest.mark.parametrize("is_parallel", [False, True])
@pytest.mark.parametrize(
    ("mode", "status", "output"),
    [
        ("terminated", "failed", None),
        ("continue-on-error", "partial-succeeded", ["a!", None, "c!"]),
        ("remove-abnormal-output", "partial-succeeded", ["a!", "c!"]),
    ],
)
async def test_a_failed_round_is_treated_as_the_mode_says(
    mode: str, status: str, output: list[str] | None, is_parallel: bool
) -> None:
    last, _ = await run(failing(mode, is_parallel), inputs={"items": ["a", "b", "c"]})
    assert isinstance(last, WorkflowFinished)
    assert (last.status, last.outputs.get("out")) == (status, output)


@pytest.mark.parametrize(("flatten", "output"), [(True, [1, 2, 3, 4]), (False, [[1, 2], [3, 4]])])
async def test_lists_of_all_rounds_become_one_where_that_is_wanted(flatten: bool, output: list[Any]) -> None:
    nested = graph(
        [
            node("start", "start"),
            iteration(flatten_output=flatten, output_selector=["agg", "output"]),
            node("istart", "iteration-start", parent="iter"),
            node("agg", "variable-aggregator", parent="iter", variables=[["iter", "item"]]),
            end(out="iter.output"),
        ],
        "start > iter > end",
        "istart > agg",
    )
    last, _ = await run(nested, inputs={"items": [[1, 2], [3, 4]]})
    assert last.outputs == {"out": output}


async def test_an_iteration_in_an_iteration_sees_both_items() -> None:
    nested = graph(
        [
            node("start", "start"),
            node("a", "iteration", iterator_selector=["start", "items"], output_selector=["b", "output"]),
            node("as", "iteration-start", parent="a"),
            node(
                "b",
                "iteration",
                parent="a",
                iterator_selector=["a", "item"],
                output_selector=["t", "output"],
                is_parallel=True,
            ),
            node("bs", "iteration-start", parent="b"),
            template("t", "{{ i }}{{ x }}", parent="b", x="b.item", i="a.index"),
            end(out="a.output"),
        ],
        "start > a > end",
        "as > b",
        "bs > t",
    )
    last, _ = await run(nested, inputs={"items": [["x", "y"], ["z"]]})
    assert last.outputs == {"out": ["0x", "0y", "1z"]}


def counting(loop_count: int = 10, **data: Any) -> dict[str, Any]:
    variables = [{"label": "num", "var_type": "number", "value_type": "constant", "value": "1"}]
    item = {"variable_selector": ["loop", "num"], "input_type": "constant", "operation": "+=", "value": 1}
    given = {"loop_count": loop_count, "loop_variables": variables, "start_node_id": "ls", "break_conditions": []}
    return graph(
        [
            node("start", "start"),
            node("loop", "loop", **{**given, **data}),
            node("ls", "loop-start", parent="loop"),
            node("add", "assigner", parent="loop", version="2", items=[item]),
            end(num="loop.num", rounds="loop.loop_round"),
        ],
        "start > loop > end",
        "ls > add",
    )


AT_LEAST_5 = {"variable_selector": ["loop", "num"], "comparison_operator": "≥", "value": "5", "varType": "number"}


async def test_a_loop_ends_when_its_condition_holds() -> None:
    last, sink = await run(counting(break_conditions=[AT_LEAST_5]))
    assert last.outputs == {"num": 5, "rounds": 4}
    assert [event.variables["num"] for event in sink.events if isinstance(event, RoundStarted)] == [1, 2, 3, 4]


async def test_a_loop_ends_when_its_count_is_up() -> None:
    last, _ = await run(counting(3))
    assert last.outputs == {"num": 4, "rounds": 3}


async def test_a_loop_whose_condition_holds_at_first_runs_no_round() -> None:
    first = {**AT_LEAST_5, "value": "1"}
    last, sink = await run(counting(break_conditions=[first]))
    assert last.outputs == {"num": 1, "rounds": 0}
    assert not sink.named(RoundStarted)


async def test_a_round_that_reaches_the_loops_end_is_the_last() -> None:
    design = counting()
    condition = {"variable_selector": ["loop", "num"], "comparison_operator": "=", "value": "3"}
    design["nodes"] += [
        node("if", "if-else", parent="loop", cases=[{"case_id": "yes", "conditions": [condition]}]),
        node("leave", "loop-end", parent="loop"),
    ]
    design["edges"] += graph([], "add > if:yes > leave")["edges"]
    last, _ = await run(design)
    assert last.outputs == {"num": 3, "rounds": 2}


async def test_more_rounds_than_allowed_are_refused() -> None:
    last, _ = await run(counting(11), limits=Workflow(loop_rounds=10))
    assert isinstance(last, WorkflowFinished)
    assert last.error_code == "workflow_limit"


async def test_a_round_does_not_see_what_the_round_before_it_made() -> None:
    condition = {"variable_selector": ["loop", "n"], "comparison_operator": "=", "value": "0"}
    add = {"variable_selector": ["loop", "n"], "input_type": "constant", "operation": "+=", "value": 1}
    keep = {
        "variable_selector": ["loop", "seen"],
        "input_type": "variable",
        "operation": "append",
        "value": ["agg", "output"],
    }
    variables = [
        {"label": "n", "var_type": "number", "value_type": "constant", "value": 0},
        {"label": "seen", "var_type": "array[string]", "value_type": "constant", "value": "[]"},
    ]
    design = graph(
        [
            node("start", "start"),
            node("loop", "loop", loop_count=2, loop_variables=variables),
            node("ls", "loop-start", parent="loop"),
            node("if", "if-else", parent="loop", cases=[{"case_id": "yes", "conditions": [condition]}]),
            template("first", "first", parent="loop"),
            template("other", "other", parent="loop"),
            node("agg", "variable-aggregator", parent="loop", variables=[["first", "output"], ["other", "output"]]),
            node("add", "assigner", parent="loop", version="2", items=[keep, add]),
            end(seen="loop.seen"),
        ],
        "start > loop > end",
        "ls > if:yes > first > agg > add",
        "if:false > other > agg",
    )
    last, _ = await run(design)
    assert last.outputs == {"seen": ["first", "other"]}
