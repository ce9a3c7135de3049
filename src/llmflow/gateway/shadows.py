"""Shadow traffic: a share of a route's requests is copied to another deployment; its answers are noted and dropped."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable

import msgspec
from prometheus_client import Counter

from llmflow.errors import LLMFlowError
from llmflow.gateway.ledger import Entry, OnSpan
from llmflow.gateway.servers import Resolved
from llmflow.gateway.types import Call, Leg, UsageRecord
from llmflow.ports.llm import ChatRequest

_AT_ONCE = 32  # more are not copied: the shadow must not cost the light
_SECONDS = 300.0
DROPPED = Counter("llmflow_gateway_shadows_dropped_total", "Copies not made because too many were under way")


class Shadows:
    """`draw`: chance, 0..1."""

    def __init__(self, on_span: OnSpan, *, draw: Callable[[], float] = random.random) -> None:
        self._on_span = on_span
        self._draw = draw
        self._tasks: set[asyncio.Task[None]] = set()

    def copy(self, resolved: Resolved, request: ChatRequest, call: Call) -> None:
        """Sends a copy where the route says so and chance will have it; never raises, never waits."""
        shadow, leg = resolved.route.shadow, resolved.shadow
        if shadow is None or leg is None or self._draw() * 100 >= shadow.percent:
            return
        if len(self._tasks) >= _AT_ONCE:
            DROPPED.inc()
            return
        task = asyncio.get_running_loop().create_task(self._run(leg, request, call), name="shadow")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, leg: Leg, request: ChatRequest, call: Call) -> None:
        entry = Entry(call, _untold, self._on_span)
        entry.leg, entry.attributes["llmflow.shadow"] = leg, True
        deltas = leg.deployment.llm.stream(msgspec.structs.replace(request, model=leg.model))
        try:
            async with asyncio.timeout(_SECONDS):
                async for delta in deltas:
                    entry.first()
                    entry.pieces += bool(delta.text or delta.reasoning or delta.tool_calls)
                    entry.usage = delta.usage or entry.usage
                    entry.reason = delta.finish_reason or entry.reason
            entry.outcome = "ok"
        except LLMFlowError as error:
            entry.outcome = error.code
        except TimeoutError:
            entry.outcome = "model_timeout"
        finally:
            if isinstance(deltas, AsyncGenerator):
                await deltas.aclose()
            entry.end()

    async def close(self) -> None:
        """Breaks off those under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _untold(_: UsageRecord) -> None:
    """A shadow is nobody's expense: who pays is told of the call itself."""
