"""One run of a plan, from its start, or from where it broke off, to its last event."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from time import perf_counter, time
from typing import Any
from urllib.parse import quote, quote_plus

from llmflow.config.settings import Workflow
from llmflow.errors import LLMFlowError, UsageError
from llmflow.store.ids import new_id
from llmflow.workflow.context import Outside
from llmflow.workflow.engine.frame import Frame
from llmflow.workflow.engine.lanes import Voice
from llmflow.workflow.engine.replay import State
from llmflow.workflow.events import (
    At,
    Decision,
    Event,
    HumanInputRequired,
    Last,
    RunStatus,
    Sink,
    TextChunk,
    TextReplace,
    WorkflowFinished,
    WorkflowPaused,
    WorkflowStarted,
)
from llmflow.workflow.files import files_in
from llmflow.workflow.graph import Node, Plan
from llmflow.workflow.types import Paused, Typed
from llmflow.workflow.variables import Pool

_TAIL = (1 << 48) - 1


class _Stopped(Exception):
    """The run was told to end."""


class Run:
    """To be used once: `await go()`.

    `start`: the id of the node it begins at, "" for the plan's own; of a run to go on with it is known.
    `inputs`: of the start node. `system`: sys.* without the prefix. `environment` and `conversation`: declared
    variables by name; those of type "secret" are masked in what nodes show. `state`: what was rebuilt from the events
    of a run to go on with; inputs, system and the conversation's values then come from it. `decisions`: what people
    said to a paused run."""

    def __init__(
        self,
        plan: Plan,
        *,
        sink: Sink,
        start: str = "",
        inputs: Mapping[str, Any] | None = None,
        system: Mapping[str, Any] | None = None,
        environment: Mapping[str, Typed] | None = None,
        conversation: Mapping[str, Typed] | None = None,
        outside: Outside | None = None,
        limits: Workflow | None = None,
        state: State | None = None,
        decisions: Sequence[Decision] = (),
        depth: int = 0,
    ) -> None:
        self.plan = plan
        self.sink = sink
        self.emit = sink.emit
        self.outside = outside or Outside()
        self.limits = limits or Workflow()
        self.state = state
        self.slots = asyncio.Semaphore(self.limits.parallel_nodes)
        self.index = state.index if state else 0
        self.tokens = state.tokens if state else 0
        self.exceptions = state.exceptions if state else 0
        self.outputs: dict[str, Any] = {}
        self.asked = (
            {key: event for key, event in state.asked.items() if isinstance(event, HumanInputRequired)} if state else {}
        )
        self._told: list[TextChunk] = list(state.told) if state else []
        self._decisions = decisions
        self._depth = depth
        self._stopped = ""
        self._is_late = False
        self._environment = dict(environment or {})
        self._secrets = _as_written(
            typed.value
            for typed in self._environment.values()
            if typed.type == "secret" and isinstance(typed.value, str) and typed.value
        )
        self._started_at = state.started.start if state and state.started else start
        self.start = plan.scope.start_named(self._started_at)
        self._inputs, self._system, self._conversation = _beginning(inputs, system, conversation, state)
        self._prefix = new_id()[:24]
        self._tails = count(int.from_bytes(os.urandom(6)))
        self._root: Frame | None = None

    async def go(self) -> Last:
        """Runs to the end, or until a person must answer. The last event is with the sink, durable, on return.

        A cancelled `go` leaves no last event: the run broke off, and can be resumed. Faults of nodes, limits and stops
        end in the last event and raise nothing."""
        self._created_at, self._started = time(), perf_counter()
        self._begin()
        root = self._root = Frame(self, self.plan.scope, self._pool())
        timer = asyncio.get_running_loop().call_later(self.limits.seconds, self._expire)
        last: Last
        try:
            self._check_start()
            await root.drive()
        except Paused as pause:
            last = self._paused(pause)
        except _Stopped:
            last = self._late() if self._is_late else self._finished("stopped", reason=self._stopped)
        except LLMFlowError as error:
            last = self._finished("failed", error)
        else:
            last = self._finished("partial-succeeded" if self.exceptions else "succeeded")
        finally:
            timer.cancel()
        await self.sink.close(last)
        return last

    def stop(self, reason: str = "The run was stopped.") -> None:
        """Ends the run soon: nodes under way are cancelled. Harmless when it has ended."""
        self._stopped = self._stopped or reason
        if self._root:
            self._root.wake()

    # for frames

    def check(self) -> None:
        if self._stopped:
            raise _Stopped

    def new_id(self) -> str:
        """An execution's id: a UUIDv7 that shares its head with the run's others, so that it costs little."""
        return f"{self._prefix}{next(self._tails) & _TAIL:012x}"

    def gather(self, node: Node, outputs: Mapping[str, Any]) -> None:
        """An answer's or an end's part in the run's outputs."""
        if node.kind is None or node.kind.role != "answer":
            return
        if node.type != "answer":
            self.outputs.update(outputs)
            return
        self.outputs["answer"] = self.outputs.get("answer", "") + outputs.get("answer", "")
        self.outputs["files"] = [*self.outputs.get("files", ()), *outputs.get("files", ())]

    def masked(self, values: dict[str, Any]) -> dict[str, Any]:
        """The values without the environment's secrets."""
        return _masked(values, self._secrets) if self._secrets else values

    def masked_text(self, text: str) -> str:
        """An error's words without the environment's secrets: it may name the address that was asked."""
        return str(_masked(text, self._secrets))

    def say(self, chunk: TextChunk) -> None:
        self._told.append(chunk)
        self.emit(chunk)

    def withdraw(self, within: str, at: At, pieces: int) -> None:
        """Takes back the last pieces told in a round."""
        left = pieces
        kept: list[TextChunk] = []
        for chunk in reversed(self._told):
            if left and chunk.within == within and chunk.at == at:
                left -= 1
            else:
                kept.append(chunk)
        self._told = kept[::-1]
        text = "".join(chunk.text for chunk in self._told)
        self.emit(TextReplace(text=text, dropped=pieces, within=within, at=at))

    def agree(self, within: str, at: At, recalled: Sequence[tuple[str, tuple[str, ...]]], voice: Voice) -> None:
        """Makes what was told in a round what its finished nodes have to tell: takes back what broke off, tells what
        was not told, by `voice`."""
        wanted = "".join(text for text, _ in recalled)
        told = [chunk.text for chunk in self._told if chunk.within == within and chunk.at == at]
        keep, length = 0, 0
        for text in told:
            if not wanted.startswith(text, length):
                break
            keep, length = keep + 1, length + len(text)
        if keep < len(told):
            self.withdraw(within, at, len(told) - keep)
        for text, selector in recalled:
            if length < len(text):
                voice.say(TextChunk(text=text[length:], from_variable_selector=selector, within=within, at=at))
            length = max(0, length - len(text))

    # beginning and end

    def _begin(self) -> None:
        conversation = {name: typed.value for name, typed in self._conversation.items()}
        shown = {**self._inputs, **{f"sys.{name}": value for name, value in self._system.items()}}
        self.emit(
            WorkflowStarted(
                inputs=shown,
                created_at=self._created_at,
                reason="resumption" if self.state else "initial",
                start=self._started_at,
                conversation=conversation,
            )
        )
        for decision in self._decisions:
            self.emit(decision)
            if self.state:
                self.state.add(decision)

    def _pool(self) -> Pool:
        pool = Pool()
        pool.put("sys", self._system)
        pool.declare("env", self._environment)
        pool.declare("conversation", self._conversation)
        if self.start is not None:
            start = self.plan.scope.nodes[self.start].id
            pool.put(start, self._inputs)
            pool.put("rag", {"shared": self._inputs, start: self._inputs})  # as a pipeline's nodes name them
        return pool

    def _check_start(self) -> None:
        if not self.plan.is_runnable:
            raise UsageError("The workflow has no start.", code="workflow_invalid")
        if self.start is None:
            raise UsageError(f"The workflow does not start at `{self._started_at}`.", code="workflow_invalid")
        if self._depth >= self.limits.depth:
            text = f"Workflows call each other more than {self.limits.depth} deep."
            raise UsageError(text, code="workflow_limit")

    def _expire(self) -> None:
        self._is_late = True
        self.stop("The run took too long.")

    def _late(self) -> WorkflowFinished:
        text = f"The run took longer than {self.limits.seconds:g} seconds."
        return self._finished("failed", LLMFlowError(text, code="workflow_timeout"))

    def _finished(
        self, status: RunStatus, error: LLMFlowError | None = None, *, reason: str | None = None
    ) -> WorkflowFinished:
        return WorkflowFinished(
            status=status,
            outputs=self.outputs,
            created_at=self.state.started.created_at if self.state and self.state.started else self._created_at,
            finished_at=time(),
            elapsed_time=self._elapsed(),
            total_tokens=self.tokens,
            total_steps=self.index,
            exceptions_count=self.exceptions,
            error=self.masked_text(error.message) if error else reason,
            error_code=error.code if error else None,
            error_hint=self.masked_text(error.hint) if error else "",
            error_status=error.status if error else 0,
            files=[file for value in self.outputs.values() for file in files_in(value)],
        )

    def _paused(self, pause: Paused) -> WorkflowPaused:
        return WorkflowPaused(
            reasons=tuple(pause.keys),
            asked=tuple(self.asked[key] for key in pause.keys if key in self.asked),
            outputs=self.outputs,
            created_at=time(),
            elapsed_time=self._elapsed(),
            total_tokens=self.tokens,
            total_steps=self.index,
        )

    def _elapsed(self) -> float:
        before = self.state.last.elapsed_time if self.state and self.state.last else 0.0
        return before + perf_counter() - self._started


def _beginning(
    inputs: Mapping[str, Any] | None,
    system: Mapping[str, Any] | None,
    conversation: Mapping[str, Typed] | None,
    state: State | None,
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Typed]]:
    declared = dict(conversation or {})
    if state is None or state.started is None:
        return dict(inputs or {}), dict(system or {}), declared
    shown = state.started.inputs
    kept = {name: value for name, value in shown.items() if not name.startswith("sys.")}
    known = {name[4:]: value for name, value in shown.items() if name.startswith("sys.")}
    for name, value in state.conversation().items():
        declared[name] = Typed(declared[name].type if name in declared else "", value)
    return kept if inputs is None else dict(inputs), {**known, **(system or {})}, declared


def _as_written(secrets: Iterable[str]) -> list[str]:
    """The secrets, and what becomes of them in addresses, forms and JSON; the longest first, which hold others."""
    found: set[str] = set()
    for secret in secrets:
        found |= {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}
        found |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    return sorted(found, key=len, reverse=True)


def _masked(value: Any, secrets: Sequence[str]) -> Any:
    if isinstance(value, str):
        for secret in secrets:
            if secret in value:
                value = value.replace(secret, "********")
        return value
    if isinstance(value, dict):
        return {key: _masked(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, secrets) for item in value]
    return value


def events_of(state: State) -> Sequence[Event]:
    """A fork's first events: what it takes over, so that its own journal rebuilds it alone."""
    begun: list[Event] = [state.started] if state.started else []
    return [
        *begun,
        *state.begun.values(),
        *(event for rounds in state.rounds.values() for event in rounds.values()),
        *state.finished.values(),
        *state.told,
    ]
