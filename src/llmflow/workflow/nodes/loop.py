"""loop: runs what lies in it again and again, until a condition holds, a loop-end is reached, or the count is up."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from llmflow.errors import LLMFlowError, NodeFailed
from llmflow.workflow.conditions import Condition, holds
from llmflow.workflow.context import Context
from llmflow.workflow.data import Lenient, NodeData
from llmflow.workflow.engine.rounds import Rounds
from llmflow.workflow.kind import Kind
from llmflow.workflow.types import Outcome, Typed, Words
from llmflow.workflow.variables import Pool, constant


class LoopVariable(Lenient):
    """Kept from round to round. `value`: a constant, or a selector where `value_type` is "variable"."""

    label: str
    var_type: str = "string"
    value_type: Literal["constant", "variable"] = "constant"
    value: Any = None


class LoopData(NodeData):
    loop_count: int = Field(default=10, ge=0)
    break_conditions: list[Condition] = Field(default_factory=list)
    logical_operator: Literal["and", "or"] = "and"
    loop_variables: list[LoopVariable] = Field(default_factory=list)
    start_node_id: str | None = None

    @field_validator("break_conditions", "loop_variables", mode="before")
    @classmethod
    def _no_list(cls, value: Any) -> Any:
        return value or []

    @field_validator("logical_operator", mode="before")
    @classmethod
    def _no_operator(cls, value: Any) -> Any:
        return value or "and"


async def run(data: LoopData, context: Context) -> Outcome:
    rounds = context.rounds
    assert rounds is not None
    if data.loop_count > context.limits.loop_rounds:
        text = f"The loop asks for {data.loop_count} rounds; {context.limits.loop_rounds} are allowed."
        raise NodeFailed(text, code="workflow_limit")
    variables = {
        variable.label: Typed(variable.var_type, _first(variable, context)) for variable in data.loop_variables
    }
    inputs = {"loop_count": data.loop_count, **{name: typed.value for name, typed in variables.items()}}
    going_on = rounds.under_way()
    first = 0
    if going_on:
        first, values = going_on
        variables = {name: Typed(typed.type, values.get(name, typed.value)) for name, typed in variables.items()}
    rounds.begin(inputs=inputs, length=data.loop_count, variables=variables)
    try:
        done, reason = await _rounds(data, context, rounds, first, is_new=going_on is None)
    except LLMFlowError as error:
        outputs = rounds.pool.owned(context.node.id)
        rounds.end(steps=data.loop_count, outputs=outputs, metadata=_metadata(rounds, "error"), error=error.message)
        raise
    outputs = {**rounds.pool.owned(context.node.id), "loop_round": done}
    metadata = _metadata(rounds, reason)
    rounds.end(steps=done, outputs=outputs, metadata=metadata)
    return Outcome(outputs, inputs=inputs, metadata=metadata)


async def _rounds(data: LoopData, context: Context, rounds: Rounds, first: int, *, is_new: bool) -> tuple[int, str]:
    """(rounds run, why it ended). Conditions are looked at before the first round, where they may not make sense yet,
    and after each."""
    if is_new and data.break_conditions and _holds_already(data, rounds.pool):
        return 0, "loop_break"
    leaves = [node.id for node in context.node.inner.nodes if node.type == "loop-end"] if context.node.inner else []
    for index in range(first, data.loop_count):
        pool = await rounds.run(index)
        if any(pool.has(leave) for leave in leaves):
            return index + 1, "loop_break"
        if data.break_conditions and holds(data.break_conditions, data.logical_operator, pool).holds:
            return index + 1, "loop_break"
    return data.loop_count, "loop_completed"


def _holds_already(data: LoopData, pool: Pool) -> bool:
    try:
        return holds(data.break_conditions, data.logical_operator, pool).holds
    except NodeFailed:
        return False


def _first(variable: LoopVariable, context: Context) -> Any:
    if variable.value_type == "variable":
        return context.get(variable.value if isinstance(variable.value, list) else [])
    try:
        return constant(variable.value, variable.var_type)
    except ValueError as error:
        raise NodeFailed(f"The loop variable {variable.label}: {error}", code="node_invalid") from error


def _metadata(rounds: Rounds, reason: str) -> dict[str, Any]:
    return {
        "total_tokens": rounds.tokens,
        "total_price": "0",
        "currency": "USD",
        "completed_reason": reason,
        "loop_duration_map": rounds.durations,
        "loop_variable_map": rounds.variables,
    }


KIND = Kind(
    type="loop",
    role="container",
    data=LoopData,
    run=run,
    reads=lambda data: [each.value for each in data.loop_variables if each.value_type == "variable" and each.value],
    outputs={"loop_round": "number"},
    words=Words("Loop", "되풀이", "Runs its inside until it is done.", "조건이 맞을 때까지 안쪽을 되풀이합니다."),
    fields={
        "loop_count": Words("Rounds at most", "최대 회차", "The loop ends after these.", "이만큼 돌면 끝납니다."),
        "break_conditions": Words("Until", "종료 조건", "Looked at after each round.", "회차가 끝날 때마다 살핍니다."),
        "loop_variables": Words("Loop variables", "되풀이 변수", "Kept between rounds.", "회차 사이에 이어집니다."),
    },
)
