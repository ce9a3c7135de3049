"""Conversations and who is about to speak in them: none is deleted while a question begins in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from llmflow.errors import NotFound


class Doors:
    """Of this process. A question that began is found by those who stop what runs; one that is about to begin is not
    yet: it is waited for here, and while a conversation goes, no other comes in."""

    def __init__(self) -> None:
        self._inside: dict[str, int] = {}
        self._closed: dict[str, asyncio.Event] = {}

    @contextmanager
    def enter(self, conversation_id: str | None) -> Iterator[None]:
        """Around the beginning of a question; None: its conversation is new. Raises NotFound for one that goes."""
        if conversation_id is None:
            yield
            return
        if conversation_id in self._closed:
            raise NotFound("Conversation Not Exists.", code="conversation_not_exists")
        self._inside[conversation_id] = self._inside.get(conversation_id, 0) + 1
        try:
            yield
        finally:
            self._inside[conversation_id] -= 1
            if not self._inside[conversation_id]:
                del self._inside[conversation_id]
                if conversation_id in self._closed:
                    self._closed[conversation_id].set()

    @asynccontextmanager
    async def closed(self, conversation_id: str) -> AsyncIterator[None]:
        """Around its deletion: nobody is inside, nobody comes in. Raises NotFound when it goes already."""
        if conversation_id in self._closed:
            raise NotFound("Conversation Not Exists.", code="conversation_not_exists")
        empty = self._closed[conversation_id] = asyncio.Event()
        try:
            if conversation_id in self._inside:
                await empty.wait()
            yield
        finally:
            del self._closed[conversation_id]
