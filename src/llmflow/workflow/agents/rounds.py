"""Rounds of an agent: what the model said, which tools it called, what they answered; and the steps that tell of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from llmflow.ports.llm import TokenUsage
from llmflow.workflow.events import NodeLog
from llmflow.workflow.types import STEP, THOUGHT, TOOL


@dataclass(slots=True)
class Call:
    """A tool that a model called. `arguments` None: what it gave was no JSON object, `given` is its text. `answer`
    None: not answered yet; `error`: of a tool that failed, which is its answer too."""

    id: str
    name: str
    arguments: dict[str, Any] | None
    given: str
    answer: str | None = None
    error: str | None = None
    json: list[Any] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)

    @property
    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "arguments": self.arguments, "given": self.given}


@dataclass(slots=True)
class Round:
    """`text`: what of it is told to the reader; `thought`: what the model thinks aloud beside; `reasoning`: what a
    thinking model keeps to itself."""

    id: str
    number: int
    text: str = ""
    thought: str = ""
    reasoning: str = ""
    calls: list[Call] = field(default_factory=list)
    usage: TokenUsage = field(default_factory=TokenUsage)

    @property
    def open_calls(self) -> list[Call]:
        return [call for call in self.calls if call.answer is None]


def rounds_of(logs: Iterable[NodeLog]) -> list[Round]:
    """The rounds whose model has spoken, with what tools have answered."""
    found: dict[str, Round] = {}
    for log in logs:
        parent = log.parent_id or ""
        if log.data.get(STEP) == THOUGHT and log.status == "success":
            found[parent] = _round(parent, len(found) + 1, log.data)
        elif log.data.get(STEP) == TOOL and log.status != "start" and parent in found:
            for call in found[parent].calls:
                if call.id == log.data.get("tool_call_id"):
                    call.answer = str(log.data.get("output") or "")
                    call.error = log.error
                    call.json = list(log.data.get("json") or ())
                    call.files = list(log.data.get("files") or ())
    return list(found.values())


def _round(id: str, number: int, data: Mapping[str, Any]) -> Round:
    usage = data.get("usage") or {}
    return Round(
        id,
        number,
        text=str(data.get("output") or ""),
        thought=str(data.get("thought") or ""),
        reasoning=str(data.get("reasoning") or ""),
        calls=[
            Call(str(call["id"]), str(call["name"]), call["arguments"], str(call["given"]))
            for call in data.get("tool_calls") or ()
        ],
        usage=TokenUsage(int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)),
    )


def is_in_doubt(logs: Iterable[NodeLog]) -> bool:
    """Whether a tool was under way that must not run twice unknown."""
    begun: dict[str, NodeLog] = {}
    for log in logs:
        if log.data.get(STEP) == TOOL:
            begun[log.log_id] = log
    return any(log.status == "start" and not log.data.get("is_safe") for log in begun.values())
