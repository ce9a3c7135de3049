"""A real `llmflow up` in a process of its own, for tests and benchmarks."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

START_S = 90.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class LiveServer:
    """A running server. `printed`: what it wrote to standard output until it was ready."""

    home: Path
    url: str
    printed: str
    process: subprocess.Popen[bytes]

    @property
    def token(self) -> str:
        return (self.home / "cli.token").read_text().strip()

    def client(self, **options: object) -> httpx.Client:
        """A console client with the command line's key."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False)

    def put(self, base: str, name: str, content: bytes) -> dict[str, object]:
        with self.client() as client:
            answer = client.put(f"/api/v1/knowledge/{base}/documents/{name}", content=content)
            answer.raise_for_status()
            found: dict[str, object] = answer.json()
            return found

    def wait_until_indexed(self, base: str, *, seconds: float = 180.0) -> dict[str, int]:
        """The base's documents by state, once none is queued or running."""
        end = time.monotonic() + seconds
        with self.client() as client:
            while time.monotonic() < end:
                counts: dict[str, int] = client.get(f"/api/v1/knowledge/{base}").json()["documents"]
                if counts and not counts.keys() & {"queued", "running"}:
                    return counts
                time.sleep(0.2)
        raise TimeoutError(f"still {counts} after {seconds} s; the server says:\n{self.log()}")

    def log(self) -> str:
        return (self.home / "server.log").read_text("utf-8", "replace")

    def cpu_s(self) -> float:
        """CPU seconds of the process and its children that ended."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(") ")[2].split()
        return sum(int(fields[i]) for i in (11, 12, 13, 14)) / os.sysconf("SC_CLK_TCK")

    def rss_mb(self) -> float:
        """Memory of the process and its children, in MB."""
        total = 0
        for pid in [self.process.pid, *_descendants(self.process.pid)]:
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmRSS"):
                    total += int(line.split()[1])
        return total / 1024

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)


def _descendants(pid: int) -> list[int]:
    found = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            found += [child, *_descendants(child)]
    return found


def start_server(
    home: Path, *options: str, config: str | None = None, environ: dict[str, str] | None = None
) -> LiveServer:
    """Starts `llmflow up` on a free port and returns when it says that it is ready."""
    home.mkdir(parents=True, exist_ok=True)
    if config is not None:
        (home / "llmflow.yaml").write_text(config, "utf-8")
    program = Path(sys.executable).with_name("llmflow")
    command = [str(program), "up", "--home", str(home), "--port", str(free_port())]
    out = home / "server.out"
    with (home / "server.log").open("ab") as log, out.open("wb") as printing:
        process = subprocess.Popen(
            [*command, *options],
            stdout=printing,
            stderr=log,
            env={k: v for k, v in os.environ.items() if not k.startswith("LLMFLOW_")} | (environ or {}),
            cwd=home,
        )
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        printed = out.read_text("utf-8")
        ready = re.search(r"^LLMFlow is ready at (\S+)$", printed, re.MULTILINE)
        if ready:
            return LiveServer(home, ready[1], printed, process)
        if process.poll() is not None:
            break
        time.sleep(0.05)
    process.kill()
    raise RuntimeError(
        f"the server did not start:\n{out.read_text('utf-8')}\n{(home / 'server.log').read_text('utf-8', 'replace')}"
    )
