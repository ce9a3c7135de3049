"""Nouns of the gateway."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from llmflow.ports.llm import Llm, ModelInfo

Operation = Literal["chat", "embeddings"]


@dataclass(frozen=True, slots=True)
class Deployment:
    """A model at a server. `name`: the server's name among ours."""

    name: str
    llm: Llm
    info: ModelInfo


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """One finished call. `is_estimated`: the server did not say, or the caller left before it could.

    `outcome`: "ok", "cancelled" (the caller left), or the code of the error. Times in seconds; `first_s` None: no
    piece came.
    """

    operation: Operation
    deployment: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    is_estimated: bool
    outcome: str
    duration_s: float
    first_s: float | None = None


OnUsage = Callable[[UsageRecord], None]


@dataclass(frozen=True, slots=True)
class Connection:
    """A model server that somebody connected, as it may be shown: whether it has a key, never the key.

    `model` "": the first one it lists. `context_tokens`: where it does not say. `is_default`: it answers requests that
    name no model.
    """

    id: str
    workspace_id: str
    name: str
    url: str
    has_key: bool
    model: str
    context_tokens: int
    is_default: bool
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class Address:
    """What is needed to talk to a model server. The key is kept out of its representation."""

    url: str
    api_key: str = field(default="", repr=False)
    model: str = ""
    context_tokens: int = 8192


@dataclass(frozen=True, slots=True)
class Tried:
    """What a model server did when it was tried: `models` as it lists them, the default first; `model` answered
    `reply`, whose first piece came after `first_ms`."""

    models: tuple[ModelInfo, ...]
    model: str
    reply: str
    first_ms: int
    total_ms: int


Connect = Callable[[Address], Llm]
