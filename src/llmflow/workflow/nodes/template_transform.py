"""template-transform: a Jinja template over chosen variables, rendered in a sandbox of our own process."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from llmflow.workflow.context import Context
from llmflow.workflow.data import Lenient, NodeData
from llmflow.workflow.kind import Kind
from llmflow.workflow.templates.jinja import QUICK_MS, render
from llmflow.workflow.types import Outcome, Words


class TemplateVariable(Lenient):
    variable: str
    value_selector: list[str] = Field(default_factory=list)


class TemplateData(NodeData):
    template: str = ""
    variables: list[TemplateVariable] = Field(default_factory=list)


def run(data: TemplateData, context: Context) -> Outcome:
    values: dict[str, Any] = {each.variable: context.get(each.value_selector) for each in data.variables}
    milliseconds = None if context.is_aside else QUICK_MS
    output = render(data.template, values, context.limits, milliseconds=milliseconds)
    return Outcome({"output": output}, inputs=values)


KIND = Kind(
    type="template-transform",
    data=TemplateData,
    run=run,
    reads=lambda data: [each.value_selector for each in data.variables],
    outputs={"output": "string"},
    words=Words("Template", "템플릿", "Makes a text of variables with Jinja.", "Jinja로 변수를 엮어 글을 만듭니다."),
    fields={
        "template": Words("Template", "템플릿", "Jinja2 source.", "Jinja2 원본입니다."),
        "variables": Words("Variables", "변수", "Names for use in the template.", "템플릿에서 쓸 이름입니다."),
    },
)
