"""How a search is made: the rule a caller gives, and the one a knowledge base keeps as its default."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, get_args

from llmflow.errors import UsageError
from llmflow.knowledge.types import Fusion, Mode

MOST = 100  # passages of one search
MOST_WORDINGS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRule:
    """`fusion`, of a hybrid search: "weights", the legs' scaled scores by their shares, or "ranks", reciprocal ranks
    by their shares. `dense_weight`: the dense leg's share, 0..1; None: as measured for the query's language.

    `threshold`: hits with a lower score are left out. It is held against the score that is shown: the reranker's, 0..1;
    else the cosine of a dense search or the fused score, 0..1, of a hybrid one. BM25 has no scale, so a keyword search
    that is not reranked has no threshold.

    `rerank`: the best candidates are ranked anew by the rerank organ. `multi_query`: so many further wordings of the
    question, made by a model, are searched too. `auto_merge`: passages with a parent stay themselves until half of
    their parent was found; else each is replaced by its parent."""

    mode: Mode = "hybrid"
    fusion: Fusion = "weights"
    dense_weight: float | None = None
    top_k: int = 10
    threshold: float | None = None
    rerank: bool = False
    multi_query: int = 0
    auto_merge: bool = False


class Base(Protocol):
    """A knowledge base as far as it keeps a rule."""

    @property
    def retrieval(self) -> Mapping[str, Any]: ...


def checked(rule: SearchRule) -> SearchRule:
    """The rule itself. Raises UsageError, with the field's name, for what no search can be made by."""
    for name, value, allowed in (("mode", rule.mode, get_args(Mode)), ("fusion", rule.fusion, get_args(Fusion))):
        if value not in allowed:
            raise UsageError(f"`{value}` is no {name}; there are {', '.join(allowed)}.", param=name)
    if not 1 <= rule.top_k <= MOST:
        raise UsageError(f"top_k must lie between 1 and {MOST}.", param="top_k")
    if rule.dense_weight is not None and not 0 <= rule.dense_weight <= 1:
        raise UsageError("dense_weight must lie between 0 and 1.", param="dense_weight")
    if rule.threshold is not None and not -1 <= rule.threshold <= 1:
        raise UsageError("threshold must lie between -1 and 1.", param="threshold")
    if not 0 <= rule.multi_query <= MOST_WORDINGS:
        raise UsageError(f"multi_query must lie between 0 and {MOST_WORDINGS}.", param="multi_query")
    return rule


def kept_rule(kept: Mapping[str, Any]) -> SearchRule:
    """The rule that a base keeps: what it does not say is as in `SearchRule`."""
    known = {field.name for field in dataclasses.fields(SearchRule)}
    return SearchRule(**{name: value for name, value in kept.items() if name in known})


def to_keep(rule: SearchRule) -> dict[str, Any]:
    """What of a rule is not as in `SearchRule`, so that a base without wishes follows what this version thinks best.
    Raises UsageError."""
    plain = dataclasses.asdict(SearchRule())
    return {name: value for name, value in dataclasses.asdict(checked(rule)).items() if value != plain[name]}


def common_rule(bases: Sequence[Base]) -> SearchRule:
    """The rule that all these bases keep; LLMFlow's own where they differ."""
    kept = {kept_rule(base.retrieval) for base in bases}
    return kept.pop() if len(kept) == 1 else SearchRule()
