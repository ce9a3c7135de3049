"""knowledge-retrieval: passages of knowledge bases for a question."""

from __future__ import annotations

import json

from pydantic import Field

from llmflow.errors import NodeFailed
from llmflow.workflow.context import Context, Retrieved, Search
from llmflow.workflow.kind import Kind
from llmflow.workflow.searching import SearchData
from llmflow.workflow.templates.template import selectors
from llmflow.workflow.types import Outcome, Selector, Words
from llmflow.workflow.variables import text_of


class RetrievalData(SearchData):
    query_variable_selector: list[str] | None = Field(default_factory=list)
    query_attachment_selector: list[str] | None = None


async def run(data: RetrievalData, context: Context) -> Outcome:
    query = context.get(data.query_variable_selector or [])
    if query is not None and not isinstance(query, str):
        raise NodeFailed("The question is no text.", code="node_input_invalid")
    query = text_of(query)
    if not data.dataset_ids:
        text = "The node names no knowledge base."
        raise NodeFailed(text, code="node_invalid", hint="Choose one; an imported app needs its data sets mapped.")
    search = Search(
        knowledge=tuple(data.dataset_ids),
        query=query,
        wishes=data.wishes(),
        conditions=data.conditions(context.fill),
        one_of=data.one_of(),
    )
    found = await context.outside.search(search) if query.strip() else Retrieved([])
    return Outcome({"result": found.passages}, inputs={"query": query}, process_data=dict(found.told))


def _reads(data: RetrievalData) -> list[Selector]:
    named = [data.query_variable_selector] if data.query_variable_selector else []
    if data.metadata_filtering_mode != "manual":
        return [*named]
    return [*named, *selectors(json.dumps(data.metadata_filtering_conditions, ensure_ascii=False))]


KIND = Kind(
    type="knowledge-retrieval",
    data=RetrievalData,
    run=run,
    reads=_reads,
    outputs={"result": "array[object]"},
    words=Words("Knowledge", "지식 검색", "Finds passages for a question.", "질문에 맞는 구절을 찾습니다."),
    fields={
        "query_variable_selector": Words("Question", "질문", "What is looked for.", "찾을 내용입니다."),
        "dataset_ids": Words("Knowledge bases", "지식", "Where to look.", "찾을 곳입니다."),
        "multiple_retrieval_config": Words("Search", "검색", "How many, and how.", "개수와 방법입니다."),
        "retrieval_mode": Words(
            "Bases searched", "검색 대상", "All, or one that a model chooses.", "전부, 또는 모델이 고른 하나입니다."
        ),
        "metadata_filtering_mode": Words("Filter", "필터", "Documents searched.", "검색할 문서를 가려냅니다."),
    },
)
