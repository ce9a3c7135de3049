"""A run for people to look at: its nodes, and what waits for somebody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from llmflow.workflow.engine.replay import replay
from llmflow.workflow.events import (
    At,
    Event,
    HumanInputRequired,
    NodeFinished,
    NodeRetry,
    NodeStarted,
    WorkflowStarted,
)
from llmflow.workflow.journal.stored import StoredRun


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRun:
    """One execution of a node. Times are Unix seconds. `at`: rounds of the containers around it; `reused`: taken over
    from the run this one was forked from; `retries`: how often it was tried again."""

    id: str
    node_id: str
    node_type: str
    title: str
    index: int
    status: str
    created_at: float
    finished_at: float | None = None
    elapsed_time: float = 0.0
    inputs: dict[str, Any] = field(default_factory=dict)
    process_data: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    error_code: str | None = None
    metadata: dict[str, Any] | None = None
    predecessor: str | None = None
    at: At = ()
    reused: bool = False
    retries: int = 0


@dataclass(frozen=True, slots=True)
class WaitingNode:
    """`asks`: "reply", the node has a question, `form`; "repeat", nobody knows whether it ran."""

    node_id: str
    title: str
    at: At
    asks: Literal["reply", "repeat"]
    form: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RunDetail:
    """`nodes`: in the order they began; `events`: how many there are."""

    run: StoredRun
    nodes: list[NodeRun]
    waiting: list[WaitingNode]
    events: int


def view(run: StoredRun, events: Sequence[Event]) -> RunDetail:
    state = replay(events)
    waiting = []
    for node_id, at in state.waiting:
        asked = state.asked[node_id, at]
        is_question = isinstance(asked, HumanInputRequired)
        form = asked.form if isinstance(asked, HumanInputRequired) else {}
        waiting.append(WaitingNode(node_id, asked.title, at, "reply" if is_question else "repeat", form))
    shown = replace(run, graph=None)  # sealed, and nobody's to read
    return RunDetail(shown, _nodes(run, events), waiting if run.status == "paused" else [], len(events))


def _nodes(run: StoredRun, events: Sequence[Event]) -> list[NodeRun]:
    found: dict[str, NodeRun] = {}
    taken_over = run.parent_id is not None  # until the fork itself begins
    for event in events:
        match event:
            case WorkflowStarted():
                taken_over = taken_over and event.reason != "resumption"
            case NodeStarted():
                found[event.id] = _begun(event)
            case NodeRetry():
                before = found.get(event.id)
                if before is not None:
                    found[event.id] = replace(before, retries=event.retry_index, error=event.error)
            case NodeFinished():
                retries = found[event.id].retries if event.id in found else 0
                found[event.id] = _ended(event, reused=taken_over, retries=retries)
    return list(found.values())


def _begun(event: NodeStarted) -> NodeRun:
    return NodeRun(
        id=event.id,
        node_id=event.node_id,
        node_type=event.node_type,
        title=event.title,
        index=event.index,
        status="running",
        created_at=event.created_at,
        predecessor=event.predecessor,
        at=event.at,
    )


def _ended(event: NodeFinished, *, reused: bool, retries: int) -> NodeRun:
    return NodeRun(
        id=event.id,
        node_id=event.node_id,
        node_type=event.node_type,
        title=event.title,
        index=event.index,
        status=event.status,
        created_at=event.created_at,
        finished_at=event.finished_at,
        elapsed_time=event.elapsed_time,
        inputs=event.inputs,
        process_data=event.process_data,
        outputs=event.outputs,
        error=event.error,
        error_code=event.error_type,
        metadata=event.execution_metadata,
        predecessor=event.predecessor,
        at=event.at,
        reused=reused,
        retries=retries,
    )
