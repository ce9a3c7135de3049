"""code: Python or JavaScript that somebody wrote, run apart; see the port `sandbox` and docs/code.md."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from llmflow.errors import NodeFailed, OrganError
from llmflow.ports.sandbox import Code
from llmflow.workflow.code_outputs import checked
from llmflow.workflow.context import Context
from llmflow.workflow.data import Lenient, NodeData
from llmflow.workflow.kind import Kind
from llmflow.workflow.types import Outcome, Words

_OLD_NAMES = {"python": "python3", "py": "python3", "nodejs": "javascript", "js": "javascript"}
_OutputType = Literal[
    "string", "number", "boolean", "object", "array[string]", "array[number]", "array[boolean]", "array[object]"
]


class CodeVariable(Lenient):
    """`variable`: the argument's name."""

    variable: str
    value_selector: list[str] = Field(default_factory=list)


class CodeOutput(Lenient):
    """`children`: an object's own outputs, or those of each object of a list; None: any."""

    type: _OutputType = "string"
    children: dict[str, CodeOutput] | None = None

    @field_validator("children", mode="before")
    @classmethod
    def _none(cls, value: Any) -> Any:
        return value or None


class CodeData(NodeData):
    """`outputs` None: whatever main returns. `dependencies` is kept: what may be imported is the installation's choice
    (organs.sandbox.packages)."""

    code_language: Literal["python3", "javascript"] = "python3"
    code: str = ""
    variables: list[CodeVariable] = Field(default_factory=list)
    outputs: dict[str, CodeOutput] | None = None
    dependencies: list[Any] | None = None

    @field_validator("code_language", mode="before")
    @classmethod
    def _known_by_older_names(cls, value: Any) -> Any:
        name = str(value or "python3").lower()
        return _OLD_NAMES.get(name, name)

    @field_validator("variables", mode="before")
    @classmethod
    def _no_variables(cls, value: Any) -> Any:
        return value or []


async def run(data: CodeData, context: Context) -> Outcome:
    inputs: dict[str, Any] = {each.variable: context.get(each.value_selector) for each in data.variables}
    try:
        ran = await context.outside.code(Code(data.code_language, data.code, inputs))
    except OrganError as error:
        raise NodeFailed(f"{error.message} {error.hint}", code=error.code, hint=error.hint) from error
    process_data = {"printed": ran.printed} if ran.printed else {}
    try:
        outputs = checked(ran.result, data.outputs, context.limits)
    except NodeFailed as error:
        error.process_data = process_data
        raise
    return Outcome(outputs, inputs=inputs, process_data=process_data)


KIND = Kind(
    type="code",
    data=CodeData,
    run=run,
    reads=lambda data: [each.value_selector for each in data.variables],
    words=Words(
        "Code",
        "코드",
        "Runs Python or JavaScript, apart from everything else.",
        "Python이나 JavaScript를 격리된 곳에서 실행합니다.",
    ),
    fields={
        "code_language": Words("Language", "언어"),
        "code": Words(
            "Code", "코드", "With a function main that returns an object.", "객체를 돌려주는 main 함수가 있어야 합니다."
        ),
        "variables": Words("Variables", "변수", "The arguments of main.", "main의 인수입니다."),
        "outputs": Words("Outputs", "출력", "What main returns, by name.", "main이 돌려주는 값의 이름과 형식입니다."),
        "dependencies": Words(
            "Dependencies",
            "의존성",
            "Kept; the installation chooses the packages.",
            "보관만 하며, 쓸 패키지는 설치 설정이 정합니다.",
        ),
    },
)
