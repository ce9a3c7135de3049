"""tool: calls a tool of this package, of an OpenAPI document, or a published workflow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field, field_validator

from llmflow.errors import NodeFailed, NotFound
from llmflow.tools.builtin.source import builtin
from llmflow.tools.types import ToolRef
from llmflow.workflow.context import Context
from llmflow.workflow.data import Lenient, NodeData
from llmflow.workflow.kind import Kind
from llmflow.workflow.templates.template import selectors
from llmflow.workflow.types import Outcome, Selector, Words


class Given(Lenient):
    """A parameter's value: a template, a selector, or as it stands (a text may hold variables all the same)."""

    type: Literal["mixed", "variable", "constant"] = "mixed"
    value: Any = None

    def read(self, context: Context) -> Any:
        if self.type == "variable" and isinstance(self.value, list):
            return context.get(self.value)
        return context.fill(self.value) if isinstance(self.value, str) else self.value

    def reads(self) -> Iterator[Selector]:
        if self.type == "variable" and isinstance(self.value, list):
            yield [str(part) for part in self.value]
        elif isinstance(self.value, str):
            yield from selectors(self.value)


class ToolData(NodeData):
    """`tool_configurations`: the settings, plain values or as parameters are given; a parameter of that name wins."""

    provider_type: str = "builtin"
    provider_id: str = ""
    provider_name: str = ""
    tool_name: str
    tool_label: str | None = ""
    tool_description: str | None = ""
    credential_id: str | None = ""
    plugin_unique_identifier: str | None = ""
    tool_node_version: str | None = ""
    tool_configurations: dict[str, Given] = Field(default_factory=dict)
    tool_parameters: dict[str, Given] = Field(default_factory=dict)

    @field_validator("tool_configurations", "tool_parameters", mode="before")
    @classmethod
    def _given(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return {}
        return {name: one if _is_given(one) else {"type": "mixed", "value": one} for name, one in value.items()}

    @field_validator("provider_type", mode="before")
    @classmethod
    def _no_type(cls, value: Any) -> Any:
        return value or "builtin"

    @field_validator("provider_id", "provider_name", mode="before")
    @classmethod
    def _no_name(cls, value: Any) -> Any:
        return value or ""

    @property
    def ref(self) -> ToolRef:
        return ToolRef(
            self.provider_type, self.provider_id, self.tool_name, self.provider_name, self.credential_id or ""
        )

    def given(self) -> dict[str, Given]:
        return {**self.tool_configurations, **self.tool_parameters}


def _is_given(value: Any) -> bool:
    return isinstance(value, Mapping) and "value" in value and value.get("type") in ("mixed", "variable", "constant")


async def run(data: ToolData, context: Context) -> Outcome:
    arguments = {name: one.read(context) for name, one in data.given().items()}
    inputs = {name: value for name, value in arguments.items() if value is not None}
    try:
        tool = await context.outside.tools.find(data.ref)
    except NotFound as error:
        raise NodeFailed(error.message, code=error.code, hint=error.hint, process_data=inputs) from error
    answer = await tool.call(arguments)
    outputs = {
        **answer.variables,
        "text": answer.text,
        "files": list(answer.files),
        "json": list(answer.json) or [{"data": []}],
    }
    return Outcome(outputs, inputs=inputs)


def _safe(data: ToolData) -> bool:
    known = builtin(data.ref)
    return known is not None and known.spec.is_safe


KIND = Kind(
    type="tool",
    data=ToolData,
    run=run,
    safe=_safe,
    reads=lambda data: [selector for one in data.given().values() for selector in one.reads()],
    outputs={"text": "string", "files": "array[file]", "json": "array[object]"},
    words=Words("Tool", "도구", "Calls a tool by name.", "도구를 실행합니다."),
    fields={
        "tool_name": Words("Tool", "도구", "Which one to call.", "실행할 도구입니다."),
        "tool_parameters": Words("Parameters", "매개변수", "Values and variables.", "값이나 변수를 넣습니다."),
        "tool_configurations": Words("Settings", "설정", "The same at each call.", "실행할 때마다 같은 값입니다."),
        "credential_id": Words("Credential", "인증 정보"),
    },
)
