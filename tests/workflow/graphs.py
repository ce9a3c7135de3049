"""Graphs for tests in few words, and a sink that keeps what a run tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from llmflow.config.settings import Workflow
from llmflow.errors import NodeFailed
from llmflow.workflow.context import Outside
from llmflow.workflow.engine.replay import State
from llmflow.workflow.engine.run import Run
from llmflow.workflow.events import Event, Last, NodeFinished, TextChunk, TextReplace, WorkflowFinished, decode, encode
from llmflow.workflow.graph import Plan, compile_graph
from llmflow.workflow.types import Typed
from tests.workflow.outside import FAKES


def node(id: str, type: str, *, parent: str = "", **data: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"id": id, "type": "custom", "data": {"type": type, "title": id, **data}}
    return {**found, "parentId": parent} if parent else found


def edge(source: str, target: str, handle: str = "source") -> dict[str, Any]:
    return {"id": f"{source}-{handle}-{target}", "source": source, "target": target, "sourceHandle": handle}


def start(*names: str) -> dict[str, Any]:
    return node("start", "start", variables=[{"variable": name, "type": "paragraph"} for name in names])


def template(id: str, source: str, *, parent: str = "", **selectors: str) -> dict[str, Any]:
    variables = [{"variable": name, "value_selector": path.split(".")} for name, path in selectors.items()]
    return node(id, "template-transform", parent=parent, template=source, variables=variables)


def end(**selectors: str) -> dict[str, Any]:
    outputs = [{"variable": name, "value_selector": path.split(".")} for name, path in selectors.items()]
    return node("end", "end", outputs=outputs)


def graph(nodes: Sequence[dict[str, Any]], *edges: str | dict[str, Any]) -> dict[str, Any]:
    """Edges as "a > b > c", with "a:handle > b" for a branch."""
    found = []
    for line in edges:
        if isinstance(line, dict):
            found.append(line)
            continue
        names = [name.strip() for name in line.split(">")]
        for source, target in pairwise(names):
            key, _, handle = source.partition(":")
            found.append(edge(key, target.partition(":")[0], handle or "source"))
    return {"nodes": list(nodes), "edges": found}


class Kept:
    """A sink in memory. Everything passes through JSON, as through a journal."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.flushed = 0

    def emit(self, event: Event) -> None:
        self.events.append(decode(encode(event)))

    is_full = False

    async def flush(self) -> None:
        self.flushed = len(self.events)

    async def close(self, event: Last) -> None:
        self.emit(event)

    def ends(self, status: str = "succeeded") -> list[str]:
        return [each.node_id for each in self.events if isinstance(each, NodeFinished) and each.status == status]

    def end_of(self, node_id: str) -> NodeFinished:
        return next(each for each in self.events if isinstance(each, NodeFinished) and each.node_id == node_id)

    @property
    def text(self) -> str:
        text = ""
        for event in self.events:
            if isinstance(event, TextChunk):
                text += event.text
            elif isinstance(event, TextReplace):
                text = event.text
        return text

    def named(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


async def run(
    what: Plan | dict[str, Any],
    *,
    inputs: Mapping[str, Any] | None = None,
    system: Mapping[str, Any] | None = None,
    outside: Outside | None = None,
    limits: Workflow | None = None,
    conversation: Mapping[str, Typed] | None = None,
    environment: Mapping[str, Typed] | None = None,
    state: State | None = None,
    **more: Any,
) -> tuple[Last, Kept]:
    sink = Kept()
    plan = what if isinstance(what, Plan) else compile_graph(what)
    last = await Run(
        plan,
        sink=sink,
        inputs=inputs,
        system=system,
        outside=outside,
        limits=limits,
        conversation=conversation,
        environment=environment,
        state=state,
        **more,
    ).go()
    return last, sink


async def outputs_of(tested: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Of one node between a start and nothing. Raises NodeFailed with the run's error."""
    last, sink = await run(graph([start(), tested], f"start > {tested['id']}"), **{"outside": FAKES, **more})
    assert isinstance(last, WorkflowFinished)
    if last.status != "succeeded":
        raise NodeFailed(last.error or "", code=last.error_code)
    return sink.end_of(tested["id"]).outputs
