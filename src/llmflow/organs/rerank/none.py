"""No reranker: whoever asks is told so."""

from __future__ import annotations

from collections.abc import Sequence

from llmflow.errors import OrganError
from llmflow.ports.health import Health
from llmflow.ports.rerank import Ranked


class NoRerank:
    async def model(self) -> str:
        return ""

    async def rerank(self, query: str, texts: Sequence[str], *, top_n: int | None = None) -> list[Ranked]:
        raise OrganError("No reranker is set up.", code="rerank_missing")

    async def health(self) -> Health:
        return Health(ok=True, where="nowhere", detail="no reranker is set up; passages keep the order of retrieval")

    async def close(self) -> None:
        """Nothing to close."""
