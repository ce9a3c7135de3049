"""One call, in its own process: the request is read, the code run, the answer written.

The request: 4 bytes of length, JSON `{"language", "source", "inputs"}`. The answer, until the end of the stream: JSON
`{"result", "printed"}`, `{"failed": {"kind", "message", "lines"}, "printed"}`, or `{"broken"}` when no code was run.
Nothing in it is believed beyond what it says about the code itself, so code that writes an answer of its own gains
nothing.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, NoReturn

from llmflow.organs.sandbox.inside import javascript, python
from llmflow.organs.sandbox.inside.failed import Failed
from llmflow.organs.sandbox.inside.filter import Filter
from llmflow.organs.sandbox.inside.jail import Limits, shut
from llmflow.organs.sandbox.inside.printed import Printed
from llmflow.organs.sandbox.inside.wire import LENGTH

_ANSWER = 3
_NO_MEMORY = b'{"failed":{"kind":"memory","message":"","lines":""},"printed":""}'  # there is none to make it then


def run(answer: int, limits: Limits, filter: Filter) -> NoReturn:
    """Never returns: the process ends with the call."""
    code = 1
    try:
        try:
            shut(limits, filter, answer)
        except OSError as error:
            reply = _encoded({"broken": str(error)})
        else:
            reply = _answer(limits)
        _write(reply)
        code = 0
    finally:
        os._exit(code)


def _answer(limits: Limits) -> bytes:
    printed = Printed()
    sys.stdout = sys.stderr = printed
    try:
        request = _request()
        main = python.call if request["language"] == "python3" else javascript.call
        body = main(request["source"], request["inputs"], printed)
        if len(body) > limits.output_bytes:
            raise Failed("output", f"main returned more than {limits.output_bytes >> 20} MB.")
        return b'{"result":' + body + b',"printed":' + _encoded(printed.text) + b"}"
    except Failed as failed:
        told = {"kind": failed.kind, "message": failed.message, "lines": failed.lines}
        return _encoded({"failed": told, "printed": printed.text})
    except MemoryError:
        return _NO_MEMORY


def _request() -> Any:
    size = LENGTH.unpack(_read(LENGTH.size))[0]
    return json.loads(_read(size))


def _read(size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = os.read(_ANSWER, size - len(parts))
        if not part:
            os._exit(0)
        parts += part
    return bytes(parts)


def _encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def _write(reply: bytes) -> None:
    rest = memoryview(reply)
    while rest:
        rest = rest[os.write(_ANSWER, rest) :]
