"""A provider whose protocol is its own: all that does not depend on which."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, ClassVar, Protocol, TypeVar

import msgspec
from yarl import URL

from llmflow.errors import LLMFlowError, OrganError, UsageError
from llmflow.net.client import HttpClient
from llmflow.organs.llm.exchange import Refused
from llmflow.organs.llm.openai import estimate_tokens
from llmflow.organs.llm.refusals import refusal
from llmflow.organs.llm.sse import cleaned, events
from llmflow.organs.llm.wire import error_text
from llmflow.ports.health import Health
from llmflow.ports.llm import ChatDelta, ChatRequest, ModelInfo

_LOOK_S = 10.0
_SHOWN_MODELS = 8
T = TypeVar("T")


class Answering(Protocol):
    """One answer being put together from its events."""

    def take(self, data: bytes) -> list[ChatDelta]:
        """The deltas in one event's data. Raises OrganError (model_failed) for an error event and for garbage."""

    def end(self) -> ChatDelta:
        """The last delta. Raises OrganError (model_failed) when the end is missing."""


class ProviderLlm(ABC):
    """`url`: the address that paths are put behind. `model` "": the first one it lists. `http` is shared and stays
    open. The key is in no message, whatever the server answers."""

    #: What the protocol puts before a model's name, and people do or do not.
    prefix: ClassVar[str] = ""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        http: HttpClient,
        model: str,
        api_key: str,
        context_tokens: int,
        timeout_s: float,
    ) -> None:
        self._url, self._headers, self._http = url, headers, http
        self._model, self._key = model.removeprefix(self.prefix), api_key
        self._context_tokens, self._timeout_s = context_tokens, timeout_s
        self._first = ""

    async def wire(self) -> None:
        """It speaks otherwise."""
        return

    @abstractmethod
    async def models(self) -> list[ModelInfo]:
        """As the port says."""

    @abstractmethod
    def asked(self, request: ChatRequest, model: str) -> tuple[str, dict[str, Any]]:
        """The path and the body of a streamed answer. Raises UsageError for what the protocol has no words for."""

    @abstractmethod
    def answering(self) -> Answering:
        """For one answer's events."""

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        if not request.messages:
            raise UsageError("The request has no messages.", param="messages")
        model = request.model.removeprefix(self.prefix) or await self._default()
        path, body = self.asked(request, model)
        answer = self.answering()
        try:
            async with aclosing(
                events(self._http, self._url + path, headers=self._headers, body=body, timeout_s=self._timeout_s)
            ) as data:
                async for one in data:
                    for delta in answer.take(one):
                        yield delta
            yield answer.end()
        except Refused as refused:
            got = refused.response
            raise self._refused(got.status, got.body, got.headers, model) from refused
        except LLMFlowError as error:
            raise cleaned(error, self._key) from error

    async def count_tokens(self, text: str) -> int:
        """An upper estimate."""
        return estimate_tokens(text)

    async def health(self) -> Health:
        try:
            names = [info.id for info in await self.models()]
        except LLMFlowError as error:
            return Health(ok=False, where=self._shown(), detail=error.message, hint=error.hint)
        shown = ", ".join(names[:_SHOWN_MODELS]) or "no model"
        return Health(ok=bool(names), where=self._shown(), detail=f"serves {shown}")

    async def close(self) -> None:
        """Nothing of its own to close."""
        return

    async def _listed(self, path: str, kind: type[T], *, missing: T | None = None) -> T:
        """The provider's list of models; `missing` where it has no such path."""
        try:
            response = await self._http.request("GET", self._url + path, headers=self._headers, timeout_s=_LOOK_S)
            if response.status == 404 and missing is not None:
                return missing
            if response.status != 200:
                raise self._refused(response.status, response.body, response.headers, self._model)
            return msgspec.json.decode(response.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            message = f"{self._shown()}/models answered something that is no list of models."
            raise OrganError(message, code="model_address_wrong") from error
        except LLMFlowError as error:
            raise cleaned(error, self._key) from error

    async def _default(self) -> str:
        if not (self._model or self._first):
            models = await self.models()
            if not models:
                raise OrganError(f"{self._shown()} serves no model.", code="model_missing")
            self._first = models[0].id
        return self._model or self._first

    def _refused(self, status: int, body: bytes, headers: Mapping[str, str], model: str) -> LLMFlowError:
        text = error_text(body).replace(self._key or "\0", "***")
        return refusal(status, text, headers, shown=self._shown(), has_key=bool(self._key), model=model)

    def _shown(self) -> str:
        return str(URL(self._url).with_user(None).with_query(None))
