"""Infinity that LLMFlow runs itself, or another managed server with OpenAI's /embeddings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmflow.net.client import HttpClient
from llmflow.organs.embedding.openai import OpenAIEmbedding
from llmflow.ports.embedding import Role, Vectors
from llmflow.ports.health import Health
from llmflow.ports.server import ManagedServer, ServerAddress


class InfinityEmbedding:
    """`servers` finds a managed server by its recipe's name. `model` and `arguments` are for the supervisor, which
    starts it with them; the other options are those of any OpenAI-compatible embedding server."""

    def __init__(
        self,
        *,
        servers: Callable[[str], ManagedServer],
        server: str = "infinity",
        model: str = "",
        arguments: str = "",
        max_tokens: int = 256,
        query_prefix: str = "",
        passage_prefix: str = "",
        batch: int = 64,
        timeout_s: float = 120.0,
    ) -> None:
        self._server = servers(server)
        self._http = HttpClient()
        self._max_tokens = max_tokens
        self._prefixes = query_prefix, passage_prefix
        self._batch, self._timeout_s = batch, timeout_s
        self._known: tuple[ServerAddress, OpenAIEmbedding] | None = None

    @property
    def model(self) -> str:
        return self._known[1].model if self._known else ""

    @property
    def dimensions(self) -> int:
        return self._known[1].dimensions if self._known else 0

    @property
    def max_tokens(self) -> int:
        return self._max_tokens

    async def embed(self, texts: Sequence[str], role: Role) -> Vectors:
        """Also raises what `ManagedServer.address` raises."""
        return await self._embedding().embed(texts, role)

    async def health(self) -> Health:
        told = self._server.health()
        if not told.ok:
            return told
        asked = await self._embedding().health()
        detail = f"{asked.detail}; {told.detail}" if asked.ok else asked.detail
        return Health(ok=asked.ok, where=told.where, version=told.version, detail=detail, hint=asked.hint)

    async def close(self) -> None:
        """Its supervisor ends the server."""
        await self._http.close()

    def _embedding(self) -> OpenAIEmbedding:
        address = self._server.address()
        if self._known is None or self._known[0] != address:
            self._known = (
                address,
                OpenAIEmbedding(
                    url=address.url,
                    model=address.model,
                    api_key=address.api_key,
                    http=self._http,
                    max_tokens=self._max_tokens,
                    query_prefix=self._prefixes[0],
                    passage_prefix=self._prefixes[1],
                    batch=self._batch,
                    timeout_s=self._timeout_s,
                ),
            )
        return self._known[1]
