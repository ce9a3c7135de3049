"""A run from its start to its last event."""

from __future__ import annotations

from llmflow.workflow.events import NodeFinished, NodeStarted, TextChunk, WorkflowFinished
from tests.workflow.graphs import end, graph, node, run, start, template


async def test_a_chain_of_nodes_gives_the_outputs_its_end_names() -> None:
    chain = graph(
        [start("q"), template("t", "안녕, {{ a }}!", a="start.q"), end(out="t.output")],
        "start > t > end",
    )
    last, sink = await run(chain, inputs={"q": "세계"})
    assert isinstance(last, WorkflowFinished)
    assert (last.status, last.outputs, last.total_steps) == ("succeeded", {"out": "안녕, 세계!"}, 3)
    assert sink.ends() == ["start", "t", "end"]


async def test_the_text_of_a_node_comes_before_its_end_and_after_the_branch_is_known() -> None:
    condition = {"variable_selector": ["t", "output"], "comparison_operator": "not empty", "value": ""}
    branched = graph(
        [
            start("q"),
            template("t", "hi {{ a }}", a="start.q"),
            node("if", "if-else", cases=[{"case_id": "true", "conditions": [condition]}]),
            end(out="t.output"),
        ],
        "start > t > if:true > end",
    )
    _, sink = await run(branched, inputs={"q": "x"})
    told = next(at for at, event in enumerate(sink.events) if isinstance(event, TextChunk))
    before, after = sink.events[told - 1], sink.events[told + 1]
    assert isinstance(before, NodeStarted) and before.node_id == "if"
    assert isinstance(after, NodeFinished) and after.node_id == "if"
    assert sink.text == "hi x"


async def test_an_untaken_branch_is_skipped_with_all_that_hangs_on_it() -> None:
    condition = {"variable_selector": ["start", "q"], "comparison_operator": "is", "value": "예"}
    branched = graph(
        [
            start("q"),
            node("if", "if-else", cases=[{"case_id": "yes", "conditions": [condition]}]),
            template("a", "A"),
            template("b", "B"),
            template("b2", "B2"),
            end(a="a.output", b="b2.output"),
        ],
        "start > if:yes > a > end",
        "if:false > b > b2 > end",
    )
    last, sink = await run(branched, inputs={"q": "예"})
    assert last.outputs == {"a": "A", "b": None}
    assert sink.ends() == ["start", "if", "a", "end"]


async def test_an_unsupported_node_fails_only_when_it_is_reached() -> None:
    lonely = graph([start(), node("x", "quantum-node"), end()], "start > x > end")
    last, sink = await run(lonely)
    assert isinstance(last, WorkflowFinished)
    assert (last.status, last.error_code) == ("failed", "node_unsupported")
    assert "quantum-node" in (last.error or "")
    assert sink.ends("failed") == ["x"]


async def test_a_graph_without_a_start_fails_and_says_so() -> None:
    last, _ = await run(graph([end()]))
    assert isinstance(last, WorkflowFinished)
    assert (last.status, last.error_code) == ("failed", "workflow_invalid")
