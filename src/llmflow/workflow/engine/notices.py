"""What a frame tells of its nodes: each execution's events, at the frame's place."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter, time
from typing import TYPE_CHECKING, Any

from llmflow.errors import LLMFlowError
from llmflow.workflow.events import (
    At,
    HumanInputRequired,
    NodeFinished,
    NodeLog,
    NodeRetry,
    NodeStarted,
    NodeStatus,
    RepeatRequired,
)
from llmflow.workflow.graph import Node
from llmflow.workflow.types import Log, Outcome

if TYPE_CHECKING:
    from llmflow.workflow.engine.run import Run


@dataclass(slots=True)
class Execution:
    """One node under way. `logs`: the steps it told."""

    node: Node
    id: str
    index: int
    predecessor: str | None
    created_at: float
    started: float
    tries: int = 0
    logs: list[NodeLog] = field(default_factory=list)


class Notices:
    """Of one frame. `container`: the node whose round it is, None at the top."""

    def __init__(self, run: Run, container: Node | None, at: At) -> None:
        self._run = run
        self._at = at
        self._owners: dict[str, str] = {}
        if container is not None:
            self._owners["loop_id" if container.type == "loop" else "iteration_id"] = container.id

    def started(self, execution: Execution) -> None:
        self._run.emit(NodeStarted(created_at=execution.created_at, **self._about(execution)))

    def step(self, execution: Execution, log: Log) -> None:
        event = NodeLog(
            id=execution.id,
            node_id=execution.node.id,
            log_id=log.id,
            label=log.label,
            status=log.status,
            created_at=time(),
            data=self._run.masked(log.data),
            parent_id=log.parent_id,
            error=self._run.masked_text(log.error) if log.error else None,
            metadata=log.metadata,
            at=self._at,
        )
        execution.logs.append(event)
        self._run.emit(event)

    def retries(self, execution: Execution, error: LLMFlowError) -> None:
        self._run.emit(
            NodeRetry(
                created_at=execution.created_at,
                finished_at=time(),
                elapsed_time=perf_counter() - execution.started,
                retry_index=execution.tries,
                error=self._run.masked_text(error.message),
                **self._about(execution),
            )
        )

    def finished(self, execution: Execution, outcome: Outcome, status: NodeStatus, error: LLMFlowError | None) -> None:
        run = self._run
        run.emit(
            NodeFinished(
                created_at=execution.created_at,
                finished_at=time(),
                elapsed_time=perf_counter() - execution.started,
                status=status,
                inputs=run.masked(outcome.inputs),
                process_data=run.masked(outcome.process_data),
                outputs=outcome.outputs,
                error=run.masked_text(error.message) if error else None,
                error_type=error.code if error else None,
                execution_metadata=outcome.metadata,
                handle=outcome.handle,
                writes=tuple(outcome.writes),
                **self._about(execution),
            )
        )

    def asks(self, execution: Execution, form: dict[str, Any]) -> HumanInputRequired:
        node = execution.node
        asked = HumanInputRequired(
            id=execution.id,
            node_id=node.id,
            node_type=node.type,
            title=node.title,
            form=form,
            created_at=time(),
            at=self._at,
        )
        self._run.emit(asked)
        return asked

    def doubts(self, node: Node, known: NodeStarted) -> None:
        self._run.emit(
            RepeatRequired(
                id=known.id,
                node_id=node.id,
                node_type=node.type,
                title=node.title,
                created_at=time(),
                at=self._at,
            )
        )

    def _about(self, execution: Execution) -> dict[str, Any]:
        node = execution.node
        return {
            "id": execution.id,
            "node_id": node.id,
            "node_type": node.type,
            "title": node.title,
            "index": execution.index,
            "predecessor": execution.predecessor,
            "at": self._at,
            **self._owners,
        }
