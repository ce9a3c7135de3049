"""agent, version 1: a model uses tools until it has the answer."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from pydantic import Field, field_validator

from llmflow.errors import NodeFailed, UnsupportedNode
from llmflow.ports.llm import Message
from llmflow.workflow.agents import rounds
from llmflow.workflow.agents.agent import Agent
from llmflow.workflow.agents.offer import offered, settings_of
from llmflow.workflow.agents.ways import Calling, Schema, Talk, Way
from llmflow.workflow.asking.answer import Model, answer_tokens, cost
from llmflow.workflow.asking.prompting import Memory, Prompt, Vision, history, see
from llmflow.workflow.asking.room import fitting
from llmflow.workflow.context import Context
from llmflow.workflow.data import Lenient, NodeData
from llmflow.workflow.kind import Kind
from llmflow.workflow.templates.template import selectors
from llmflow.workflow.types import Log, Outcome, Piece, Selector, Words
from llmflow.workflow.variables import text_of

_ROUNDS, _MOST_ROUNDS = 5, 99
#: Dify's strategies that are the same everywhere; a plugin may bring others, which only it knows.
STRATEGIES = {
    "": "calling",
    "function_calling": "calling",
    "functioncalling": "calling",
    "function_call": "calling",
    "react": "schema",
    "cot": "schema",
}


class AgentParameter(Lenient):
    """`type`: variable, where the value is a selector; mixed, a template; constant."""

    type: str = "constant"
    value: Any = None


class AgentData(NodeData):
    agent_strategy_provider_name: str | None = ""
    agent_strategy_name: str = ""
    agent_strategy_label: str | None = ""
    agent_parameters: dict[str, AgentParameter] = Field(default_factory=dict)
    memory: Memory | None = None
    vision: Vision = Vision()

    @field_validator("agent_strategy_name", mode="before")
    @classmethod
    def _no_name(cls, value: Any) -> Any:
        return value or ""

    @field_validator("agent_parameters", "vision", mode="before")
    @classmethod
    def _nothing(cls, value: Any) -> Any:
        return value or {}

    @property
    def strategy(self) -> str | None:
        """calling or schema; None: one that nobody here knows."""
        return STRATEGIES.get(self.agent_strategy_name.strip().lower().replace(" ", "_"))

    def value(self, name: str, context: Context) -> Any:
        """A parameter as the run has it; None where there is none."""
        found = self.agent_parameters.get(name)
        if found is None:
            return None
        if found.type == "variable" and isinstance(found.value, list):
            return context.get([str(part) for part in found.value])
        return context.fill(found.value) if isinstance(found.value, str) else found.value


async def run(data: AgentData, context: Context) -> AsyncGenerator[Piece | Log | Outcome]:
    if data.strategy is None:
        named = data.agent_strategy_name[:80]
        raise UnsupportedNode(f"The agent's strategy `{named}` belongs to a plugin that is not here.")
    model = _model(data.value("model", context))
    info = await context.outside.model(model.name)
    tools = await offered(context.outside.tools, settings_of(data.value("tools", context)))
    query = text_of(data.value("query", context))
    asked = Prompt([], {"query": query})
    instruction = text_of(data.value("instruction", context))
    question = await see_question(query, data.vision, context, asked)
    before = await history(context, data.memory) if data.memory else ()
    beside = [Message(role="system", content=instruction), Message(role="user", content=question)]
    talk = Talk(instruction, question, await fitting(context, model.name, answer_tokens(model), beside, before))
    ways: list[Way] = [Calling(), Schema()] if data.strategy == "calling" and info.tools else [Schema()]
    agent = Agent(
        context,
        model=model,
        model_name=info.id,
        ways=ways,
        tools=tools,
        talk=talk,
        most_rounds=_most_rounds(data.value("maximum_iterations", context)),
    )
    async with aclosing(agent.go()) as told:
        async for item in told:
            yield item
    usage = agent.usage
    yield Outcome(
        {"text": agent.text, "files": agent.files, "json": agent.json, "usage": usage},
        inputs={**asked.inputs, "instruction": talk.instruction, "tools": [tool.name for tool in tools]},
        process_data={
            "usage": usage,
            "rounds": agent.rounds,
            "model_provider": model.provider,
            "model_name": info.id,
        },
        metadata=cost(usage),
    )


async def see_question(query: str, vision: Vision, context: Context, asked: Prompt) -> Any:
    """The question, with its pictures where the agent looks at them."""
    if not query.strip():
        raise NodeFailed("The agent has no question.", code="node_input_invalid")
    asked.ask(query)
    if vision.enabled:
        await see(asked, vision, context)
    return asked.messages[-1].content


def _model(value: Any) -> Model:
    if isinstance(value, str) and value.strip():
        try:
            value = json.loads(value)
        except json.JSONDecodeError as error:
            raise NodeFailed("The agent's model cannot be read.", code="node_invalid") from error
    if not isinstance(value, dict):
        return Model()
    return Model.model_validate({**value, "name": value.get("name") or value.get("model") or ""})


def _most_rounds(value: Any) -> int:
    try:
        return min(max(int(value), 1), _MOST_ROUNDS)
    except (TypeError, ValueError):
        return _ROUNDS


def _reads(data: AgentData) -> list[Selector]:
    found: list[Selector] = []
    for parameter in data.agent_parameters.values():
        if parameter.type == "variable" and isinstance(parameter.value, list):
            found.append([str(part) for part in parameter.value])
        elif isinstance(parameter.value, str):
            found += selectors(parameter.value)
    return [*found, data.vision.configs.variable_selector] if data.vision.enabled else found


KIND = Kind(
    type="agent",
    data=AgentData,
    run=run,
    doubtful=lambda _, logs: rounds.is_in_doubt(logs),
    reads=_reads,
    outputs={"text": "string", "files": "array[file]", "json": "array[object]", "usage": "object"},
    words=Words("Agent", "에이전트", "A model uses tools.", "모델이 도구를 써 가며 답을 찾습니다."),
    fields={
        "agent_strategy_name": Words(
            "Strategy", "전략", "function_calling or ReAct.", "function_calling 또는 ReAct입니다."
        ),
        "agent_parameters": Words(
            "Settings", "설정", "Model, tools, instruction, question.", "모델, 도구, 지시, 질문입니다."
        ),
        "memory": Words("Memory", "대화 기억", "Earlier turns.", "앞선 대화를 함께 보냅니다."),
        "vision": Words("Vision", "이미지 보기", "Images for the model.", "이미지를 모델에 보여 줍니다."),
    },
)
