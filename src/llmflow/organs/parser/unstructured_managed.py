"""PDFs by Unstructured that LLMFlow runs itself, everything else on this machine."""

from __future__ import annotations

from collections.abc import Callable

from llmflow.net.client import HttpClient
from llmflow.organs.parser.unstructured_api import UnstructuredElement, UnstructuredParser
from llmflow.ports.health import Health
from llmflow.ports.server import ManagedServer


class ManagedUnstructured(UnstructuredParser):
    """`servers` finds a managed server by its recipe's name. `model` is for the supervisor, which starts it with it;
    the other options are those of any server of Unstructured's API."""

    def __init__(
        self,
        *,
        servers: Callable[[str], ManagedServer],
        server: str = "unstructured",
        model: str = "",
        strategy: str = "hi_res",
        languages: str = "kor,eng",
        timeout_s: float = 1800.0,
        workers: int = 1,
    ) -> None:
        self._server = servers(server)
        self._own_http = HttpClient()
        super().__init__(
            url="http://127.0.0.1",
            http=self._own_http,
            strategy=strategy,
            languages=languages,
            timeout_s=timeout_s,
            workers=workers,
        )

    async def health(self) -> Health:
        told = self._server.health()
        if not told.ok:
            return told
        self._find()
        asked = await super().health()
        detail = f"{asked.detail}; {told.detail}" if asked.ok else asked.detail
        return Health(ok=asked.ok, where=told.where, version=told.version, detail=detail, hint=asked.hint)

    async def close(self) -> None:
        """Its supervisor ends the server."""
        await super().close()
        await self._own_http.close()

    async def _asked(self, data: bytes, name: str) -> list[UnstructuredElement]:
        """Also raises what `ManagedServer.address` raises."""
        self._find()
        return await super()._asked(data, name)

    def _find(self) -> None:
        address = self._server.address()  # another after each start
        self._url, self._key = address.url, address.api_key
