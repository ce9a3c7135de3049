"""A fake reranker for tests: the share of the question's words that a text has."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llmflow.organs.rerank.ranking import best
from llmflow.ports.health import Health
from llmflow.ports.rerank import Ranked

_WORD = re.compile(r"\w+")


class OverlapRerank:
    async def model(self) -> str:
        return "overlap"

    async def rerank(self, query: str, texts: Sequence[str], *, top_n: int | None = None) -> list[Ranked]:
        words = set(_WORD.findall(query.lower()))
        scores = (len(words & set(_WORD.findall(text.lower()))) / max(1, len(words)) for text in texts)
        return best((Ranked(index, score) for index, score in enumerate(scores)), top_n)

    async def health(self) -> Health:
        return Health(ok=True, where="this process", detail="a fake: it counts words")

    async def close(self) -> None:
        """Nothing to close."""
