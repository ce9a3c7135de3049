"""Starting and stopping: a home or port in use, a wrong key or file, signals, what a killed start leaves."""

from __future__ import annotations

import fcntl
import http.server
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.live import LiveServer, _descendants, free_port, start_server
from tests.organs import parser_documents
from tests.reliability.servers import LIGHT, PROGRAM, environ, run, run_up
from tests.served import served

pytestmark = pytest.mark.slow


def _is_locked(home: Path) -> bool:
    with (home / "llmflow.lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _files(home: Path) -> dict[str, bytes]:
    """Every file of a home that keeps something; databases' working files come and go."""
    kept = (path for path in home.rglob("*") if path.is_file() and not path.name.endswith(("-wal", "-shm", ".log")))
    return {str(path.relative_to(home)): path.read_bytes() for path in kept}


def test_a_second_start_on_a_home_names_the_first_which_goes_on(fake_model_server: LiveServer) -> None:
    second = run_up(fake_model_server.home)
    assert second.returncode == 1
    assert "home_in_use" in second.stderr
    assert str(fake_model_server.process.pid) in second.stderr
    assert fake_model_server.url in second.stderr
    assert "Traceback" not in second.stderr
    with fake_model_server.client() as client:
        assert client.get("/api/v1/knowledge").status_code == 200
    told = json.loads((fake_model_server.home / "server.json").read_bytes())
    assert told["url"] == fake_model_server.url
    assert _is_locked(fake_model_server.home)


def test_a_port_in_use_is_said_and_nothing_is_left_behind(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ended = run_up(tmp_path / "home", "--port", str(port))
    assert ended.returncode == 1
    assert "port_in_use" in ended.stderr
    assert str(port) in ended.stderr
    assert "--port" in ended.stderr
    assert not _is_locked(tmp_path / "home")
    assert set(_files(tmp_path / "home")) == {"llmflow.lock"}


def test_an_address_that_is_not_ours_is_said(tmp_path: Path) -> None:
    ended = run_up(tmp_path, "--host", "203.0.113.7")
    assert ended.returncode == 1
    assert "203.0.113.7" in ended.stderr
    assert "config_invalid" in ended.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="skipped: needs root to become another user")
def test_a_home_that_may_not_be_written_is_said(tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    as_nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    if subprocess.run([*as_nobody, str(PROGRAM), "version"], check=False, capture_output=True).returncode:
        pytest.skip("skipped: another user cannot run this installation")
    ended = run_up(home, prefix=as_nobody, HOME="/nonexistent")
    assert ended.returncode == 1
    assert "home_unwritable" in ended.stderr
    assert "Traceback" not in ended.stderr
    home.chmod(0o777)
    (home / "llmflow.lock").touch(0o600)  # of an earlier start as root
    ended = run_up(home, prefix=as_nobody, HOME="/nonexistent")
    assert ended.returncode == 1
    assert "home_unwritable" in ended.stderr
    tmp_path.chmod(0o700)
    ended = run_up(home, prefix=as_nobody, HOME="/nonexistent")
    assert ended.returncode == 1
    assert "home_unwritable" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_home_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("not a folder")
    ended = run_up(tmp_path / "home")
    assert (ended.returncode, "home_unwritable" in ended.stderr) == (1, True)


def test_a_killed_server_leaves_no_child_and_the_next_start_takes_its_home(tmp_path: Path) -> None:
    server = start_server(tmp_path, "--no-demo", config=LIGHT, environ=environ())
    with server.client() as client:
        client.post("/api/v1/knowledge", json={"name": "b"}).raise_for_status()
    server.put("b", "a.docx", parser_documents.word())
    server.wait_until_indexed("b")
    children = _descendants(server.process.pid)
    assert children
    server.kill()
    for child in children:
        end = time.monotonic() + 10
        while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().split()[2]:
            assert time.monotonic() < end, f"{child} outlives its server"
            time.sleep(0.05)
    assert (tmp_path / "server.json").exists()
    assert run("knowledge", "list", "--home", str(tmp_path)).returncode == 1
    again = start_server(tmp_path, "--no-demo", environ=environ())
    assert "password" not in again.printed
    again.wait_until_indexed("b")
    assert again.stop() == 0
    assert not (tmp_path / "server.json").exists()
    assert "Traceback" not in again.log()


def test_the_first_start_is_made_whole_after_a_kill_in_its_midst(tmp_path: Path) -> None:
    """Killed when the demo's base is there and its app is not: the next start ends with demo, sign-in and token."""
    (tmp_path / "llmflow.yaml").write_text(LIGHT)
    command = [str(PROGRAM), "up", "--home", str(tmp_path), "--port", str(free_port())]
    process = subprocess.Popen(command, env=environ(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not list((tmp_path / "blobs").glob("??/??/*")):
        assert time.monotonic() < end
        time.sleep(0.002)
    process.kill()
    assert b"ready" not in process.communicate()[0]
    server = start_server(tmp_path, environ=environ())
    try:
        assert re.search(r"Sign in as \S+ with the password \S+", server.printed)
        with server.client() as client:
            assert [app["name"] for app in client.get("/api/v1/apps").json()] == ["demo"]
            listed = client.get("/api/v1/knowledge/demo/documents").json()
        assert listed["total"] == len(list((Path(__file__).parents[2] / "src/llmflow/demo").glob("*/*.*")))
    finally:
        server.kill()


class _SlowModel(http.server.BaseHTTPRequestHandler):
    """An OpenAI-compatible server that says one word every 200 ms, 15 in all."""

    def do_GET(self) -> None:
        self._send(b'{"object":"list","data":[{"id":"slow","object":"model"}]}')

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for n in range(15):
            delta = {"choices": [{"index": 0, "delta": {"content": f"word{n} "}, "finish_reason": None}]}
            self.wfile.write(f"data: {json.dumps(delta)}\n\n".encode())
            self.wfile.flush()
            time.sleep(0.2)
        self.wfile.write(b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def slow_model() -> Iterator[str]:
    with served(_SlowModel) as url:
        yield f"{url}/v1"


def test_a_stop_lets_the_answer_being_streamed_end_and_stores_it(tmp_path: Path, slow_model: str) -> None:
    config = LIGHT.replace("{use: scripted}", f"{{use: openai, url: '{slow_model}', model: slow}}")
    server = start_server(tmp_path, "--no-demo", config=config, environ=environ())
    with server.client() as client:
        client.post("/api/v1/apps", json={"name": "talk"}).raise_for_status()
        made = client.post("/api/v1/keys", json={"kind": "app", "app": "talk"}).json()
    headers = {"Authorization": f"Bearer {made['token']}"}
    body = {"query": "hello there", "user": "u", "inputs": {}, "response_mode": "streaming"}
    with httpx.stream("POST", f"{server.url}/v1/chat-messages", json=body, headers=headers, timeout=30) as answer:
        lines = answer.iter_lines()
        received = next(line for line in lines if "word0" in line)
        server.process.send_signal(signal.SIGTERM)
        received += "".join(lines)
    assert server.process.wait(15) == 0
    assert "word14" in received
    assert "message_end" in received
    assert "Traceback" not in server.log()
    again = start_server(tmp_path, "--no-demo", environ=environ())
    conversation = re.search(r'"conversation_id": ?"([^"]+)"', received)
    assert conversation
    query = {"user": "u", "conversation_id": conversation[1]}
    stored = httpx.get(f"{again.url}/v1/messages", params=query, headers=headers, timeout=30).json()
    again.kill()
    assert "word14" in stored["data"][0]["answer"]


def test_ctrl_c_is_quiet(tmp_path: Path) -> None:
    server = start_server(tmp_path, "--no-demo", config=LIGHT, environ=environ())
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(20) in (0, 130)
    assert server.log() == ""


@pytest.mark.parametrize("after_s", [0.3, 1.0, 1.4])
def test_ctrl_c_while_starting_is_quiet(tmp_path: Path, after_s: float) -> None:
    (tmp_path / "llmflow.yaml").write_text(LIGHT)
    command = [str(PROGRAM), "up", "--home", str(tmp_path), "--port", str(free_port())]
    process = subprocess.Popen(command, env=environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(after_s)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode in (0, 130)
    assert errors == ""


def test_another_master_key_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    start_server(tmp_path, "--no-demo", config=LIGHT, environ=environ()).stop()
    before = _files(tmp_path)
    ended = run_up(tmp_path, LLMFLOW_MASTER_KEY="another passphrase, quite long")
    assert (ended.returncode, "master_key_wrong" in ended.stderr) == (1, True)
    assert "Traceback" not in ended.stderr
    assert _files(tmp_path) == before
    kept = (tmp_path / "master.key").read_bytes()
    (tmp_path / "master.key").unlink()
    ended = run_up(tmp_path)
    assert (ended.returncode, "master_key_wrong" in ended.stderr) == (1, True)
    assert not (tmp_path / "master.key").exists(), "a new key beside old secrets would hide that the old one is lost"
    (tmp_path / "master.key").write_bytes(kept)
    again = start_server(tmp_path, "--no-demo", environ=environ())
    assert again.stop() == 0


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("server:\n  port: 8700\n organs: {\n", ["config", "line 3"]),
        ("server:\n  port: 8700\n  prot: 1\n", ["setting_unknown", "prot", "line 3", "port"]),
        ("limits:\n  document_mb: many\n", ["setting_type", "document_mb", "line 2"]),
        ("organs:\n  vector_store: {use: milvuss}\n", ["adapter_unknown", "line 2"]),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path: Path, text: str, signs: list[str]) -> None:
    (tmp_path / "llmflow.yaml").write_text(text)
    ended = run_up(tmp_path)
    assert ended.returncode == 1
    assert "llmflow.yaml" in ended.stderr
    for sign in signs:
        assert sign in ended.stderr, ended.stderr
    assert set(_files(tmp_path)) == {"llmflow.yaml"}


def test_two_workers_on_sqlite_are_refused(tmp_path: Path) -> None:
    ended = run_up(tmp_path, "--workers", "2")
    assert (ended.returncode, set(_files(tmp_path))) == (1, set())
    for sign in ("needs_postgres", "SQLite", "store.url"):
        assert sign in ended.stderr


def test_what_keeps_several_workers_from_starting_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "llmflow.yaml").write_text(LIGHT + "store: {url: 'postgresql://u:hunter2@127.0.0.1:1/d'}\n")
    ended = run_up(tmp_path, "--workers", "3")
    assert (ended.returncode, ended.stderr.count("organ_unavailable")) == (1, 1)
    assert "hunter2" not in ended.stderr + ended.stdout


def test_a_database_that_is_not_there_is_said_without_its_password(tmp_path: Path) -> None:
    (tmp_path / "llmflow.yaml").write_text(LIGHT + "store: {url: 'postgresql://someone:hunter2@127.0.0.1:1/none'}\n")
    ended = run_up(tmp_path)
    assert ended.returncode == 1
    assert "127.0.0.1:1" in ended.stderr
    assert "store.url" in ended.stderr
    assert "hunter2" not in ended.stderr + ended.stdout
    assert "Traceback" not in ended.stderr
    assert not _is_locked(tmp_path)
