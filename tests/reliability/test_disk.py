"""A disk that fills: uploads are refused by name, nothing is half kept, what was accepted goes on with space."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.chat_server import imported
from tests.flow_apps import dsl, end, start
from tests.live import LiveServer, start_server
from tests.reliability.census import blobs_of, drafts_of, take_census
from tests.reliability.servers import LIGHT, environ, run_up

pytestmark = pytest.mark.slow

DISK_MB = 24


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of its own with DISK_MB megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("skipped: a disk of its own cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def _fill(folder: Path, *, but: int = 0) -> Path:
    """A file that leaves only `but` bytes of the disk."""
    ballast = folder / "ballast"
    with ballast.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 65536)
        except OSError:
            pass
        while os.statvfs(folder).f_bavail:
            try:
                file.write(b"\0" * 4096)
            except OSError:
                break
        file.truncate(max(0, ballast.stat().st_size - but))
    return ballast


def _put(server: LiveServer, name: str, content: bytes) -> tuple[int, str]:
    with server.client() as client:
        answer = client.put(f"/api/v1/knowledge/b/documents/{name}", content=content)
        return answer.status_code, "" if answer.is_success else answer.json()["error"]["code"]


def test_a_full_disk_refuses_uploads_keeps_nothing_half_and_loses_nothing(small_disk: Path) -> None:
    home = small_disk / "home"
    server = start_server(home, "--no-demo", config=LIGHT + "limits: {min_free_disk_mb: 0}\n", environ=environ())
    with server.client() as client:
        client.post("/api/v1/knowledge", json={"name": "b"}).raise_for_status()
        assert _put(server, "before.txt", b"accepted before the disk was full") == (202, "")
        server.wait_until_indexed("b")
        ballast = _fill(small_disk, but=200_000)

        # more than fits: refused while it is being written
        assert _put(server, "large.txt", b"many words " * 200_000) == (503, "disk_full")
        assert drafts_of(home) == []

        # small ones until nothing fits any more: each is accepted whole or refused
        accepted = ["before.txt"]
        for n in range(200):
            status, code = _put(server, f"{n}.txt", f"document number {n} ".encode() * 400)
            if status != 202:
                assert (status, code) == (503, "disk_full")
                break
            accepted.append(f"{n}.txt")
        else:
            pytest.fail("the disk never became full")
        _fill(small_disk)
        assert _put(server, "never.txt", b"x" * 9000) == (503, "disk_full")
        answer = client.post("/api/v1/knowledge", json={"name": "another base"})
        assert answer.is_success or answer.json()["error"]["code"] == "disk_full"
        assert client.get("/healthz").status_code == 200
        assert client.get("/api/v1/knowledge").status_code == 200
        time.sleep(1)

        # space comes back
        ballast.unlink()
        assert _put(server, "after.txt", b"accepted afterwards") == (202, "")
        accepted.append("after.txt")
        assert server.wait_until_indexed("b", seconds=60) == {"ready": len(accepted)}
    assert server.stop() == 0
    census = take_census(home)
    census.check()
    assert census.by_name().keys() == set(accepted)
    assert drafts_of(home) == []


def test_little_space_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    config = LIGHT + f"limits: {{min_free_disk_mb: {2**40}}}\n"
    server = start_server(tmp_path, "--no-demo", config=config, environ=environ())
    try:
        with server.client() as client:
            client.post("/api/v1/knowledge", json={"name": "b"}).raise_for_status()
        assert _put(server, "a.txt", b"some words") == (503, "disk_full")
        assert (blobs_of(tmp_path), drafts_of(tmp_path)) == (set(), [])
    finally:
        server.kill()


def test_a_start_on_a_full_disk_says_so(small_disk: Path) -> None:
    home = small_disk / "home"
    home.mkdir()
    _fill(small_disk)
    ended = run_up(home)
    assert (ended.returncode, "disk_full" in ended.stderr) == (1, True), ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_restart_on_a_full_disk_says_so_and_loses_nothing(small_disk: Path) -> None:
    home = small_disk / "home"
    server = start_server(home, "--no-demo", config=LIGHT, environ=environ())
    with server.client() as client:
        client.post("/api/v1/knowledge", json={"name": "b"}).raise_for_status()
    server.kill()
    ballast = _fill(small_disk)
    ended = run_up(home)
    assert (ended.returncode, "disk_full" in ended.stderr) == (1, True), ended.stderr
    assert "Traceback" not in ended.stderr
    ballast.unlink()
    again = start_server(home, "--no-demo", environ=environ())
    with again.client() as client:
        assert [entry["base"]["name"] for entry in client.get("/api/v1/knowledge").json()] == ["b"]
    assert again.stop() == 0


def test_a_run_on_a_full_disk_is_never_told_as_succeeded_when_it_is_not_kept(small_disk: Path) -> None:
    server = start_server(small_disk / "home", "--no-demo", config=LIGHT, environ=environ())
    told: dict[str, str] = {}
    try:
        with server.client() as console:
            key = imported(console, dsl("크다", (start("q"), end(out="start.q"))))
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=f"{server.url}/v1", headers=headers, timeout=60, trust_env=False) as client:

            def run() -> dict[str, Any]:
                body = {"inputs": {"q": "가" * 40_000}, "user": "ann", "response_mode": "blocking"}
                found: dict[str, Any] = client.post("/workflows/run", json=body).raise_for_status().json()["data"]
                told[found["id"]] = found["status"]
                return found

            assert run()["status"] == "succeeded"
            ballast = _fill(small_disk)
            failed = next(found for found in (run() for _ in range(500)) if found["status"] != "succeeded")
            assert failed["status"] == "failed"
            assert "disk" in failed["error"]
            ballast.unlink()
            assert run()["status"] == "succeeded"
    finally:
        assert server.stop() == 0
    server = start_server(small_disk / "home", "--no-demo", config=LIGHT, environ=environ())
    try:
        with httpx.Client(base_url=f"{server.url}/v1", headers=headers, timeout=60, trust_env=False) as client:
            assert {id: client.get(f"/workflows/run/{id}").json()["status"] for id in told} == told
    finally:
        server.stop()
