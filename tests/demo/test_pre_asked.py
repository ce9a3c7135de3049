"""What a new administrator finds answered in the demo, whatever happens to the first start."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.live import LiveServer, start_server

CONFIG = "organs: {llm: {use: scripted}, embedding: {use: hashing}}\n"


def _conversations(browser: httpx.Client) -> list[dict[str, Any]]:
    listed = browser.get("/apps/demo/conversations").json()["conversations"]
    return [browser.get(f"/apps/demo/conversations/{one['id']}").json() for one in listed]


def _answered(browser: httpx.Client, count: int) -> list[dict[str, Any]]:
    """The conversations, once `count` of them have an answer."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        found = _conversations(browser)
        if sum(any(m["status"] == "normal" for m in one["messages"]) for one in found) >= count:
            return found
        time.sleep(0.3)
    raise TimeoutError(f"still {found}")


@contextmanager
def _session(server: LiveServer, email: str, password: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{server.url}/api/v1", trust_env=False, timeout=60) as browser:
        browser.post("/session", json={"email": email, "password": password}).raise_for_status()
        yield browser


def test_the_demos_questions_are_answered_once_whatever_is_killed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = start_server(home, config=CONFIG)
    printed = re.search(r"Sign in as (\S+) with the password (\S+)", first.printed)
    assert printed
    first.kill()  # while the demo's documents are read
    second = start_server(home)
    try:
        with _session(second, printed[1], printed[2]) as browser:
            change = {"old": printed[2], "new": "a long new password"}
            browser.post("/session/password", json=change).raise_for_status()
            found = _answered(browser, 2)
            assert sorted(bool(re.search("[가-힣]", one["messages"][0]["question"])) for one in found) == [False, True]
            assert [len(one["messages"]) for one in found] == [1, 1]
            assert all(one["messages"][0]["answer"] for one in found)
            browser.delete(f"/apps/demo/conversations/{found[0]['id']}").raise_for_status()
    finally:
        second.stop()
    third = start_server(home)
    try:
        with _session(third, printed[1], "a long new password") as browser:
            (kept,) = _conversations(browser)
            assert kept == found[1]
    finally:
        third.stop()
