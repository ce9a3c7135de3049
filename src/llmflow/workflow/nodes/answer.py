"""answer: a text with variables in it, told to the reader piece by piece, in its order."""

from __future__ import annotations

from llmflow.workflow.context import Context
from llmflow.workflow.data import NodeData
from llmflow.workflow.files import files_in
from llmflow.workflow.kind import Kind
from llmflow.workflow.templates.template import fill_markdown, parts, selectors
from llmflow.workflow.types import Outcome, Words


class AnswerData(NodeData):
    answer: str = ""


def run(data: AnswerData, context: Context) -> Outcome:
    files = [file for selector in selectors(data.answer) for file in files_in(context.get(selector))]
    return Outcome({"answer": fill_markdown(data.answer, context.pool), "files": files})


KIND = Kind(
    type="answer",
    role="answer",
    data=AnswerData,
    run=run,
    script=lambda data: list(parts(data.answer)),
    reads=lambda data: selectors(data.answer),
    outputs={"answer": "string", "files": "array[file]"},
    words=Words("Answer", "답변", "Tells the reader a text, as it comes.", "답변을 만들어지는 대로 전합니다."),
    fields={"answer": Words("Answer", "답변", "Text and variables, in order.", "글과 변수를 순서대로 적습니다.")},
)
