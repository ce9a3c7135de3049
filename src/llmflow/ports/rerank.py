"""Rerank: which passages answer a question best, by a model that reads both together. Optional."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from llmflow.ports.health import Health


class Ranked(msgspec.Struct, frozen=True):
    """`index`: of the text that was given. `score`: 0..1, higher answers better."""

    index: int
    score: float


class Rerank(Protocol):
    async def model(self) -> str:
        """A stable name of the weights; "" where no model is set up."""

    async def rerank(self, query: str, texts: Sequence[str], *, top_n: int | None = None) -> list[Ranked]:
        """The best `top_n` (None: all), best first; equal ones in the order given. No text: no answer. Texts that are
        too long for the model are cut. Any number of texts: what a server takes at once is the adapter's business.

        Raises OrganError (rerank_missing, organ_unavailable, model_timeout, model_key_wrong, model_failed) and TooMany.
        """

    async def health(self) -> Health: ...

    async def close(self) -> None: ...
