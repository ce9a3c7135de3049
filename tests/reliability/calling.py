"""A model that calls tools: what to call, round by round, stands in the question; then it says what they answered."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator

from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.ports.llm import ChatDelta, ChatRequest


class CallingLlm(ScriptedLlm):
    """The question is JSON: for each round, a list of [tool, arguments]."""

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        question = next(str(m.content) for m in request.messages if m.role == "user")
        rounds = json.loads(question)
        done = sum(bool(m.tool_calls) for m in request.messages)
        if done == len(rounds):
            yield ChatDelta(text=" / ".join(str(m.content) for m in request.messages if m.role == "tool"))
            yield ChatDelta(finish_reason="stop")
            return
        for index, (name, arguments) in enumerate(rounds[done]):
            function = {"name": name, "arguments": json.dumps(arguments)}
            yield ChatDelta(tool_calls=[{"index": index, "id": f"c{done}-{index}", "function": function}])
        yield ChatDelta(finish_reason="tool_calls")
