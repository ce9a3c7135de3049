"""Any server that speaks OpenAI's POST /v1/embeddings: vLLM, Infinity, TEI, Ollama, llama.cpp, a provider."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from yarl import URL

from llmflow.errors import LLMFlowError, OrganError
from llmflow.net.client import HttpClient, Response
from llmflow.net.waits import retry_after_s
from llmflow.ports.embedding import Role, Vectors
from llmflow.ports.health import Health

_AT_A_TIME = 4  # requests of one call
_BUSY = (429, 502, 503)
_ATTEMPTS = 4
_LONGEST_WAIT_S = 20.0
_TOO_BIG = (400, 413, 422)
_SHORTEST_CUT = 256  # characters; what is refused at this length is not refused for its length
_QUOTED = 300
_LENGTH = re.compile(
    r"context|max_model_len|too long|too large|exceeds?|must have less|tokens?\b.{0,80}(limit|max|less than|longer)",
    re.IGNORECASE,
)
_CHECK_URL = "Check organs.embedding.url in llmflow.yaml: it is the address under which /embeddings is."


class OpenAIEmbedding:
    """`url`: the base address; requests go to /v1/embeddings under it, or to /embeddings where that is missing.

    `dimensions` 0: as the server says. `max_tokens`: what the model reads; where a server refuses a longer text
    instead of cutting it, the text is halved until it is taken. `batch`: texts in a request; halved where the server
    takes fewer. `http` is its own. The key is in no message, whatever the server answers.
    """

    def __init__(
        self,
        *,
        url: str,
        model: str,
        http: HttpClient,
        api_key: str = "",
        dimensions: int = 0,
        max_tokens: int = 512,
        query_prefix: str = "",
        passage_prefix: str = "",
        batch: int = 64,
        timeout_s: float = 60.0,
    ) -> None:
        self._addresses = _addresses(url)
        self._model, self._key, self._http = model, api_key, http
        self._asked, self._dimensions, self._max_tokens = dimensions, dimensions, max_tokens
        self._prefix: dict[Role, str] = {"query": query_prefix, "passage": passage_prefix}
        self._batch, self._timeout_s = max(1, batch), timeout_s
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    @property
    def model(self) -> str:
        return self._model

    @property
    def dimensions(self) -> int:
        return self._dimensions

    @property
    def max_tokens(self) -> int:
        return self._max_tokens

    async def embed(self, texts: Sequence[str], role: Role) -> Vectors:
        """Also raises OrganError (model_failed) when an answer does not fit: rows missing, other lengths, no number."""
        if not texts:
            return np.empty((0, self._dimensions), np.float32)
        sent = [self._prefix[role] + text for text in texts]
        turns = asyncio.Semaphore(_AT_A_TIME)

        async def part(start: int) -> Vectors:
            async with turns:
                return await self._vectors(sent[start : start + self._batch])

        try:
            async with asyncio.TaskGroup() as group:
                parts = [group.create_task(part(start)) for start in range(0, len(sent), self._batch)]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        rows = np.concatenate([task.result() for task in parts])
        self._dimensions = self._dimensions or rows.shape[1]
        return rows

    async def health(self) -> Health:
        """Embeds one word: only that shows that the model is loaded."""
        try:
            vectors = await self.embed(["health"], "query")
        except LLMFlowError as fault:
            return Health(False, self._shown(), detail=fault.message, hint=fault.hint)
        return Health(True, self._shown(), self._model, f"{vectors.shape[1]} dimensions")

    async def close(self) -> None:
        await self._http.close()

    async def _vectors(self, texts: list[str]) -> Vectors:
        """One request; halved, first in texts and then in letters, where the server finds it too big."""
        response = await self._post(texts)
        if response.status == 200:
            return self._rows(response, len(texts))
        if response.status in _TOO_BIG:
            if len(texts) > 1:
                half = len(texts) // 2
                return np.concatenate([await self._vectors(texts[:half]), await self._vectors(texts[half:])])
            told_long = response.status == 413 or _LENGTH.search(response.body.decode(errors="replace"))
            if told_long and len(texts[0]) >= 2 * _SHORTEST_CUT:
                return await self._vectors([texts[0][: len(texts[0]) // 2]])
        raise self._refusal(response)

    async def _post(self, texts: list[str]) -> Response:
        body: dict[str, Any] = {"model": self._model, "input": texts, "encoding_format": "base64"}
        if self._asked:
            body["dimensions"] = self._asked
        for attempt in range(1, _ATTEMPTS + 1):
            response = await self._try(body, again=attempt == 1)
            if response.status == 404 and len(self._addresses) > 1:
                self._addresses = self._addresses[1:]
                response = await self._try(body, again=False)
            if response.status not in _BUSY or attempt == _ATTEMPTS:
                break
            await asyncio.sleep(_wait_s(response.headers, attempt))
        return response

    async def _try(self, body: dict[str, Any], *, again: bool) -> Response:
        """`again`: once more when the connection breaks, as a kept one does when the server was restarted."""
        try:
            return await self._http.request(
                "POST", self._addresses[0], headers=self._headers, json=body, timeout_s=self._timeout_s
            )
        except OrganError as fault:
            if again and fault.code == "organ_unavailable":
                return await self._try(body, again=False)
            fault.message = self._clean(fault.message)
            raise

    def _rows(self, response: Response, count: int) -> Vectors:
        try:
            answer = msgspec.json.decode(response.body, type=_Answer)
            places = [entry.index for entry in answer.data]
            if sorted(places) != list(range(count)):
                raise self._misfit(f"{len(places)} vectors for {count} texts")
            rows = np.stack([_numbers(entry.embedding) for entry in answer.data])[np.argsort(places)]
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError, binascii.Error) as fault:
            raise self._misfit("something that is no list of vectors") from fault
        if self._dimensions and rows.shape[1] != self._dimensions:
            raise self._misfit(f"vectors of length {rows.shape[1]} instead of {self._dimensions}")
        lengths = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not lengths.all():
            raise self._misfit("vectors that are zero or not finite")
        return np.asarray(rows / lengths, np.float32)

    def _misfit(self, what: str) -> OrganError:
        return OrganError(f"{self._shown()} answered {what}.", code="model_failed", hint=_CHECK_URL)

    def _refusal(self, response: Response) -> OrganError:
        status, text = response.status, self._clean(_told(response.body))
        if status in (401, 403):
            given = "refuses the key" if self._key else "wants a key"
            hint = "Set organs.embedding.api_key in llmflow.yaml to a key that server knows."
            return OrganError(f"{self._shown()} {given} ({status}).", hint=hint)
        if status == 404 and "model" in text.lower():
            hint = "Set organs.embedding.model in llmflow.yaml to a model that server has."
            message = f"{self._shown()} does not know the model '{self._model}': {text}"
            return OrganError(message, code="model_unknown", hint=hint)
        if 300 <= status < 400 or status in (404, 405):
            message = f"{self._shown()} has no such service ({status}). {text}".rstrip()
            return OrganError(message, code="model_failed", hint=_CHECK_URL)
        if status == 429:
            hint = "Wait, lower organs.embedding.batch, or ask for a higher limit there."
            return OrganError(f"{self._shown()} has too many requests: {text}", hint=hint)
        return OrganError(f"{self._shown()} failed ({status}): {text}", code="model_failed")

    def _clean(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text

    def _shown(self) -> str:
        """The address without user, password and query, which may hold secrets."""
        return str(URL(self._addresses[0]).with_user(None).with_query(None))


class _Entry(msgspec.Struct):
    index: int
    embedding: list[float] | str  # numbers, or little-endian float32 in base64


class _Answer(msgspec.Struct):
    data: list[_Entry]


def _addresses(url: str) -> list[str]:
    """Where to post, most likely first: an address with a version in its path is taken at its word."""
    parts = URL(url.strip())
    path = parts.path.rstrip("/").removesuffix("/embeddings").rstrip("/")
    versioned = any(re.fullmatch(r"v\d+\w*", part) for part in path.split("/"))
    return [str(parts.with_path(f"{path}{end}/embeddings")) for end in ([""] if versioned else ["/v1", ""])]


def _numbers(embedding: list[float] | str) -> Vectors:
    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding, validate=True), "<f4")
    return np.array(embedding, np.float32)


def _wait_s(headers: Mapping[str, str], attempt: int) -> float:
    """What the server asks for, at most 20 s; doubling from half a second where it does not say."""
    asked_s = retry_after_s(headers)
    return min(2.0 ** (attempt - 2) if asked_s is None else float(asked_s), _LONGEST_WAIT_S)


def _told(body: bytes) -> str:
    """The server's own words out of its error: OpenAI's, FastAPI's and TEI's shapes, or the text itself."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = body.decode(errors="replace")
    while isinstance(found, dict):
        found = next((found[key] for key in ("error", "message", "detail") if found.get(key)), "")
    text = " ".join((found if isinstance(found, str) else msgspec.json.encode(found).decode()).split())
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"
