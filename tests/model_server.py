"""A small OpenAI-compatible model server in a thread, for tests of what talks to one: it can want a key, and be slow,
broken or stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from tests.served import served


@dataclass
class ModelServer:
    """`reply` is what every model answers; `key` "": none is wanted. `asked`: bodies of the chats. `counts`: a stream
    tells its tokens, which are words; `word_s`: the time between two of its words."""

    models: list[dict[str, Any]] = field(default_factory=lambda: [{"id": "tiny-1"}, {"id": "tiny-2"}])
    reply: str = "안녕하세요, 작은 모델입니다."
    key: str = ""
    delay_s: float = 0.0
    counts: bool = False
    word_s: float = 0.0
    page: bytes = b""  # answers this HTML page to everything
    asked: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    _serving: ExitStack = field(default_factory=ExitStack)

    def start(self, port: int = 0) -> None:
        self.url = self._serving.enter_context(served(_handler(self), port)) + "/v1"

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    def stop(self) -> None:
        self._serving.close()


@contextmanager
def model_server(**options: Any) -> Iterator[ModelServer]:
    server = ModelServer(**options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _handler(about: ModelServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"  # no connection is kept: a server that is stopped is gone

        def do_GET(self) -> None:
            if self._refused():
                return
            if self.path == "/v1/models":
                self._json(200, {"object": "list", "data": about.models})
            else:
                self._json(404, {"error": {"message": "Not Found"}})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self._refused():
                return
            about.asked.append(body)
            if body["model"] not in [model["id"] for model in about.models]:
                self._json(404, {"error": {"message": f"The model `{body['model']}` does not exist."}})
                return
            if not body.get("stream"):
                message = {"role": "assistant", "content": about.reply}
                self._json(200, {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            words = about.reply.split(" ")
            for word in words:
                time.sleep(about.word_s)
                self._event({"choices": [{"index": 0, "delta": {"content": f"{word} "}, "finish_reason": None}]})
            self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
            if about.counts:
                asked = sum(len(str(message["content"]).split()) for message in body["messages"])
                self._event({"choices": [], "usage": {"prompt_tokens": asked, "completion_tokens": len(words)}})
            self.wfile.write(b"data: [DONE]\n\n")

        def _refused(self) -> bool:
            time.sleep(about.delay_s)
            if about.page:
                self._answer(200, "text/html; charset=utf-8", about.page)
                return True
            if about.key and self.headers.get("Authorization") != f"Bearer {about.key}":
                self._json(401, {"error": {"message": f"Incorrect API key: {self.headers.get('Authorization')}"}})
                return True
            return False

        def _event(self, value: dict[str, Any]) -> None:
            self.wfile.write(b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n")

        def _json(self, status: int, value: Any) -> None:
            self._answer(status, "application/json", json.dumps(value).encode())

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Quiet."""

    return Handler
