"""A chunker that loads in no time, for tests that start many servers: one passage an element."""

from __future__ import annotations

from collections.abc import Sequence

from llmflow.ports.chunker import Chunk, ChunkRule
from llmflow.ports.health import Health
from llmflow.ports.parser import Element, Progress


class PlainChunker:
    async def chunk(
        self, elements: Sequence[Element], rule: ChunkRule, *, progress: Progress | None = None
    ) -> list[Chunk]:
        return [Chunk(e.text, len(e.text.split()), page=e.page, heading_path=e.heading_path) for e in elements]

    async def health(self) -> Health:
        return Health(ok=True, where="test")

    async def close(self) -> None: ...
