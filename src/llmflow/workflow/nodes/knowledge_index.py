"""knowledge-index: where a pipeline of knowledge ends, with the passages of its document.

It looks at them and tells what they are; the document's own reading, which the run is a part of, embeds and keeps them
(apps/pipelines). In a trial of the draft nothing is kept, and the passages are shown.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from llmflow.errors import NodeFailed
from llmflow.workflow.context import Context
from llmflow.workflow.cuts import cuts_of, shown
from llmflow.workflow.data import NodeData
from llmflow.workflow.kind import Kind
from llmflow.workflow.types import Outcome, Words
from llmflow.workflow.variables import MISSING


class KnowledgeIndexData(NodeData):
    """`chunk_structure`: text_model, hierarchical_model or qa_model. The others say how the base is made when the file
    is imported."""

    chunk_structure: str = "text_model"
    index_chunk_variable_selector: list[str] = Field(default_factory=list)
    indexing_technique: str | None = None
    embedding_model: str | None = None
    embedding_model_provider: str | None = None
    keyword_number: int | None = None
    retrieval_model: dict[str, Any] = Field(default_factory=dict)
    summary_index_setting: dict[str, Any] | None = None

    @field_validator("retrieval_model", "index_chunk_variable_selector", mode="before")
    @classmethod
    def _none(cls, value: Any, info: Any) -> Any:
        return value or ([] if info.field_name == "index_chunk_variable_selector" else {})


def run(data: KnowledgeIndexData, context: Context) -> Outcome:
    value = context.get(data.index_chunk_variable_selector, MISSING)
    where = ".".join(data.index_chunk_variable_selector)
    if value is MISSING:
        raise NodeFailed(f"The variable {where} is not there.", code="node_input_invalid")
    cuts = cuts_of(data.chunk_structure, value)
    if context.get(["sys", "invoke_from"]) == "debugger":
        return Outcome(shown(data.chunk_structure, cuts), inputs={"chunks": value})
    document_id = context.get(["sys", "document_id"])
    if not document_id:
        raise NodeFailed("Passages belong to a document, and none was given.", code="node_input_invalid")
    info = context.get(["sys", "datasource_info"])
    outputs = {
        "dataset_id": context.get(["sys", "dataset_id"]),
        "dataset_name": context.get(["sys", "dataset_name"]),
        "batch": context.get(["sys", "batch"]),
        "document_id": document_id,
        "document_name": info.get("name") if isinstance(info, dict) else None,
        "created_at": context.get(["sys", "timestamp"]),
        "display_status": "indexing",
    }
    return Outcome(outputs, inputs={"chunk_count": len(cuts)})


KIND = Kind(
    type="knowledge-index",
    role="answer",
    data=KnowledgeIndexData,
    run=run,
    reads=lambda data: [data.index_chunk_variable_selector],
    outputs={"document_id": "string", "display_status": "string"},
    words=Words(
        "Knowledge base",
        "지식에 저장",
        "Where a pipeline of knowledge ends: its passages are embedded and kept.",
        "지식 파이프라인이 끝나는 곳으로, 단락을 임베딩해 저장합니다.",
    ),
    fields={
        "chunk_structure": Words(
            "Structure", "단락 구조", "Passages, parents with parts, or questions.", "일반, 부모-자식, 질문-답변입니다."
        ),
        "index_chunk_variable_selector": Words("Passages", "단락", "What a chunker gave.", "청크 도구의 결과입니다."),
    },
)
