"""Managed servers in a real LLMFlow: the command line, the console API, the gateway, and an LLMFlow that is killed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.live import LiveServer, free_port, start_server
from tests.managed.test_servers import marked
from tests.reliability.servers import environ, run

RECIPES = "managed: {recipes: ['tests.managed.fake_recipe:RECIPE', 'tests.managed.fake_recipe:VLLM']}\n"
BESIDE = RECIPES + "organs: {llm: {use: scripted}, embedding: {use: hashing}}\n"
URL = "/api/v1/organs/managed"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server whose fake organ is installed and running, beside the model of llmflow.yaml."""
    folder = tmp_path_factory.mktemp("managed")
    server = start_server(folder / "home", "--no-demo", config=BESIDE, environ=environ())
    try:
        organs(server, "install", "fake")
        organs(server, "start", "fake")
        yield server
    finally:
        assert server.stop() == 0
    assert marked(folder) == []
    assert "Traceback" not in server.log()


def organs(server: LiveServer, *arguments: str) -> Any:
    """`llmflow organs ...`, its JSON."""
    done = run("organs", *arguments, "--json", "--home", str(server.home))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(*arguments: str) -> dict[str, Any]:
    """The error that `llmflow organs ...` ends with."""
    done = run("organs", *arguments, "--json")
    assert done.returncode == 1
    found: dict[str, Any] = json.loads(done.stderr.strip().splitlines()[-1])["error"]
    return found


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 40
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def chat(server: LiveServer, model: str) -> httpx.Response:
    with server.client() as console:
        key = console.post("/api/v1/keys", json={"kind": "model", "name": "test"}).json()
    body = {"model": model, "messages": [{"role": "user", "content": "안녕하세요"}]}
    headers = {"Authorization": f"Bearer {key['token']}"}
    return httpx.post(f"{server.url}/v1/chat/completions", json=body, headers=headers, trust_env=False)


def test_the_list_shows_what_there_is_and_how_it_is(live: LiveServer) -> None:
    fake, vllm = (
        next(one for one in organs(live, "list")["organs"] if one["state"]["name"] == name) for name in ("fake", "vllm")
    )
    assert (fake["state"]["state"], fake["state"]["model"]) == ("running", "fake-1")
    assert fake["state"]["port"] > 0
    assert fake["state"]["memory_mb"] > 10
    assert vllm["state"]["state"] == "absent"
    shown = run("organs", "list", "--home", str(live.home)).stdout
    assert "fake" in shown
    assert "running" in shown


def test_its_model_is_served_by_the_gateway_while_it_runs(live: LiveServer) -> None:
    answer = chat(live, "fake-1")
    assert answer.json()["choices"][0]["message"]["content"] == "fake-1: 안녕하세요"
    organs(live, "stop", "fake")
    assert chat(live, "fake-1").json()["error"]["code"] == "model_unknown"
    organs(live, "start", "fake")
    assert chat(live, "fake-1").status_code == 200


def test_an_adapter_is_a_model_of_its_own_also_after_a_new_start(live: LiveServer, tmp_path: Path) -> None:
    path = f"{URL}/fake/adapters/법무"
    with live.client() as console:
        assert console.put(path, json={"path": str(tmp_path)}).status_code == 204
        assert console.put(path, json={"path": str(tmp_path / "none")}).json()["error"]["code"] == "adapter_refused"
        assert console.put(path, json={"path": "here"}).json()["error"]["code"] == "adapter_refused"
        assert chat(live, "법무").json()["choices"][0]["message"]["content"] == "법무: 안녕하세요"
        organs(live, "start", "fake", "--set", "context_tokens=4096")
        assert chat(live, "법무").json()["choices"][0]["message"]["content"] == "법무: 안녕하세요"
        assert console.delete(path).status_code == 204
        assert console.delete(path).json()["error"]["code"] == "adapter_refused"
        assert _state(live, "fake")["adapters"] == {}


def test_the_log_is_shown_without_the_key(live: LiveServer) -> None:
    lines = organs(live, "logs", "fake", "-n", "5")["lines"]
    assert any("fake server on" in line for line in lines)
    with live.client() as console:
        assert console.get(f"{URL}/fake/log", params={"lines": 5}).json()["lines"] == lines
    printed = run("organs", "logs", "fake", "--home", str(live.home)).stdout
    assert "fake server on" in printed


def test_a_log_is_followed(live: LiveServer) -> None:
    program = str(Path(sys.executable).with_name("llmflow"))
    command = [program, "organs", "logs", "fake", "--follow", "-n", "1", "--home", str(live.home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ()) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with (live.home / "organs" / "fake" / "server.log").open("a") as log:
            log.write("새 줄\n")
        assert process.stdout.readline() == "새 줄\n"
        process.kill()


def test_it_is_told_what_is_wrong_with_a_start(live: LiveServer) -> None:
    assert refused("start", "vllm", "--home", str(live.home))["code"] == "organ_not_installed"
    assert refused("start", "fake", "--set", "red", "--home", str(live.home))["code"] == "invalid_request"
    with live.client() as console:
        unknown = console.post(f"{URL}/fak/start", json={})
        wrong = console.post(f"{URL}/fake/start", json={"chosen": {"colour": "red"}})
        running = console.post(f"{URL}/fake/install")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "organ_unknown")
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "colour")
    assert (running.status_code, running.json()["error"]["code"]) == (409, "organ_running")


def test_nothing_is_left_of_a_killed_llmflow_and_it_runs_again_with_the_next(tmp_path: Path) -> None:
    server = start_server(tmp_path / "home", "--no-demo", config=BESIDE, environ=environ())
    try:
        with server.client() as console:
            console.post(f"{URL}/fake/install")
            until(lambda: _state(server, "fake")["state"] == "stopped")
            console.post(f"{URL}/fake/start", json={})
            until(lambda: _state(server, "fake")["state"] == "running")
        left = marked(tmp_path)
        assert len(left) == 4
        server.kill()
        assert psutil.wait_procs(left, timeout=30)[1] == []
        server = start_server(tmp_path / "home", "--no-demo", environ=environ())
        until(lambda: _state(server, "fake")["state"] == "running")
        with server.client() as console:
            assert console.delete(f"{URL}/fake").status_code == 204
        assert not (tmp_path / "home" / "organs" / "fake").exists()
    finally:
        server.stop()
    assert marked(tmp_path) == []


def _state(server: LiveServer, name: str) -> dict[str, Any]:
    with server.client() as console:
        found: list[dict[str, Any]] = [one["state"] for one in console.get(URL).json()]
    return next(state for state in found if state["name"] == name)


def test_without_a_server_it_can_be_installed_listed_read_and_removed_but_not_started(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "llmflow.yaml").write_text(BESIDE)
    at = ("--home", str(home), "--json")
    installed = run("organs", "install", "fake", *at)
    assert installed.returncode == 0, installed.stderr
    listed = json.loads(run("organs", "list", *at).stdout)["organs"]
    states = {one["state"]["name"]: one["state"]["state"] for one in listed}
    assert (states["fake"], states["vllm"]) == ("stopped", "absent")
    assert refused("start", "fake", "--home", str(home))["code"] == "server_unreachable"
    assert json.loads(run("organs", "logs", "fake", "--install", *at).stdout)["file"].endswith("install.log")
    assert json.loads(run("organs", "remove", "fake", *at).stdout)["removed"] == str(home / "organs" / "fake")


def test_one_line_of_the_configuration_uses_it_and_readyz_names_it_while_it_starts(tmp_path: Path) -> None:
    home, go = tmp_path / "home", tmp_path / "go"
    home.mkdir()
    llm = f"llm: {{use: vllm, model: fake-1, arguments: 'slow {go}'}}"
    (home / "llmflow.yaml").write_text(RECIPES + f"organs: {{{llm}, embedding: {{use: hashing}}}}\n")
    assert run("organs", "install", "vllm", "--home", str(home)).returncode == 0
    port = free_port()
    program = str(Path(sys.executable).with_name("llmflow"))
    command = [program, "up", "--no-demo", "--home", str(home), "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ()) as process:
        try:
            until(lambda: _missing(url) == ["organs.llm"])
            go.touch()
            assert process.stdout is not None
            assert process.stdout.readline() == f"LLMFlow is ready at {url}\n"
            assert httpx.get(f"{url}/readyz", trust_env=False).json() == {"status": "ready", "not_ready": []}
            server = LiveServer(home, url, "", process)  # type: ignore[arg-type]
            assert chat(server, "").json()["choices"][0]["message"]["content"] == "fake-1: 안녕하세요"
            with server.client() as console:
                llm_state = next(o for o in console.get("/api/v1/doctor").json()["organs"] if o["port"] == "llm")
            assert (llm_state["kind"], llm_state["health"]["ok"]) == ("managed", True)
            assert "serves fake-1" in llm_state["health"]["detail"]
        finally:
            process.terminate()
            process.wait(40)
    assert marked(tmp_path) == []


def _missing(url: str) -> list[str]:
    try:
        found: list[str] = httpx.get(f"{url}/readyz", trust_env=False).json()["not_ready"]
    except (httpx.HTTPError, json.JSONDecodeError):
        return []
    return found


def test_what_the_configuration_uses_and_is_not_installed_fails_only_answers(tmp_path: Path) -> None:
    config = RECIPES + "organs: {llm: {use: vllm}, embedding: {use: hashing}}\n"
    server = start_server(tmp_path / "home", "--no-demo", config=config, environ=environ())
    try:
        error = chat(server, "").json()["error"]
        assert error["code"] == "organ_not_installed"
        assert "llmflow organs install vllm" in error["hint"]
    finally:
        server.stop()


def test_the_environment_of_a_server_holds_no_secret_of_ours(live: LiveServer) -> None:
    for process in marked(live.home.parent):
        assert not [name for name in process.environ() if name.startswith("LLMFLOW_") and name != "LLMFLOW_MANAGED"]
