"""What holds of every graph: runs agree with a slow interpreter, and can be cut anywhere and gone on with."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmflow.workflow.engine.replay import replay
from llmflow.workflow.events import (
    Event,
    Last,
    NodeFinished,
    NodeStarted,
    RepeatAllowed,
    WorkflowFinished,
    WorkflowPaused,
)
from llmflow.workflow.graph import Plan, compile_graph
from llmflow.workflow.types import Typed
from tests.workflow.graphs import Kept, graph, node, run
from tests.workflow.outside import FAKES
from tests.workflow.random_graphs import Design, designs, interpret

_NAMES = {"llm": "text", "http-request": "body", "if-else": "selected_case_id"}


def value_of(end: NodeFinished) -> Any:
    return end.outputs.get(_NAMES.get(end.node_type, "output"))


def values_of(events: list[Event], design: Design) -> dict[str, Any]:
    """Of the top's nodes that ended well."""
    names = {spec.id for spec in design.specs}
    ends = [event for event in events if isinstance(event, NodeFinished) and event.node_id in names]
    return {end.node_id: value_of(end) for end in ends if end.status in ("succeeded", "exception")}


async def finish(plan: Plan, design: Design, events: list[Event]) -> tuple[Last, list[Event], Kept]:
    """Goes on after `events`, allowing what people are asked about."""
    journal = list(events)
    decisions: list[RepeatAllowed] = []
    while True:
        state = replay(journal)
        last, sink = await run(plan, state=state, inputs=design.inputs, outside=FAKES, decisions=decisions)
        journal += sink.events
        if not isinstance(last, WorkflowPaused):
            return last, journal, sink
        decisions = [RepeatAllowed(node_id=key, at=at, created_at=0.0) for key, at in last.reasons]


@settings(max_examples=250, deadline=None)
@given(designs())
def test_a_run_agrees_with_the_slow_interpreter(design: Design) -> None:
    expected = interpret(design)
    last, sink = asyncio.run(run(design.graph(), inputs=design.inputs, outside=FAKES))
    assert isinstance(last, WorkflowFinished)
    values = values_of(sink.events, design)
    if expected.fails:
        assert last.status == "failed"
        assert set(sink.ends("failed")) & expected.fails
        assert values.items() <= expected.values.items() or all(expected.values[key] == values[key] for key in values)
        return
    assert values == expected.values
    assert (last.status, last.exceptions_count) == (
        "partial-succeeded" if expected.exceptions else "succeeded",
        expected.exceptions,
    )
    assert last.outputs["answer"] == expected.told
    assert sink.text == expected.told


@settings(max_examples=150, deadline=None)
@given(designs())
def test_a_node_starts_once_and_after_all_that_it_waits_for(design: Design) -> None:
    _, sink = asyncio.run(run(design.graph(), inputs=design.inputs, outside=FAKES))
    starts = Counter((event.node_id, event.at) for event in sink.events if isinstance(event, NodeStarted))
    assert set(starts.values()) == {1}
    waits = {spec.id: {source for source, _ in spec.sources} for spec in design.specs}
    ran = {key for key, _ in starts}
    ended: set[str] = set()
    for event in sink.events:
        if isinstance(event, NodeStarted) and not event.at:
            assert waits.get(event.node_id, set()) & ran <= ended
        elif isinstance(event, NodeFinished) and not event.at:
            ended.add(event.node_id)


@settings(max_examples=60, deadline=None)
@given(designs(max_nodes=6), st.data())
def test_a_run_cut_anywhere_goes_on_to_the_same_end_and_repeats_nothing(design: Design, data: st.DataObject) -> None:
    plan = compile_graph(design.graph())
    whole, sink = asyncio.run(run(plan, inputs=design.inputs, outside=FAKES))
    expected = interpret(design)
    cuts = range(1, len(sink.events))
    for cut in data.draw(st.lists(st.sampled_from(cuts), min_size=1, max_size=6, unique=True)):
        before = sink.events[:cut]
        done = set(replay(before).finished)
        last, journal, _ = asyncio.run(finish(plan, design, before))
        after = journal[cut:]
        assert not done & {(event.node_id, event.at) for event in after if isinstance(event, NodeStarted)}
        assert not done & {(event.node_id, event.at) for event in after if isinstance(event, NodeFinished)}
        assert isinstance(last, WorkflowFinished) and isinstance(whole, WorkflowFinished)
        assert last.status == whole.status
        if not expected.fails:
            assert last.outputs == whole.outputs
            assert replay(journal).text == sink.text
            assert last.total_steps >= whole.total_steps


@pytest.mark.parametrize("is_parallel", [False, True])
async def test_a_run_that_tells_answers_in_rounds_can_be_cut_after_every_event(is_parallel: bool) -> None:
    inner: dict[str, Any] = {"iterator_selector": ["start", "items"], "output_selector": ["say", "answer"]}
    write = {"variable_selector": ["conversation", "log"], "operation": "append", "value": ["iter", "item"]}
    add = {"variable_selector": ["loop", "n"], "input_type": "constant", "operation": "+=", "value": 1}
    count = [{"label": "n", "var_type": "number", "value_type": "constant", "value": 0}]
    design = graph(
        [
            node("start", "start"),
            node("iter", "iteration", is_parallel=is_parallel, **inner),
            node("is", "iteration-start", parent="iter"),
            node("m", "llm", parent="iter", prompt_template=[{"role": "user", "text": "{{#iter.item#}}"}]),
            node("w", "assigner", parent="iter", version="2", items=[{**write, "input_type": "variable"}]),
            node("say", "answer", parent="iter", answer="{{#iter.item#}}: {{#m.text#}};"),
            node("loop", "loop", loop_count=2, loop_variables=count),
            node("ls", "loop-start", parent="loop"),
            node("lm", "llm", parent="loop", prompt_template=[{"role": "user", "text": "{{#loop.n#}}"}]),
            node("add", "assigner", parent="loop", version="2", items=[add]),
            node("answer", "answer", answer="끝 {{#loop.n#}}"),
        ],
        "start > iter > loop > answer",
        "is > m > w > say",
        "ls > lm > add",
    )
    plan = compile_graph(design)
    declared = {"log": Typed("array[string]", [])}
    whole, sink = await run(plan, inputs={"items": list("가나다")}, outside=FAKES, conversation=declared)
    assert sink.text == whole.outputs["answer"] == "가: [가];나: [나];다: [다];끝 2"
    for cut in range(1, len(sink.events)):
        state = replay(sink.events[:cut])
        done = set(state.finished)
        last, rest = await run(plan, state=state, outside=FAKES, conversation=declared)
        assert last.outputs == whole.outputs
        rebuilt = replay([*sink.events[:cut], *rest.events])
        assert rebuilt.text == sink.text
        assert sorted(rebuilt.conversation()["log"]) == ["가", "나", "다"]
        assert not done & {(event.node_id, event.at) for event in rest.events if isinstance(event, NodeStarted)}
