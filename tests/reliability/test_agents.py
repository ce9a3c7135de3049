"""kill -9 at an agent's tools: it goes on from its last step, and repeats no tool that must not run twice unasked."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.chat_server import imported
from tests.flow_apps import Counting
from tests.live import LiveServer
from tests.reliability.servers import LIGHT, up
from tests.reliability.test_runs import service

pytestmark = pytest.mark.slow

_CONFIG = LIGHT.replace("use: scripted", "use: 'tests.reliability.calling:CallingLlm'")
_CONFIG += "workflow: {http_allow: [127.0.0.1]}\n"


def agent_app() -> str:
    def tool(provider: str, name: str) -> dict[str, Any]:
        named = {"provider_type": "builtin", "provider_id": provider, "provider_name": provider}
        return {"enabled": True, **named, "tool_name": name, "tool_label": name, "tool_parameters": {}}

    tools = [tool("http", "request"), tool("webscraper", "webscraper")]
    config = {
        "model": {"provider": "", "name": "", "mode": "chat", "completion_params": {}},
        "pre_prompt": "",
        "agent_mode": {"enabled": True, "strategy": "function_call", "max_iteration": 5, "tools": tools},
    }
    app = {"name": "주문", "mode": "agent-chat", "icon": "", "icon_background": "", "description": ""}
    return json.dumps({"version": "0.6.0", "kind": "app", "app": app, "model_config": config})


def ask_until_cut(server: LiveServer, key: str, question: str) -> None:
    body = {"inputs": {}, "query": question, "user": "ann", "response_mode": "streaming"}
    try:
        with service(server, key) as client, client.stream("POST", "/chat-messages", json=body) as stream:
            for _ in stream.iter_lines():
                pass
    except httpx.HTTPError:
        return  # as meant


def killed_in_the_middle(home: Path, counting: Counting, *second: list[Any]) -> tuple[LiveServer, str]:
    """The server started again after it was killed while the second round's tool of /slow was at work; the key."""
    server = up(home, _CONFIG)
    with server.client() as console:
        key = imported(console, agent_app())
    counting.hold("/slow")
    first = [["request", {"url": f"{counting.url}/first", "method": "POST", "body": "주문"}]]
    reader = threading.Thread(target=ask_until_cut, args=(server, key, json.dumps([first, list(second)])))
    reader.start()
    counting.wait_for("/slow")
    time.sleep(0.05)  # what was told has left for the disk
    server.kill()
    reader.join(30)
    counting.release("/slow")
    return up(home, _CONFIG), key


def only_run(server: LiveServer, *states: str) -> dict[str, Any]:
    """The app's one run, with what waits in it, once its state is one of those."""
    with server.client() as console:
        app = console.get("/api/v1/apps").json()[0]["id"]
        end = time.monotonic() + 60
        while time.monotonic() < end:
            [run] = console.get(f"/api/v1/apps/{app}/runs").json()["runs"]
            if run["status"] in states:
                return {"path": f"/api/v1/apps/{app}/runs/{run['id']}", **run}
            time.sleep(0.05)
    raise TimeoutError(run["status"])


def message(server: LiveServer, key: str) -> dict[str, Any]:
    with service(server, key) as client:
        [conversation] = client.get("/conversations", params={"user": "ann"}).json()["data"]
        params = {"user": "ann", "conversation_id": conversation["id"]}
        [found] = client.get("/messages", params=params).json()["data"]
    return dict(found)


def test_an_agent_killed_at_a_safe_tool_goes_on_and_repeats_that_one_alone(tmp_path: Path, counting: Counting) -> None:
    server, key = killed_in_the_middle(tmp_path / "home", counting, ["webscraper", {"url": f"{counting.url}/slow"}])
    try:
        only_run(server, "succeeded")
        kept = message(server, key)
    finally:
        server.stop()
    assert counting.asked == {"/first": 1, "/slow": 2}
    assert kept["status"] == "normal"
    assert "답 /first 1" in kept["answer"] and "답 /slow 2" in kept["answer"]
    assert [thought["tool"] for thought in kept["agent_thoughts"]] == ["request", "webscraper", ""]


def test_an_agent_killed_at_a_tool_that_must_not_run_twice_asks_before_it_repeats_it(
    tmp_path: Path, counting: Counting
) -> None:
    slow = ["request", {"url": f"{counting.url}/slow", "method": "POST", "body": "결제"}]
    server, key = killed_in_the_middle(tmp_path / "home", counting, slow)
    try:
        run = only_run(server, "paused")
        assert message(server, key)["status"] == "paused"
        assert counting.asked == {"/first": 1, "/slow": 1}
        with server.client() as console:
            [waiting] = console.get(run["path"]).json()["waiting"]
            assert waiting["asks"] == "repeat"
            body = {"node_id": waiting["node_id"], "action": "repeat"}
            console.post(f"{run['path']}/answer", json=body).raise_for_status()
        only_run(server, "succeeded")
        kept = message(server, key)
    finally:
        server.stop()
    assert counting.asked == {"/first": 1, "/slow": 2}
    assert kept["status"] == "normal"
    assert "답 /slow 2" in kept["answer"]
