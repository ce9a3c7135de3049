"""Fusing the dense and the keyword leg of a search into one ranking by weighted, min-max scaled scores, or by ranks.

Why scores and not ranks, unless somebody asks for them: on TyDi-ko (1,488 passages, multilingual-e5-small, mecab-ko; 50
candidates a leg) the dense leg alone reaches nDCG@10 .781, the keyword leg .710, weighted min-max scores .811, weighted
reciprocal ranks .796 at best and plain ones .782: there a keyword hit at rank 1 counts the same whether it matched
everything or one word.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from llmflow.knowledge.types import Fusion
from llmflow.ports.vector_store import Hit

#: The dense leg's share, by language of the query; the keyword leg has the rest. nDCG@10 on TyDi: Korean dense .787,
#: keyword .710, fused .809-.810 at any share from .6 to .7; English dense .899, keyword .790, fused .900-.901 from .75
#: to .95 and below dense at .65. `python -m benchmarks.retrieval_quality` measures it.
DENSE_WEIGHTS: dict[str, float] = {"ko": 0.65, "en": 0.85}
#: For other languages, which were not measured.
DENSE_WEIGHT = 0.75
_RANK_CONSTANT = 60
_FIRST_SHARE = 0.55


class Fused(msgspec.Struct, frozen=True):
    """`score`: 0..1, comparable within one search only. `dense`, `keyword`: the leg's own score, None if not there."""

    chunk_id: str
    score: float
    dense: float | None
    keyword: float | None


def fuse(
    dense: Sequence[Hit],
    keyword: Sequence[Hit],
    *,
    language: str | None = None,
    dense_weight: float | None = None,
    fusion: Fusion = "weights",
) -> list[Fused]:
    """Every chunk of either leg, best first, ties by chunk_id.

    "weights": each leg's scores are scaled so that its best hit is 1 and its last 0. "ranks": reciprocal ranks
    (Cormack et al. 2009), scaled so that a chunk that is first in both legs has 1. A chunk a leg did not return has 0
    there. A search with one leg keeps that leg's order. `language`: of the query, "ko", "en" or None. `dense_weight`:
    the dense leg's share, 0..1, where somebody chose one.
    """
    weight = DENSE_WEIGHTS.get(language or "", DENSE_WEIGHT) if dense_weight is None else dense_weight
    if not keyword:
        weight = 1.0
    elif not dense:
        weight = 0.0
    dense_raw, keyword_raw = _raw(dense), _raw(keyword)
    scaled = _scaled if fusion == "weights" else _reciprocal
    dense_scaled, keyword_scaled = scaled(dense_raw), scaled(keyword_raw)
    fused = [
        Fused(
            chunk_id=chunk_id,
            score=weight * dense_scaled.get(chunk_id, 0.0) + (1.0 - weight) * keyword_scaled.get(chunk_id, 0.0),
            dense=dense_raw.get(chunk_id),
            keyword=keyword_raw.get(chunk_id),
        )
        for chunk_id in dense_raw.keys() | keyword_raw.keys()
    ]
    return sorted(fused, key=lambda hit: (-hit.score, hit.chunk_id))


def fuse_wordings(lists: Sequence[Sequence[Fused]]) -> list[Fused]:
    """One ranking of what several wordings of a question found, best first, ties by chunk_id: by reciprocal ranks, the
    first wording counting a little more than all others together. Scores lie in 0..1; a chunk keeps its best of each
    leg."""
    if len(lists) == 1:
        return list(lists[0])
    others = (1 - _FIRST_SHARE) / (len(lists) - 1)
    scores: dict[str, float] = {}
    best: dict[str, Fused] = {}
    for number, hits in enumerate(lists):
        share = _FIRST_SHARE if number == 0 else others
        for rank, hit in enumerate(hits):
            scores[hit.chunk_id] = scores.get(hit.chunk_id, 0.0) + share * _of_rank(rank)
            seen = best.get(hit.chunk_id, hit)
            dense, keyword = _higher(seen.dense, hit.dense), _higher(seen.keyword, hit.keyword)
            best[hit.chunk_id] = Fused(hit.chunk_id, 0.0, dense, keyword)
    fused = [msgspec.structs.replace(hit, score=scores[hit.chunk_id]) for hit in best.values()]
    return sorted(fused, key=lambda hit: (-hit.score, hit.chunk_id))


def _higher(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else max(a, b)


def _reciprocal(raw: dict[str, float]) -> dict[str, float]:
    ranked = sorted(raw, key=lambda chunk_id: (-raw[chunk_id], chunk_id))
    return {chunk_id: _of_rank(rank) for rank, chunk_id in enumerate(ranked)}


def _of_rank(rank: int) -> float:
    """`rank`: from 0, which gives 1."""
    return (_RANK_CONSTANT + 1) / (_RANK_CONSTANT + 1 + rank)


def _raw(hits: Sequence[Hit]) -> dict[str, float]:
    """The best score of each chunk."""
    raw: dict[str, float] = {}
    for hit in hits:
        raw[hit.chunk_id] = max(hit.score, raw.get(hit.chunk_id, hit.score))
    return raw


def _scaled(raw: dict[str, float]) -> dict[str, float]:
    if not raw:
        return {}
    low, high = min(raw.values()), max(raw.values())
    if high == low:
        return dict.fromkeys(raw, 1.0)
    return {chunk_id: (score - low) / (high - low) for chunk_id, score in raw.items()}
