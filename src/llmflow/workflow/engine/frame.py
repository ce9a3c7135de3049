"""Runs the nodes of one scope: starts what the scheduler says, waits without polling, and settles what ends."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from time import perf_counter, time
from typing import TYPE_CHECKING, Any

from llmflow.errors import InternalError, LLMFlowError, NodeFailed, UnsupportedNode
from llmflow.workflow.context import Context
from llmflow.workflow.engine import schedule
from llmflow.workflow.engine.lanes import Voice
from llmflow.workflow.engine.notices import Execution, Notices
from llmflow.workflow.engine.replay import Key
from llmflow.workflow.engine.rounds import Rounds
from llmflow.workflow.engine.speech import Speech
from llmflow.workflow.events import At, NodeLog, NodeStatus, TextChunk
from llmflow.workflow.graph import Node, Scope
from llmflow.workflow.types import FAIL_BRANCH, SOURCE, Log, NotQuick, Outcome, Paused, Piece, Waiting
from llmflow.workflow.variables import Pool, constant

if TYPE_CHECKING:
    from llmflow.workflow.engine.run import Run

_SLICE_S = 0.02  # of quick nodes in a row, before others get their turn
_log = logging.getLogger(__name__)


class Frame:
    """One pass through a scope: the top of a run, or a round of a container."""

    def __init__(
        self,
        run: Run,
        scope: Scope,
        pool: Pool,
        *,
        container: Node | None = None,
        at: At = (),
        voice: Voice | None = None,
    ) -> None:
        self.run = run
        self.voice = voice or run
        self.scope = scope
        self.pool = pool
        self.at = at
        self.container = container
        self._within = container.id if container else ""
        self._notices = Notices(run, container, at)
        self._progress = schedule.Progress(scope)
        self._speech = Speech(scope, self._progress, pool, self._say) if scope.scripts else None
        self._ready: deque[tuple[int, str | None]] = deque()
        self._tasks: dict[asyncio.Task[Outcome | Waiting], Execution] = {}
        self._ended: deque[asyncio.Task[Outcome | Waiting]] = deque()
        self._wake: asyncio.Future[None] | None = None
        self._waiting: list[Key] = []
        self._steps = 0
        self.tokens = 0
        self._recalled: list[tuple[str, tuple[str, ...]]] | None = [] if run.state else None

    def inside(self, container: Node, pool: Pool, index: int, voice: Voice) -> Frame:
        """A round of a container that lies here."""
        assert container.inner is not None
        return Frame(self.run, container.inner, pool, container=container, at=(*self.at, index), voice=voice)

    # the loop

    async def drive(self) -> None:
        """Runs the scope to its end. Raises the error of a node that failed without a strategy, and Paused."""
        step = schedule.begin(self.scope, self._progress, None if self.container else self.run.start)
        self._ready.extend((index, None) for index in step.start)
        try:
            if self.run.state:
                self._recall()
            while True:
                while self._ready:
                    self._pump()
                    if self.run.sink.is_full:
                        await self.run.sink.flush()
                    elif self._ready:
                        await asyncio.sleep(0)
                    self.run.check()
                if not self._tasks:
                    break
                if not self._ended:
                    self._wake = asyncio.get_running_loop().create_future()
                    await self._wake
                    self._wake = None
                self.run.check()
                while self._ended:
                    task = self._ended.popleft()
                    self._settle(self._tasks.pop(task), task)
        finally:
            if self._tasks:
                await self._cancel()
        if self._waiting:
            raise Paused(self._waiting)
        if stuck := schedule.stuck(self.scope, self._progress):
            names = ", ".join(self.scope.nodes[index].id for index in stuck)
            raise NodeFailed(f"These nodes wait for each other: {names}.", code="workflow_invalid")

    def wake(self) -> None:
        """Something happened that the loop must look at."""
        if self._wake and not self._wake.done():
            self._wake.set_result(None)

    def _pump(self) -> None:
        """Starts what is ready; quick nodes run in place. Returns early when it has run for long."""
        until = perf_counter() + _SLICE_S
        while self._ready:
            index, predecessor = self._ready.popleft()
            self._start(self.scope.nodes[index], predecessor)
            if perf_counter() > until or self.run.sink.is_full:
                return

    async def _cancel(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for task, execution in self._tasks.items():
            error = None if task.cancelled() else task.exception()
            outcome = None if task.cancelled() or error else task.result()
            if isinstance(error, LLMFlowError):
                self._emit_end(execution, Outcome(), "failed", error)
            elif isinstance(outcome, Outcome):
                self._complete(execution, outcome)
            else:
                self._emit_end(execution, Outcome(), "stopped", None)
        self._tasks.clear()
        self._ready.clear()

    # starting

    def _start(self, node: Node, predecessor: str | None) -> None:
        run = self.run
        if self._is_silent(node):
            self._advance(node, SOURCE)
            return
        key = (node.id, self.at)
        if run.state and self._must_wait(node, key):
            return
        self._steps += 1
        if self._steps > run.limits.steps:
            raise NodeFailed(f"The run reached its limit of {run.limits.steps} steps.", code="workflow_limit")
        execution = self._execution(node, predecessor, key)
        if node.kind is not None and node.kind.is_quick and not node.flaw:
            self._run_quick(execution)
        else:
            self._launch(execution)

    def _is_silent(self, node: Node) -> bool:
        """The start of a container's inside: a mark, of which nothing is told."""
        return self.container is not None and node.kind is not None and node.kind.role == "start"

    def _execution(self, node: Node, predecessor: str | None, key: Key) -> Execution:
        run = self.run
        now = time()
        known = run.state.under_way.get(key) if run.state else None
        if known:  # it goes on under the name it had
            logs = self._told_before(key)
            return Execution(
                node, known.id, known.index, known.predecessor, known.created_at, perf_counter(), logs=logs
            )
        run.index += 1
        execution = Execution(node, run.new_id(), run.index, predecessor, now, perf_counter())
        execution.logs = self._told_before(key)
        self._notices.started(execution)
        return execution

    def _told_before(self, key: Key) -> list[NodeLog]:
        """The steps the node had told when the run broke off, or when it failed."""
        return list(self.run.state.logs.get(key, ())) if self.run.state else []

    def _launch(self, execution: Execution, failed: LLMFlowError | None = None) -> None:
        task = asyncio.get_running_loop().create_task(self._execute(execution, failed))
        self._tasks[task] = execution
        task.add_done_callback(self._on_done)

    def _on_done(self, task: asyncio.Task[Outcome | Waiting]) -> None:
        self._ended.append(task)
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _run_quick(self, execution: Execution) -> None:
        node = execution.node
        assert node.kind is not None
        try:
            outcome = node.kind.run(node.data, self._context(node))
        except NotQuick:
            self._launch(execution)
        except LLMFlowError as error:
            if self._may_retry(execution):
                self._launch(execution, error)
            else:
                self._failed(execution, error)
        except Exception as error:  # noqa: BLE001 - the run's border: whatever a node does, the run must end visibly
            self._failed(execution, _fault(error))
        else:
            self._complete(execution, outcome)

    # running

    async def _execute(self, execution: Execution, failed: LLMFlowError | None) -> Outcome | Waiting:
        """Tries the node as often as it may be tried, again after `failed`. Raises its last error."""
        node = execution.node
        if node.flaw:
            if node.kind is None:
                raise UnsupportedNode(node.flaw)
            raise NodeFailed(node.flaw, code="node_invalid")
        if failed:
            await self._before_retry(execution, failed)
        while True:
            try:
                return await self._once(execution)
            except LLMFlowError as error:
                if not self._may_retry(execution):
                    raise
                await self._before_retry(execution, error)

    async def _once(self, execution: Execution) -> Outcome | Waiting:
        node, run = execution.node, self.run
        assert node.kind is not None
        context = self._context(node)
        context.logs = tuple(execution.logs)
        context.execution_id = execution.id
        if run.state:
            context.reply = run.state.replies.get((node.id, self.at))
        if node.kind.role == "container":
            context.rounds = Rounds(self, execution)
            return await node.kind.run(node.data, context)  # type: ignore[no-any-return]
        async with run.slots:
            if not node.kind.safe(node.data):
                await run.sink.flush()
            if node.kind.streams:
                return await self._stream(execution, node.kind.run(node.data, context))
            if node.kind.is_quick:
                context.is_aside = True
                return await asyncio.to_thread(node.kind.run, node.data, context)
            return await node.kind.run(node.data, context)  # type: ignore[no-any-return]

    def _context(self, node: Node) -> Context:
        around = self.run.plan.containers[node.id]
        run = self.run
        return Context(node, self.pool, run.outside, run.limits, around=around, at=self.at, flush=run.sink.flush)

    async def _stream(
        self, execution: Execution, pieces: AsyncGenerator[Piece | Log | Outcome | Waiting]
    ) -> Outcome | Waiting:
        outcome: Outcome | Waiting | None = None
        async with aclosing(pieces):
            async for piece in pieces:
                if isinstance(piece, Piece):
                    if self._speech and piece.text:
                        self._speech.piece(execution.node.id, piece.name, piece.text)
                elif isinstance(piece, Log):
                    self._notices.step(execution, piece)
                else:
                    outcome = piece
                if self.run.sink.is_full:
                    await self.run.sink.flush()
        if outcome is None:
            raise InternalError(f"The node type {execution.node.type} ended without an outcome.")
        return outcome

    def _may_retry(self, execution: Execution) -> bool:
        data = execution.node.data
        return bool(data and data.retry_config.retry_enabled and execution.tries < data.retry_config.max_retries)

    async def _before_retry(self, execution: Execution, error: LLMFlowError) -> None:
        node = execution.node
        execution.tries += 1
        self._retract(node)
        self._notices.retries(execution, error)
        assert node.data is not None
        await asyncio.sleep(node.data.retry_config.retry_interval / 1000)

    # ending

    def _settle(self, execution: Execution, task: asyncio.Task[Outcome | Waiting]) -> None:
        error = task.exception()
        if error is None:
            outcome = task.result()
            if isinstance(outcome, Waiting):
                self._ask(execution, outcome)
            else:
                self._complete(execution, outcome)
        elif isinstance(error, Paused):
            self._waiting += error.keys
        else:
            self._failed(execution, error if isinstance(error, LLMFlowError) else _fault(error))

    def _complete(self, execution: Execution, outcome: Outcome) -> None:
        if self._speech:
            self._speech.finished(execution.node.id)
        self._end(execution, outcome, "succeeded", None)

    def _failed(self, execution: Execution, error: LLMFlowError) -> None:
        """The node's strategy decides; without one the run fails."""
        node = execution.node
        strategy = node.data.error_strategy if node.data else None
        failure = error if isinstance(error, NodeFailed) else NodeFailed(error.message)
        told = {"error_message": self.run.masked_text(error.message), "error_type": error.code}
        if strategy is None:  # what it said stays said
            outcome = Outcome({}, process_data=failure.process_data)
            self._emit_end(execution, outcome, "failed", error)
            raise error
        self._retract(node)
        outputs = dict(failure.outputs)
        if strategy == "default-value" and node.data:
            outputs |= {entry.key: _default(entry.value, entry.type) for entry in node.data.default_value}
        handle = FAIL_BRANCH if strategy == FAIL_BRANCH else SOURCE
        self.run.exceptions += 1
        self._end(
            execution,
            Outcome(outputs | told, process_data=failure.process_data, handle=handle),
            "exception",
            error,
        )

    def _end(self, execution: Execution, outcome: Outcome, status: NodeStatus, error: LLMFlowError | None) -> None:
        node, pool = execution.node, self.pool
        pool.put(node.id, outcome.outputs)
        for owner, name, value in outcome.writes:
            pool.write(owner, name, value)
        self._advance(node, outcome.handle)
        self.voice.gather(node, outcome.outputs)
        self._emit_end(execution, outcome, status, error)

    def _advance(self, node: Node, handle: str) -> None:
        step = schedule.finish(self.scope, self._progress, node, handle)
        self._ready.extend((index, node.id) for index in step.start)
        if self._speech:
            self._speech.take(step.taken)
            self._speech.flush(node.index)

    def _emit_end(self, execution: Execution, outcome: Outcome, status: NodeStatus, error: LLMFlowError | None) -> None:
        node, run = execution.node, self.run
        if outcome.metadata:
            tokens = int(outcome.metadata.get("total_tokens") or 0)
            self.tokens += tokens
            run.tokens += tokens if node.inner is None else 0  # a container's are those of the nodes in it
        self._notices.finished(execution, outcome, status, error)

    # waiting for people

    def _ask(self, execution: Execution, waiting: Waiting) -> None:
        key = (execution.node.id, self.at)
        self._waiting.append(key)
        self.run.asked[key] = self._notices.asks(execution, waiting.form)

    def _must_wait(self, node: Node, key: Key) -> bool:
        """The node has asked and nobody answered yet. Or it may have run when the run broke off, and nobody knows: a
        person decides whether it runs again."""
        state = self.run.state
        assert state is not None
        if key in state.asked:
            waits = key not in state.replies and key not in state.repeats
        elif key not in state.under_way or key in state.repeats:
            waits = False
        else:
            waits = (
                node.kind is not None and not node.flaw and node.kind.is_in_doubt(node.data, state.logs.get(key, ()))
            )
            if waits:
                self._notices.doubts(node, state.under_way[key])
        if waits:
            self._waiting.append(key)
        return waits

    # going on where a run broke off

    def _recall(self) -> None:
        """Goes through what is finished without running it, then says what of it was not told."""
        state = self.run.state
        assert state is not None
        held: list[tuple[int, str | None]] = []
        while self._ready:
            index, predecessor = self._ready.popleft()
            node = self.scope.nodes[index]
            end = state.finished.get((node.id, self.at))
            if self._is_silent(node):
                self._advance(node, SOURCE)
                continue
            if end is None:
                held.append((index, predecessor))
                continue
            self.pool.put(node.id, end.outputs)
            self._advance(node, end.handle)
            if node.inner:
                for inner in state.ended_within(self.run.plan, node.id, self.at):
                    self.voice.gather(self.run.plan.nodes[inner.node_id], inner.outputs)
            self.voice.gather(node, end.outputs)
        self._ready.extend(held)
        recalled, self._recalled = self._recalled or [], None
        if self._speech:
            self.run.agree(self._within, self.at, recalled, self.voice)

    # the answer's text

    def _say(self, text: str, selector: tuple[str, ...]) -> None:
        if self._recalled is not None:
            self._recalled.append((text, selector))
        else:
            self.voice.say(TextChunk(text=text, from_variable_selector=selector, within=self._within, at=self.at))

    def _retract(self, node: Node) -> None:
        """Takes back what was told of a stream that broke off."""
        if self._speech and (pieces := self._speech.forget(node.id)):
            self.voice.withdraw(self._within, self.at, pieces)


def _default(value: Any, type_name: str) -> Any:
    try:
        return constant(value, type_name)
    except ValueError:
        return value


def _fault(error: BaseException) -> InternalError:
    """A fault of ours: its insides go to the log, not to the reader."""
    _log.error("A node failed unexpectedly", exc_info=error)
    return InternalError(f"The node failed unexpectedly ({type(error).__name__}).")
