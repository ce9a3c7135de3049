"""Finished spans wait here for the next batch: adding one costs an append."""

from __future__ import annotations

import asyncio
import logging

from llmflow.errors import LLMFlowError
from llmflow.ports.tracing import Span, Tracing

_log = logging.getLogger(__name__)
_EVERY_S = 2.0
_MOST = 20_000  # kept while the organ takes none


class SpanBuffer:
    """Hands over to the organ every two seconds while there is something; nothing runs while there is nothing."""

    def __init__(self, organ: Tracing, *, every_s: float = _EVERY_S) -> None:
        self._organ = organ
        self._every_s = every_s
        self._spans: list[Span] = []
        self._task: asyncio.Task[None] | None = None
        self._lost = 0

    def add(self, span: Span) -> None:
        """Call on the event loop."""
        if len(self._spans) >= _MOST:
            self._lost += 1
            return
        self._spans.append(span)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._soon(), name="spans")

    async def _soon(self) -> None:
        await asyncio.sleep(self._every_s)
        await self._flush()
        self._task = None
        if self._spans:
            self._task = asyncio.get_running_loop().create_task(self._soon(), name="spans")

    async def _flush(self) -> None:
        spans, self._spans = self._spans, []
        if self._lost:
            _log.warning("%d spans were not kept: there were too many at once", self._lost)
            self._lost = 0
        try:
            await self._organ.export(spans)
        except LLMFlowError as error:
            _log.warning("%d spans were not kept: %s", len(spans), error)

    async def close(self) -> None:
        """Hands over what is left."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._spans:
            await self._flush()
