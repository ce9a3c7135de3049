"""What a run tells, in order: enough for Dify's stream and for rebuilding the run.

Times are Unix seconds, durations seconds. `at`: the rounds of the containers around a node, outermost first, so
(node_id, at) names one execution. `id`: of the execution, the same in all events of it.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Literal, Protocol

import msgspec

At = tuple[int, ...]
Write = tuple[str, str, Any]
NodeStatus = Literal["succeeded", "failed", "exception", "stopped"]
RunStatus = Literal["succeeded", "failed", "stopped", "partial-succeeded"]


class _Event(msgspec.Struct, frozen=True, tag_field="event", omit_defaults=True, gc=False, kw_only=True):
    """`gc=False`: nothing in an event points back to it."""


class WorkflowStarted(_Event, frozen=True, kw_only=True, tag="workflow_started"):
    """`inputs`: of the start node, and "sys.query" ... as Dify shows them. `start`: its id, where it is not the plan's
    first. `conversation`: variables it began with."""

    inputs: dict[str, Any]
    created_at: float
    reason: Literal["initial", "resumption"] = "initial"
    start: str = ""
    conversation: dict[str, Any] = {}


class NodeStarted(_Event, frozen=True, kw_only=True, tag="node_started"):
    """`index` counts the run's nodes from 1. `predecessor`: the node whose end started it. `container`: see `at`."""

    id: str
    node_id: str
    node_type: str
    title: str
    index: int
    created_at: float
    predecessor: str | None = None
    at: At = ()
    iteration_id: str | None = None
    loop_id: str | None = None


class NodeFinished(_Event, frozen=True, kw_only=True, tag="node_finished"):
    """`status`: "exception" failed and was handled by its strategy; "stopped": the run ended before it did.

    `handle`: the branch taken. `writes`: variables it set, (owner, name, value)."""

    id: str
    node_id: str
    node_type: str
    title: str
    index: int
    created_at: float
    finished_at: float
    elapsed_time: float
    status: NodeStatus
    inputs: dict[str, Any] = {}
    process_data: dict[str, Any] = {}
    outputs: dict[str, Any] = {}
    error: str | None = None
    error_type: str | None = None
    execution_metadata: dict[str, Any] | None = None
    handle: str = "source"
    writes: tuple[Write, ...] = ()
    predecessor: str | None = None
    at: At = ()
    iteration_id: str | None = None
    loop_id: str | None = None


class NodeRetry(_Event, frozen=True, kw_only=True, tag="node_retry"):
    """The node failed and will be tried again. `retry_index`: of the try to come, from 1."""

    id: str
    node_id: str
    node_type: str
    title: str
    index: int
    created_at: float
    finished_at: float
    elapsed_time: float
    retry_index: int
    error: str
    predecessor: str | None = None
    at: At = ()
    iteration_id: str | None = None
    loop_id: str | None = None


class NodeLog(_Event, frozen=True, kw_only=True, tag="node_log"):
    """A step of a node that is under way: Dify's agent_log. See types.Log; `id` is the execution's, `log_id` the
    step's."""

    id: str
    node_id: str
    log_id: str
    label: str
    status: Literal["start", "success", "error"]
    created_at: float
    data: dict[str, Any] = {}
    parent_id: str | None = None
    error: str | None = None
    metadata: dict[str, Any] = {}
    at: At = ()


class TextChunk(_Event, frozen=True, kw_only=True, tag="text_chunk"):
    """More of the answer. `within`: the container in which it is told, "" at the top."""

    text: str
    from_variable_selector: tuple[str, ...]
    within: str = ""
    at: At = ()


class TextReplace(_Event, frozen=True, kw_only=True, tag="text_replace"):
    """The text so far is withdrawn (a model's answer broke off and is made anew); `text` stands in its place.

    `dropped`: the last pieces told within this round (`within`, `at`) that are taken back; the rest stands."""

    text: str
    dropped: int
    within: str = ""
    at: At = ()


class RoundsStarted(_Event, frozen=True, kw_only=True, tag="rounds_started"):
    """A container begins its rounds: Dify's iteration_started or loop_started, by `node_type`.

    `length`: rounds to come, or at most."""

    id: str
    node_id: str
    node_type: str
    title: str
    created_at: float
    inputs: dict[str, Any]
    length: int
    at: At = ()


class RoundStarted(_Event, frozen=True, kw_only=True, tag="round_started"):
    """Dify's iteration_next or loop_next. `variables`: the container's, as this round begins (loop variables)."""

    id: str
    node_id: str
    node_type: str
    title: str
    created_at: float
    index: int
    variables: dict[str, Any] = {}
    at: At = ()


class RoundFinished(_Event, frozen=True, kw_only=True, tag="round_finished"):
    """A round is over; not in Dify's stream. `error`: it failed, and the container went on."""

    node_id: str
    index: int
    elapsed_time: float
    error: str | None = None
    at: At = ()


class RoundsFinished(_Event, frozen=True, kw_only=True, tag="rounds_finished"):
    """Dify's iteration_completed or loop_completed."""

    id: str
    node_id: str
    node_type: str
    title: str
    created_at: float
    finished_at: float
    elapsed_time: float
    steps: int
    status: Literal["succeeded", "failed"]
    inputs: dict[str, Any] = {}
    outputs: dict[str, Any] = {}
    execution_metadata: dict[str, Any] = {}
    error: str | None = None
    at: At = ()


class HumanInputRequired(_Event, frozen=True, kw_only=True, tag="human_input_required"):
    """A node waits for a person."""

    id: str
    node_id: str
    node_type: str
    title: str
    form: dict[str, Any]
    created_at: float
    at: At = ()


class HumanInputReceived(_Event, frozen=True, kw_only=True, tag="human_input_received"):
    """What the person said; the node runs with it. Dify's human_input_form_filled."""

    node_id: str
    reply: dict[str, Any]
    created_at: float
    title: str = ""
    at: At = ()


class HumanInputTimedOut(_Event, frozen=True, kw_only=True, tag="human_input_timed_out"):
    """Nobody answered in time; the node goes on without. Dify's human_input_form_timeout. `content`: what was asked."""

    node_id: str
    expired_at: float
    content: str
    created_at: float
    title: str = ""
    at: At = ()


class RepeatRequired(_Event, frozen=True, kw_only=True, tag="repeat_required"):
    """Nobody knows whether this node ran before the run broke off, and twice may do harm: a person decides."""

    id: str
    node_id: str
    node_type: str
    title: str
    created_at: float
    at: At = ()


class RepeatAllowed(_Event, frozen=True, kw_only=True, tag="repeat_allowed"):
    """The person's decision: run it again."""

    node_id: str
    created_at: float
    at: At = ()


class WorkflowPaused(_Event, frozen=True, kw_only=True, tag="workflow_paused"):
    """The last event for now: the run waits for a person. `reasons`: the nodes that wait, (node_id, at); `asked`: what
    those ask that have a form."""

    reasons: tuple[tuple[str, At], ...]
    outputs: dict[str, Any]
    created_at: float
    elapsed_time: float
    total_tokens: int
    total_steps: int
    asked: tuple[HumanInputRequired, ...] = ()


class WorkflowFinished(_Event, frozen=True, kw_only=True, tag="workflow_finished"):
    """The last event. `error_status`: what a caller over HTTP is told, 0 where nothing failed."""

    status: RunStatus
    outputs: dict[str, Any]
    created_at: float
    finished_at: float
    elapsed_time: float
    total_tokens: int
    total_steps: int
    exceptions_count: int = 0
    error: str | None = None
    error_code: str | None = None
    error_hint: str = ""
    error_status: int = 0
    files: list[dict[str, Any]] = []


#: What people say to a run that waits, or that they said nothing.
Decision = HumanInputReceived | HumanInputTimedOut | RepeatAllowed
NodeEvent = NodeStarted | NodeFinished | NodeRetry
Last = WorkflowPaused | WorkflowFinished
Event = (
    WorkflowStarted
    | NodeStarted
    | NodeFinished
    | NodeRetry
    | NodeLog
    | TextChunk
    | TextReplace
    | RoundsStarted
    | RoundStarted
    | RoundFinished
    | RoundsFinished
    | HumanInputRequired
    | HumanInputReceived
    | HumanInputTimedOut
    | RepeatRequired
    | RepeatAllowed
    | Last
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def encode(event: Event) -> bytes:
    """One line of JSON."""
    return _encoder.encode(event)


def decode(line: bytes | str) -> Event:
    """What `encode` wrote. Raises msgspec.DecodeError."""
    return _decoder.decode(line)


class Sink(Protocol):
    """Where a run's events go: a journal."""

    @property
    def is_full(self) -> bool:
        """More was told than is written yet: the run waits by `flush` before it tells more."""

    def emit(self, event: Event) -> None:
        """Takes the event, in order; must not block."""

    def flush(self) -> Awaitable[None]:
        """Done when all that was emitted is durable. Awaited before a node runs that must not run twice unknown."""

    def close(self, event: Last) -> Awaitable[None]:
        """Takes the last event; done when it is durable. Nobody may see it before."""
