"""A loopback server that answers as dify-sandbox does: it runs the program it is sent and tells what was printed.

Its answers' shapes, codes and words are those of its source in 2026: `code` 0 or a negative number, `data` with stdout,
stderr, error and exit_code; 401 without a body for a wrong key; HTTP 503 with code -503 when it has too much to do;
"error: timeout" when its time is over. It isolates nothing: it is for tests.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.served import served

NODE = shutil.which("node")
_PYTHON = "import sys; exec(compile(sys.stdin.read(), '<fd3>', 'exec'))"
_NODE = "eval(require('fs').readFileSync(0, 'utf8'))"


@dataclass
class DifyServer:
    """`busy`: that many requests are refused first. `asked`: the bodies. `canned`: told instead of running anything."""

    key: str = "dify-sandbox"
    network: bool = False
    seconds: float = 2.0
    busy: int = 0
    canned: dict[str, Any] | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    def answer(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.asked.append(asked)
        if self.busy:
            self.busy -= 1
            return 503, {"code": -503, "message": "Too many requests", "data": None}
        if self.canned is not None:
            return 200, self.canned
        if asked["enable_network"] and not self.network:
            message = "network is disabled, please enable it in the configuration"
            return 200, {"code": -400, "message": message, "data": None}
        if asked["language"] not in ("python3", "nodejs"):
            return 400, {"code": -400, "message": "unsupported language", "data": None}
        return 200, {"code": 0, "message": "success", "data": self._run(asked)}

    def _run(self, asked: dict[str, Any]) -> dict[str, Any]:
        command = [sys.executable, "-c", _PYTHON] if asked["language"] == "python3" else [str(NODE), "-e", _NODE]
        source = asked["code"].encode()
        try:
            done = subprocess.run(command, input=source, capture_output=True, timeout=self.seconds, check=False)
        except subprocess.TimeoutExpired:
            return {
                "stdout": "",
                "stderr": "",
                "error": "process exited with code -1\nerror: timeout\n",
                "exit_code": -1,
            }
        stderr = done.stderr.decode()
        code = done.returncode
        error = f"process exited with code {code}\n{stderr}" if code else ""
        return {"stdout": done.stdout.decode(), "stderr": stderr, "error": error, "exit_code": code}


@contextmanager
def dify_server(**options: Any) -> Iterator[DifyServer]:
    about = DifyServer(**options)
    with served(_handler(about)) as about.url:
        yield about


def _handler(about: DifyServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path != "/v1/sandbox/run":
                self.send_error(404)
            elif self.headers.get("X-Api-Key") != about.key:
                self._send(401, b"")
            else:
                status, told = about.answer(body)
                self._send(status, json.dumps(told).encode())

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None: ...

    return Handler
