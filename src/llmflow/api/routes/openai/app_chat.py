"""A chat app as an OpenAI model, `app/<name>`: the last user message is the question, earlier ones are its history.

The message (streamed: the last chunk) has `citations` and `llmflow` ({kind, hint, model}) beside OpenAI's fields. The
question and its answer are kept as a conversation of the end user that the request's `user` names.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from llmflow.access.types import Caller
from llmflow.api.routes.openai import wire
from llmflow.api.sse import EventStream, until_gone
from llmflow.apps.answers.prompt import Earlier
from llmflow.apps.chat.ask import Ask
from llmflow.apps.chat.turns import Turn
from llmflow.apps.types import Answer, Ended, EndUser, Failed, TextDelta
from llmflow.errors import NotFound, UsageError
from llmflow.gateway.asked import Asked, chat_of
from llmflow.gateway.chunks import DONE, Head, tail
from llmflow.ports.llm import Message, TokenUsage
from llmflow.wiring import Platform

PREFIX = "app/"
_USER = "openai-api"  # where the request names nobody


async def complete_by_app(request: Request, platform: Platform, caller: Caller, asked: Asked) -> Response:
    """Raises NotFound (model_unknown) and UsageError; a reader that goes stops the answer."""
    name = asked.model.removeprefix(PREFIX)
    try:
        app = await platform.apps.catalogue.get(caller.workspace_id, name)
    except NotFound as error:
        raise NotFound(error.message, code="model_unknown", param="model") from error
    query, history = _conversation(chat_of(asked.fields).messages)
    user = await platform.apps.conversations.user(caller.workspace_id, app.id, asked.user or _USER)
    turn = await platform.apps.chat.ask(app, user, Ask(query, history=history, source="openai-api"))
    head = Head(f"chatcmpl-{turn.message_id}", turn.created_at // 1000, asked.model)
    if asked.stream:
        return EventStream(_stream(request, platform, user, turn, head, asked))
    return wire.answer(await until_gone(request, _whole(platform, user, turn, head)))


def _conversation(messages: Sequence[Message]) -> tuple[str, list[Earlier]]:
    """The last user message, and the pairs of question and answer before it. Raises UsageError."""
    if messages[-1].role != "user":
        raise UsageError("The last message to an app must be the user's.", param="messages")
    earlier: list[Earlier] = []
    asked = ""
    for message in messages[:-1]:
        if message.role == "user":
            asked = _text(message)
        elif message.role == "assistant" and asked:
            earlier.append(Earlier(asked, _text(message)))
            asked = ""
    return _text(messages[-1]), earlier


def _text(message: Message) -> str:
    if isinstance(message.content, list):
        return "\n".join(str(part.get("text") or "") for part in message.content if part.get("type") == "text")
    return message.content or ""


async def _stream(
    request: Request, platform: Platform, user: EndUser, turn: Turn, head: Head, asked: Asked
) -> AsyncGenerator[bytes]:
    start, end = head.chunk(), tail(None, with_usage=asked.include_usage)
    try:
        yield start + b'{"role":"assistant","content":""}' + end
        async for batch in turn.follow():
            for event in batch:
                if isinstance(event, TextDelta):
                    yield start + b'{"content":' + wire.encode(event.text) + b"}" + end
                elif isinstance(event, Ended):
                    yield start + b"{}" + tail("stop", with_usage=asked.include_usage, **_extra(event.answer))
                    if asked.include_usage:
                        yield head.usage_chunk(_tokens(event.answer))
                    yield DONE
                elif isinstance(event, Failed):
                    yield b"data: " + wire.encode(wire.error_body(event.error(), request)) + b"\n\n"
    finally:
        _stop(platform, user, turn)


async def _whole(platform: Platform, user: EndUser, turn: Turn, head: Head) -> dict[str, Any]:
    try:
        end = await turn.finished()
    finally:
        _stop(platform, user, turn)
    if isinstance(end, Failed):
        raise end.error()
    message = {"role": "assistant", "content": end.answer.text, "refusal": None, **_extra(end.answer)}
    return head.whole(message, "stop", _tokens(end.answer))


def _stop(platform: Platform, user: EndUser, turn: Turn) -> None:
    """Ends the turn if its reader went before it was over."""
    if turn.last is None:
        platform.apps.chat.stop(turn.id, user)


def _extra(answer: Answer) -> dict[str, Any]:
    kind = {"kind": answer.kind, "hint": answer.hint, "model": answer.model}
    return {"citations": answer.citations, "llmflow": kind}


def _tokens(answer: Answer) -> TokenUsage:
    return TokenUsage(answer.prompt_tokens, answer.completion_tokens)
