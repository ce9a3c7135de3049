"""llm: a model's answer to a prompt, streamed."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Literal

from pydantic import Field, field_validator

from llmflow.errors import NodeFailed
from llmflow.workflow.asking.answer import (
    Answer,
    ModelData,
    answer_tokens,
    cost,
    json_format,
    json_in,
    pieces,
    request_of,
    shown,
)
from llmflow.workflow.asking.prompting import PromptMessage, Prompts, prompt
from llmflow.workflow.context import Context
from llmflow.workflow.data import Lenient
from llmflow.workflow.kind import Kind
from llmflow.workflow.templates.template import selectors
from llmflow.workflow.types import Outcome, Piece, Selector, Words


class ContextConfig(Lenient):
    enabled: bool = False
    variable_selector: list[str] | None = None


class LlmData(ModelData):
    """`prompt_template`: messages, or one template for a completion."""

    prompt_template: list[PromptMessage] = Field(default_factory=list)
    prompt_config: Prompts = Prompts()
    context: ContextConfig = ContextConfig()
    structured_output_enabled: bool = False
    structured_output: dict[str, Any] | None = None
    reasoning_format: Literal["separated", "tagged"] = "tagged"

    @field_validator("prompt_template", mode="before")
    @classmethod
    def _one_template(cls, value: Any) -> Any:
        return [{"role": "user", **value}] if isinstance(value, dict) else value or []

    @field_validator("prompt_config", "context", mode="before")
    @classmethod
    def _nothing(cls, value: Any) -> Any:
        return value or {}

    @field_validator("reasoning_format", mode="before")
    @classmethod
    def _no_format(cls, value: Any) -> Any:
        return value or "tagged"

    @property
    def schema_wanted(self) -> dict[str, Any] | None:
        """The JSON schema the answer must have."""
        if not self.structured_output_enabled or not self.structured_output:
            return None
        schema = self.structured_output.get("schema", self.structured_output)
        return schema if isinstance(schema, dict) else None


async def run(data: LlmData, context: Context) -> AsyncGenerator[Piece | Outcome]:
    asked = await prompt(
        context,
        messages=data.prompt_template,
        prompts=data.prompt_config,
        memory=data.memory,
        vision=data.vision,
        context_selector=data.context.variable_selector if data.context.enabled else None,
        is_completion=data.model.mode == "completion",
        model=data.model.name,
        answer_tokens=answer_tokens(data.model),
    )
    request = request_of(data.model, asked.messages, **_response_format(data))
    answer = Answer(is_tagged=data.reasoning_format == "tagged")
    async with aclosing(pieces(context, request, answer)) as told:
        async for piece in told:
            yield Piece(piece)
    outputs: dict[str, Any] = {"text": answer.text, "reasoning_content": answer.reasoning, "files": []}
    outputs["usage"] = usage = answer.shown_usage()
    process_data = shown(data.model, asked, answer, usage)
    if (schema := data.schema_wanted) is not None:
        outputs["structured_output"] = _structured(answer.text, schema, process_data)
    yield Outcome(outputs, inputs=asked.inputs, process_data=process_data, metadata=cost(usage))


def _response_format(data: LlmData) -> dict[str, Any]:
    """{} or the option that asks for JSON."""
    if (schema := data.schema_wanted) is not None:
        return {"response_format": json_format(schema)}
    wanted = data.model.completion_params.get("response_format")
    if wanted not in ("json_object", "JSON", "json", "json_schema"):
        return {}
    if wanted == "json_schema":
        try:
            schema = json.loads(data.model.completion_params.get("json_schema") or "")
        except (TypeError, json.JSONDecodeError):
            schema = None
        if isinstance(schema, dict):
            named = schema if "schema" in schema else {"name": "answer", "schema": schema}
            return {"response_format": {"type": "json_schema", "json_schema": named}}
    return {"response_format": {"type": "json_object"}}


def _structured(text: str, schema: dict[str, Any], process_data: dict[str, Any]) -> Any:
    """The JSON in the answer. Raises NodeFailed when there is none, or what the schema requires is not in it."""
    try:
        found = json_in(text, dict, list)
    except ValueError as error:
        raise NodeFailed("The model did not answer with JSON.", process_data=process_data) from error
    required = schema.get("required") or ()
    missing = [name for name in required if not isinstance(found, dict) or name not in found]
    if missing:
        raise NodeFailed(f"The model's JSON lacks {', '.join(missing)}.", process_data=process_data)
    return found


def _reads(data: LlmData) -> list[Selector]:
    texts = [message.template for message in data.prompt_template if not message.is_jinja]
    if data.memory:
        texts.append(data.memory.query_prompt_template or "")
    found: list[Selector] = [selector for text in texts for selector in selectors(text)]
    found += [each.value_selector for each in data.prompt_config.jinja2_variables]
    if data.context.enabled and data.context.variable_selector:
        found.append(data.context.variable_selector)
    if data.vision.enabled:
        found.append(data.vision.configs.variable_selector)
    return found


KIND = Kind(
    type="llm",
    data=LlmData,
    run=run,
    reads=_reads,
    outputs={"text": "string", "reasoning_content": "string", "usage": "object", "structured_output": "object"},
    words=Words("LLM", "LLM", "A model answers a prompt.", "모델이 프롬프트에 답합니다."),
    fields={
        "model": Words("Model", "모델", "Empty: the default.", "비우면 기본 모델을 씁니다."),
        "prompt_template": Words("Prompt", "프롬프트", "Messages with variables.", "변수를 넣은 메시지입니다."),
        "context": Words("Context", "컨텍스트", "Passages for the answer.", "답의 바탕이 되는 구절입니다."),
        "memory": Words("Memory", "대화 기억", "Earlier turns.", "앞선 대화를 함께 보냅니다."),
        "vision": Words("Vision", "이미지 보기", "Images for the model.", "이미지를 모델에 보여 줍니다."),
        "structured_output": Words("Structured output", "구조화된 출력", "A JSON schema.", "JSON 스키마입니다."),
        "reasoning_format": Words("Reasoning", "추론", "In the text or apart.", "글에 넣거나 따로 둡니다."),
    },
)
