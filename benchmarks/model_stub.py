"""A model server that costs as little as Python can: the same answer to everything, to measure what stands before it.

`python -m benchmarks.model_stub PORT TOKENS`: a streamed answer has TOKENS words.
"""

from __future__ import annotations

import asyncio
import json
import sys

import uvloop

_HEAD = {"id": "chatcmpl-x", "created": 1, "model": "stub"}
_USAGE = {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _event(delta: dict[str, str], reason: str | None = None, **more: object) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    body = {**_HEAD, "object": "chat.completion.chunk", "choices": [choice], **more}
    data = b"data: " + _json(body) + b"\n\n"
    return b"%x\r\n" % len(data) + data + b"\r\n"


_MESSAGE = {"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}
_WHOLE = _json({**_HEAD, "object": "chat.completion", "choices": [_MESSAGE], "usage": _USAGE})
_MODELS = _json({"object": "list", "data": [{"id": "stub", "object": "model", "owned_by": "stub"}]})
_ROLE, _STOP = _event({"role": "assistant", "content": ""}), _event({}, "stop")
_WORDS = [_event({"content": f" word{number}"}) for number in range(16)]  # LiteLLM breaks off what repeats itself
_USED, _DONE = _event({}, choices=[], usage=_USAGE), b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
_STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class Stub(asyncio.Protocol):
    tokens = 500

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._buffer = b""
        self._task: asyncio.Task[None] | None = None

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            body, self._buffer = self._buffer[end + 4 : end + 4 + length], self._buffer[end + 4 + length :]
            if b"/models" in head:
                self._whole(_MODELS)
            elif b'"stream":true' in body.replace(b" ", b""):
                self._task = asyncio.get_running_loop().create_task(self._stream())
            else:
                self._whole(_WHOLE)

    def _whole(self, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        self._transport.write(head + body)

    async def _stream(self) -> None:
        self._transport.write(_STREAM + _ROLE)
        for number in range(self.tokens):
            self._transport.write(_WORDS[number % len(_WORDS)])
            await asyncio.sleep(0)
        self._transport.write(_STOP + _USED + _DONE)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    Stub.tokens = int(sys.argv[2])
    uvloop.run(_serve(int(sys.argv[1])))
