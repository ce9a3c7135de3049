"""vLLM that LLMFlow runs itself, or another managed server that speaks OpenAI's chat format."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any

import msgspec

from llmflow.errors import LLMFlowError, OrganError
from llmflow.net.client import HttpClient
from llmflow.net.direct import DirectClient
from llmflow.organs.llm.openai import OpenAILlm, estimate_tokens
from llmflow.ports.health import Health
from llmflow.ports.llm import ChatDelta, ChatRequest, ModelInfo, Wire, WireAnswer
from llmflow.ports.server import ManagedServer, ServerAddress

#: Packaged models too small to trust with passages; they read English only.
_SMALL = ("smollm2-135m-instruct", "random-llama")
_COUNT_S = 30.0


class VllmLlm:
    """`servers` finds a managed server by its recipe's name. `http` is shared and stays open. `model` and `arguments`
    are for the supervisor, which starts it with them."""

    def __init__(
        self,
        *,
        servers: Callable[[str], ManagedServer],
        http: HttpClient,
        direct: DirectClient | None = None,
        context_tokens: int = 2048,
        timeout_s: float = 120.0,
        server: str = "vllm",
        model: str = "",
        arguments: str = "",
    ) -> None:
        self._server = servers(server)
        self._http = http
        self._direct = direct
        self._context_tokens = context_tokens
        self._timeout_s = timeout_s
        self._known: tuple[ServerAddress, OpenAILlm] | None = None

    async def wire(self) -> Wire | None:
        return self if self._direct is not None else None

    async def post(self, path: str, fields: Mapping[str, Any]) -> WireAnswer:
        return await self._llm().post(path, fields)

    async def send(self, path: str, body: bytes, *, media_type: str) -> WireAnswer:
        return await self._llm().send(path, body, media_type=media_type)

    async def models(self) -> list[ModelInfo]:
        """The base model first, then its adapters."""
        return [_small(info) for info in await self._llm().models()]

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        async with aclosing(self._llm().stream(request)) as deltas:
            async for delta in deltas:
                yield delta

    async def count_tokens(self, text: str) -> int:
        """Exact, by the model's own vocabulary, where the server counts; else an upper estimate."""
        address = self._server.address()
        body = {"model": address.model, "prompt": text, "add_special_tokens": False}
        headers = {"Authorization": f"Bearer {address.api_key}"}
        try:
            answer = await self._http.request(
                "POST", f"{address.url}/tokenize", headers=headers, json=body, timeout_s=_COUNT_S
            )
            if answer.status == 200:
                return msgspec.json.decode(answer.body, type=_Counted).count
        except (OrganError, msgspec.DecodeError):
            pass
        return estimate_tokens(text)

    async def health(self) -> Health:
        told = self._server.health()
        if not told.ok:
            return told
        try:
            names = ", ".join(info.id for info in await self.models())
        except LLMFlowError as error:
            return Health(ok=False, where=told.where, version=told.version, detail=error.message, hint=error.hint)
        return Health(ok=True, where=told.where, version=told.version, detail=f"serves {names}; {told.detail}")

    async def close(self) -> None:
        """Nothing of its own to close: its supervisor ends the server."""

    def _llm(self) -> OpenAILlm:
        address = self._server.address()
        if self._known is None or self._known[0] != address:
            self._known = (
                address,
                OpenAILlm(
                    url=address.url,
                    model=address.model,
                    api_key=address.api_key,
                    context_tokens=self._context_tokens,
                    timeout_s=self._timeout_s,
                    http=self._http,
                    direct=self._direct,
                ),
            )
        return self._known[1]


class _Counted(msgspec.Struct):
    count: int


def _small(info: ModelInfo) -> ModelInfo:
    if info.id not in _SMALL:
        return info
    return msgspec.structs.replace(info, languages=("en",), grounded=False)
