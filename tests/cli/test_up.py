"""`up`: what it leaves readable to others, in the home and in the log."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.live import start_server

LIGHT = "server: {log_level: debug}\norgans: {llm: {use: scripted}, embedding: {use: hashing}}\n"


@pytest.mark.slow
def test_others_read_nothing_of_a_home_and_the_log_holds_no_words(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    server = start_server(home, "--no-demo", config=LIGHT)
    try:
        with server.client() as client:
            client.post("/api/v1/apps", json={"name": "비밀 앱"}).raise_for_status()
        ours_to_make = {"llmflow.yaml", "server.log", "server.out"}  # the test made these
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in home.iterdir() if p.name not in ours_to_make}
        assert {"llmflow.db", "jobs.db", "cli.token", "master.key", "server.json"} <= modes.keys()
        assert {name for name, mode in modes.items() if mode & 0o077} == set()
    finally:
        server.stop()
    assert "DEBUG" in server.log()
    assert "비밀 앱" not in server.log()
