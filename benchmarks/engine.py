"""What the workflow engine costs by itself: CPU of a run of 10 nodes with all its events, in memory.

`python -m benchmarks.engine [--quick]`. The graph is start, six Jinja templates, two branches and an end, all in a row.
Beside it stands what plain asyncio takes for ten tasks that each render the same template and note two events: the
floor for an engine that would decide nothing. A second graph has ten nodes that wait, five side by side, twice.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from statistics import median
from typing import Any

from benchmarks.report import Line, show
from llmflow.config.settings import Workflow
from llmflow.ports.llm import ChatDelta, ChatRequest
from llmflow.workflow.context import Outside
from llmflow.workflow.engine.run import Run
from llmflow.workflow.events import Event, Last, WorkflowFinished
from llmflow.workflow.graph import Plan, compile_graph
from llmflow.workflow.templates.jinja import render

_TARGET_MS = 0.25
_PEERS = "LangGraph 3.0; with its SQLite saver 15.8; graphon 10.5 and 100 of waiting"
_LIMITS = Workflow()


class Memory:
    """A sink that keeps the events."""

    is_full = False

    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        self.events.append(event)

    async def flush(self) -> None: ...

    async def close(self, event: Last) -> None:
        self.events.append(event)


def main(quick: bool = False) -> dict[str, object]:
    runs = 300 if quick else 2000
    found = asyncio.run(_measure(runs))
    show("Workflow engine alone, CPU-ms a run", _report(found))
    return found


async def _measure(runs: int) -> dict[str, object]:
    row, waiting = compile_graph(_row()), compile_graph(_side_by_side())
    return {
        "row_ms": await _cost(lambda: _run(row), runs),
        "waiting_ms": await _cost(lambda: _run(waiting), runs),
        "floor_ms": await _cost(_floor, runs),
        "compile_ms": await _cost(_compile, runs // 10),
    }


async def _cost(one: Callable[[], Awaitable[object]], runs: int) -> float:
    """CPU-ms of one, the median of five rounds."""
    await one()
    rounds = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(runs // 5):
            await one()
        rounds.append((time.process_time() - began) / (runs // 5) * 1000)
    return round(median(rounds), 4)


async def _run(plan: Plan) -> None:
    sink = Memory()
    last = await Run(plan, sink=sink, inputs={"q": "x"}, outside=Outside(chat=_chat), limits=_LIMITS).go()
    assert isinstance(last, WorkflowFinished) and last.status == "succeeded" and last.total_steps >= 10, last
    assert len(sink.events) >= 22


async def _chat(request: ChatRequest) -> AsyncGenerator[ChatDelta]:
    await asyncio.sleep(0)
    yield ChatDelta(text="a")


async def _floor() -> None:
    events: list[dict[str, Any]] = []

    async def step(number: int, text: str) -> str:
        events.append({"event": "node_started", "id": number, "at": time.time()})
        text = render("hi {{ a }}", {"a": text}, _LIMITS) if number % 2 else text
        events.append({"event": "node_finished", "id": number, "at": time.time(), "outputs": {"output": text}})
        return text

    text = "x"
    for number in range(10):
        text = await asyncio.create_task(step(number, text))
    assert len(events) == 20


async def _compile() -> None:
    assert not compile_graph(_row()).problems


def _node(id: str, type: str, **data: Any) -> dict[str, Any]:
    return {"id": id, "data": {"type": type, "title": id, **data}}


def _edge(source: str, target: str, handle: str = "source") -> dict[str, Any]:
    return {"id": f"{source}-{target}", "source": source, "target": target, "sourceHandle": handle}


def _row() -> dict[str, Any]:
    nodes = [_node("start", "start", variables=[{"variable": "q", "type": "text-input"}])]
    edges = []
    value = ["start", "q"]
    for number in range(1, 9):
        name = f"n{number}"
        if number in (4, 8):
            condition = {"variable_selector": value, "comparison_operator": "not empty", "value": ""}
            nodes.append(_node(name, "if-else", cases=[{"case_id": "true", "conditions": [condition]}]))
        else:
            variables = [{"variable": "a", "value_selector": value}]
            nodes.append(_node(name, "template-transform", template="hi {{ a }}", variables=variables))
            value = [name, "output"]
        before = nodes[-2]
        edges.append(_edge(before["id"], name, "true" if before["data"]["type"] == "if-else" else "source"))
    nodes.append(_node("end", "end", outputs=[{"variable": "out", "value_selector": value}]))
    edges.append(_edge("n8", "end", "true"))
    return {"nodes": nodes, "edges": edges}


def _side_by_side() -> dict[str, Any]:
    """Ten model nodes: five at once, then five at once on what those said."""
    first, second = [f"a{number}" for number in range(5)], [f"b{number}" for number in range(5)]
    nodes = [_node("start", "start")]
    nodes += [_node(name, "llm", prompt_template=[{"role": "user", "text": "q"}]) for name in first]
    joined = "".join(f"{{{{#{name}.text#}}}}" for name in first)
    nodes += [_node(name, "llm", prompt_template=[{"role": "user", "text": joined}]) for name in second]
    edges = [_edge("start", name) for name in first] + [_edge(one, two) for one in first for two in second]
    return {"nodes": nodes, "edges": edges}


def _report(found: dict[str, object]) -> list[Line]:
    row, floor = float(str(found["row_ms"])), float(str(found["floor_ms"]))
    return [
        Line("10 nodes in a row, 23 events", f"{row:.3f}", f"<= {_TARGET_MS}", _PEERS, row <= _TARGET_MS),
        Line("plain asyncio, ten tasks", f"{floor:.3f}", beside="the floor"),
        Line("10 model nodes, 5 at once, twice", f"{found['waiting_ms']:.3f}", beside="a task each, as they wait"),
        Line("compiling the graph, once a version", f"{found['compile_ms']:.3f}"),
    ]


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
