"""document-extractor: the text of a document, or of each document of a list."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from llmflow.errors import LLMFlowError, NodeFailed
from llmflow.workflow.context import Context
from llmflow.workflow.data import NodeData
from llmflow.workflow.files import is_file
from llmflow.workflow.kind import Kind
from llmflow.workflow.types import Outcome, Words
from llmflow.workflow.variables import MISSING


class ExtractorData(NodeData):
    """`is_array_file`: what an editor believed the variable to be; the value decides."""

    variable_selector: list[str] = Field(default_factory=list)
    is_array_file: bool = False

    @field_validator("variable_selector", mode="before")
    @classmethod
    def _no_selector(cls, value: Any) -> Any:
        return value or []

    @field_validator("is_array_file", mode="before")
    @classmethod
    def _not_said(cls, value: Any) -> Any:
        return bool(value)


async def run(data: ExtractorData, context: Context) -> Outcome:
    value = context.get(data.variable_selector, MISSING)
    where = ".".join(data.variable_selector)
    if value is MISSING:
        raise NodeFailed(f"The variable {where} is not there.", code="node_input_invalid")
    found = [item for item in value if item] if isinstance(value, list) else [value] if value else []
    if not all(map(is_file, found)):
        raise NodeFailed(f"{where} is neither a file nor a list of files.", code="node_input_invalid")
    process_data = {"documents": found}
    texts = [await _text(file, context, process_data) for file in found]
    is_one = bool(found) and not isinstance(value, list)
    return Outcome(
        {"text": texts[0] if is_one else texts},
        inputs={"variable_selector": data.variable_selector},
        process_data=process_data,
    )


async def _text(file: dict[str, Any], context: Context, process_data: dict[str, Any]) -> str:
    """Raises NodeFailed with the reader's own code, and says which of the files it was."""
    try:
        return await context.outside.read_text(file)
    except LLMFlowError as error:
        name = file.get("filename") or file.get("url") or "The file"
        text = error.message if str(name) in error.message else f"{name}: {error.message}"
        raise NodeFailed(text, code=error.code, hint=error.hint, process_data=process_data) from error


KIND = Kind(
    type="document-extractor",
    data=ExtractorData,
    run=run,
    reads=lambda data: [data.variable_selector],
    outputs={"text": "any"},
    words=Words("Document text", "문서 추출", "Reads the text of files.", "파일의 글을 읽어 냅니다."),
    fields={
        "variable_selector": Words("Files", "파일", "A file, or a list of files.", "파일 하나 또는 파일 목록입니다."),
    },
)
