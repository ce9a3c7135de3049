"""One chat completion over HTTP: sends the body, yields the deltas. The `llama_cpp` and `openai` adapters share it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

import aiohttp

from llmflow.errors import OrganError
from llmflow.net.client import HttpClient, Response, StreamedResponse
from llmflow.organs.llm.wire import Answer, SseParser
from llmflow.ports.llm import ChatDelta

_MAX_ERROR_BYTES = 64 * 1024
_MAX_WHOLE_BYTES = 32 * 1024 * 1024
_LINGER_S = 2.0


class Refused(Exception):
    """The server answered with another status than 200; the adapter says what that means."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"HTTP {response.status}")
        self.response = response


async def chat(
    http: HttpClient, url: str, *, headers: Mapping[str, str], body: dict[str, Any], timeout_s: float
) -> AsyncGenerator[ChatDelta]:
    """The answer's deltas as they come; closing the iterator closes the connection, which stops the server.

    Raises Refused, OrganError (organ_unavailable before the answer; model_failed when it breaks off; model_timeout
    when nothing comes for `timeout_s`) and UsageError (context_too_long).
    """
    answer = Answer()
    started = retried = False
    while True:
        try:
            async with http.stream("POST", url, headers=headers, json=body, timeout_s=timeout_s) as response:
                started = True
                if response.status != 200:
                    raise Refused(Response(response.status, response.headers, await _read(response, _MAX_ERROR_BYTES)))
                async for data in _events(response, answer):
                    for delta in answer.take(data):
                        yield delta
            break
        except OrganError as error:
            if answer.finished:
                break  # only the usage or a clean end was missing
            if started and error.code == "organ_unavailable":
                message = f"The model server's stream ended early: {error.message}"
                raise OrganError(message, code="model_failed") from error
            if retried or not _was_stale(error):
                raise
            retried = True
    yield answer.end()


def _was_stale(error: OrganError) -> bool:
    """A kept connection that the server closed meanwhile: nothing was read by it, so sending again is safe."""
    cause = error.__cause__
    dropped = isinstance(cause, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError)
    return dropped and not isinstance(cause, aiohttp.ClientConnectorError)


async def _events(response: StreamedResponse, answer: Answer) -> AsyncIterator[bytes]:
    """The data of each event; a whole JSON answer, from servers that do not stream, counts as one event."""
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        yield await _read(response, _MAX_WHOLE_BYTES)
        return
    if kind == "text/html":
        raise OrganError("A web page answered where a model server was expected.", code="model_address_wrong")
    parser = SseParser()
    pieces = aiter(response.pieces())
    while True:
        # Reading on to the end keeps the connection for the next request; but not for long once the answer is whole.
        async with asyncio.timeout(_LINGER_S if answer.finished else None):
            piece = await anext(pieces, b"")
        if not piece:
            break
        for data in parser.feed(piece):
            yield data
    for data in parser.end():
        yield data


async def _read(response: StreamedResponse, limit: int) -> bytes:
    body = bytearray()
    async for piece in response.pieces():
        body += piece
        if len(body) > limit:
            raise OrganError(f"The model server's answer is longer than {limit} bytes.", code="model_failed")
    return bytes(body)
