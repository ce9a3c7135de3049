"""Nouns of the gateway."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from llmflow.gateway.asker import Asker
from llmflow.gateway.circuit import Condition
from llmflow.gateway.routes import Route
from llmflow.ports.llm import ChatDelta, ChatRequest, Llm, ModelInfo, Wire

Operation = Literal["chat", "completions", "responses", "embeddings", "rerank", "transcription", "speech"]


#: What a model server speaks.
Protocols = Literal["openai", "anthropic", "gemini"]


@dataclass(frozen=True, slots=True)
class Deployment:
    """A model at a server. `name`: the server's name among ours. `wire` None: it is not spoken to in OpenAI's words."""

    name: str
    llm: Llm
    info: ModelInfo
    wire: Wire | None = None


@dataclass(frozen=True, slots=True)
class Leg:
    """A deployment of a route, with its share and how it does; the condition is the deployment's in every route."""

    deployment: Deployment
    condition: Condition
    model: str  # what the server is asked for; "": its default
    weight: float = 1.0
    priority: int = 0


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """One finished call. `deployment`, `model`: who answered in the end. `is_estimated`: the server did not say, or
    the caller left before it could.

    `outcome`: "ok", "cancelled" (the caller left), or the code of the error. Times in seconds; `first_s` None: no
    piece came.
    """

    operation: Operation
    deployment: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    is_estimated: bool
    outcome: str
    duration_s: float
    first_s: float | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A call before it is made. `model`: as it was asked for, with the default's name where none was named.
    `prompt_tokens`: an estimate; `max_tokens` None: the caller set no bound to the answer. `models`: those that the
    deployments behind the name have, one of which will answer unless all fail."""

    operation: Operation
    model: str
    asker: Asker
    prompt_tokens: int
    max_tokens: int | None = None
    models: tuple[str, ...] = ()


Tell = Callable[[UsageRecord], None]


class Limits(Protocol):
    """Who may call what, and how much: asked before each call, told after it."""

    async def ask(self, call: Call) -> Tell:
        """Lets the call through: what it returns is called exactly once with what was used, also when the call failed
        or its reader left; on the event loop, it must not block. Raises TooMany and Forbidden; then nothing is told.

        On the hot path: it should not wait where memory can answer."""


class Crossing(Protocol):
    """One call on its way over the border, with what is needed for the way back."""

    @property
    def request(self) -> ChatRequest:
        """What the model gets."""

    def back(self, delta: ChatDelta) -> ChatDelta | None:
        """What the caller gets of a piece of the answer; None while it must wait for the next one."""

    def rest(self) -> ChatDelta | None:
        """What still waits when the answer is over."""


class Border(Protocol):
    """Where what people say leaves for a model, and where the answer comes back, whole or on a stream: the place for
    masking personal data. It is asked once for each call, whatever deployments then try it."""

    async def cross(self, call: Call, request: ChatRequest) -> Crossing | None:
        """None: the call passes as it is."""

    async def hide(self, call: Call, texts: Sequence[str]) -> Sequence[str]:
        """As many texts, as a model may have them, of a call whose answer brings none back: to embed, to rank, to
        speak, and what helps to hear."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A model server that somebody connected, as it may be shown: whether it has a key, never the key.

    `model` "": the first one it lists. `context_tokens`: where it does not say. `is_default`: it answers requests that
    name no model.
    """

    id: str
    workspace_id: str
    name: str
    url: str
    has_key: bool
    model: str
    context_tokens: int
    is_default: bool
    created_at: int
    updated_at: int
    kind: Protocols = "openai"


@dataclass(frozen=True, slots=True)
class Address:
    """What is needed to talk to a model server. The key is kept out of its representation."""

    url: str
    api_key: str = field(default="", repr=False)
    model: str = ""
    context_tokens: int = 8192
    kind: Protocols = "openai"


@dataclass(frozen=True, slots=True)
class Tried:
    """What a model server did when it was tried: `models` as it lists them, the default first; `model` answered
    `reply`, whose first piece came after `first_ms`."""

    models: tuple[ModelInfo, ...]
    model: str
    reply: str
    first_ms: int
    total_ms: int


@dataclass(frozen=True, slots=True)
class KeptRoute:
    """A route as people see it. `is_fixed`: it stands in llmflow.yaml, and is changed there."""

    name: str
    route: Route
    is_fixed: bool


Connect = Callable[[Address], Llm]
