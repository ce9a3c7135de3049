"""The tool node: how its parameters are given, what it makes of an answer, how it fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from llmflow.errors import NodeFailed
from llmflow.tools.kit import Kit
from llmflow.tools.toolbox import Toolbox
from llmflow.tools.types import Scope, Tool, ToolAnswer, ToolRef, ToolSpec, Words
from llmflow.workflow.context import Outside
from llmflow.workflow.events import WorkflowFinished
from llmflow.workflow.files import make_file
from llmflow.workflow.registry import kind_of
from llmflow.workflow.types import Typed
from tests.workflow.graphs import end, graph, node, outputs_of, run, start
from tests.workflow.outside import FAKES

FILE = make_file(name="그림.png", id="f1")


class Echo:
    """A source with one tool that answers with its arguments."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, Any]] = []
        types = {"text": "string", "count": "integer", "more": "object", "file": "object"}
        self.tool = Tool(
            ToolSpec(
                ref=ToolRef("api", "c1", "echo", "메아리"),
                name="echo",
                description="Says it again.",
                parameters={"type": "object", "properties": {name: {"type": type} for name, type in types.items()}},
                words=Words("Echo", "메아리"),
            ),
            self._run,
        )

    async def _run(self, arguments: Mapping[str, Any], scope: Scope) -> ToolAnswer:
        self.asked.append(arguments)
        if arguments.get("text") == "고장":
            raise NodeFailed("It is down.", code="tool_failed")
        return ToolAnswer("네", [{"a": 1}], [FILE], {"count": arguments.get("count")})

    async def find(self, ref: ToolRef, workspace_id: str) -> Tool | None:
        return self.tool if (ref.provider_type, ref.tool_name) == ("api", "echo") else None

    async def all(self, workspace_id: str) -> Sequence[Tool]:
        return [self.tool]


@pytest.fixture
def echo() -> Echo:
    return Echo()


def outside(echo: Echo) -> Outside:
    return replace(FAKES, tools=Kit(Toolbox(echo)))


def echoing(**data: Any) -> dict[str, Any]:
    return node("t", "tool", provider_type="api", provider_id="c1", provider_name="메아리", tool_name="echo", **data)


async def test_parameters_are_templates_selectors_or_constants(echo: Echo) -> None:
    design = graph(
        [
            start("q", "n"),
            echoing(
                tool_parameters={
                    "text": {"type": "mixed", "value": "{{#start.q#}}!"},
                    "count": {"type": "constant", "value": "{{#start.n#}}"},
                    "file": {"type": "variable", "value": ["sys", "files", "0"]},
                },
                tool_configurations={"more": {"b": 2}},
            ),
        ],
        "start > t",
    )
    last, _ = await run(
        design, inputs={"q": "서울", "n": "3"}, outside=outside(echo), system={"query": "", "files": [FILE]}
    )
    assert isinstance(last, WorkflowFinished) and last.status == "succeeded"
    assert echo.asked == [{"text": "서울!", "count": 3, "file": FILE, "more": {"b": 2}}]


async def test_parameters_of_old_files_are_plain_templates(echo: Echo) -> None:
    await outputs_of(echoing(tool_parameters={"text": "{{#start.q#}}"}), inputs={"q": "값"}, outside=outside(echo))
    assert echo.asked == [{"text": "값"}]


async def test_settings_are_read_in_both_forms_and_a_parameter_of_that_name_wins(echo: Echo) -> None:
    settings = {"count": {"type": "constant", "value": 7}, "text": "설정"}
    given = {"text": {"type": "mixed", "value": "값"}}
    await outputs_of(echoing(tool_parameters=given, tool_configurations=settings), outside=outside(echo))
    assert echo.asked == [{"text": "값", "count": 7}]


async def test_text_json_files_and_declared_variables_come_out(echo: Echo) -> None:
    found = await outputs_of(echoing(tool_parameters={"count": "5"}), outside=outside(echo))
    assert found == {"text": "네", "json": [{"a": 1}], "files": [FILE], "count": 5}


async def test_an_answer_without_json_has_difys_empty_one() -> None:
    found = await outputs_of(
        node("t", "tool", provider_id="time", tool_name="weekday", tool_parameters={"year": 2026, "month": 1, "day": 1})
    )
    assert found == {"text": "2026-01-01 is a Thursday.", "json": [{"data": []}], "files": []}


async def test_a_tool_that_is_not_here_fails_with_the_nearest_name(echo: Echo) -> None:
    broken = node("t", "tool", provider_type="api", provider_id="c1", provider_name="메아리", tool_name="ecco")
    with pytest.raises(NodeFailed, match="메아리/ecco") as caught:
        await outputs_of(broken, outside=outside(echo))
    assert caught.value.code == "tool_unknown"


async def test_a_failed_tool_takes_the_fail_branch(echo: Echo) -> None:
    design = graph(
        [
            start(),
            echoing(error_strategy="fail-branch", tool_parameters={"text": "고장"}),
            end(why="t.error_message", code="t.error_type"),
        ],
        "start > t",
        "t:fail-branch > end",
    )
    last, _ = await run(design, outside=outside(echo))
    assert last.outputs == {"why": "It is down.", "code": "tool_failed"}


async def test_a_secret_given_to_a_tool_is_masked_in_the_runs_events(echo: Echo) -> None:
    design = graph([start(), echoing(tool_parameters={"text": "{{#env.key#}}"})], "start > t")
    _, sink = await run(design, outside=outside(echo), environment={"key": Typed("secret", "비밀열쇠-1234")})
    assert echo.asked == [{"text": "비밀열쇠-1234"}]
    assert "비밀열쇠-1234" not in str(sink.events)


def test_only_tools_that_say_so_may_run_twice_unasked() -> None:
    kind = kind_of("tool")
    assert kind is not None
    safe = {"provider_id": "time", "tool_name": "current_time"}
    assert kind.safe(kind.data.model_validate(safe))
    assert not kind.safe(kind.data.model_validate({"provider_id": "http", "tool_name": "request"}))
    assert not kind.safe(kind.data.model_validate({**safe, "provider_type": "api"}))
