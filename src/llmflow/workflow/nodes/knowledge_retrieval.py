"""knowledge-retrieval: passages of knowledge bases for a question."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from llmflow.errors import NodeFailed
from llmflow.workflow.context import Context, Search
from llmflow.workflow.data import Lenient, NodeData
from llmflow.workflow.kind import Kind
from llmflow.workflow.types import Outcome, Words
from llmflow.workflow.variables import text_of


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


class MultipleRetrieval(Lenient):
    top_k: int = Field(default=4, ge=1, le=100)
    score_threshold: float | None = None
    reranking_mode: str | None = "reranking_model"
    reranking_enable: bool | None = True
    weights: Weights | None = None


class RetrievalData(NodeData):
    """`dataset_ids`: knowledge bases, mapped to ours when a file is imported."""

    query_variable_selector: list[str] | None = Field(default_factory=list)
    query_attachment_selector: list[str] | None = None
    dataset_ids: list[str] = Field(default_factory=list)
    retrieval_mode: Literal["single", "multiple"] = "multiple"
    multiple_retrieval_config: MultipleRetrieval = MultipleRetrieval()
    metadata_filtering_mode: Literal["disabled", "automatic", "manual"] = "disabled"
    metadata_filtering_conditions: dict[str, Any] | None = None

    @field_validator("multiple_retrieval_config", mode="before")
    @classmethod
    def _no_config(cls, value: Any) -> Any:
        return value or {}

    @field_validator("metadata_filtering_mode", mode="before")
    @classmethod
    def _no_mode(cls, value: Any) -> Any:
        return value or "disabled"

    @field_validator("dataset_ids", mode="before")
    @classmethod
    def _no_ids(cls, value: Any) -> Any:
        return value or []


async def run(data: RetrievalData, context: Context) -> Outcome:
    query = context.get(data.query_variable_selector or [])
    if query is not None and not isinstance(query, str):
        raise NodeFailed("The question is no text.", code="node_input_invalid")
    query = text_of(query)
    if _filters(data):
        raise NodeFailed("Filters on metadata are not available yet.", code="not_yet")
    if not data.dataset_ids:
        text = "The node names no knowledge base."
        raise NodeFailed(text, code="node_invalid", hint="Choose one; an imported app needs its data sets mapped.")
    config = data.multiple_retrieval_config
    weighted = config.reranking_mode == "weighted_score" and config.weights is not None
    search = Search(
        knowledge=tuple(data.dataset_ids),
        query=query,
        top_k=config.top_k,
        threshold=config.score_threshold or None,
        vector_weight=config.weights.vector_share if weighted and config.weights else None,
    )
    found = await context.outside.search(search) if query.strip() else []
    return Outcome({"result": found}, inputs={"query": query})


def _filters(data: RetrievalData) -> bool:
    conditions = (data.metadata_filtering_conditions or {}).get("conditions")
    return data.metadata_filtering_mode == "automatic" or (
        data.metadata_filtering_mode == "manual" and bool(conditions)
    )


KIND = Kind(
    type="knowledge-retrieval",
    data=RetrievalData,
    run=run,
    reads=lambda data: [data.query_variable_selector] if data.query_variable_selector else [],
    outputs={"result": "array[object]"},
    words=Words("Knowledge", "지식 검색", "Finds passages for a question.", "질문에 맞는 구절을 찾습니다."),
    fields={
        "query_variable_selector": Words("Question", "질문", "What is looked for.", "찾을 내용입니다."),
        "dataset_ids": Words("Knowledge bases", "지식", "Where to look.", "찾을 곳입니다."),
        "multiple_retrieval_config": Words("Search", "검색", "How many, and how.", "개수와 방법입니다."),
    },
)
