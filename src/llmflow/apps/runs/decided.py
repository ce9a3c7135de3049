"""What people decide about a kept run, and what its state becomes by it before it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from llmflow.apps.designs.plans import Compiled
from llmflow.errors import CODES, UsageError
from llmflow.store.ids import now_ms
from llmflow.workflow.engine.replay import Key, State
from llmflow.workflow.events import At, NodeFinished, WorkflowFinished
from llmflow.workflow.journal.stored import NewRun, StoredRun

Action = Literal["repeat", "skip", "fail"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is decided about a node that waits. `repeat`: run it again; `skip`: take `values` as its outputs and go on
    by `handle`; `fail`: end the run. A node that asks by a form is answered there, or may fail."""

    node_id: str
    action: Action
    values: Mapping[str, Any]
    at: At = ()
    handle: str = "source"


def skipped(state: State, key: Key, answer: Answer, now: float) -> NodeFinished:
    begun = state.under_way[key]
    return NodeFinished(
        id=begun.id,
        node_id=begun.node_id,
        node_type=begun.node_type,
        title=begun.title,
        index=begun.index,
        created_at=begun.created_at,
        finished_at=now,
        elapsed_time=0.0,
        status="succeeded",
        outputs=dict(answer.values),
        process_data={"skipped": True},
        handle=answer.handle,
        predecessor=begun.predecessor,
        at=begun.at,
        iteration_id=begun.iteration_id,
        loop_id=begun.loop_id,
    )


def edited(
    state: State,
    compiled: Compiled,
    run: NewRun,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Mapping[str, Any]],
) -> State:
    """The forked state as the new run's own, with what was changed. Raises UsageError."""
    assert state.started is not None
    form = {field.variable for field in compiled.form}
    for name in inputs:
        if name not in form:
            raise UsageError(f"The workflow has no input `{name}`.", param="inputs")
    shown = {**state.started.inputs, **inputs, "sys.workflow_run_id": run.id}
    state.started = msgspec.structs.replace(state.started, inputs=shown, created_at=run.created_at / 1000)
    scope = compiled.plan.scope
    first = scope.start_named(state.started.start)
    start = scope.nodes[first].id if first is not None else ""
    changed = {node_id: dict(values) for node_id, values in outputs.items()}
    if inputs and (start, ()) in state.finished:
        changed[start] = {**state.finished[start, ()].outputs, **inputs, **changed.get(start, {})}
    for node_id, values in changed.items():
        if (node_id, ()) not in state.finished:
            raise UsageError(f"The node `{node_id}` does not stay finished in this fork.", param="outputs")
        state = state.with_outputs(node_id, values)
    return state


def ended(
    run: StoredRun, state: State, status: Literal["failed", "stopped"], message: str, code: str | None
) -> WorkflowFinished:
    now = now_ms() / 1000
    return WorkflowFinished(
        status=status,
        outputs={},
        created_at=state.started.created_at if state.started else run.created_at / 1000,
        finished_at=now,
        elapsed_time=state.last.elapsed_time if state.last else 0.0,
        total_tokens=state.tokens,
        total_steps=state.index,
        exceptions_count=state.exceptions,
        error=message + (f" {CODES[code]}" if code else ""),
        error_code=code,
    )
