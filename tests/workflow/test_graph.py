"""Compiling a graph: what is in the plan, and what its problems are."""

from __future__ import annotations

from typing import Any

import pytest

from llmflow.workflow.graph import compile_graph
from tests.workflow.graphs import edge, end, graph, node, start, template


def codes(design: dict[str, Any]) -> dict[str, str]:
    """Problem codes by the node or edge they are about."""
    return {problem.node or problem.edge: problem.code for problem in compile_graph(design).problems}


def test_a_sound_graph_has_no_problems() -> None:
    design = graph([start("q"), template("t", "{{ a }}", a="start.q"), end(o="t.output")], "start > t > end")
    plan = compile_graph(design)
    assert plan.problems == ()
    assert [item.id for item in plan.scope.nodes] == ["start", "t", "end"]


def test_sticky_notes_are_no_nodes() -> None:
    note = {"id": "note", "type": "custom-note", "data": {"type": "", "text": "메모"}}
    plan = compile_graph(graph([start(), note, end()], "start > end"))
    assert "note" not in plan.nodes
    assert plan.problems == ()


@pytest.mark.parametrize(
    ("design", "expected"),
    [
        (graph([end()]), {"": "start_missing", "end": "node_unreachable"}),
        (graph([start(), end()], "start > end", edge("end", "nowhere")), {"end-source-nowhere": "edge_dangling"}),
        (graph([start(), template("t", ""), end()], "start > end"), {"t": "node_unreachable"}),
        (graph([start(), node("x", "quantum-node")], "start > x"), {"x": "node_unsupported"}),
        (graph([start(), node("k", "knowledge-retrieval", dataset_ids=7)], "start > k"), {"k": "node_invalid"}),
        (graph([start(), end(a="nobody.text")], "start > end"), {"end": "selector_unknown"}),
        (graph([start(), template("t", ""), template("t", "")], "start > t"), {"t": "node_duplicate"}),
        (graph([start(), node("if", "if-else"), end()], "start > if:maybe > end"), {"if": "edge_handle_unknown"}),
        (
            graph([start(), template("a", ""), template("b", "")], "start > a > b > a"),
            {"a": "graph_cycle", "b": "graph_cycle"},
        ),
        (
            graph([start(), template("t", "", parent="start")], "start > t"),
            {"start": "edge_crossing", "t": "node_misplaced"},
        ),
    ],
)
def test_what_is_wrong_with_a_graph_is_listed_and_raises_nothing(
    design: dict[str, Any], expected: dict[str, str]
) -> None:
    assert codes(design) == expected


@pytest.mark.parametrize("content", [{}, {"nodes": None, "edges": 3}, {"nodes": [7, {"id": 1}], "edges": [{}]}])
def test_what_is_no_graph_compiles_to_nothing_that_can_run(content: dict[str, Any]) -> None:
    assert not compile_graph(content).is_runnable


def test_a_selector_into_a_container_is_a_problem_and_one_out_of_it_is_none() -> None:
    design = graph(
        [
            start("q"),
            node("iter", "iteration", iterator_selector=["start", "q"], output_selector=["t", "output"]),
            node("is", "iteration-start", parent="iter"),
            template("t", "", parent="iter", a="start.q", b="iter.item"),
            end(o="t.output"),
        ],
        "start > iter > end",
        "is > t",
    )
    assert codes(design) == {"end": "selector_unknown"}
    assert compile_graph(design).containers["t"] == ("iter",)


def test_an_old_iteration_without_a_start_of_its_own_begins_where_it_says() -> None:
    design = graph(
        [
            start(),
            node("iter", "iteration", start_node_id="t"),
            {
                **template("t", "x"),
                "data": {**template("t", "x")["data"], "iteration_id": "iter", "isInIteration": True},
            },
        ],
        "start > iter",
    )
    plan = compile_graph(design)
    inner = plan.nodes["iter"].inner
    assert inner is not None and inner.start is not None
    assert inner.nodes[inner.start].id == "t"
    assert plan.problems == ()


def test_ways_out_of_a_node_that_does_not_choose_are_one_whatever_they_are_called() -> None:
    design = graph(
        [start(), template("t", ""), end()], edge("start", "t", "old-name"), edge("t", "end", "success-branch")
    )
    plan = compile_graph(design)
    assert {each.handle for each in plan.scope.edges} == {"source"}
