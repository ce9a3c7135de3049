"""The terms of passages, once for each turn: relevance and quotations both weigh a question's terms by them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from llmflow.knowledge.terms import terms
from llmflow.knowledge.types import Found

#: The terms of each passage, in order, those of its headings among them.
Bags = Sequence[frozenset[str]]


async def bags_of(passages: Sequence[Found]) -> Bags:
    """In a thread: thirty passages take 10 to 30 CPU-ms, which is long for an event loop that streams to others."""
    return await asyncio.to_thread(
        lambda: [frozenset(terms(" ".join([*found.heading_path, found.text]))) for found in passages]
    )
