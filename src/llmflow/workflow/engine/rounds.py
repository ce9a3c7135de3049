"""A container's way to run what lies in it, round by round."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter, time
from typing import TYPE_CHECKING, Any, Literal

from llmflow.errors import LLMFlowError, NodeFailed
from llmflow.workflow.engine.lanes import Lanes
from llmflow.workflow.engine.replay import Key
from llmflow.workflow.events import RoundFinished, RoundsFinished, RoundsStarted, RoundStarted
from llmflow.workflow.types import Paused, Typed
from llmflow.workflow.variables import Pool

if TYPE_CHECKING:
    from llmflow.workflow.engine.frame import Frame
    from llmflow.workflow.engine.notices import Execution


class Rounds:
    """The rounds of one container. `pool`: the container's own variables, which its rounds see and may write."""

    def __init__(self, frame: Frame, execution: Execution) -> None:
        self.pool = Pool(frame.pool)
        self.tokens = 0
        self.durations: dict[str, float] = {}
        self.variables: dict[str, dict[str, Any]] = {}
        self._frame = frame
        self._execution = execution
        self._node = execution.node
        self._key = (execution.node.id, frame.at)
        self._inputs: dict[str, Any] = {}
        self._lanes: Lanes | None = None

    def under_way(self) -> tuple[int, dict[str, Any]] | None:
        """Where the run broke off: the round that was begun last, and the container's variables then."""
        state = self._frame.run.state
        return state.round_under_way(*self._key) if state else None

    def passed_over(self, index: int) -> str | None:
        """The error of a round that failed before the run broke off, where the container went on."""
        state = self._frame.run.state
        error = state.round_errors.get(self._key, {}).get(index) if state else None
        if error is not None and self._lanes:
            self._lanes.close(index)
        return error

    def begin(self, *, inputs: dict[str, Any], length: int, variables: Mapping[str, Typed] | None = None) -> None:
        """To be called once. `length`: rounds to come, at most."""
        self._inputs = inputs
        if variables is not None:
            self.pool.declare(self._node.id, variables)
        state = self._frame.run.state
        if state and self._key in state.begun:
            return
        self._frame.run.emit(
            RoundsStarted(
                id=self._execution.id,
                node_id=self._node.id,
                node_type=self._node.type,
                title=self._node.title,
                created_at=time(),
                inputs=self._frame.run.masked(inputs),
                length=length,
                at=self._frame.at,
            )
        )

    async def run(self, index: int, values: Mapping[str, Any] | None = None) -> Pool:
        """One round, from its start to its end; `values` are the container's, seen in this round alone.

        Returns the round's pool. Raises the error of a node that failed without a strategy."""
        node, frame = self._node, self._frame
        if node.inner is None or node.inner.start is None:
            raise NodeFailed("There is nothing to run in this container.", code="node_invalid")
        self._tell_round(index)
        pool = Pool(self.pool)
        if values is not None:
            pool.put(node.id, values)
        voice = self._lanes.lane(index) if self._lanes else frame.voice
        child = frame.inside(node, pool, index, voice)
        started = perf_counter()
        try:
            await child.drive()
        finally:
            self.tokens += child.tokens
            self.durations[str(index)] = perf_counter() - started
            self.variables[str(index)] = self.pool.owned(node.id)
        self._ended(index, None)
        return pool

    async def each(self, count: int, one: Callable[[int], Awaitable[None]], parallel: int) -> None:
        """`one(index)` for each index, `parallel` at once. The first error ends the others and is raised; a pause
        lets them end by themselves. What they tell is told in the order of the rounds."""
        if parallel > 1:
            self._lanes = Lanes(self._frame.voice)
        paused: list[Key] = []
        left = iter(range(count))

        async def work() -> None:
            for index in left:
                try:
                    await one(index)
                except Paused as pause:
                    paused.extend(pause.keys)
                    if parallel == 1:
                        return

        workers = [asyncio.ensure_future(work()) for _ in range(min(parallel, count))]
        try:
            await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.wait(workers)
        for worker in workers:
            if not worker.cancelled() and (error := worker.exception()):
                raise error
        if paused:
            raise Paused(paused)

    def pass_over(self, index: int, error: LLMFlowError) -> None:
        """The round failed and the container goes on without it."""
        self._frame.run.exceptions += 1
        self._ended(index, error.message)

    def end(
        self,
        *,
        steps: int,
        outputs: dict[str, Any],
        metadata: dict[str, Any],
        error: str | None = None,
    ) -> None:
        """To be called once, at the end, however it came."""
        status: Literal["succeeded", "failed"] = "failed" if error else "succeeded"
        self._frame.run.emit(
            RoundsFinished(
                id=self._execution.id,
                node_id=self._node.id,
                node_type=self._node.type,
                title=self._node.title,
                created_at=self._execution.created_at,
                finished_at=time(),
                elapsed_time=perf_counter() - self._execution.started,
                steps=steps,
                status=status,
                inputs=self._frame.run.masked(self._inputs),
                outputs=outputs,
                execution_metadata=metadata,
                error=error and self._frame.run.masked_text(error),
                at=self._frame.at,
            )
        )

    def _tell_round(self, index: int) -> None:
        state = self._frame.run.state
        if state and index in state.rounds.get(self._key, ()):
            return
        self._frame.run.emit(
            RoundStarted(
                id=self._execution.id,
                node_id=self._node.id,
                node_type=self._node.type,
                title=self._node.title,
                created_at=time(),
                index=index,
                variables=self.pool.owned(self._node.id),
                at=self._frame.at,
            )
        )

    def _ended(self, index: int, error: str | None) -> None:
        if self._lanes:
            self._lanes.close(index)
        self._frame.run.emit(
            RoundFinished(
                node_id=self._node.id,
                index=index,
                elapsed_time=self.durations.get(str(index), 0.0),
                error=error and self._frame.run.masked_text(error),
                at=self._frame.at,
            )
        )
