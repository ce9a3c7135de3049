"""The events of an answer, which the console and public pages tell: one JSON object each, with an `event`.

- `begin` {task_id, conversation_id, message_id}: the question is kept
- `waiting` {ready, total}: the app's documents are still being read; the answer begins when they are
- `step` {id, position, thought, tool, tool_labels, tool_input, observation, files, created_at}: what an agent does; one
  of an `id` that was there takes its place
- `delta` {text}: more of the answer; `replace` {text}: this instead of the answer so far
- `end` {message_id, conversation_id, task_id, kind, hint, model, stopped, paused, citations}: the answer is stored
- `error` {error}: the error shape of every console answer
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, Protocol, assert_never

import msgspec

from llmflow.api import sse
from llmflow.apps.chat.turns import Turn
from llmflow.apps.types import (
    ChatMessage,
    Citation,
    Ended,
    Failed,
    MadeFile,
    Replaced,
    TextDelta,
    Thought,
    Waiting,
)
from llmflow.errors import LLMFlowError


class Reader(Protocol):
    """Who reads an answer, and how much of it that shows."""

    @property
    def sees_all(self) -> bool:
        """Also an agent's steps, the model and its hint."""

    def citations(self, found: Sequence[Citation]) -> Any:
        """As this reader sees them."""

    def failed(self, error: LLMFlowError) -> dict[str, Any]:
        """The body of the error that an answer just ended with."""

    def kept_failure(self, message: ChatMessage) -> dict[str, Any] | None:
        """The body of the error that a kept answer ended with; None when it did not fail."""


async def answer_events(find: Callable[[], Awaitable[Turn | ChatMessage]], reader: Reader) -> AsyncGenerator[bytes]:
    """Those of what is found, from its start: as it is written, or, when it is over, what it came to."""
    found = await find()
    async with aclosing(turn_events(found, reader) if isinstance(found, Turn) else _of_kept(found, reader)) as events:
        async for event in events:
            yield event


async def turn_events(turn: Turn, reader: Reader) -> AsyncGenerator[bytes]:
    place = {"task_id": turn.id, "conversation_id": turn.conversation_id, "message_id": turn.message_id}
    yield _event("begin", **place)
    async for batch in turn.follow():
        for event in batch:
            match event:
                case Waiting(ready, total):
                    yield _event("waiting", ready=ready, total=total)
                case TextDelta(text):
                    yield _event("delta", text=text)
                case Replaced(text):
                    yield _event("replace", text=text)
                case Thought():
                    if reader.sees_all:
                        yield _event("step", **msgspec.to_builtins(event))
                case MadeFile():
                    pass  # the steps name it
                case Ended(answer):
                    told = _told(reader, answer.kind, answer.model, answer.hint)
                    ways = {"stopped": event.stopped, "paused": event.paused}
                    yield _event("end", **place, **told, **ways, citations=reader.citations(answer.citations))
                case Failed():
                    yield _event("error", **reader.failed(event.error()))
                case _:
                    assert_never(event)


async def _of_kept(message: ChatMessage, reader: Reader) -> AsyncGenerator[bytes]:
    place = {"task_id": "", "conversation_id": message.conversation_id, "message_id": message.id}
    yield _event("begin", **place)
    for thought in message.thoughts if reader.sees_all else ():
        yield _event("step", **msgspec.to_builtins(thought))
    if message.answer:
        yield _event("delta", text=message.answer)
    if error := reader.kept_failure(message):
        yield _event("error", **error)
        return
    told = _told(reader, message.kind, message.model, "")
    ways = {"stopped": message.status == "stopped", "paused": message.status == "paused"}
    yield _event("end", **place, **told, **ways, citations=reader.citations(message.citations))


def _told(reader: Reader, kind: str, model: str, hint: str) -> dict[str, str]:
    return {"kind": kind, "hint": hint if reader.sees_all else "", "model": model if reader.sees_all else ""}


def cut_off() -> LLMFlowError:
    """Of a kept answer that is still under way: its process died, and this one could not go on with it."""
    return LLMFlowError("The answer was cut off.", code="interrupted")


def _event(event: str, **fields: Any) -> bytes:
    return sse.event(msgspec.json.encode({"event": event, **fields}))
