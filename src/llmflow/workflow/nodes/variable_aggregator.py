"""variable-aggregator: the first variable that is there, of branches of which one was taken."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from llmflow.workflow.context import Context
from llmflow.workflow.data import Lenient, NodeData
from llmflow.workflow.kind import Kind
from llmflow.workflow.types import Outcome, Selector, Words
from llmflow.workflow.variables import MISSING


class Group(Lenient):
    group_name: str
    output_type: str = "string"
    variables: list[list[str]] = Field(default_factory=list)


class AdvancedSettings(Lenient):
    group_enabled: bool = False
    groups: list[Group] = Field(default_factory=list)

    @field_validator("groups", mode="before")
    @classmethod
    def _no_groups(cls, value: Any) -> Any:
        return value or []


class AggregatorData(NodeData):
    output_type: str | None = "string"
    variables: list[list[str]] = Field(default_factory=list)
    advanced_settings: AdvancedSettings | None = None

    @field_validator("variables", mode="before")
    @classmethod
    def _no_variables(cls, value: Any) -> Any:
        return value or []

    @property
    def groups(self) -> list[Group]:
        """Those in force; [] when the node has one output."""
        settings = self.advanced_settings
        return settings.groups if settings and settings.group_enabled else []


def run(data: AggregatorData, context: Context) -> Outcome:
    inputs: dict[str, Any] = {}
    if not data.groups:
        found = _first(data.variables, context, inputs)
        return Outcome({} if found is MISSING else {"output": found}, inputs=inputs)
    outputs = {}
    for group in data.groups:
        found = _first(group.variables, context, inputs)
        if found is not MISSING:
            outputs[group.group_name] = {"output": found}
    return Outcome(outputs, inputs=inputs)


def _first(selectors: list[list[str]], context: Context, inputs: dict[str, Any]) -> Any:
    for selector in selectors:
        value = context.get(selector, MISSING)
        if value is not MISSING:
            inputs[".".join(selector[1:])] = value
            return value
    return MISSING


def _reads(data: AggregatorData) -> list[Selector]:
    return [*data.variables, *(selector for group in data.groups for selector in group.variables)]


KIND = Kind(
    type="variable-aggregator",
    aliases=("variable-assigner",),
    data=AggregatorData,
    run=run,
    reads=_reads,
    outputs={"output": "any"},
    words=Words("Variable aggregator", "변수 모으기", "The first variable there is.", "먼저 있는 변수를 고릅니다."),
    fields={"variables": Words("Variables", "변수", "Tried in order.", "위에서부터 차례로 살핍니다.")},
)
