"""iteration-start: where each round of an iteration begins."""

from __future__ import annotations

from llmflow.workflow.context import Context
from llmflow.workflow.data import NodeData
from llmflow.workflow.kind import Kind
from llmflow.workflow.types import Outcome, Words


def run(data: NodeData, context: Context) -> Outcome:
    return Outcome()


KIND = Kind(
    type="iteration-start",
    role="start",
    data=NodeData,
    run=run,
    words=Words("Round start", "회차 시작", "Where each round begins.", "각 회차가 시작하는 곳입니다."),
)
