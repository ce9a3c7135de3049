"""How a node searches knowledge, as Dify's knowledge-retrieval says it, in our words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pydantic import Field, field_validator

from llmflow.errors import NodeFailed, UsageError
from llmflow.knowledge.conditions import Conditions, Guess, read_conditions
from llmflow.workflow.asking.answer import Model, request_of
from llmflow.workflow.data import Lenient, NodeData


class VectorSetting(Lenient):
    vector_weight: float = Field(default=0.7, ge=0, le=1)


class KeywordSetting(Lenient):
    keyword_weight: float = Field(default=0.3, ge=0, le=1)


class Weights(Lenient):
    vector_setting: VectorSetting = VectorSetting()
    keyword_setting: KeywordSetting = KeywordSetting()

    @property
    def vector_share(self) -> float:
        total = self.vector_setting.vector_weight + self.keyword_setting.keyword_weight
        return self.vector_setting.vector_weight / total if total else 0.5


class RerankingModel(Lenient):
    """`model` and `reranking_model_name`: two spellings of one."""

    model: str | None = None
    reranking_model_name: str | None = None

    @property
    def is_named(self) -> bool:
        return bool(self.model or self.reranking_model_name)


class MultipleRetrieval(Lenient):
    """`top_k`, `score_threshold` None: as the bases keep it, and none."""

    top_k: int | None = Field(default=4, ge=1, le=100)
    score_threshold: float | None = None
    reranking_mode: str | None = "reranking_model"
    reranking_enable: bool | None = True
    reranking_model: RerankingModel | None = None
    weights: Weights | None = None


class SingleRetrieval(Lenient):
    model: Model = Model()

    @field_validator("model", mode="before")
    @classmethod
    def _no_model(cls, value: Any) -> Any:
        return value or {}


class SearchData(NodeData):
    """Of a node that searches. `dataset_ids`: knowledge bases, mapped to ours when a file is imported.

    `retrieval_mode` "single": a model chooses one of the bases, which is searched as it keeps it."""

    dataset_ids: list[str] = Field(default_factory=list)
    retrieval_mode: Literal["single", "multiple"] = "multiple"
    single_retrieval_config: SingleRetrieval = SingleRetrieval()
    multiple_retrieval_config: MultipleRetrieval = MultipleRetrieval()
    metadata_filtering_mode: Literal["disabled", "automatic", "manual"] = "disabled"
    metadata_filtering_conditions: dict[str, Any] | None = None
    metadata_model_config: Model = Model()

    @field_validator(
        "single_retrieval_config", "multiple_retrieval_config", "metadata_model_config", "dataset_ids", mode="before"
    )
    @classmethod
    def _no_setting(cls, value: Any, info: Any) -> Any:
        return value or ([] if info.field_name == "dataset_ids" else {})

    @field_validator("metadata_filtering_mode", mode="before")
    @classmethod
    def _no_mode(cls, value: Any) -> Any:
        return value or "disabled"

    def wishes(self) -> dict[str, Any]:
        """Fields of SearchRule that the node says, where it does not leave them to the bases."""
        if self.retrieval_mode == "single":
            return {}
        config = self.multiple_retrieval_config
        said: dict[str, Any] = {} if config.top_k is None else {"top_k": config.top_k}
        if config.score_threshold:
            said["threshold"] = config.score_threshold
        if config.reranking_mode == "weighted_score" and config.weights is not None:
            share = config.weights.vector_share
            mode = "hybrid" if 0 < share < 1 else "dense" if share else "keyword"
            return {**said, "mode": mode, "fusion": "weights", "dense_weight": share, "rerank": False}
        if config.reranking_enable and config.reranking_model is not None and config.reranking_model.is_named:
            said["rerank"] = True
        return said

    def conditions(self, fill: Callable[[str], str]) -> Conditions | Guess | None:
        """On documents; `fill` puts variables into their values. Raises NodeFailed for what are none."""
        if self.metadata_filtering_mode == "disabled":
            return None
        if self.metadata_filtering_mode == "automatic":
            return guess_of(self.metadata_model_config)
        given = self.metadata_filtering_conditions
        listed = (given or {}).get("conditions")
        if given is None or not isinstance(listed, list):
            return None
        filled = [{**one, "value": _filled(one.get("value"), fill)} if isinstance(one, dict) else one for one in listed]
        try:
            return read_conditions({**given, "conditions": filled})
        except UsageError as error:
            raise NodeFailed(error.message, code="node_invalid") from error

    def one_of(self) -> Guess | None:
        """The model that chooses one of the bases; None: all are searched."""
        return guess_of(self.single_retrieval_config.model) if self.retrieval_mode == "single" else None


def _filled(value: Any, fill: Callable[[str], str]) -> Any:
    if isinstance(value, list):
        return [_filled(part, fill) for part in value]
    return fill(value) if isinstance(value, str) else value


def guess_of(model: Model) -> Guess:
    request = request_of(model, ())
    return Guess(request.model, request.options)
