"""The network cut: the demo is read and answers, and nothing tries to reach another machine."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.reliability.servers import PROGRAM, environ

pytestmark = pytest.mark.slow

#: Loaded into every Python process of the run: notes each look-up and connection that leaves this machine.
RECORDER = """
import os, sys

def note(event, arguments):
    if event == "socket.getaddrinfo":
        target = arguments[0]
    elif event in ("socket.connect", "socket.sendto"):
        target = arguments[-1][0] if isinstance(arguments[-1], tuple) else None
    else:
        return
    if isinstance(target, bytes):
        target = target.decode("latin-1")
    if target and target not in ("localhost", "::1", "0.0.0.0", "::") and not target.startswith("127."):
        handle = os.open(os.environ["TMPDIR"] + "/attempts", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(handle, f"{event} {target} {sys.argv}\\n".encode())
        os.close(handle)

sys.addaudithook(note)
"""

RUN = """
set -e
ip link set lo up
"$PROGRAM" up --home "$HOME_FOLDER" --port 8700 >"$TMPDIR/printed" 2>"$TMPDIR/log" &
server=$!
for _ in $(seq 300); do grep -q 'ready at' "$TMPDIR/printed" && break; sleep 0.2; done
"$PROGRAM" ask demo "싱가포르 출장 때 석식비는 얼마까지 쓸 수 있나요?" --json --home "$HOME_FOLDER" >"$TMPDIR/ko.json"
"$PROGRAM" ask demo "What is the lodging cap for San Francisco?" --json --home "$HOME_FOLDER" >"$TMPDIR/en.json"
"$PROGRAM" knowledge documents demo --json --home "$HOME_FOLDER" >"$TMPDIR/documents.json"
"$PROGRAM" doctor --json --home "$HOME_FOLDER" >"$TMPDIR/doctor.json"
kill -TERM $server
wait $server
"""


def test_without_a_network_the_demo_is_read_and_answers_in_both_languages(tmp_path: Path) -> None:
    if subprocess.run(["unshare", "-n", "ip", "link", "set", "lo", "up"], check=False, capture_output=True).returncode:
        pytest.skip("skipped: no network namespace can be made here")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(RECORDER)
    given = environ(
        PYTHONPATH=str(tmp_path / "site"),
        PROGRAM=str(PROGRAM),
        HOME_FOLDER=str(tmp_path / "home"),
        TMPDIR=str(tmp_path),
    )
    command = ["unshare", "-n", "bash", "-c", RUN]
    ended = subprocess.run(command, env=given, capture_output=True, text=True, timeout=240, check=False, cwd=tmp_path)
    log = (tmp_path / "log").read_text()
    assert ended.returncode == 0, ended.stderr + log
    documents = json.loads((tmp_path / "documents.json").read_text())["documents"]
    assert {document["state"] for document in documents} == {"ready"}, documents
    korean, english = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("ko", "en"))
    assert korean["citations"][0]["document"] == "복리후생 및 출장 안내.pdf"
    assert english["citations"][0]["document"] == "Benefits, Travel & Expenses.pdf"
    assert korean["answer"].strip()
    assert english["answer"].strip()
    assert json.loads((tmp_path / "doctor.json").read_text())["ok"]
    attempts = tmp_path / "attempts"
    assert not attempts.exists(), attempts.read_text()
    assert "Traceback" not in log


def test_the_recorder_would_have_noticed(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(RECORDER)
    code = "import socket; socket.create_connection(('192.0.2.1', 9), timeout=0.01)"
    subprocess.run(
        [str(PROGRAM.with_name("python")), "-c", code],
        env=os.environ | {"PYTHONPATH": str(tmp_path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        check=False,
    )
    assert "192.0.2.1" in (tmp_path / "attempts").read_text()
