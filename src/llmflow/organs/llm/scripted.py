"""A fake model that says what it is told to: for tests, demonstrations and benchmarks."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from llmflow.errors import LLMFlowError, NotFound, UsageError
from llmflow.ports.health import Health
from llmflow.ports.llm import ChatDelta, ChatRequest, FinishReason, Message, ModelInfo, TokenUsage

#: One scripted answer: a text, an error to raise, or the deltas to send (tool calls, reasoning) before the last one.
Reply = str | LLMFlowError | Sequence[ChatDelta]

_WORD = re.compile(r"\s*\S+|\s+$")


class ScriptedLlm:
    """Answers with `reply`, or else with the last user message, word by word; a token is a word.

    `replies`: what it answers in turn, before it falls back to `reply`. `requests` keeps what it was asked.
    """

    def __init__(
        self,
        *,
        reply: str = "",
        delay_ms: float = 0.0,
        context_tokens: int = 8192,
        vision: bool = False,
        model: str = "scripted",
        replies: Sequence[Reply] = (),
    ) -> None:
        self._reply = reply
        self._delay_s = delay_ms / 1000
        self._info = ModelInfo(id=model, context_tokens=context_tokens, vision=vision)
        self._replies = list(replies)
        self.requests: list[ChatRequest] = []

    async def wire(self) -> None:
        return None

    async def models(self) -> list[ModelInfo]:
        return [self._info]

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        if request.model not in ("", self._info.id):
            raise NotFound(f"There is no model '{request.model}' here, only '{self._info.id}'.", code="model_unknown")
        if not request.messages:
            raise UsageError("The request has no messages.", param="messages")
        self.requests.append(request)
        prompt = sum(_count(_text(message)) for message in request.messages)
        if prompt > self._info.context_tokens:
            message = f"The messages have {prompt} tokens, but {self._info.id} reads {self._info.context_tokens}."
            raise UsageError(message, code="context_too_long", param="messages")
        reply = self._replies.pop(0) if self._replies else self._reply or _last_user_text(request)
        if isinstance(reply, LLMFlowError):
            raise reply
        deltas = _words(reply, request) if isinstance(reply, str) else list(reply)
        reason = next((delta.finish_reason for delta in deltas if delta.finish_reason), None)
        for delta in deltas:
            await asyncio.sleep(self._delay_s)
            if not delta.finish_reason:
                yield delta
        reason = reason or ("tool_calls" if any(delta.tool_calls for delta in deltas) else "stop")
        spoken = sum(1 for delta in deltas if not delta.finish_reason)
        yield ChatDelta(finish_reason=reason, usage=TokenUsage(prompt, spoken))

    async def count_tokens(self, text: str) -> int:
        return _count(text)

    async def health(self) -> Health:
        return Health(ok=True, where="this process", detail="a fake: it repeats what it is given")

    async def close(self) -> None:
        """Nothing to close."""


def _words(reply: str, request: ChatRequest) -> list[ChatDelta]:
    """The reply's words as deltas, cut at `stop` and `max_tokens` as a model would."""
    ends = [at for stop in request.stop if (at := reply.find(stop)) >= 0]
    words = _WORD.findall(reply[: min(ends)] if ends else reply)
    kept = words if request.max_tokens is None else words[: request.max_tokens]
    reason: FinishReason = "length" if len(kept) < len(words) else "stop"
    return [*(ChatDelta(text=word) for word in kept), ChatDelta(finish_reason=reason)]


def _count(text: str) -> int:
    return len(text.split())


def _last_user_text(request: ChatRequest) -> str:
    return next((_text(message) for message in reversed(request.messages) if message.role == "user"), "")


def _text(message: Message) -> str:
    if isinstance(message.content, list):
        parts: list[dict[str, Any]] = message.content
        return " ".join(str(part.get("text") or "") for part in parts)
    return message.content or ""
