"""Tries a route's deployments until one answers: decided by `choose`, done here."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from prometheus_client import Counter

from llmflow.errors import LLMFlowError, OrganError, TooMany
from llmflow.gateway.choose import backoff_s, draw_for, in_order, judge, wait_s
from llmflow.gateway.servers import Resolved, Servers
from llmflow.gateway.types import Leg

T = TypeVar("T")
Begin = Callable[[Leg], Awaitable[T]]

TRIES = Counter("llmflow_gateway_tries_total", "Requests sent to deployments", ["deployment", "model", "outcome"])


class Try:
    """One request under way at a deployment; exactly one of `done`, `failed` and `left` says how it ended."""

    __slots__ = ("_is_over", "_probe", "_started", "leg")

    def __init__(self, leg: Leg) -> None:
        self.leg = leg
        self._started = time.monotonic()
        self._is_over = False
        leg.condition.in_flight += 1
        self._probe = leg.condition.circuit.begin(self._started)

    def first(self) -> None:
        """Its first piece came."""
        now = time.monotonic()
        self.leg.condition.answered(now, now - self._started)

    def done(self) -> None:
        self._end("ok")
        self.leg.condition.circuit.succeeded(time.monotonic(), probe=self._probe)

    def failed(self, error: LLMFlowError) -> None:
        """A deployment is to blame for what another might have answered; one with too much to do rests."""
        self._end(error.code)
        condition, now = self.leg.condition, time.monotonic()
        if isinstance(error, TooMany):
            condition.circuit.left(probe=self._probe)
            condition.rest(now, error.wait_s or 1)
        elif judge(error) in ("again", "elsewhere"):
            condition.circuit.failed(now, probe=self._probe)
            if isinstance(error, OrganError) and error.wait_s:
                condition.rest(now, error.wait_s)
        else:
            condition.circuit.left(probe=self._probe)

    def left(self) -> None:
        """The caller went."""
        if not self._is_over:
            self._end("cancelled")
            self.leg.condition.circuit.left(probe=self._probe)

    def _end(self, outcome: str) -> None:
        self._is_over = True
        self.leg.condition.in_flight -= 1
        info = self.leg.deployment.info
        _counter(self.leg.deployment.name, info.id, outcome).inc()


_counters: dict[tuple[str, str, str], Counter] = {}


def _counter(deployment: str, model: str, outcome: str) -> Counter:
    """`labels` takes a lock and builds strings at each call."""
    key = (deployment, model, outcome)
    found = _counters.get(key)
    if found is None:
        found = _counters[key] = TRIES.labels(*key)
    return found


@dataclass(frozen=True, slots=True)
class Begun(Generic[T]):
    """A deployment answered: `tried` must be ended. `resolved`: the route, which may be a fallback's."""

    resolved: Resolved
    tried: Try
    result: T
    tries: int


class Attempts:
    """`draw`: chance, 0..1."""

    def __init__(self, servers: Servers, *, draw: Callable[[], float] = random.random) -> None:
        self._servers = servers
        self._draw = draw

    async def begin(self, resolved: Resolved, begin: Begin[T], *, sticky: str = "") -> Begun[T]:
        """What `begin` returns for the first deployment that answers. Raises what the last of them raised.

        `begin` raises what its deployment raises, until a first piece is there; then it is nobody else's request."""
        visited = {resolved.name}
        waiting = list(resolved.route.fallbacks)
        tries = 0
        while True:
            try:
                return await self._through(resolved, begin, sticky, tries)
            except LLMFlowError as error:
                verdict = judge(error)
                tries += 1
                if verdict == "context" and resolved.route.context_fallback not in ("", *visited):
                    name = resolved.route.context_fallback
                elif verdict in ("again", "elsewhere") and (name := _next(waiting, visited)):
                    pass
                else:
                    raise
                visited.add(name)
                try:
                    resolved = await self._servers.resolve(name)
                except LLMFlowError:
                    raise error from None  # what went wrong first is what matters
                waiting += resolved.route.fallbacks

    async def _through(self, resolved: Resolved, begin: Begin[T], sticky: str, before: int) -> Begun[T]:
        """Every deployment of one route, and again while there are attempts. Only asking one again draws on the budget:
        going on to another is bounded by the circuits, which open after a few failures."""
        route, budget = resolved.route, resolved.budget
        budget.earn()
        is_sticky = route.sticky and bool(sticky)
        tries = 0
        last: LLMFlowError | None = None
        excluded: set[int] = set()
        asked: set[int] = set()
        while True:
            now = time.monotonic()
            legs = resolved.legs
            if len(legs) == 1:
                order = [*legs] if legs[0].condition.allows(now) else []
            elif is_sticky:
                order = in_order(legs, "weighted", now=now, draw=lambda leg: draw_for(sticky, leg))
            else:
                order = in_order(legs, route.strategy, now=now, draw=lambda _: self._draw())
            for leg in order:
                if id(leg) in excluded or not leg.condition.allows(time.monotonic()):
                    continue
                if id(leg) in asked and last is not None and not budget.take():
                    raise last
                asked.add(id(leg))
                tries += 1
                one = Try(leg)
                try:
                    return Begun(resolved, one, await begin(leg), before + tries)
                except LLMFlowError as error:
                    one.failed(error)
                    last = error
                    verdict = judge(error)
                    if error.code == "model_unknown":
                        self._servers.doubt(leg)
                    if verdict in ("final", "context") or tries >= route.attempts:
                        raise
                    if verdict == "elsewhere":
                        excluded.add(id(leg))
                except BaseException:
                    one.left()
                    raise
            if last is None:
                raise _resting(resolved, now)
            rest = [leg for leg in legs if leg.weight > 0 and id(leg) not in excluded]
            pause = backoff_s(tries, last, self._draw())
            if not any(leg.condition.allows(now + pause) for leg in rest):
                raise last
            await asyncio.sleep(pause)
            if not any(leg.condition.allows(time.monotonic()) for leg in rest):
                raise last


def _resting(resolved: Resolved, now: float) -> OrganError:
    """Every deployment failed of late, or asked to be left alone: the request is not made to wait for one more."""
    wait = max(1, math.ceil(wait_s(resolved.legs, now)))
    error = OrganError(
        f"No deployment of `{resolved.name}` answers now; it is tried again in {wait} s.", code="model_resting"
    )
    error.wait_s = wait
    return error


def _next(waiting: list[str], visited: set[str]) -> str:
    """The next model to fall back to; "" when there is none."""
    while waiting:
        name = waiting.pop(0)
        if name not in visited:
            return name
    return ""
