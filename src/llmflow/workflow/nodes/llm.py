"""llm: a model's answer to a prompt, streamed."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from time import perf_counter
from typing import Any, Literal

from pydantic import Field, field_validator

from llmflow.errors import NodeFailed
from llmflow.ports.llm import ChatRequest, TokenUsage
from llmflow.workflow.context import Context
from llmflow.workflow.data import Lenient, NodeData
from llmflow.workflow.kind import Kind
from llmflow.workflow.prompting import Memory, PromptMessage, Prompts, Vision, prompt
from llmflow.workflow.templates import selectors
from llmflow.workflow.thinking import Split, Splitter
from llmflow.workflow.types import Outcome, Piece, Selector, Words

#: OpenAI's parameters that models of all servers know; others of another provider's are left out.
_PARAMETERS = ("top_p", "presence_penalty", "frequency_penalty", "seed", "reasoning_effort")


class Model(Lenient):
    """`name` "": the default model."""

    provider: str = ""
    name: str = ""
    mode: str = "chat"
    completion_params: dict[str, Any] = Field(default_factory=dict)

    @field_validator("completion_params", mode="before")
    @classmethod
    def _no_params(cls, value: Any) -> Any:
        return value or {}


class ContextConfig(Lenient):
    enabled: bool = False
    variable_selector: list[str] | None = None


class LlmData(NodeData):
    """`prompt_template`: messages, or one template for a completion."""

    model: Model = Model()
    prompt_template: list[PromptMessage] = Field(default_factory=list)
    prompt_config: Prompts = Prompts()
    memory: Memory | None = None
    context: ContextConfig = ContextConfig()
    vision: Vision = Vision()
    structured_output_enabled: bool = False
    structured_output: dict[str, Any] | None = None
    reasoning_format: Literal["separated", "tagged"] = "tagged"

    @field_validator("prompt_template", mode="before")
    @classmethod
    def _one_template(cls, value: Any) -> Any:
        return [{"role": "user", **value}] if isinstance(value, dict) else value or []

    @field_validator("prompt_config", "context", "vision", "model", mode="before")
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
    )
    request = _request(data, asked.messages)
    answer = _Answer(data)
    async with aclosing(_closable(context.outside.chat(request))) as deltas:
        async for delta in deltas:
            piece = answer.add(delta.text, delta.reasoning)
            if delta.usage:
                answer.usage = delta.usage
            answer.finish_reason = delta.finish_reason or answer.finish_reason
            if piece:
                yield Piece(piece)
    if rest := answer.end():
        yield Piece(rest)
    outputs: dict[str, Any] = {"text": answer.text, "reasoning_content": answer.reasoning, "files": []}
    outputs["usage"] = usage = answer.shown_usage()
    process_data = {
        "model_mode": data.model.mode,
        "prompts": asked.shown,
        "usage": usage,
        "finish_reason": answer.finish_reason,
        "model_provider": data.model.provider,
        "model_name": data.model.name,
    }
    if (schema := data.schema_wanted) is not None:
        outputs["structured_output"] = _structured(answer.text, schema, process_data)
    metadata = {"total_tokens": usage["total_tokens"], "total_price": "0", "currency": "USD"}
    yield Outcome(outputs, inputs=asked.inputs, process_data=process_data, metadata=metadata)


def _request(data: LlmData, messages: Any) -> ChatRequest:
    given = data.model.completion_params
    options = {name: given[name] for name in _PARAMETERS if given.get(name) is not None}
    if form := _response_format(data):
        options["response_format"] = form
    stop = given.get("stop") or ()
    return ChatRequest(
        tuple(messages),
        model=data.model.name,
        temperature=_number(given.get("temperature")),
        max_tokens=int(found) if (found := _number(given.get("max_tokens"))) else None,
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        options=options,
    )


def _number(value: Any) -> float | None:
    try:
        return None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def _response_format(data: LlmData) -> dict[str, Any] | None:
    if (schema := data.schema_wanted) is not None:
        return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
    wanted = data.model.completion_params.get("response_format")
    if wanted in ("json_object", "JSON", "json"):
        return {"type": "json_object"}
    if wanted == "json_schema":
        try:
            schema = json.loads(data.model.completion_params.get("json_schema") or "")
        except (TypeError, json.JSONDecodeError):
            return {"type": "json_object"}
        named = schema if "schema" in schema else {"name": "answer", "schema": schema}
        return {"type": "json_schema", "json_schema": named}
    return None


class _Answer:
    """What a model says, put together as it comes. The pieces told are the text, exactly."""

    def __init__(self, data: LlmData) -> None:
        self.text = ""
        self.reasoning = ""
        self.usage: TokenUsage | None = None
        self.finish_reason: str | None = None
        self._splitter = Splitter() if data.reasoning_format == "separated" else None
        self._is_in_tag = False
        self._pieces = 0
        self._started = perf_counter()
        self._first: float | None = None

    def add(self, text: str, reasoning: str) -> str:
        """What may be told now."""
        if text or reasoning:
            self._pieces += 1
            self._first = self._first or perf_counter()
        if self._splitter:
            self.reasoning += reasoning
            return self._keep(self._splitter.feed(text) if text else Split())
        return self._keep(Split(text=self._tagged(text, reasoning)))

    def end(self) -> str:
        if self._splitter:
            rest = self._keep(self._splitter.end())
            self.reasoning = self.reasoning.strip()
            return rest
        return self._keep(Split(text="\n</think>\n" if self._is_in_tag else ""))

    def shown_usage(self) -> dict[str, Any]:
        """As Dify counts. A piece counts as a token where the server did not say."""
        usage = self.usage or TokenUsage(0, self._pieces)
        now = perf_counter()
        zeros = dict.fromkeys(("prompt_unit_price", "completion_unit_price"), "0")
        units = dict.fromkeys(("prompt_price_unit", "completion_price_unit"), "0.001")
        return {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.prompt_tokens + usage.completion_tokens,
            **zeros,
            **units,
            "prompt_price": "0",
            "completion_price": "0",
            "total_price": "0",
            "currency": "USD",
            "latency": now - self._started,
            "time_to_first_token": (self._first or now) - self._started,
            "time_to_generate": now - (self._first or now),
        }

    def _keep(self, split: Split) -> str:
        self.text += split.text
        self.reasoning += split.reasoning
        return split.text

    def _tagged(self, text: str, reasoning: str) -> str:
        """Reasoning that came apart, put between tags in the text, as old workflows expect it."""
        told = ""
        if reasoning:
            told += ("" if self._is_in_tag else "<think>\n") + reasoning
            self._is_in_tag = True
        if text:
            told += ("\n</think>\n" if self._is_in_tag else "") + text
            self._is_in_tag = False
        return told


def _structured(text: str, schema: dict[str, Any], process_data: dict[str, Any]) -> Any:
    """The JSON in the answer. Raises NodeFailed when there is none, or what the schema requires is not in it."""
    bare = text.rpartition("</think>")[2].strip()
    if bare.startswith("```"):
        bare = bare.partition("\n")[2].rpartition("```")[0]
    begin = min((at for at in (bare.find("{"), bare.find("[")) if at >= 0), default=-1)
    try:
        found, _ = json.JSONDecoder(strict=False).raw_decode(bare, max(begin, 0))
    except json.JSONDecodeError as error:
        raise NodeFailed("The model did not answer with JSON.", process_data=process_data) from error
    required = schema.get("required") or ()
    missing = [name for name in required if not isinstance(found, dict) or name not in found]
    if missing:
        raise NodeFailed(f"The model's JSON lacks {', '.join(missing)}.", process_data=process_data)
    return found


def _closable(deltas: Any) -> AsyncGenerator[Any]:
    """A server's stream that is no generator cannot be closed early; as one it can."""
    return deltas if isinstance(deltas, AsyncGenerator) else _as_generator(deltas)


async def _as_generator(deltas: Any) -> AsyncGenerator[Any]:
    async for delta in deltas:
        yield delta


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
