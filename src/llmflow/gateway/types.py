"""Nouns of the gateway."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
