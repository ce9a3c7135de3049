"""iteration: runs what lies in it once for each item of a list, one after the other or several at once."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from llmflow.errors import LLMFlowError, NodeFailed
from llmflow.workflow.context import Context
from llmflow.workflow.data import NodeData
from llmflow.workflow.engine.rounds import Rounds
from llmflow.workflow.kind import Kind
from llmflow.workflow.types import Outcome, Words


class IterationData(NodeData):
    """`flatten_output`: when every round gives a list, the lists become one."""

    iterator_selector: list[str] = Field(default_factory=list)
    output_selector: list[str] = Field(default_factory=list)
    is_parallel: bool = False
    parallel_nums: int = Field(default=10, ge=1)
    error_handle_mode: Literal["terminated", "continue-on-error", "remove-abnormal-output"] = "terminated"
    flatten_output: bool = True
    start_node_id: str | None = None

    @field_validator("error_handle_mode", mode="before")
    @classmethod
    def _no_mode(cls, value: Any) -> Any:
        return value or "terminated"


async def run(data: IterationData, context: Context) -> Outcome:
    items = context.get(data.iterator_selector)
    if items is None:
        items = []
    if not isinstance(items, list):
        where = ".".join(data.iterator_selector)
        raise NodeFailed(f"{where} is no list.", code="node_input_invalid")
    if not items:
        return Outcome({"output": []}, inputs={"iterator_selector": []})
    rounds = context.rounds
    assert rounds is not None
    inputs = {"iterator_selector": items}
    rounds.begin(inputs=inputs, length=len(items))
    outputs: list[Any] = [None] * len(items)
    failed: set[int] = set()

    async def one(index: int) -> None:
        if rounds.passed_over(index) is not None:
            failed.add(index)
            return
        try:
            pool = await rounds.run(index, {"item": items[index], "index": index})
        except LLMFlowError as error:
            if data.error_handle_mode == "terminated":
                raise
            rounds.pass_over(index, error)
            failed.add(index)
        else:
            outputs[index] = pool.get(data.output_selector)

    parallel = min(data.parallel_nums, context.limits.parallel_rounds) if data.is_parallel else 1
    try:
        await rounds.each(len(items), one, parallel)
    except LLMFlowError as error:
        rounds.end(steps=len(items), outputs={"output": outputs}, metadata=_metadata(rounds), error=error.message)
        raise
    if data.error_handle_mode == "remove-abnormal-output":
        outputs = [output for index, output in enumerate(outputs) if index not in failed]
    result = {"output": _flat(outputs) if data.flatten_output else outputs}
    metadata = _metadata(rounds)
    rounds.end(steps=len(items), outputs=result, metadata=metadata)
    return Outcome(result, inputs=inputs, metadata=metadata)


def _flat(outputs: list[Any]) -> list[Any]:
    there = [output for output in outputs if output is not None]
    if not there or not all(isinstance(output, list) for output in there):
        return outputs
    return [item for output in there for item in output]


def _metadata(rounds: Rounds) -> dict[str, Any]:
    return {
        "total_tokens": rounds.tokens,
        "total_price": "0",
        "currency": "USD",
        "iteration_duration_map": rounds.durations,
    }


KIND = Kind(
    type="iteration",
    role="container",
    data=IterationData,
    run=run,
    reads=lambda data: [data.iterator_selector],
    outputs={"output": "array[any]"},
    words=Words("Iteration", "반복", "Runs its inside for each item.", "목록의 항목마다 안쪽을 실행합니다."),
    fields={
        "iterator_selector": Words("List", "목록", "The list to go through.", "하나씩 꺼낼 목록입니다."),
        "output_selector": Words("Output", "출력", "What each round gives.", "회차마다 모을 값입니다."),
        "is_parallel": Words(
            "In parallel", "동시에 실행", "Several rounds at once.", "여러 회차를 한꺼번에 실행합니다."
        ),
        "parallel_nums": Words(
            "At once", "동시 실행 수", "Rounds at once, at most.", "한꺼번에 실행할 최대 회차입니다."
        ),
        "error_handle_mode": Words(
            "On error", "오류 처리", "What a failed round does.", "실패한 회차를 다루는 방법입니다."
        ),
        "flatten_output": Words("Flatten", "펼치기", "Lists of lists become one.", "목록의 목록을 하나로 폅니다."),
    },
)
