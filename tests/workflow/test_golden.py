"""Events of the apps that a Dify recorded, in Dify's order. The recordings lie outside of the repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmflow.workflow.events import Event, NodeFinished, NodeStarted, TextChunk, WorkflowFinished, WorkflowStarted
from llmflow.workflow.graph import compile_graph
from llmflow.workflow.types import Typed
from tests.workflow.graphs import run
from tests.workflow.outside import FAKES

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "dify"
GOLDEN = SHARED / "golden"
pytestmark = pytest.mark.skipif(not GOLDEN.is_dir(), reason="Dify's recordings are not here")


def workflow_of(path: Path) -> dict[str, Any]:
    workflow: dict[str, Any] = yaml.safe_load(path.read_text()).get("workflow") or {}
    return workflow


def recorded(name: str) -> list[dict[str, Any]]:
    body = json.loads((GOLDEN / name).read_text())["body"]
    return [json.loads(line[6:]) for line in body.splitlines() if line.startswith("data: ")]


def shown(event: Event) -> tuple[Any, ...]:
    match event:
        case NodeStarted():
            return "node_started", event.node_id, event.node_type, event.title
        case NodeFinished():
            return ("node_finished", event.node_id, event.status, event.inputs, event.process_data, event.outputs)
        case TextChunk():
            return "text", event.text, list(event.from_variable_selector)
        case WorkflowFinished():
            return "workflow_finished", event.status, event.outputs, event.total_steps, event.exceptions_count
        case WorkflowStarted():
            return ("workflow_started",)
    raise AssertionError(event)


def as_shown(event: dict[str, Any]) -> tuple[Any, ...] | None:
    data = event.get("data") or {}
    match event["event"]:
        case "node_started":
            return "node_started", data["node_id"], data["node_type"], data["title"]
        case "node_finished":
            return tuple(
                ["node_finished"] + [data[key] for key in ("node_id", "status", "inputs", "process_data", "outputs")]
            )
        case "text_chunk":
            return "text", data["text"], data["from_variable_selector"]
        case "message":
            return "text", event["answer"], event["from_variable_selector"]
        case "workflow_finished":
            keys = ("status", "outputs", "total_steps", "exceptions_count")
            return "workflow_finished", *(data[key] for key in keys)
        case "workflow_started":
            return ("workflow_started",)
    return None  # message_end, which a chat adds


@pytest.mark.parametrize(
    ("app", "recording", "inputs", "system"),
    [("w10", "wf_stream_w10.json", {"q": "x"}, {}), ("c3", "chat_stream.json", {}, {"query": "hello"})],
)
async def test_a_run_tells_what_dify_told_in_the_same_order(
    app: str, recording: str, inputs: dict[str, Any], system: dict[str, Any]
) -> None:
    design = workflow_of(GOLDEN / f"apps/{app}.yml")
    _, sink = await run(design["graph"], inputs=inputs, system=system)
    expected = [line for event in recorded(recording) if (line := as_shown(event))]
    assert [shown(event) for event in sink.events] == expected


FILES = sorted([*SHARED.glob("dsl_fixtures/*.yml"), *SHARED.glob("dsl_community/*.yml")])


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
async def test_a_design_from_the_wild_compiles_and_runs_to_its_end_or_to_a_node_it_names(path: Path) -> None:
    design = workflow_of(path)
    if not design:
        pytest.skip("no workflow")
    plan = compile_graph(design["graph"])
    errors = [problem for problem in plan.problems if problem.severity == "error"]
    if not plan.is_runnable:
        assert [problem.code for problem in errors] == ["start_missing"]
        return
    assert errors == []
    inputs = {}
    for variable in design_inputs(plan.scope.nodes[plan.scope.start or 0].raw):
        inputs[variable["variable"]] = {"number": 3, "select": (variable.get("options") or [""])[0]}.get(
            variable["type"], "글"
        )
    last, sink = await run(
        plan,
        inputs=inputs,
        system={"query": "안녕", "files": [], "dialogue_count": 1},
        conversation=declared(design, "conversation_variables"),
        environment=declared(design, "environment_variables"),
        outside=FAKES,
    )
    assert isinstance(last, WorkflowFinished)
    if any(node.type == "datasource" for node in plan.nodes.values()):  # read by a document in test_pipelines
        assert (last.status, last.error_code) == ("failed", "node_input_invalid")
        return
    unsupported = {key for key, node in plan.nodes.items() if node.kind is None}
    # the strategy or the tool of a plugin; a tool or a request that wants an address where it gets a word; and code,
    # which test_dify_code runs in earnest
    known = ("node_unsupported", "tool_unknown", "tool_input_invalid", "http_failed", "code_failed")
    if not unsupported and last.error_code not in known:
        assert last.status == "succeeded", (last.error, sink.ends("failed"))
    elif unsupported and last.error_code == "node_unsupported":
        assert set(sink.ends("failed")) & unsupported


def declared(design: dict[str, Any], section: str) -> dict[str, Typed]:
    return {each["name"]: Typed(each["value_type"], each.get("value")) for each in design.get(section) or []}


def design_inputs(raw: Any) -> list[dict[str, Any]]:
    return [each for each in raw.get("variables") or [] if each.get("type") not in ("file", "file-list")]
