"""What nodes of a test may reach: a scripted model, an echo for HTTP, passages. Deterministic, whoever comes first."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from llmflow.errors import LLMFlowError, NodeFailed
from llmflow.net.messages import HttpAnswer, HttpRequest
from llmflow.ports.llm import ChatDelta, ChatRequest, Message, TokenUsage
from llmflow.ports.sandbox import Code, Ran
from llmflow.tools.kit import Kit
from llmflow.tools.types import Scope
from llmflow.workflow.context import Outside, Retrieved, Search


def said(prompt: str) -> str:
    """What the echoing model answers."""
    return f"[{prompt}]"


async def echo(request: ChatRequest) -> AsyncGenerator[ChatDelta]:
    """Answers with the last message between brackets, two characters at a time, after a wait of its own."""
    content = request.messages[-1].content
    answer = said(content if isinstance(content, str) else str(content))
    for _ in range(zlib.crc32(answer.encode()) % 5):
        await asyncio.sleep(0)
    for at in range(0, len(answer), 2):
        yield ChatDelta(text=answer[at : at + 2])
        await asyncio.sleep(0)
    yield ChatDelta(finish_reason="stop", usage=TokenUsage(len(answer), 1))


async def http(request: HttpRequest) -> HttpAnswer:
    """Answers with the body it was sent; an address with "fail" in it does not answer."""
    await asyncio.sleep(0)
    if "fail" in request.url:
        raise NodeFailed("It is down.", code="http_failed")
    return HttpAnswer(200, {"content-type": "text/plain; charset=utf-8"}, request.body or b"", request.url)


async def search(search: Search) -> Retrieved:
    content = f"{search.query}에 대한 구절"
    return Retrieved([{"title": "규정", "content": content, "metadata": {"score": 0.9}, "files": []}])


def remembering(*turns: Message) -> Any:
    async def history(count: int | None) -> Sequence[Message]:
        return turns if count is None else turns[-2 * count :]

    return history


async def code(code: Code) -> Ran:
    """Runs nothing: what code would give back, nobody can invent."""
    raise NodeFailed("NameError: a fake runs no code.", code="code_failed")


FAKES = Outside(chat=echo, http=http, search=search, code=code, tools=Kit(scope=Scope(http=http)))


class Model:
    """Answers with what it is given, and keeps what it was asked."""

    def __init__(self, *deltas: ChatDelta | str) -> None:
        self.deltas = [ChatDelta(text=each) if isinstance(each, str) else each for each in deltas]
        self.asked: list[ChatRequest] = []

    async def __call__(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        self.asked.append(request)
        for delta in self.deltas:
            yield delta
        yield ChatDelta(finish_reason="stop", usage=TokenUsage(7, 5))


def messages(request: ChatRequest) -> list[tuple[str, Any]]:
    return [(message.role, message.content) for message in request.messages]


class Replies(Model):
    """Answers each time with the next of these: a text, an error, or the deltas to send."""

    def __init__(self, *replies: str | LLMFlowError | list[ChatDelta]) -> None:
        super().__init__()
        self._replies = list(replies)

    async def __call__(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        reply = self._replies.pop(0)
        if isinstance(reply, LLMFlowError):
            self.asked.append(request)
            raise reply
        self.deltas = [ChatDelta(text=reply)] if isinstance(reply, str) else reply
        async for delta in super().__call__(request):
            yield delta
