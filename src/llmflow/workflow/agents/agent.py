"""The loop: the model speaks, its tools answer, until it speaks without calling any."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from time import perf_counter
from typing import Any

from llmflow.errors import LLMFlowError, NodeFailed, UsageError
from llmflow.ports.llm import ChatRequest
from llmflow.store.ids import new_id
from llmflow.tools.types import ToolAnswer
from llmflow.workflow.agents.offer import Offered
from llmflow.workflow.agents.rounds import Call, Round, rounds_of
from llmflow.workflow.agents.ways import Talk, Way, shortened
from llmflow.workflow.asking.answer import Answer, Model, pieces, usage_shown
from llmflow.workflow.context import Context
from llmflow.workflow.types import ROUND, STEP, THOUGHT, TOOL, Log, Piece

#: Characters of a tool's answer that the model is told; the next where its context is too short for that.
_TOLD = (30_000, 6_000, 1_500)
_BETWEEN = "\n\n"  # what is told of two rounds


class Agent:
    """To be used once: `go`. `ways`: in which to speak, the next one where the server refuses. `most_rounds`: of these
    the last must do without tools. `text`: what was told, in the end the whole answer."""

    def __init__(
        self,
        context: Context,
        *,
        model: Model,
        model_name: str,
        ways: Sequence[Way],
        tools: Sequence[Offered],
        talk: Talk,
        most_rounds: int,
    ) -> None:
        self.text = ""
        self._context = context
        self._model = model
        self._model_name = model_name
        self._ways = ways
        self._tools = {tool.name: tool for tool in tools}
        self._talk = talk
        self._most_rounds = most_rounds
        self._rounds: list[Round] = []
        self._refused = 0  # requests that the server refused: they are not tried again
        self._speaker: Round | None = None
        self._started = perf_counter()
        self._first: float | None = None

    @property
    def rounds(self) -> int:
        return len(self._rounds)

    @property
    def files(self) -> list[dict[str, Any]]:
        return [file for call in self._calls() for file in call.files]

    @property
    def json(self) -> list[Any]:
        return [value for call in self._calls() for value in call.json]

    @property
    def usage(self) -> dict[str, Any]:
        """Of all rounds, as Dify counts."""
        now = perf_counter()
        return usage_shown([round.usage for round in self._rounds], self._started, self._first or now, now)

    def _calls(self) -> Iterator[Call]:
        return (call for round in self._rounds for call in round.calls)

    async def go(self) -> AsyncGenerator[Piece | Log]:
        """To the answer; from where it was, if the context has steps of before. Raises what the model raises, and
        NodeFailed (agent_silent)."""
        self._rounds = rounds_of(self._context.logs)
        for told in self._rounds:
            if told.text:
                yield self._piece(told, told.text)
        while not self._rounds or self._rounds[-1].calls:
            if self._rounds:
                last = self._rounds[-1]
                async with aclosing(self._use_tools(last)) as steps:
                    async for step in steps:
                        yield step
                yield self._of_round(last, "success")
            async with aclosing(self._speak()) as said:
                async for item in said:
                    yield item
        if not self.text.strip():
            raise NodeFailed("The agent came to no answer.", code="agent_silent")

    # the model

    async def _speak(self) -> AsyncGenerator[Piece | Log]:
        round = Round(new_id(), len(self._rounds) + 1)
        tools = list(self._tools.values()) if round.number < self._most_rounds else []
        thought = Log(new_id(), f"{self._model_name} Thought", {STEP: THOUGHT}, "start", round.id)
        began = time.time()
        yield self._of_round(round, "start")
        yield thought
        async with aclosing(self._said(round, tools)) as told:
            async for piece in told:
                yield piece
        self._rounds.append(round)
        yield replace(thought, status="success", data=_data_of(round), metadata=self._took(began, round))
        if not round.calls:
            yield self._of_round(round, "success")

    async def _said(self, round: Round, tools: Sequence[Offered]) -> AsyncGenerator[Piece]:
        """What the model says, with less of what was before where that is too long for it."""
        for most in _TOLD:
            try:
                async with aclosing(self._asked(round, tools, most)) as told:
                    async for piece in told:
                        yield piece
                return
            except UsageError as error:
                if error.code != "context_too_long" or most == _TOLD[-1] or self._speaker is round:
                    raise

    async def _asked(self, round: Round, tools: Sequence[Offered], most: int) -> AsyncGenerator[Piece]:
        talk = self._talk if most > _TOLD[-1] else replace(self._talk, history=())
        requests: list[tuple[Way, ChatRequest]] = [
            (way, request)
            for way in self._ways
            for request in way.requests(self._model, talk, self._rounds, tools, most)
        ]
        for position, (way, request) in enumerate(requests[self._refused :], self._refused + 1):
            answer = Answer()
            try:
                async with aclosing(pieces(self._context, request, answer)) as told:
                    async for piece in told:
                        if way.streams:
                            yield self._piece(round, piece)
            except UsageError as error:
                if error.code != UsageError.default_code or position == len(requests) or self._speaker is round:
                    raise
                self._refused = position
                continue
            said = way.read(answer)
            if said.text and not way.streams:
                yield self._piece(round, said.text)
            round.text, round.thought, round.reasoning = said.text, said.thought, answer.reasoning
            round.calls = _with_own_ids(said.calls) if tools else []
            round.usage = answer.usage
            return

    def _piece(self, round: Round, text: str) -> Piece:
        """More of the answer; what rounds say is set apart."""
        self._first = self._first or perf_counter()
        if self.text and self._speaker is not round:
            text = _BETWEEN + text
        self._speaker = round
        self.text += text
        return Piece(text)

    # its tools

    async def _use_tools(self, round: Round) -> AsyncGenerator[Log]:
        """Calls those that have not answered, all at once."""
        begun = {call.id: (self._of_call(round, call), time.time()) for call in round.open_calls}
        for log, _ in begun.values():
            yield log
        if not all(log.data["is_safe"] for log, _ in begun.values()):
            await self._context.flush()  # that they run is known before they do
        tasks = {asyncio.create_task(self._use(call)): call for call in round.open_calls}
        try:
            while tasks:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    call = tasks.pop(task)
                    task.result()
                    log, began = begun[call.id]
                    data = {**log.data, "output": call.answer, "json": call.json, "files": call.files}
                    ended = replace(log, data=data, error=call.error, metadata=self._took(began))
                    yield replace(ended, status="error" if call.error else "success")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _use(self, call: Call) -> None:
        """A tool that fails has answered, too: the model is told what is wrong."""
        tool = self._tools.get(call.name)
        seconds = self._context.limits.tool_seconds
        if tool is None:
            call.error = f"There is no tool {call.name!r}. There are: {', '.join(self._tools)}."
        elif call.arguments is None:
            call.error = f"The arguments are no JSON object: {call.given[:200]}"
        else:
            try:
                async with asyncio.timeout(seconds):
                    answer = await tool.call(call.arguments)
            except TimeoutError:
                call.error = f"The tool did not answer within {seconds:g} seconds."
            except LLMFlowError as error:
                call.error = error.message
            else:
                call.answer = shortened(_told(answer), _TOLD[0])
                call.json, call.files = list(answer.json), [dict(file) for file in answer.files]
        if call.error is not None:
            call.answer = f"Error: {call.error}"

    # steps

    def _of_round(self, round: Round, status: Any) -> Log:
        data: dict[str, Any] = {STEP: ROUND}
        if status != "start":
            answers = [{"tool_call_name": c.name, "tool_response": c.answer} for c in round.calls]
            data["output"] = {"llm_response": round.text.strip(), "tool_responses": answers}
        return Log(round.id, f"ROUND {round.number}", data, status)

    def _of_call(self, round: Round, call: Call) -> Log:
        tool = self._tools.get(call.name)
        data = {
            STEP: TOOL,
            "tool_name": call.name,
            "tool_label": tool.label if tool else call.name,
            "tool_call_id": call.id,
            "tool_call_args": call.arguments,
            "is_safe": tool is None or tool.ready.spec.is_safe,
        }
        id = str(uuid.uuid5(uuid.UUID(round.id), call.id))  # the same when it is called again
        return Log(id, f"CALL {call.name}", data, "start", round.id)

    def _took(self, began: float, round: Round | None = None) -> dict[str, Any]:
        now = time.time()
        found: dict[str, Any] = {"started_at": began, "finished_at": now, "elapsed_time": now - began}
        if round is not None:
            used = round.usage
            found |= {"provider": self._model.provider, "currency": "USD", "total_price": "0"}
            found["total_tokens"] = used.prompt_tokens + used.completion_tokens
        return found


def _data_of(round: Round) -> dict[str, Any]:
    """All that `rounds_of` needs."""
    return {
        STEP: THOUGHT,
        "output": round.text,
        "thought": round.thought,
        "reasoning": round.reasoning,
        "tool_calls": [call.as_json for call in round.calls],
        "usage": {
            "prompt_tokens": round.usage.prompt_tokens,
            "completion_tokens": round.usage.completion_tokens,
        },
    }


def _with_own_ids(calls: Sequence[Call]) -> list[Call]:
    """Some servers give every call the same id."""
    taken: set[str] = set()
    for call in calls:
        if call.id in taken:
            call.id = new_id()
        taken.add(call.id)
    return list(calls)


def _told(answer: ToolAnswer) -> str:
    """A tool's answer as text."""
    text = answer.text
    if not text and answer.json:
        values = answer.json[0] if len(answer.json) == 1 else list(answer.json)
        text = json.dumps(values, ensure_ascii=False)
    if answer.files:
        names = ", ".join(str(file.get("filename") or file.get("url") or "a file") for file in answer.files)
        text = f"{text}\n(Files were made and are shown to the user: {names})".strip()
    return text or "(The tool answered nothing.)"
