"""A search beside what it could have been: its hits in the columns of a retrieval test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from llmflow.knowledge.fuse import Fused
from llmflow.knowledge.rule import SearchRule
from llmflow.knowledge.terms import query_terms
from llmflow.knowledge.types import Compared, Found, Leg, Note, Searched, Standing
from llmflow.knowledge.watch import Watch, tokens_of

_SHOWN = 10  # of each column, at least
_LEFT_OUT = 20


def by_meaning(hits: Sequence[Fused]) -> list[Fused]:
    """Those of the dense search, in its order and with its scores."""
    found = [msgspec.structs.replace(hit, score=hit.dense) for hit in hits if hit.dense is not None]
    return sorted(found, key=lambda hit: (-hit.score, hit.chunk_id))


def by_words(hits: Sequence[Fused]) -> list[Fused]:
    """Those of the keyword search, in its order and with its scores."""
    found = [msgspec.structs.replace(hit, score=hit.keyword) for hit in hits if hit.keyword is not None]
    return sorted(found, key=lambda hit: (-hit.score, hit.chunk_id))


def only(searched: Searched) -> Compared:
    """Of what is not searched here in several ways: an empty question, another server's knowledge."""
    return Compared(searched.found, [], {}, [], [], [], [], {}, [], searched.wordings, searched.notes, {}, {})


def compared(
    searched: Searched, rule: SearchRule, watch: Watch, beside: Watch, notes: Sequence[Note], **legs: list[Found]
) -> Compared:
    """`watch`: of the search itself; `beside`: of what was searched besides. `legs`: all hits, by the four columns."""
    names: tuple[Leg, ...] = ("dense", "keyword", "fused", "reranked")
    standings: dict[str, dict[Leg, Standing]] = {}
    for name in names:
        for rank, hit in enumerate(legs[name], 1):
            standings.setdefault(hit.chunk_id, {})[name] = Standing(rank, hit.score)
    left_out, shown = watch.left_out(), max(rule.top_k, _SHOWN)
    given = searched.found
    return Compared(
        result=given,
        left_out=left_out[:_LEFT_OUT],
        left_out_counts=dict(Counter(one.why for one in left_out)),
        dense=legs["dense"][:shown],
        keyword=legs["keyword"][:shown],
        fused=legs["fused"][:shown],
        reranked=legs["reranked"][:shown],
        standings=standings,
        terms=query_terms(searched.wordings[0]),
        wordings=searched.wordings,
        notes=list(dict.fromkeys(notes)),
        times=beside.times | watch.times,
        tokens={**beside.tokens, **watch.tokens, "result": tokens_of(given)},
    )
