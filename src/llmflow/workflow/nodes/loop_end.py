"""loop-end: the round in which it is reached is the loop's last."""

from __future__ import annotations

from llmflow.workflow.context import Context
from llmflow.workflow.data import NodeData
from llmflow.workflow.kind import Kind
from llmflow.workflow.types import Outcome, Words


def run(data: NodeData, context: Context) -> Outcome:
    return Outcome()


KIND = Kind(
    type="loop-end",
    data=NodeData,
    run=run,
    words=Words("Leave loop", "반복 종료", "Makes this round the last.", "이번 회차를 마지막으로 합니다."),
)
