"""Any server that speaks Cohere's POST /rerank: Cohere, Jina, Infinity, vLLM."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from yarl import URL

from llmflow.errors import LLMFlowError, OrganError
from llmflow.net.client import HttpClient, Response
from llmflow.organs.rerank.ranking import best, checked, refused
from llmflow.ports.health import Health
from llmflow.ports.rerank import Ranked


class CohereRerank:
    """`url`: the base address; requests go to /v1/rerank under it, or to /rerank where that is missing. `batch`: texts
    in a request; each is scored by itself, so the parts of a long list can be put together. `http` is shared."""

    def __init__(
        self, *, url: str, model: str, http: HttpClient, api_key: str = "", batch: int = 128, timeout_s: float = 60.0
    ) -> None:
        self._addresses = _addresses(url)
        self._model, self._key, self._http = model, api_key, http
        self._batch, self._timeout_s = max(1, batch), timeout_s
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    async def model(self) -> str:
        return self._model

    async def rerank(self, query: str, texts: Sequence[str], *, top_n: int | None = None) -> list[Ranked]:
        found: list[Ranked] = []
        for start in range(0, len(texts), self._batch):
            part = await self._part(query, list(texts[start : start + self._batch]))
            found += [Ranked(start + one.index, one.score) for one in part]
        return best(found, top_n)

    async def _part(self, query: str, texts: list[str]) -> list[Ranked]:
        body = {
            "model": self._model,
            "query": query,
            "documents": texts,
            "top_n": len(texts),
            "return_documents": False,
        }
        response = await self._post(body)
        if response.status == 404 and len(self._addresses) > 1:
            self._addresses = self._addresses[1:]
            response = await self._post(body)
        if response.status != 200:
            raise refused(response, shown=self._shown(), key=self._key, model=self._model)
        try:
            results = msgspec.json.decode(response.body, type=_Answer).results
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise OrganError(f"{self._shown()} answered something that is no ranking.", code="model_failed") from error
        return checked([Ranked(one.index, one.relevance_score) for one in results], len(texts), self._shown())

    async def _post(self, body: dict[str, object]) -> Response:
        try:
            return await self._http.request(
                "POST", self._addresses[0], headers=self._headers, json=body, timeout_s=self._timeout_s
            )
        except LLMFlowError as error:
            error.message = error.message.replace(self._key, "***") if self._key else error.message
            raise

    async def health(self) -> Health:
        """Ranks one word: only that shows that the model is loaded."""
        try:
            await self.rerank("health", ["health"])
        except LLMFlowError as error:
            return Health(ok=False, where=self._shown(), detail=error.message, hint=error.hint)
        return Health(ok=True, where=self._shown(), detail=f"ranks with {self._model}")

    async def close(self) -> None:
        """Nothing of its own to close."""

    def _shown(self) -> str:
        return str(URL(self._addresses[0]).with_user(None).with_query(None))


class _Result(msgspec.Struct):
    index: int
    relevance_score: float


class _Answer(msgspec.Struct):
    results: list[_Result]


def _addresses(url: str) -> list[str]:
    """Where to post, most likely first: an address with a version in its path is taken at its word."""
    parts = URL(url.strip())
    path = parts.path.rstrip("/").removesuffix("/rerank").rstrip("/")
    is_versioned = any(re.fullmatch(r"v\d+\w*", part) for part in path.split("/"))
    return [str(parts.with_path(f"{path}{end}/rerank")) for end in ([""] if is_versioned else ["/v1", ""])]
