"""LLM: chat with a language model, streamed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal, Protocol

import msgspec

from llmflow.ports.health import Health

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """OpenAI's chat message. `content` is text or OpenAI content parts (text, image_url ...)."""

    role: Literal["system", "user", "assistant", "tool", "developer"]
    content: str | list[dict[str, Any]] | None = None
    name: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None


class ChatRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """`model` "" means the adapter's default. `options`: further OpenAI parameters, handed on as they are."""

    messages: tuple[Message, ...]
    model: str = ""
    temperature: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    options: dict[str, Any] = msgspec.field(default_factory=dict)


class TokenUsage(msgspec.Struct, frozen=True):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class ChatDelta(msgspec.Struct, frozen=True, omit_defaults=True):
    """A piece of the answer. The last one has `finish_reason`; usage comes with it or after it, once."""

    text: str = ""
    reasoning: str = ""
    tool_calls: list[dict[str, Any]] | None = None  # OpenAI's tool call deltas
    finish_reason: FinishReason | None = None
    usage: TokenUsage | None = None


class ModelInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """`languages` None: any. `grounded` False: too small to trust with passages; its answers are checked. `tools`
    False: it calls none, and need not be offered any."""

    id: str
    context_tokens: int = 4096
    languages: tuple[str, ...] | None = None
    grounded: bool = True
    vision: bool = False
    tools: bool = True
    owned_by: str = "llmflow"


class WireAnswer(Protocol):
    """A server's own answer, still coming; it must be read to its end or closed."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case."""

    async def read(self) -> bytes:
        """The whole body. Raises OrganError when it breaks off."""

    async def piece(self) -> bytes | None:
        """What came of the body since the last piece; None at its end. Raises OrganError when it breaks off."""

    def close(self) -> None:
        """Stops the server where it still answers."""


class Wire(Protocol):
    """What an adapter offers beside `stream` when its server speaks OpenAI's protocol itself: bytes are handed on
    unparsed. `path` as behind /v1: "/chat/completions". Both raise what `Llm.stream` raises for what is no 200."""

    async def post(self, path: str, fields: Mapping[str, Any]) -> WireAnswer:
        """A JSON body of these fields; values may be msgspec.Raw. A streamed one is asked to report its usage."""

    async def send(self, path: str, body: bytes, *, media_type: str) -> WireAnswer:
        """A body as it is."""


class Llm(Protocol):
    """Talks to one model server. Closing the iterator early stops the generation."""

    async def wire(self) -> Wire | None:
        """None: its server speaks otherwise."""

    async def models(self) -> list[ModelInfo]:
        """The models it serves now, the default first."""

    def stream(self, request: ChatRequest) -> AsyncIterator[ChatDelta]:
        """The answer, piece by piece as the model makes it.

        Raises OrganError (organ_unavailable, model_failed, model_timeout), NotFound (model_unknown) and UsageError
        (context_too_long) - from the first `anext` on, not when called.
        """

    async def count_tokens(self, text: str) -> int:
        """Tokens of `text` for the default model; an upper estimate where the server cannot say."""

    async def health(self) -> Health: ...

    async def close(self) -> None: ...
