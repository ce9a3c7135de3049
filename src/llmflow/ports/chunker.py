"""Chunker: a parsed document's elements to chunks of bounded size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from llmflow.ports.health import Health
from llmflow.ports.parser import Element

#: Where on a page: page from 1, then x0, top, x1, bottom in points, origin top left.
PageBox = tuple[int, float, float, float, float]

CountTokens = Callable[[Sequence[str]], list[int]]  # tokens of each text, by the embedding model's vocabulary


class ChunkRule(msgspec.Struct, frozen=True):
    """`max_tokens` and `overlap_tokens` are counted with the embedding model's vocabulary, headings included."""

    max_tokens: int = 320
    overlap_tokens: int = 40


class Chunk(msgspec.Struct, frozen=True, omit_defaults=True):
    """One passage. `text` is what is embedded, searched and quoted; `heading_path` stands beside it, not in it."""

    text: str
    tokens: int
    page: int | None = None  # where it begins
    page_end: int | None = None
    heading_path: tuple[str, ...] = ()
    kind: str = "text"  # "text" or "table"
    boxes: tuple[PageBox, ...] = ()  # in reading order, where the reader knows places
    ocr: bool = False
    answer: str | None = None  # where `text` is a question
    parts: tuple[Chunk, ...] = ()  # searched in its stead; then the chunk is what their hits give


class Chunker(Protocol):
    async def chunk(self, elements: Sequence[Element], rule: ChunkRule) -> list[Chunk]:
        """Chunks in reading order, none empty, none over `max_tokens`; a table is cut between rows only and each
        part repeats its header row. Deterministic: equal input, equal output. No text is lost but page headers and
        footers, which readers have marked."""

    async def health(self) -> Health: ...

    async def close(self) -> None: ...
