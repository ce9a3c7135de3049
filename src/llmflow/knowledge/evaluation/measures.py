"""How good one ranking is, when some things in it are right and the rest is not (binary relevance)."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

AT = 10


def rank(ranked: Sequence[str], right: Collection[str]) -> int | None:
    """Of the first right one, from 1; None where there is none."""
    return next((place for place, one in enumerate(ranked, 1) if one in right), None)


def ndcg(ranked: Sequence[str], right: Collection[str]) -> float:
    """Normalised discounted cumulative gain of the first ten, 0..1: what is right counts 1 / log2(rank + 1), and all
    of it at the top would be 1 (Järvelin and Kekäläinen 2002). `ranked` names nothing twice."""
    gained = sum(_gain(place) for place, one in enumerate(ranked[:AT], 1) if one in right)
    return gained / sum(_gain(place) for place in range(1, min(AT, len(right)) + 1))


def recall(ranked: Sequence[str], right: Collection[str]) -> float:
    """The share of what is right that is among the first ten."""
    return len(set(ranked[:AT]) & set(right)) / len(right)


def reciprocal_rank(ranked: Sequence[str], right: Collection[str]) -> float:
    """1 / rank of the first right one; 0 when it is not among the first ten."""
    place = rank(ranked[:AT], right)
    return 1 / place if place else 0.0


def _gain(place: int) -> float:
    return 1 / math.log2(place + 1)
