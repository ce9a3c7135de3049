"""Asks a model for a node: with its parameters, in one way or another; puts together what it says, finds its JSON."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from pydantic import Field, field_validator

from llmflow.errors import UsageError
from llmflow.ports.llm import ChatDelta, ChatRequest, Message, TokenUsage
from llmflow.workflow.asking.prompting import Memory, Prompt, Vision
from llmflow.workflow.asking.thinking import Split, Splitter
from llmflow.workflow.context import Context
from llmflow.workflow.data import Lenient, NodeData

#: OpenAI's parameters that models of all servers know; others of another provider's are left out.
_PARAMETERS = ("top_p", "presence_penalty", "frequency_penalty", "seed", "reasoning_effort")
_MOST_TRIES = 50  # places in a text where JSON may begin


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


class ModelData(NodeData):
    """Of a node that asks a model."""

    model: Model = Model()
    memory: Memory | None = None
    vision: Vision = Vision()

    @field_validator("model", "vision", mode="before")
    @classmethod
    def _not_set(cls, value: Any) -> Any:
        return value or {}


def request_of(model: Model, messages: Iterable[Message], **options: Any) -> ChatRequest:
    """`options`: OpenAI's parameters beside those of the model's settings."""
    given = model.completion_params
    kept = {name: given[name] for name in _PARAMETERS if given.get(name) is not None}
    stop = given.get("stop") or ()
    return ChatRequest(
        tuple(messages),
        model=model.name,
        temperature=_number(given.get("temperature")),
        max_tokens=answer_tokens(model),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        options={**kept, **options},
    )


def answer_tokens(model: Model) -> int | None:
    """The longest answer that the model's settings allow."""
    found = _number(model.completion_params.get("max_tokens"))
    return int(found) if found else None


def json_format(schema: dict[str, Any], *, strict: bool = True) -> dict[str, Any]:
    """OpenAI's response_format for answers of a JSON schema."""
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": strict}}


def _number(value: Any) -> float | None:
    try:
        return None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


@dataclass(slots=True)
class _Called:
    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


class Answer:
    """What a model says, put together as it comes. The pieces told are the text, exactly.

    `is_tagged`: what the model thinks stands in the text, between tags; else apart."""

    def __init__(self, *, is_tagged: bool = False) -> None:
        self.text = ""
        self.reasoning = ""
        self.finish_reason: str | None = None
        self._usage: TokenUsage | None = None
        self._splitter = None if is_tagged else Splitter()
        self._is_in_tag = False
        self._pieces = 0
        self._calls: list[_Called] = []
        self._started = perf_counter()
        self._first: float | None = None

    def add(self, delta: ChatDelta) -> str:
        """What may be told now."""
        self._usage = delta.usage or self._usage
        self.finish_reason = delta.finish_reason or self.finish_reason
        for call in delta.tool_calls or ():
            self._called(call)
        text, reasoning = delta.text, delta.reasoning
        if text or reasoning or delta.tool_calls:
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

    @property
    def tool_calls(self) -> list[tuple[str, str, str]]:
        """The tools that were called: (id, name, arguments), JSON as the model wrote it."""
        found = sorted(self._calls, key=lambda call: call.index)
        return [(call.id, call.name, call.arguments) for call in found]

    @property
    def calls(self) -> list[str]:
        """The arguments of the tools that were called."""
        return [arguments for _, _, arguments in self.tool_calls]

    def _called(self, delta: dict[str, Any]) -> None:
        """A piece of a call. Some servers send each call whole, and all under one index."""
        index, id = int(delta.get("index") or 0), str(delta.get("id") or "")
        said = delta.get("function") or {}
        name, part = str(said.get("name") or ""), said.get("arguments") or ""
        found = next((call for call in reversed(self._calls) if call.index == index), None)
        if found is None or (id and name and found.id and id != found.id):
            found = _Called(index)
            self._calls.append(found)
        found.id = found.id or id
        found.name = found.name or name
        found.arguments += part if isinstance(part, str) else json.dumps(part, ensure_ascii=False)

    @property
    def usage(self) -> TokenUsage:
        """A piece counts as a token where the server did not say."""
        return self._usage or TokenUsage(0, self._pieces)

    def shown_usage(self, earlier: Sequence[TokenUsage] = ()) -> dict[str, Any]:
        """As Dify counts. `earlier`: what was asked before, in vain, for the same."""
        now, first = perf_counter(), self._first
        return usage_shown([*earlier, self.usage], self._started, first or now, now)

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


def usage_shown(used: Sequence[TokenUsage], started: float, first: float, now: float) -> dict[str, Any]:
    """Tokens of several requests as Dify counts. Times as of perf_counter: of the start, the first word, the end."""
    prompt = sum(each.prompt_tokens for each in used)
    completion = sum(each.completion_tokens for each in used)
    zeros = dict.fromkeys(("prompt_unit_price", "completion_unit_price"), "0")
    units = dict.fromkeys(("prompt_price_unit", "completion_price_unit"), "0.001")
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        **zeros,
        **units,
        "prompt_price": "0",
        "completion_price": "0",
        "total_price": "0",
        "currency": "USD",
        "latency": now - started,
        "time_to_first_token": first - started,
        "time_to_generate": now - first,
    }


async def pieces(context: Context, request: ChatRequest, answer: Answer) -> AsyncGenerator[str]:
    """The text as it comes; `answer` has it whole at the end."""
    async with aclosing(_closable(context.outside.chat(request))) as deltas:
        async for delta in deltas:
            if piece := answer.add(delta):
                yield piece
    if rest := answer.end():
        yield rest


def _closable(deltas: Any) -> AsyncGenerator[ChatDelta]:
    """A server's stream that is no generator cannot be closed early; as one it can."""
    return deltas if isinstance(deltas, AsyncGenerator) else _as_generator(deltas)


async def _as_generator(deltas: Any) -> AsyncGenerator[ChatDelta]:
    async for delta in deltas:
        yield delta


@dataclass(frozen=True, slots=True)
class Found:
    """`value`: the JSON object in the answer, None where there is none; `usage` as Dify shows it, of all that was
    asked; `way`: which of the requests was answered."""

    value: dict[str, Any] | None
    answer: Answer
    usage: dict[str, Any]
    way: int


async def ask_for_object(context: Context, requests: Sequence[ChatRequest]) -> Found:
    """Asks in the first way, and in the next where the server refuses it, or where no tool was called and no JSON was
    said. Raises what the last way raises, and at once what is no refusal."""
    earlier: list[TokenUsage] = []
    for way, request in enumerate(requests):
        is_last = way == len(requests) - 1
        answer = Answer()
        try:
            async with aclosing(pieces(context, request, answer)) as told:
                async for _ in told:
                    pass
        except UsageError as error:
            if is_last or error.code != UsageError.default_code:
                raise
            continue
        objects = map(_object, [*answer.calls, answer.text])
        value = next((each for each in objects if each is not None), None)
        if value is not None or is_last or "tools" not in request.options:
            return Found(value, answer, answer.shown_usage(earlier), way)
        earlier.append(answer.usage)
    raise AssertionError("there is a way to ask")


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json_in(text, dict)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def json_in(text: str, *kinds: type) -> Any:
    """The first JSON of one of the kinds (dict, list) in what a model said, fenced or between words. Raises
    ValueError."""
    bare = text.rpartition("</think>")[2].strip()
    decoder = json.JSONDecoder(strict=False)
    begins = [at for at, character in enumerate(bare) if character in "{["]
    for begin in begins[:_MOST_TRIES]:
        try:
            found, _ = decoder.raw_decode(bare, begin)
        except json.JSONDecodeError as error:
            if bare[begin + 1 : error.pos].strip():
                raise  # JSON that breaks off: what lies in it is not what was asked for
            continue
        if isinstance(found, kinds):
            return found
    raise ValueError("There is no JSON in the text.")


def cost(usage: dict[str, Any]) -> dict[str, Any]:
    """A node's execution_metadata."""
    return {"total_tokens": usage["total_tokens"], "total_price": "0", "currency": "USD"}


def shown(model: Model, asked: Prompt, answer: Answer, usage: dict[str, Any]) -> dict[str, Any]:
    """A node's process_data: what people see of the question and its answer."""
    return {
        "model_mode": model.mode,
        "prompts": asked.shown,
        "usage": usage,
        "finish_reason": answer.finish_reason,
        "model_provider": model.provider,
        "model_name": model.name,
    }
