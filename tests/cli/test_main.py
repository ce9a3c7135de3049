"""The program as a whole: what it loads, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from llmflow import __version__
from llmflow.cli.main import COMMANDS, load_command
from llmflow.home import HomeLock
from tests.cli.conftest import LLMFLOW, Answer, Request, Run, Stub, refusal


def test_version_loads_nothing_heavy() -> None:
    program = (
        "import sys\nsys.argv = ['llmflow', 'version']\nfrom llmflow.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = ('fastapi', 'sqlalchemy', 'lancedb', 'aiohttp', 'numpy', 'starlette', 'dbos', 'httpx', 'rich')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"LLMFlow {__version__}", "[]"]


def test_version_is_one_json_document_when_asked(run: Run) -> None:
    assert run("version", "--json").json["version"] == __version__


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_in_help_is_the_first_line_of_the_command_itself(name: str) -> None:
    first = load_command(name).help.strip().split("\n\n")[0]
    assert " ".join(first.split()) == COMMANDS[name][1]


def test_help_names_every_command(run: Run) -> None:
    shown = run("--help").out
    assert [name for name in COMMANDS if f"\n  {name} " not in shown] == []


def test_wrong_usage_ends_with_2(run: Run) -> None:
    assert run("nonsense").code == 2
    assert run("ask").code == 2
    assert run("knowledge", "search", "kb", "q", "--top-k", "0").code == 2
    assert run("keys", "create", "--kind", "king").code == 2


def test_a_mistyped_command_is_guessed(run: Run) -> None:
    assert "Did you mean 'doctor'?" in run("doctr").err


def test_wrong_usage_with_json_is_the_one_error_shape(run: Run) -> None:
    result = run("ask", "--json")
    assert result.code == 2
    assert result.out == ""
    assert result.error["code"] == "invalid_request"


def test_without_a_server_the_error_says_how_to_start_one(run: Run, home: Path) -> None:
    result = run("apps", "list")
    assert result.code == 1
    assert result.err == (
        f"error[server_unreachable]: No LLMFlow is running on the home {home}.\n"
        "  Start the server with `llmflow up`, or name its home with --home.\n"
    )


def test_with_json_the_error_is_a_document_on_stderr(run: Run) -> None:
    result = run("apps", "list", "--json")
    assert (result.code, result.out) == (1, "")
    assert result.error["code"] == "server_unreachable"
    assert "llmflow up" in result.error["hint"]


def test_home_names_another_home(run: Run, stub: Stub, home: Path, tmp_path: Path) -> None:
    stub.routes["GET", "/apps"] = (200, [])
    other = tmp_path / "다른 집"
    other.mkdir()
    assert str(other) in run("apps", "list", "--home", other).err
    assert run("apps", "list", "--home", home, env={"LLMFLOW_HOME": str(other)}).code == 0


def test_a_server_that_died_is_unreachable(run: Run, home: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (home / "server.json").write_text(json.dumps({"pid": ended.pid, "url": "http://127.0.0.1:1"}))
    assert "No LLMFlow is running" in run("apps", "list").err
    (home / "cli.token").write_text("adm-x")
    (home / "server.json").write_text(json.dumps({"pid": os.getpid(), "url": "http://127.0.0.1:1"}))
    assert "No LLMFlow is running" in run("apps", "list").err, "a living process without the lock is another program"
    lock = HomeLock(home)
    lock.acquire()
    lock.announce("http://127.0.0.1:1")
    assert "Nothing answers at http://127.0.0.1:1." in run("apps", "list").err
    lock.release()


def test_a_token_that_is_gone_says_what_to_do(run: Run, stub: Stub, home: Path) -> None:
    (home / "cli.token").unlink()
    result = run("apps", "list", "--json")
    assert result.error["code"] == "unauthorized"
    assert "Start LLMFlow again" in result.error["hint"]


def test_the_servers_own_error_comes_through_whole(run: Run, stub: Stub) -> None:
    stub.routes["GET", "/apps"] = (401, refusal("key_expired", "The key has expired.", "Make a new one."))
    assert run("apps", "list").err == "error[key_expired]: The key has expired.\n  Make a new one.\n"
    assert stub.requests[0].authorization == "Bearer adm-test"


def test_something_else_on_the_port_is_no_traceback(run: Run, stub: Stub) -> None:
    stub.routes["GET", "/apps"] = (200, b"<html>hello</html>")
    result = run("apps", "list", "--json")
    assert result.error["code"] == "server_unreachable"
    assert "is not an LLMFlow" in result.error["message"]


def test_a_reader_that_leaves_early_is_no_traceback(home: Path) -> None:
    done = subprocess.run(
        f"{LLMFLOW} settings --markdown | head -1", shell=True, capture_output=True, text=True, cwd=home
    )
    assert done.stdout == "# Settings\n"
    assert done.stderr == ""


def test_korean_is_written_whatever_the_locale(run: Run, stub: Stub) -> None:
    app = {"name": "사내 도우미", "mode": "chat", "id": "a1", "created_at": 0, "description": "🤖"}
    stub.routes["GET", "/apps"] = (200, [app])
    for locale in ("C", "POSIX", "en_US.ISO-8859-1"):
        result = run("apps", "list", env={"LC_ALL": locale})
        assert result.code == 0
        assert "사내 도우미" in result.out


def test_an_interrupted_command_ends_with_130_and_says_nothing(stub: Stub, home: Path) -> None:
    asked, over = threading.Event(), threading.Event()

    def hang(request: Request) -> Answer:
        asked.set()
        over.wait(30)
        return 200, b""

    stub.routes["POST", "/apps/demo/ask"] = hang
    command = [str(LLMFLOW), "ask", "demo", "q", "--home", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert asked.wait(30)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    over.set()
    assert (process.returncode, out, err) == (130, b"", b"")
