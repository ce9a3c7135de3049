"""Configurations and small steps that the tests of faults share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.live import LiveServer, free_port, start_server

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(sys.executable).with_name("llmflow")

#: Every organ real but the two that hold weights.
FAKES = "organs: {llm: {use: scripted}, embedding: {use: hashing}}\n"
#: A chunker too that takes no seconds to load.
LIGHT = FAKES.replace("}}", "}, chunker: {use: 'tests.reliability.plain:PlainChunker'}}")


def environ(**more: str) -> dict[str, str]:
    """Ours without LLMFlow's own variables, with this repository to import from."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LLMFLOW_")}
    return kept | {"PYTHONPATH": str(ROOT)} | more


def up(home: Path, config: str) -> LiveServer:
    """A server on that home, without the demo."""
    return start_server(home, "--no-demo", config=config, environ=environ())


def run_up(home: Path, *options: str, prefix: tuple[str, ...] = (), **more: str) -> subprocess.CompletedProcess[str]:
    """`llmflow up` that is meant to end by itself."""
    port = () if "--port" in options else ("--port", str(free_port()))
    return run("up", "--home", str(home), *port, *options, prefix=prefix, **more)


def run(*arguments: str, prefix: tuple[str, ...] = (), **more: str) -> subprocess.CompletedProcess[str]:
    """One command of the program, to its end."""
    return subprocess.run(
        [*prefix, str(PROGRAM), *arguments],
        capture_output=True,
        text=True,
        env=environ(**more),
        timeout=60,
        check=False,
    )
