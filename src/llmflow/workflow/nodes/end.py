"""end ("Output"): names the run's outputs."""

from __future__ import annotations

from pydantic import Field

from llmflow.workflow.context import Context
from llmflow.workflow.data import Lenient, NodeData
from llmflow.workflow.kind import Kind
from llmflow.workflow.types import Outcome, Words


class Output(Lenient):
    """`value_type`: absent in old files."""

    variable: str
    value_selector: list[str] = Field(default_factory=list)
    value_type: str | None = None


class EndData(NodeData):
    outputs: list[Output] = Field(default_factory=list)


def run(data: EndData, context: Context) -> Outcome:
    outputs = {output.variable: context.get(output.value_selector) for output in data.outputs}
    return Outcome(outputs, inputs=outputs)


def script(data: EndData) -> list[str | tuple[str, ...]]:
    """The outputs one under the other."""
    parts: list[str | tuple[str, ...]] = []
    for output in data.outputs:
        if output.value_selector:
            parts += ["\n"] * bool(parts) + [tuple(output.value_selector)]
    return parts


KIND = Kind(
    type="end",
    role="answer",
    data=EndData,
    run=run,
    script=script,
    reads=lambda data: [output.value_selector for output in data.outputs],
    words=Words("Output", "출력", "Names what the run gives back.", "실행 결과로 돌려줄 값을 정합니다."),
    fields={"outputs": Words("Outputs", "출력 변수", "A name and where its value stands.", "이름과 값의 위치입니다.")},
)
