"""What a run says of each setting, and which one to take."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from llmflow.knowledge.evaluation.types import Place, Setting

_CLOSE = 0.005  # of nDCG@10: a difference nobody feels, for which nobody waits
_Z = 1.96  # 95 % of a normal distribution


def settings(
    rules: Mapping[str, Mapping[str, Any]],
    places: Sequence[Mapping[str, Place]],
    notes: Mapping[str, Mapping[str, int]],
) -> list[Setting]:
    """One for each of `rules`, in that order. `places`: of each question asked, by setting. `notes`: by setting."""
    by_name = {name: [one[name] for one in places if name in one] for name in rules}
    means = {name: _mean([place.ndcg for place in found]) for name, found in by_name.items() if found}
    best = max(means, key=lambda name: means[name], default=None)
    measured = []
    for name, rule in rules.items():
        found = by_name[name]
        times = sorted(place.ms for place in found)
        lost = [one[best].ndcg - one[name].ndcg for one in places if name in one and best in one] if best else []
        measured.append(
            Setting(
                name=name,
                rule=dict(rule),
                questions=len(found),
                ndcg_at_10=_mean([place.ndcg for place in found]),
                recall_at_10=_mean([place.recall for place in found]),
                mrr_at_10=_mean([place.rr for place in found]),
                p50_ms=_quantile(times, 0.5),
                p95_ms=_quantile(times, 0.95),
                behind=_mean(lost),
                margin=_margin(lost),
                notes=dict(notes.get(name, {})),
            )
        )
    return measured


def best(measured: Sequence[Setting]) -> str:
    """The one to take: of those that are hardly behind the best the quickest. "" when nothing was asked."""
    asked = [one for one in measured if one.questions]
    close = [one for one in asked if one.behind <= _CLOSE]
    return min(close, key=lambda one: one.p50_ms).name if close else ""


def _mean(values: Sequence[float]) -> float:
    return statistics.fmean(values) if values else 0.0


def _margin(differences: Sequence[float]) -> float:
    """Half of the 95 % interval of their mean, by the normal distribution."""
    if len(differences) < 2:
        return 1.0 if differences else 0.0
    mean = _mean(differences)
    variance = math.fsum((one - mean) ** 2 for one in differences) / (len(differences) - 1)
    return _Z * math.sqrt(variance / len(differences))


def _quantile(ordered: Sequence[float], share: float) -> float:
    """The nearest of `ordered`, which rises."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
