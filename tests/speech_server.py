"""A server of OpenAI's audio protocol in a thread: it reads recordings that are text, and speaks text as bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.served import served


@dataclass
class SpeechServer:
    """`heard`: what came as (fields, file name, media type); `read`: bodies of what was to be spoken; `refuse`: the
    status and body it answers with instead."""

    url: str = ""
    key: str = ""
    heard: list[tuple[dict[str, str], str, str]] = field(default_factory=list)
    read: list[dict[str, Any]] = field(default_factory=list)
    refuse: tuple[int, bytes] | None = None


@contextmanager
def speech_server(key: str = "") -> Iterator[SpeechServer]:
    about = SpeechServer(key=key)
    with served(_handler(about)) as about.url:
        yield about


def _handler(about: SpeechServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            self._answer(200 if self._may() else 401, b'{"data": []}')

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not self._may():
                self._answer(401, b'{"error": {"message": "Incorrect API key provided: ' + about.key.encode() + b'"}}')
            elif about.refuse:
                self._answer(*about.refuse)
            elif self.path == "/v1/audio/transcriptions":
                self._hear(body)
            elif self.path == "/v1/audio/speech":
                self._speak(json.loads(body))
            else:
                self._answer(404, b"{}")

        def _may(self) -> bool:
            return not about.key or self.headers["Authorization"] == f"Bearer {about.key}"

        def _hear(self, body: bytes) -> None:
            whole = b"Content-Type: " + self.headers["Content-Type"].encode() + b"\r\n\r\n" + body
            parts = BytesParser().parsebytes(whole).get_payload()
            assert isinstance(parts, list)
            fields, text = {}, ""
            file: Message | None = None
            for part in parts:
                assert isinstance(part, Message)
                content = part.get_payload(decode=True)
                assert isinstance(content, bytes)
                if part.get_filename():
                    file, text = part, content.decode()
                else:
                    fields[str(part.get_param("name", header="content-disposition"))] = content.decode()
            assert file is not None
            about.heard.append((fields, str(file.get_filename()), file.get_content_type()))
            self._answer(200, json.dumps({"text": f" {text} "}).encode())

        def _speak(self, body: dict[str, Any]) -> None:
            about.read.append(body)
            self._answer(200, f"<{body['voice']}:{body['input']}>".encode(), "audio/mpeg")

        def _answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    return Handler
