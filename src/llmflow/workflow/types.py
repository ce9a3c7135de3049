"""Nouns that nodes and the engine share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from llmflow.tools.types import Words as Words

#: Where a value stands: the node's id (or sys, env, conversation), the output's name, then a path into it.
Selector = Sequence[str]

#: Handles of edges. Every edge of a node that does not branch is SOURCE, but the one taken when it failed.
SOURCE: Final = "source"
FAIL_BRANCH: Final = "fail-branch"

#: What a step is about: the key of Log.data that says it, and what it may say.
STEP: Final = "step"
ROUND: Final = "round"
THOUGHT: Final = "thought"
TOOL: Final = "tool"
SOURCES: Final = "sources"
READING: Final = "reading"

#: The first segments that are no node.
RESERVED: Final = frozenset({"sys", "env", "conversation", "rag"})


@dataclass(slots=True)
class Outcome:
    """What a node made. `inputs` and `process_data` are for people to read; `handle`: the branch taken.

    `writes`: conversation or loop variables to set, [(owner, name, value)], in order. `metadata`: Dify's
    execution_metadata (total_tokens, total_price, currency ...). All values are JSON."""

    outputs: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    process_data: dict[str, Any] = field(default_factory=dict)
    handle: str = SOURCE
    writes: Sequence[tuple[str, str, Any]] = ()
    metadata: dict[str, Any] | None = None


@dataclass(slots=True)
class Piece:
    """Text of output `name` as it comes, before the Outcome that has it whole."""

    text: str
    name: str = "text"


@dataclass(slots=True)
class Log:
    """A step of what a node does, told while it does it: Dify's agent_log. Another of the same `id` takes its place;
    `parent_id`: the step it is a part of. `data` and `metadata` are JSON."""

    id: str
    label: str
    data: dict[str, Any] = field(default_factory=dict)
    status: Literal["start", "success", "error"] = "success"
    parent_id: str | None = None
    error: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Waiting:
    """A node that waits for a person: the run pauses when nothing else can go on. `form`: what to ask, JSON."""

    form: dict[str, Any]
    inputs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Typed:
    """A declared variable: Dify's value type ("string", "array[object]" ...; "": not declared) and its value."""

    type: str
    value: Any


class Paused(Exception):
    """Nothing in a scope can go on before a person answers. `keys`: the nodes that wait, (id, rounds around it)."""

    def __init__(self, keys: list[tuple[str, tuple[int, ...]]]) -> None:
        super().__init__(f"{len(keys)} nodes wait")
        self.keys = keys


class NotQuick(Exception):
    """A quick node has more to do than others should wait for; it is run again, in a thread."""
