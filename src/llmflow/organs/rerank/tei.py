"""Hugging Face's Text Embeddings Inference (TEI) with a reranker: POST /rerank of its own.

Its protocol: bare arrays; at most /info's `max_client_batch_size` texts at once; errors 413 (too many), 422 (too long,
which `truncate` prevents), 424 (the model failed) and 429 (overloaded) as {error, error_type}.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from yarl import URL

from llmflow.errors import LLMFlowError, OrganError
from llmflow.net.client import HttpClient
from llmflow.organs.rerank.ranking import best, checked, refused
from llmflow.ports.health import Health
from llmflow.ports.rerank import Ranked

_LEAST_BATCH = 1
_BATCH = 32  # TEI's own default


class TeiRerank:
    """`url`: the base address. `http` is shared and stays open."""

    def __init__(self, *, url: str, http: HttpClient, api_key: str = "", timeout_s: float = 60.0) -> None:
        self._url = url.strip().rstrip("/").removesuffix("/rerank")
        self._key, self._http, self._timeout_s = api_key, http, timeout_s
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._info: _Info | None = None

    async def model(self) -> str:
        return (await self._known()).model_id

    async def rerank(self, query: str, texts: Sequence[str], *, top_n: int | None = None) -> list[Ranked]:
        if not texts:
            return []
        batch = max(_LEAST_BATCH, (await self._known()).max_client_batch_size)
        found: list[Ranked] = []
        for start in range(0, len(texts), batch):
            part = await self._part(query, list(texts[start : start + batch]))
            found += [Ranked(start + one.index, one.score) for one in part]
        return best(found, top_n)

    async def _part(self, query: str, texts: list[str]) -> list[Ranked]:
        body = {"query": query, "texts": texts, "raw_scores": False, "return_text": False, "truncate": True}
        try:
            response = await self._http.request(
                "POST", f"{self._url}/rerank", headers=self._headers, json=body, timeout_s=self._timeout_s
            )
        except LLMFlowError as error:
            error.message = error.message.replace(self._key, "***") if self._key else error.message
            raise
        if response.status == 413 and len(texts) > 1:  # it takes fewer than it says: another server answers there now
            self._info, half = None, len(texts) // 2
            rest = await self._part(query, texts[half:])
            return [*await self._part(query, texts[:half]), *(Ranked(half + one.index, one.score) for one in rest)]
        if response.status != 200:
            raise refused(response, shown=self._shown(), key=self._key, model="the reranker")
        try:
            found = msgspec.json.decode(response.body, type=list[Ranked])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise OrganError(f"{self._shown()} answered something that is no ranking.", code="model_failed") from error
        return checked(found, len(texts), self._shown())

    async def _known(self) -> _Info:
        if self._info is None:
            response = await self._http.request(
                "GET", f"{self._url}/info", headers=self._headers, timeout_s=self._timeout_s
            )
            if response.status != 200:
                raise refused(response, shown=self._shown(), key=self._key, model="the reranker")
            try:
                self._info = msgspec.json.decode(response.body, type=_Info)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise OrganError(f"{self._shown()} is no TEI server.", code="model_address_wrong") from error
        return self._info

    async def health(self) -> Health:
        """Ranks one word: /health alone would not show that it is a reranker."""
        try:
            await self.rerank("health", ["health"])
            info = await self._known()
        except LLMFlowError as error:
            return Health(ok=False, where=self._shown(), detail=error.message, hint=error.hint)
        return Health(ok=True, where=self._shown(), version=info.version, detail=f"ranks with {info.model_id}")

    async def close(self) -> None:
        """Nothing of its own to close."""

    def _shown(self) -> str:
        return str(URL(self._url).with_user(None).with_query(None))


class _Info(msgspec.Struct):
    model_id: str
    version: str = ""
    max_client_batch_size: int = _BATCH
