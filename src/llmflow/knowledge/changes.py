"""Who looks at a knowledge base hears that something in it changed, without anybody polling."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

_REST_S = 0.4  # between two pieces of news of one reader


class Changes:
    """`tell` is cheap and may be called from any thread; without readers it does nothing."""

    def __init__(self) -> None:
        self._readers: dict[str, set[asyncio.Event]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def tell(self, knowledge_id: str) -> None:
        if self._loop is not None and knowledge_id in self._readers:
            self._loop.call_soon_threadsafe(self._wake, knowledge_id)

    def _wake(self, knowledge_id: str) -> None:
        for news in self._readers.get(knowledge_id, ()):
            news.set()

    async def follow(self, knowledge_id: str) -> AsyncGenerator[None]:
        """Once at the beginning, then whenever something changed since; what changes quickly is told together."""
        self._loop = asyncio.get_running_loop()
        news = asyncio.Event()
        self._readers.setdefault(knowledge_id, set()).add(news)
        try:
            while True:
                news.clear()
                yield
                await asyncio.sleep(_REST_S)
                await news.wait()
        finally:
            self._readers[knowledge_id].discard(news)
            if not self._readers[knowledge_id]:
                del self._readers[knowledge_id]
