"""A chunker that loads in no time, for tests that start many servers: one passage an element, its words by the dozen as
parts where parents are asked for."""

from __future__ import annotations

from collections.abc import Sequence

from llmflow.ports.chunker import Chunk, ChunkRule
from llmflow.ports.health import Health
from llmflow.ports.parser import Element, Progress


class PlainChunker:
    async def chunk(
        self, elements: Sequence[Element], rule: ChunkRule, *, progress: Progress | None = None
    ) -> list[Chunk]:
        parts = _dozens if rule.method == "parent_child" else _none
        return [
            Chunk(e.text, len(e.text.split()), page=e.page, heading_path=e.heading_path, parts=parts(e.text))
            for e in elements
        ]

    async def health(self) -> Health:
        return Health(ok=True, where="test")

    async def close(self) -> None: ...


def _dozens(text: str) -> tuple[Chunk, ...]:
    words = text.split()
    return tuple(Chunk(" ".join(words[n : n + 12]), len(words[n : n + 12])) for n in range(0, len(words), 12))


def _none(_: str) -> tuple[Chunk, ...]:
    return ()
