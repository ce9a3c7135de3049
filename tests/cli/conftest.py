"""A console API that says what a test tells it to, a home that points to it, and the program as people run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from llmflow.home import HomeLock

LLMFLOW = Path(sys.executable).parent / "llmflow"


@dataclass
class Result:
    """How a run of the program ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The error document that --json puts on stderr."""
        found: dict[str, Any] = json.loads(self.err.strip().splitlines()[-1])["error"]
        return found


Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def run(home: Path, tmp_path: Path) -> Run:
    """Runs `llmflow ARGUMENTS` on this test's home, in an empty folder."""
    work = tmp_path / "work"
    work.mkdir()

    def call(*arguments: str | Path, env: dict[str, str] | None = None, input: str | None = None) -> Result:
        environment = {"PATH": os.environ["PATH"], "LLMFLOW_HOME": str(home), "HOME": str(tmp_path), **(env or {})}
        done = subprocess.run(
            [LLMFLOW, *map(str, arguments)],
            capture_output=True,
            env=environment,
            cwd=work,
            input=(input or "").encode(),
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    return call


@dataclass
class Request:
    method: str
    path: str  # as sent, without the query
    query: str
    body: bytes
    authorization: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def name(self) -> str:
        """The last part of the path, decoded."""
        return unquote(self.path.rsplit("/", 1)[-1])


Answer = tuple[int, Any]


@dataclass
class Stub:
    """`routes`: method and path (without /api/v1) to a function of the request, or to an answer. An answer that is
    bytes is sent as server-sent events."""

    url: str = ""
    routes: dict[tuple[str, str], Answer | Callable[[Request], Answer]] = field(default_factory=dict)
    fallback: Callable[[Request], Answer] | None = None
    requests: list[Request] = field(default_factory=list)

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        found = self.routes.get((request.method, request.path.removeprefix("/api/v1")))
        if found is None and self.fallback is not None:
            found = self.fallback
        if found is None:
            return 404, refusal("not_found", f"Nothing at {request.method} {request.path}.")
        return found(request) if callable(found) else found

    def sent(self, method: str) -> list[Request]:
        return [request for request in self.requests if request.method == method]


def refusal(code: str, message: str, hint: str = "") -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "hint": hint, "param": None, "request_id": "r1"}}


def events(*found: dict[str, Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in found)


def _handler(stub: Stub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(self.command, parts.path, parts.query, body, self.headers.get("Authorization", ""))
            status, found = stub.answer(request)
            content = found if isinstance(found, bytes) else b"" if status == 204 else json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/event-stream" if isinstance(found, bytes) else "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = _serve

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    return Handler


@pytest.fixture
def stub(home: Path) -> Iterator[Stub]:
    """A server that runs on this test's home, as far as the command line can see."""
    stub = Stub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(stub))
    stub.url = f"http://127.0.0.1:{server.server_port}"
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that leave early are no news
    lock = HomeLock(home)
    lock.acquire()
    lock.announce(stub.url)
    (home / "cli.token").write_text("adm-test\n")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield stub
    server.shutdown()
    thread.join()
    server.server_close()
    lock.release()
