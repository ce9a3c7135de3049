"""Hugging Face's Text Embeddings Inference (TEI) by its own protocol: POST /embed.

Bare arrays; at most /info's `max_client_batch_size` texts at once; `truncate` cuts what is too long; errors 413, 422,
424 and 429 as {error, error_type}.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
import numpy as np
from yarl import URL

from llmflow.errors import LLMFlowError, OrganError, UsageError
from llmflow.net.client import HttpClient, Response
from llmflow.net.waits import retry_after_s
from llmflow.organs.llm.refusals import refusal
from llmflow.organs.llm.wire import error_text
from llmflow.ports.embedding import Role, Vectors
from llmflow.ports.health import Health

_ATTEMPTS = 4
_LONGEST_WAIT_S = 20.0


class TeiEmbedding:
    """`url`: the base address. `query_prompt`, `passage_prompt`: names of prompts that the model's own configuration
    has, "" for none. `http` is shared and stays open."""

    def __init__(
        self,
        *,
        url: str,
        http: HttpClient,
        api_key: str = "",
        query_prompt: str = "",
        passage_prompt: str = "",
        timeout_s: float = 60.0,
    ) -> None:
        self._url = url.strip().rstrip("/").removesuffix("/embed")
        self._key, self._http, self._timeout_s = api_key, http, timeout_s
        self._prompts: dict[Role, str] = {"query": query_prompt, "passage": passage_prompt}
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._info: _Info | None = None
        self._dimensions = 0

    @property
    def model(self) -> str:
        return self._info.model_id if self._info else ""

    @property
    def dimensions(self) -> int:
        return self._dimensions

    @property
    def max_tokens(self) -> int:
        return self._info.max_input_length if self._info else 512

    async def embed(self, texts: Sequence[str], role: Role) -> Vectors:
        """Also raises OrganError (model_failed) when an answer does not fit, and TooMany when it stays overloaded."""
        if self._info is None:
            self._info = await self._ask_info()
        if not texts:
            return np.empty((0, self._dimensions), np.float32)
        batch = max(1, self._info.max_client_batch_size)
        parts = [await self._part(list(texts[at : at + batch]), role) for at in range(0, len(texts), batch)]
        rows = np.concatenate(parts)
        self._dimensions = self._dimensions or rows.shape[1]
        return rows

    async def _part(self, texts: list[str], role: Role) -> Vectors:
        body: dict[str, object] = {"inputs": texts, "normalize": True, "truncate": True}
        if self._prompts[role]:
            body["prompt_name"] = self._prompts[role]
        response = await self._post(body)
        if response.status == 413 and len(texts) > 1:
            half = len(texts) // 2
            return np.concatenate([await self._part(texts[:half], role), await self._part(texts[half:], role)])
        if response.status != 200:
            raise self._refused(response)
        try:
            found = msgspec.json.decode(response.body, type=list[list[float]])
            rows = np.array(found, np.float32)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
            raise OrganError(
                f"{self._shown()} answered something that is no list of vectors.", code="model_failed"
            ) from error
        lengths = np.linalg.norm(rows, axis=1, keepdims=True) if rows.ndim == 2 else np.zeros(1)
        if rows.shape[0] != len(texts) or not np.isfinite(lengths).all() or not lengths.all():
            raise OrganError(f"{self._shown()} answered vectors that do not fit the texts.", code="model_failed")
        return np.asarray(rows / lengths, np.float32)

    async def _post(self, body: dict[str, object]) -> Response:
        """An overloaded server (429) is asked again as it says."""
        for attempt in range(_ATTEMPTS):
            response = await self._http.request(
                "POST", f"{self._url}/embed", headers=self._headers, json=body, timeout_s=self._timeout_s
            )
            if response.status != 429 or attempt == _ATTEMPTS - 1:
                break
            asked = retry_after_s(response.headers)
            await asyncio.sleep(min(2.0 ** (attempt - 1) if asked is None else float(asked), _LONGEST_WAIT_S))
        return response

    async def _ask_info(self) -> _Info:
        response = await self._http.request(
            "GET", f"{self._url}/info", headers=self._headers, timeout_s=self._timeout_s
        )
        if response.status != 200:
            raise self._refused(response)
        try:
            return msgspec.json.decode(response.body, type=_Info)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise OrganError(f"{self._shown()} is no TEI server.", code="model_address_wrong") from error

    def _refused(self, response: Response) -> LLMFlowError:
        text = error_text(response.body)
        text = text.replace(self._key, "***") if self._key else text
        error = refusal(
            response.status, text, response.headers, shown=self._shown(), has_key=bool(self._key), model=self.model
        )
        if isinstance(error, UsageError):  # what we sent was ours to get right
            return OrganError(f"{self._shown()} refused the texts: {text}", code="model_failed")
        return error

    async def health(self) -> Health:
        try:
            rows = await self.embed(["health"], "query")
        except LLMFlowError as error:
            return Health(ok=False, where=self._shown(), detail=error.message, hint=error.hint)
        return Health(ok=True, where=self._shown(), detail=f"{self.model}, {rows.shape[1]} dimensions")

    async def close(self) -> None:
        """Nothing of its own to close."""

    def _shown(self) -> str:
        return str(URL(self._url).with_user(None).with_query(None))


class _Info(msgspec.Struct):
    model_id: str
    max_input_length: int = 512
    max_client_batch_size: int = 32
