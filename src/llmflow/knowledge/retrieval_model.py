"""Dify's `retrieval_model`: what it may say, how it is shown, and what it means for a search here."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from llmflow.knowledge.rule import SearchRule, checked
from llmflow.knowledge.types import Mode

Method = Literal["keyword_search", "semantic_search", "full_text_search", "hybrid_search"]
_MODES: dict[Method, Mode] = {
    "keyword_search": "keyword",
    "full_text_search": "keyword",
    "semantic_search": "dense",
    "hybrid_search": "hybrid",
}
_METHODS: dict[Mode, Method] = {"keyword": "keyword_search", "dense": "semantic_search", "hybrid": "hybrid_search"}
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class RerankingModel(msgspec.Struct, frozen=True):
    reranking_provider_name: str | None = None
    reranking_model_name: str | None = None


class VectorSetting(msgspec.Struct, frozen=True):
    vector_weight: _Share
    embedding_provider_name: str | None = None
    embedding_model_name: str | None = None


class KeywordSetting(msgspec.Struct, frozen=True):
    keyword_weight: _Share


class Weights(msgspec.Struct, frozen=True):
    weight_type: Literal["semantic_first", "keyword_first", "customized"] | None = None
    vector_setting: VectorSetting | None = None
    keyword_setting: KeywordSetting | None = None


class RetrievalModel(msgspec.Struct, frozen=True):
    """`score_threshold` counts where it is enabled, `reranking_model` too."""

    search_method: Method = "hybrid_search"
    reranking_enable: bool | None = False
    reranking_model: RerankingModel | None = None
    reranking_mode: str | None = None
    top_k: Annotated[int, msgspec.Meta(ge=1, le=100)] = 4
    score_threshold_enabled: bool | None = False
    score_threshold: float | None = None
    weights: Weights | None = None
    metadata_filtering_conditions: dict[str, Any] | None = None

    def rule(self) -> SearchRule:
        """What it means here. Where the answers are to be ranked by weights, no reranker is asked."""
        setting = self.weights.vector_setting if self.weights else None
        by_weights = self.search_method == "hybrid_search" and self.reranking_mode == "weighted_score"
        return SearchRule(
            mode=_MODES[self.search_method],
            dense_weight=setting.vector_weight if setting else None,
            top_k=self.top_k,
            threshold=self.score_threshold if self.score_threshold_enabled else None,
            rerank=bool(self.reranking_enable) and not by_weights,
        )


def wanted_rule(model: RetrievalModel | None) -> SearchRule | None:
    """What a request wants searches to be like; None where it says nothing. Raises UsageError, so that it is to be
    asked before anything of the request is kept."""
    return None if model is None else checked(model.rule())


def words(rule: SearchRule) -> dict[str, Any]:
    """A rule of ours in Dify's words, as far as they reach."""
    weights = None
    if rule.dense_weight is not None:
        vector = {"vector_weight": rule.dense_weight, "embedding_provider_name": "", "embedding_model_name": ""}
        keyword = {"keyword_weight": round(1 - rule.dense_weight, 6)}
        weights = {"weight_type": "customized", "vector_setting": vector, "keyword_setting": keyword}
    return {
        "search_method": _METHODS[rule.mode],
        "reranking_enable": rule.rerank,
        "reranking_mode": "reranking_model" if rule.rerank else None,
        "weights": weights,
        "top_k": rule.top_k,
        "score_threshold_enabled": rule.threshold is not None,
        "score_threshold": rule.threshold,
    }


def shown(kept: dict[str, Any]) -> dict[str, Any]:
    """With every key that Dify shows."""
    found = msgspec.convert(kept, RetrievalModel)
    reranking = found.reranking_model or RerankingModel()
    return {
        "search_method": found.search_method,
        "reranking_enable": bool(found.reranking_enable),
        "reranking_mode": found.reranking_mode,
        "reranking_model": {
            "reranking_provider_name": reranking.reranking_provider_name or "",
            "reranking_model_name": reranking.reranking_model_name or "",
        },
        "weights": None if found.weights is None else msgspec.to_builtins(found.weights),
        "top_k": found.top_k,
        "score_threshold_enabled": bool(found.score_threshold_enabled),
        "score_threshold": found.score_threshold,
    }
