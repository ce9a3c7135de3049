"""An answer of an app without a graph as Dify sends it: whole, or as events."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import msgspec
from starlette.responses import Response

from llmflow.api.routes.service import shapes
from llmflow.api.routes.service.dify import PING, answer, error_body, refused
from llmflow.api.sse import event
from llmflow.apps.chat.turns import Turn
from llmflow.apps.types import Ended, Failed, MadeFile, Replaced, TextDelta, Thought, TurnEvent, Waiting

_encode = msgspec.json.Encoder().encode


async def whole(turn: Turn, mode: str, *, with_sources: bool) -> Response:
    end = await turn.finished()
    if isinstance(end, Failed):
        return refused(end.error())
    talk = {} if mode == "completion" else {"conversation_id": turn.conversation_id}
    return answer(
        {
            "event": "message",
            "task_id": turn.id,
            "id": turn.message_id,
            "message_id": turn.message_id,
            **talk,
            "mode": mode,
            "answer": end.answer.text,
            "metadata": shapes.metadata(end.answer, end.usage, message_id=turn.message_id, with_sources=with_sources),
            "created_at": shapes.seconds(turn.created_at),
        }
    )


async def stream(turn: Turn, mode: str, *, with_sources: bool) -> AsyncGenerator[bytes]:
    """The reader may go at any time, the turn goes on."""
    base = base_of(turn, mode)
    name = b"agent_message" if mode == "agent-chat" else b"message"
    head = b'data: {"event":"%s",%s,"id":"%s","answer":' % (name, _encode(base)[1:-1], turn.message_id.encode())
    tail = b"}\n\n" if mode == "agent-chat" else b',"from_variable_selector":null}\n\n'
    yield PING
    async for batch in turn.follow():
        yield b"".join(
            head + _encode(item.text) + tail if isinstance(item, TextDelta) else other(item, turn, base, with_sources)
            for item in batch
        )


def base_of(turn: Turn, mode: str) -> dict[str, Any]:
    """What every event has; one who fills in a completion app knows of no conversation."""
    talk = {} if mode == "completion" else {"conversation_id": turn.conversation_id}
    return {
        **talk,
        "message_id": turn.message_id,
        "created_at": shapes.seconds(turn.created_at),
        "task_id": turn.id,
    }


def other(item: TurnEvent, turn: Turn, base: dict[str, Any], with_sources: bool) -> bytes:
    """An event that is not one of text; b"" for one that Dify does not have."""
    match item:
        case Ended():
            metadata = shapes.metadata(item.answer, item.usage, message_id=turn.message_id, with_sources=with_sources)
            told = {"event": "message_end", **base, "id": turn.message_id, "metadata": metadata, "files": []}
        case Failed():
            told = {"event": "error", **base, **error_body(item.code, item.message, item.status)}
        case Replaced():
            told = {"event": "message_replace", **base, "answer": item.text, "reason": "replaced"}
        case Thought():
            told = {"event": "agent_thought", **base, **_thought(item)}
        case MadeFile():
            told = {"event": "message_file", **base, "id": item.id, "type": item.type, "belongs_to": "assistant"}
            told["url"] = item.url
        case Waiting() | TextDelta():
            return b""
    return event(_encode(told))


def _thought(item: Thought) -> dict[str, Any]:
    return {
        "id": item.id,
        "position": item.position,
        "thought": item.thought,
        "observation": item.observation,
        "tool": item.tool,
        "tool_labels": item.tool_labels,
        "tool_input": item.tool_input,
        "message_files": item.files,
    }
