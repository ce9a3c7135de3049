"""if-else: takes the branch of the first case whose conditions hold, or "false"."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from llmflow.workflow.conditions import Condition, holds
from llmflow.workflow.context import Context
from llmflow.workflow.data import Lenient, NodeData
from llmflow.workflow.kind import Kind
from llmflow.workflow.types import Outcome, Words


class Case(Lenient):
    case_id: str
    logical_operator: Literal["and", "or"] = "and"
    conditions: list[Condition] = Field(default_factory=list)


class IfElseData(NodeData):
    """Old files have `conditions` and `logical_operator` instead of `cases`: one case, "true"."""

    cases: list[Case] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _old_form(cls, value: Any) -> Any:
        if isinstance(value, dict) and not value.get("cases"):
            case = {
                "case_id": "true",
                "logical_operator": value.get("logical_operator") or "and",
                "conditions": value.get("conditions") or [],
            }
            return {**value, "cases": [case]}
        return value


def run(data: IfElseData, context: Context) -> Outcome:
    results: list[dict[str, Any]] = []
    compared: list[dict[str, Any]] = []
    chosen = "false"
    for case in data.cases:
        verdict = holds(case.conditions, case.logical_operator, context.pool)
        compared = verdict.compared
        results.append({"group": _shown(case), "results": verdict.results, "final_result": verdict.holds})
        if verdict.holds:
            chosen = case.case_id
            break
    return Outcome(
        {"result": chosen != "false", "selected_case_id": chosen},
        inputs={"conditions": compared},
        process_data={"condition_results": results},
        handle=chosen,
    )


def _shown(case: Case) -> dict[str, Any]:
    return {
        "case_id": case.case_id,
        "logical_operator": case.logical_operator,
        "conditions": [condition.shown() for condition in case.conditions],
    }


KIND = Kind(
    type="if-else",
    role="branch",
    data=IfElseData,
    run=run,
    handles=lambda data: [*(case.case_id for case in data.cases), "false"],
    reads=lambda data: [condition.variable_selector for case in data.cases for condition in case.conditions],
    outputs={"result": "boolean", "selected_case_id": "string"},
    words=Words("If / else", "조건 분기", "Goes on by the first case that holds.", "처음으로 맞는 조건의 길로 갑니다."),
    fields={"cases": Words("Cases", "조건", "Tried in order.", "위에서부터 차례로 살핍니다.")},
)
