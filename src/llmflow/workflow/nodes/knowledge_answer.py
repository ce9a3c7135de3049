"""knowledge-answer, LLMFlow's own: an honest answer from documents: generated, quoted, or "I do not know".

Without knowledge it is the model's plain answer, or the word that no model here reads the language.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from pydantic import Field, field_validator

from llmflow.ports.llm import TokenUsage
from llmflow.workflow.asking.answer import ModelData, cost, request_of, usage_shown
from llmflow.workflow.context import Answered, Asked, Context
from llmflow.workflow.files import files_in
from llmflow.workflow.kind import Kind
from llmflow.workflow.searching import SearchData
from llmflow.workflow.templates.template import selectors
from llmflow.workflow.types import Log, Outcome, Piece, Selector, Words
from llmflow.workflow.variables import text_of


class AnswerData(ModelData, SearchData):
    """`instruction`: a template, which stands in LLMFlow's own prompt. `top_k`:
    passages for the model; None: the setting's. `language` "": the question's."""

    query_variable_selector: list[str] = Field(default_factory=lambda: ["sys", "query"])
    instruction: str = ""
    top_k: int | None = Field(default=None, ge=1, le=100)
    language: str = ""

    @field_validator("instruction", "language", mode="before")
    @classmethod
    def _no_text(cls, value: object) -> object:
        return value or ""


async def run(data: AnswerData, context: Context) -> AsyncGenerator[Piece | Log | Outcome]:
    query = text_of(context.get(data.query_variable_selector))
    asked = Asked(
        query,
        knowledge=tuple(data.dataset_ids),
        instruction=context.fill(data.instruction),
        top_k=data.top_k,
        language=data.language,
        request=request_of(data.model, ()),
        files=tuple(files_in(context.get(("sys", "files")))),
        history=tuple(context.get(("sys", "history")) or ()),
        waits=context.get(("sys", "waits")) is True,
        wishes=data.wishes(),
        conditions=data.conditions(context.fill),
        one_of=data.one_of(),
    )
    answered: Answered | None = None
    async with aclosing(context.outside.answer(asked)) as told:
        async for item in told:
            if isinstance(item, Answered):
                answered = item
            else:
                yield item
    assert answered is not None
    usage = usage_shown([TokenUsage(answered.prompt_tokens, answered.completion_tokens)], 0.0, 0.0, 0.0)
    yield Outcome(
        {
            "text": answered.text,
            "kind": answered.kind,
            "hint": answered.hint,
            "citations": list(answered.citations),
            "usage": usage,
        },
        inputs={"query": query},
        process_data={"model_provider": data.model.provider, "model_name": answered.model},
        metadata=cost(usage),
    )


def _reads(data: AnswerData) -> list[Selector]:
    return [data.query_variable_selector, *selectors(data.instruction)]


KIND = Kind(
    type="knowledge-answer",
    data=AnswerData,
    run=run,
    reads=_reads,
    outputs={"text": "string", "kind": "string", "hint": "string", "citations": "array[object]", "usage": "object"},
    words=Words(
        "Honest answer",
        "근거 있는 답변",
        "Answers from documents, quotes them, or says that they do not tell.",
        "문서를 근거로 답하거나 인용하고, 문서에 없으면 모른다고 답합니다.",
    ),
    fields={
        "query_variable_selector": Words("Question", "질문", "What is asked.", "답할 질문입니다."),
        "dataset_ids": Words("Knowledge bases", "지식", "Where to look.", "찾을 곳입니다."),
        "model": Words("Model", "모델", "Empty: the default.", "비우면 기본 모델을 씁니다."),
        "instruction": Words("Instruction", "지시", "How to answer.", "답하는 방식입니다."),
        "top_k": Words("Passages", "구절 수", "How many the model reads.", "모델이 읽을 구절의 개수입니다."),
        "language": Words("Language", "언어", "Empty: the question's.", "비우면 질문의 언어를 따릅니다."),
    },
)
