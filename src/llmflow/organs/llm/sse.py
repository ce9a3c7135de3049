"""One streamed exchange with a provider that has its own protocol: the data of its events, or its refusal."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from llmflow.errors import LLMFlowError, OrganError
from llmflow.net.client import HttpClient, Response, StreamedResponse
from llmflow.organs.llm.exchange import Refused
from llmflow.organs.llm.wire import SseParser

_MAX_ERROR_BYTES = 64 * 1024


async def events(
    http: HttpClient, url: str, *, headers: Mapping[str, str], body: dict[str, Any], timeout_s: float
) -> AsyncGenerator[bytes]:
    """Closing the iterator closes the connection, which stops the server. Raises Refused for what is no 200, and
    OrganError (organ_unavailable before the answer; model_failed when it breaks off; model_timeout)."""
    started = False
    parser = SseParser()
    try:
        async with http.stream("POST", url, headers=headers, json=body, timeout_s=timeout_s) as response:
            if response.status != 200:
                raise Refused(Response(response.status, response.headers, await _read(response)))
            started = True
            async for piece in response.pieces():
                for data in parser.feed(piece):
                    yield data
            for data in parser.end():
                yield data
    except OrganError as error:
        if started and error.code == "organ_unavailable":
            message = f"The model server's stream ended early: {error.message}"
            raise OrganError(message, code="model_failed") from error
        raise


async def _read(response: StreamedResponse) -> bytes:
    body = bytearray()
    async for piece in response.pieces():
        body += piece
        if len(body) > _MAX_ERROR_BYTES:
            break
    return bytes(body)


def cleaned(error: LLMFlowError, key: str) -> LLMFlowError:
    """Without the key, whatever the server answered."""
    if key:
        error.message = error.message.replace(key, "***")
    return error
