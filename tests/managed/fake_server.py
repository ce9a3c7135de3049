"""A small model server that managed servers' tests run: `fake_server.py PORT MODEL MODE`. It speaks OpenAI's chat
format, wants its key, and has children that do not go by themselves.

MODE: "" serves; "crash" ends at once; "flaky FILE" ends at its first start only; "mute" never becomes healthy; "deaf"
does not listen to SIGTERM; "loud" writes a line of log at each request; "slow FILE" becomes healthy once FILE is there.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_SLEEPER = [sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"]
ADAPTERS: dict[str, str] = {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model = ""
    mode = ""

    def do_GET(self) -> None:
        if self.mode == "loud":
            print("가나다" * 100, flush=True)
        if self.path == "/health":
            self._answer(503 if self._is_ill() else 200, {})
        elif self._may() and self.path == "/v1/models":
            names = [self.model, *ADAPTERS]
            self._answer(200, {"data": [{"id": name, "owned_by": "vllm", "max_model_len": 4096} for name in names]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        if not self._may():
            return
        if self.path == "/tokenize":
            self._answer(200, {"count": len(body["prompt"].split())})
        elif self.path.endswith("/embeddings"):
            rows = [{"index": n, "embedding": [3.0, 4.0]} for n in range(len(body["input"]))]
            self._answer(200, {"data": rows})
        elif self.path == "/v1/load_lora_adapter":
            there = Path(body["lora_path"]).is_dir()
            ADAPTERS.update({body["lora_name"]: body["lora_path"]} if there else {})
            self._answer(200 if there else 404, {} if there else {"error": {"message": "No adapter found"}})
        elif self.path == "/v1/unload_lora_adapter":
            self._answer(200 if ADAPTERS.pop(body["lora_name"], None) else 404, {})
        else:
            text = f"{body['model']}: {body['messages'][-1]['content']}"
            message = {"role": "assistant", "content": text}
            self._answer(200, {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

    def _is_ill(self) -> bool:
        mode, _, file = self.mode.partition(" ")
        return mode == "mute" or (mode == "slow" and not Path(file).exists())

    def _may(self) -> bool:
        good = self.headers.get("Authorization") == f"Bearer {os.environ['FAKE_KEY']}"
        if not good:
            self._answer(401, {"error": {"message": "no"}})
        return good

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None: ...


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that went away is not news for the log."""


def main() -> None:
    port, Handler.model, *given = int(sys.argv[1]), *sys.argv[2:]
    at = given.index("--adapters") if "--adapters" in given else len(given)
    Handler.mode = " ".join(given[:at])
    for pair in given[at + 1 :]:
        name, _, path = pair.partition("=")
        ADAPTERS[name] = path
    print(f"fake server on {port}", flush=True)
    kind, _, file = Handler.mode.partition(" ")
    if kind == "crash":
        print("RuntimeError: no model today", flush=True)
        sys.exit(3)
    if kind == "flaky" and not Path(file).exists():
        Path(file).touch()
        sys.exit(4)
    if kind == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen(_SLEEPER)  # a child
    if os.fork() == 0:  # a grandchild that has let go of everything
        os.setsid()
        if os.fork() == 0:
            os.execv(sys.executable, _SLEEPER)
        os._exit(0)
    os.wait()
    Server(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main()
