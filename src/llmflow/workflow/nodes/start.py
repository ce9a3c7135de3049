"""start: the run's inputs, checked against their declaration."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from llmflow.errors import NodeFailed
from llmflow.workflow.context import Context
from llmflow.workflow.data import Lenient, NodeData
from llmflow.workflow.files import is_file
from llmflow.workflow.kind import Kind
from llmflow.workflow.types import Outcome, Words
from llmflow.workflow.variables import number, size_of


class InputVariable(Lenient):
    """One field of the form. `type`: text-input, paragraph, select, number, checkbox, file, file-list, json_object."""

    variable: str
    label: str | None = ""
    type: str = "text-input"
    required: bool = False
    hide: bool = False
    default: Any = None
    max_length: int | None = None
    options: list[str] = Field(default_factory=list)
    description: str | None = ""

    @field_validator("options", mode="before")
    @classmethod
    def _no_options(cls, value: Any) -> Any:
        return value or []


class StartData(NodeData):
    variables: list[InputVariable] = Field(default_factory=list)


def run(data: StartData, context: Context) -> Outcome:
    given = context.pool.owned(context.node.id)
    values = {
        variable.variable: checked(variable, given.get(variable.variable), context.limits.variable_kb * 1024)
        for variable in data.variables
        if variable.variable in given or variable.required or variable.default not in (None, "")
    }
    declared = {variable.variable for variable in data.variables}
    values |= {name: value for name, value in given.items() if name not in declared}
    return Outcome(values, inputs=values)


def checked(variable: InputVariable, value: Any, max_bytes: int) -> Any:
    """The value as its type wants it. Raises NodeFailed (workflow_input_invalid)."""
    name = variable.variable
    if value is None or (value == "" and variable.type != "text-input"):
        value = variable.default
    if value is None or value == "":
        if variable.required:
            raise _invalid(f"{name} is required in input form", name)
        return None if value is None else value
    if size_of(value) > max_bytes:
        raise _invalid(f"{name} is larger than {max_bytes // 1024} KB", name)
    return _typed(variable, value)


def _typed(variable: InputVariable, value: Any) -> Any:
    name = variable.variable
    match variable.type:
        case "text-input" | "paragraph" | "select":
            if not isinstance(value, str):
                raise _invalid(f"{name} in input form must be a string", name)
            if variable.type == "select" and variable.options and value not in variable.options:
                raise _invalid(f"{name} in input form must be one of the following: {variable.options}", name)
            if variable.max_length and len(value) > variable.max_length:
                raise _invalid(f"{name} in input form must be less than {variable.max_length} characters", name)
        case "number":
            return _number(name, value)
        case "checkbox":
            return value if isinstance(value, bool) else str(value).strip().lower() in ("true", "1", "yes")
        case "file":
            if not is_file(value):
                raise _invalid(f"{name} in input form must be a file", name)
        case "file-list":
            if not isinstance(value, list) or not all(map(is_file, value)):
                raise _invalid(f"{name} in input form must be a list of files", name)
        case "json_object":
            if not isinstance(value, dict):
                raise _invalid(f"{name} in input form must be a JSON object", name)
    return value


def _number(name: str, value: Any) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    try:
        return number(str(value))
    except ValueError as error:
        raise _invalid(f"{name} in input form must be a number", name) from error


def _invalid(message: str, name: str) -> NodeFailed:
    return NodeFailed(message, code="workflow_input_invalid", param=name)


KIND = Kind(
    type="start",
    role="start",
    data=StartData,
    run=run,
    words=Words("Start", "시작", "Where a run begins, with its inputs.", "실행이 입력값을 받아 시작하는 곳입니다."),
    fields={"variables": Words("Input fields", "입력 항목", "The form people fill in.", "사용자가 채우는 양식입니다.")},
)
