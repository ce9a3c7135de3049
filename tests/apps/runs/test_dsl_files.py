"""Every DSL file of others whose nodes this version has is run, with a scripted model and knowledge of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmflow.apps.chat.ask import Ask
from llmflow.apps.designs.imports import Mapped
from llmflow.apps.designs.plans import Compiled
from llmflow.apps.runs.runs import Begin
from llmflow.apps.types import Ended, Failed
from llmflow.errors import LLMFlowError
from llmflow.workflow.dsl.bindings import datasets
from llmflow.workflow.events import WorkflowFinished
from llmflow.workflow.files import make_file
from tests.apps.fakes import WORKSPACE, World
from tests.workflow.dsl.files import ALL


def inputs_for(compiled: Compiled) -> dict[str, Any]:
    """What the form takes."""
    found: dict[str, Any] = {}
    for field in compiled.form:
        match field.type:
            case "number":
                found[field.variable] = 1
            case "select":
                found[field.variable] = field.options[0] if field.options else "하나"
            case "checkbox":
                found[field.variable] = True
            case "json_object":
                found[field.variable] = {}
            case "file" | "file-list":
                file = make_file(name="a.txt", transfer_method="remote_url", url="http://127.0.0.1:9/a.txt")
                found[field.variable] = file if field.type == "file" else [file]
            case _:
                found[field.variable] = "질문"
    return found


@pytest.mark.parametrize("file", ALL, ids=[file.name for file in ALL])
async def test_a_file_whose_nodes_are_all_here_runs_to_its_end(world: World, file: Path) -> None:
    await world.learn("규정.md", "연차 휴가는 매년 15일이며 질문은 인사팀에 한다.")
    content = file.read_bytes()
    try:
        read = await world.room.imports.read(content)
    except LLMFlowError as error:
        pytest.skip(f"skipped: Dify takes no such file either: {error.code}")
    if read.mode not in ("workflow", "advanced-chat"):
        pytest.skip(f"skipped: a {read.mode} app is not run as a graph")
    mapped = Mapped({id: world.base.id for node in read.nodes for id in datasets(node)}, {})
    made = await world.room.imports.make(WORKSPACE, content, mapped=mapped, publish=True)
    lacking = sorted({row.type for row in made.report if row.status == "unsupported"})
    if lacking:
        pytest.skip(f"skipped: it has nodes of types not run yet: {', '.join(lacking)}")
    compiled = await world.room.plans.in_force(made.app)
    if made.app.mode == "workflow":
        live = world.room.runs.start(
            made.app, compiled, Begin(inputs=inputs_for(compiled), source="service-api", user="ann")
        )
        last = await live.ended()
        assert isinstance(last, WorkflowFinished)
        code = last.error_code
    else:
        user = await world.room.conversations.user(WORKSPACE, made.app.id, "ann")
        turn = await world.room.chat.ask(made.app, user, Ask("연차 휴가 질문", inputs=inputs_for(compiled)))
        end = await turn.finished()
        assert isinstance(end, Ended | Failed)
        code = end.code if isinstance(end, Failed) else None
    expected: set[str | None] = {None}
    types = {node.type for node in read.nodes}
    if types & {"http-request", "tool"}:
        expected |= {"http_failed", "address_blocked"}
    if "code" in types:  # the fake runs none; tests/workflow/test_dify_code.py does
        expected |= {"code_output"}
    assert code in expected, f"the run failed: {code}"
