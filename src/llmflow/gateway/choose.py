"""Which deployment is asked, and what a failure means. Pure: chance and time are given."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Literal

from llmflow.errors import LLMFlowError, NotFound, OrganError, TooMany
from llmflow.gateway.routes import Strategy
from llmflow.gateway.types import Leg

_LEAST = 2.0**-64
_SAME_CODES = frozenset(("organ_unavailable", "model_failed"))  # what a second try may mend
_PATIENCE_S = 5.0  # longest wait that a request itself sits out
_BACKOFF_S = 0.1

Verdict = Literal["final", "context", "elsewhere", "again"]


def in_order(legs: Sequence[Leg], strategy: Strategy, *, now: float, draw: Callable[[Leg], float]) -> list[Leg]:
    """Those that may be asked now, in the order they are asked in. `draw`: 0..1 for each, by chance, or always the same
    for one conversation; then a deployment that goes or comes moves only its own conversations.

    Weighted: the smallest of exponentially distributed times wins with a chance in proportion to its weight (Efraimidis
    and Spirakis, Weighted random sampling, 2006); with a fixed draw that is weighted rendezvous hashing."""
    found = [leg for leg in legs if leg.weight > 0 and leg.condition.allows(now)]
    if len(found) > 1:
        found.sort(key=lambda leg: (leg.priority, *_cost(leg, strategy, now, draw(leg))))
    return found


def _cost(leg: Leg, strategy: Strategy, now: float, drawn: float) -> tuple[float, float]:
    race = -math.log(max(drawn, _LEAST)) / leg.weight
    if strategy == "least_busy":
        return leg.condition.in_flight / leg.weight, race
    if strategy == "fastest":
        return leg.condition.latency_s(now) * (leg.condition.in_flight + 1) / leg.weight, race
    return race, 0.0


def wait_s(legs: Sequence[Leg], now: float) -> float:
    """Until the first of them may be asked."""
    return min((leg.condition.wait_s(now) for leg in legs if leg.weight > 0), default=0.0)


def draw_for(key: str, leg: Leg) -> float:
    """The same 0..1 for the same conversation and deployment, in every process."""
    said = f"{key}\0{leg.deployment.name}\0{leg.deployment.info.id}".encode()
    return int.from_bytes(blake2b(said, digest_size=8).digest(), "big") / 2**64


def judge(error: LLMFlowError) -> Verdict:
    """What a failed try means for the request: it is the request's own fault ("final"), it is too long ("context"),
    another deployment may answer ("elsewhere"), or this one may too ("again")."""
    if error.code == "context_too_long":
        return "context"
    if isinstance(error, TooMany):
        return "again" if (error.wait_s or 0) <= _PATIENCE_S else "elsewhere"
    if isinstance(error, OrganError):
        return "again" if error.code in _SAME_CODES else "elsewhere"
    if isinstance(error, NotFound) and error.code == "model_unknown":
        return "elsewhere"
    return "final"


def backoff_s(tries: int, error: LLMFlowError, drawn: float) -> float:
    """Before the same deployment is asked again: doubling with chance in it, and what it asked for."""
    asked = error.wait_s if isinstance(error, TooMany | OrganError) and error.wait_s else 0.0
    return max(float(asked), _BACKOFF_S * 2.0 ** (tries - 1) * (0.5 + drawn))
