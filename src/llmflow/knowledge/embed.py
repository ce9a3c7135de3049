"""Passages to vectors: in slices, a few of them under way at once, so that every core or the whole server is busy."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import numpy as np

from llmflow.ports.embedding import Embedding, Vectors

_SLICE = 32  # passages between two reports
_SLICES_AT_ONCE = 4


async def embed_passages(
    embedding: Embedding, texts: Sequence[str], *, done: Callable[[int, int], Awaitable[None]]
) -> Vectors:
    """Shape (len(texts), dimensions), in order; no texts: (0, 0). `done(begin, end)` is told after each slice, in any
    order. Raises OrganError as `Embedding.embed` does; the slices under way are given up then."""
    vectors: dict[int, Vectors] = {}
    starts = iter(range(0, len(texts), _SLICE))

    async def take() -> None:
        for start in starts:
            piece = texts[start : start + _SLICE]
            vectors[start] = await embedding.embed(piece, "passage")
            await done(start, start + len(piece))

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(_SLICES_AT_ONCE, -(-len(texts) // _SLICE))):
                group.create_task(take())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    return np.concatenate([vectors[start] for start in sorted(vectors)]) if vectors else np.zeros((0, 0), np.float32)
