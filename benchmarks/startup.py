"""`llmflow up` from a new home and from a used one: time, CPU and memory to ready, and to the first answers."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import httpx

from benchmarks.report import Line, show
from tests.live import LiveServer, start_server

_QUESTIONS = ("입사 3년 차면 연차가 며칠인가요?", "How many days of annual leave do I get after three years?")


def main(quick: bool = False) -> dict[str, object]:
    """`quick` leaves out nothing: a start is short."""
    with tempfile.TemporaryDirectory() as folder:
        first = _start(Path(folder) / "home")
        second = _start(Path(folder) / "home")
    show(
        "Start-up (installed; one process, demo seeded)",
        [
            _line("first start to ready, wall s", first["ready_s"], 5.0, "Langflow 300, LiteLLM 18 CPU-s"),
            _line("first start to ready, CPU-s", first["ready_cpu_s"], 4.0, "Hayhooks 5"),
            _line("first start, MB at ready", first["ready_mb"], 250.0, "Langflow 1700"),
            _line("first start: Korean and English answered, s after ready", first["answers_s"], 15.0, "-"),
            _line("memory after the answers, MB with children", first["answered_mb"], 1200.0, "-"),
            _line("second start to ready, wall s", second["ready_s"], 5.0, "-"),
            _line("second start to ready, CPU-s", second["ready_cpu_s"], 4.0, "-"),
            _line("second start: answered, s after ready", second["answers_s"], 15.0, "-"),
        ],
    )
    return {"first": first, "second": second}


def _line(what: str, measured: float, target: float, beside: str) -> Line:
    return Line(what, f"{measured:.1f}", f"<= {target:g}", beside, measured <= target)


def _start(home: Path) -> dict[str, float]:
    started = time.monotonic()
    server = start_server(home)
    ready_s = time.monotonic() - started
    found = {"ready_s": ready_s, "ready_cpu_s": server.cpu_s(), "ready_mb": server.rss_mb()}
    try:
        began = time.monotonic()
        for question in _QUESTIONS:
            _ask(server, question)
        found["answers_s"] = time.monotonic() - began
        found["answered_mb"] = server.rss_mb()
    finally:
        server.stop()
    return found


def _ask(server: LiveServer, question: str) -> None:
    """Asks the demo as `llmflow ask` does and waits for the end of the answer."""
    with (
        server.client() as client,
        client.stream(
            "POST", "/api/v1/apps/demo/ask", json={"question": question}, timeout=httpx.Timeout(120)
        ) as answer,
    ):
        answer.raise_for_status()
        if not any('"event":"end"' in line for line in answer.iter_lines()):
            raise RuntimeError("the answer did not end")


if __name__ == "__main__":
    main("--quick" in sys.argv)
