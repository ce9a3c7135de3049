"""Is anything that was found relevant? Else the honest answer is "I do not know".

Cosines of an embedding model sit in a narrow band of their own (multilingual-e5: 0.7-0.9 for anything), so none is
compared with a constant. What is compared is how far the best hit stands out of the pool of candidates, as a share of
the way from the pool's median to 1, together with the share of the question's content terms, weighted by their
rarity in the pool, that the best passages have. The two weights and the limit were fitted by logistic regression on
TyDi questions with and without their passage, English and Korean, among 4 to 2,000 others; fitted on one language they
serve the other (docs/decisions has the figures).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from llmflow.knowledge.terms import query_terms, terms
from llmflow.knowledge.types import Found

_COVERAGE_WEIGHT = 0.1  # against 1 for standing out
_LIMIT = 0.30
_FULL_COVERAGE = 0.999  # every content term is there: words count for themselves
_LOOKED_AT = 5  # passages at the top of which one must be relevant
_SMALLEST_POOL = 8  # below, a median says nothing
_SMALL_LIMIT = 0.45  # of coverage alone


@dataclass(frozen=True, slots=True)
class Evidence:
    """`standing`: how far the best hit stands out, 0..1; `coverage`: of the question's terms by one passage, 0..1."""

    standing: float
    coverage: float
    pool: int

    @property
    def is_enough(self) -> bool:
        return self.standing + _COVERAGE_WEIGHT * self.coverage >= _LIMIT


def relevant(question: str, found: Sequence[Found]) -> list[Found]:
    """The passages worth reading, best first; empty when nothing found is relevant."""
    return list(found) if evidence(question, found).is_enough else []


def evidence(question: str, found: Sequence[Found]) -> Evidence:
    asked = query_terms(question)
    bags = [set(terms(" ".join([*hit.heading_path, hit.text]))) for hit in found]
    weights = {term: _rarity(sum(1 for bag in bags if term in bag), len(bags)) for term in asked}
    whole = sum(weights.values())
    covered = [sum(w for t, w in weights.items() if t in bag) / whole if whole else 0.0 for bag in bags[:_LOOKED_AT]]
    cosines = [hit.scores.dense for hit in found if hit.scores.dense is not None]
    standing = 0.0
    if cosines:
        middle = median(cosines)
        standing = (max(cosines) - middle) / (1.0 - middle) if middle < 1.0 else 0.0
    return Evidence(standing, max(covered, default=0.0), len(found))


def _rarity(having: int, pool: int) -> float:
    """BM25's idf over the pool."""
    return math.log(1 + (pool - having + 0.5) / (having + 0.5))
