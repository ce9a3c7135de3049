"""What a search did on its way, for whoever wants to see why it found what it found and what that took."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TypeVar

from llmflow.knowledge.fuse import Fused
from llmflow.knowledge.reword import Models
from llmflow.knowledge.types import Found, LeftOut
from llmflow.ports.llm import ChatDelta, ChatRequest, ModelInfo

_T = TypeVar("_T")


@dataclass(slots=True)
class Watch:
    """`times`: wall time in ms by step; of what runs at once, the slowest. `tokens`: by step, where they are known.
    `by_wording`: what each wording found, the question's own first. `candidates`: what was ranked, before a reranker;
    `ranked`: after it. `below`: under the threshold; `beyond`: after the best."""

    times: dict[str, float] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    by_wording: list[list[Fused]] = field(default_factory=list)
    candidates: list[Found] = field(default_factory=list)
    ranked: list[Found] = field(default_factory=list)
    below: list[Found] = field(default_factory=list)
    beyond: list[Found] = field(default_factory=list)

    async def timed(self, step: str, work: Awaitable[_T]) -> _T:
        """What `work` gives, or raises."""
        begun = time.perf_counter()
        given = await work
        self.times[step] = max(1000 * (time.perf_counter() - begun), self.times.get(step, 0.0))
        return given

    def left_out(self) -> list[LeftOut]:
        """What was found and not given, the best first."""
        return [LeftOut(hit, "top_k") for hit in self.beyond] + [LeftOut(hit, "threshold") for hit in self.below]


class Counted:
    """Models, with the tokens that their answers took as far as they tell."""

    def __init__(self, models: Models, watch: Watch, step: str) -> None:
        self._models = models
        self._watch = watch
        self._step = step

    async def info(self, model: str = "") -> ModelInfo:
        return await self._models.info(model)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        async with aclosing(self._models.stream(request)) as deltas:
            async for delta in deltas:
                if delta.usage is not None:
                    used = delta.usage.prompt_tokens + delta.usage.completion_tokens
                    self._watch.tokens[self._step] = self._watch.tokens.get(self._step, 0) + used
                yield delta


def tokens_of(found: Sequence[Found]) -> int:
    return sum(hit.tokens for hit in found)
