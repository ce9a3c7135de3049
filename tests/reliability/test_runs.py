"""kill -9 in the middle of a run, on both databases; streams that are cut; a hundred streams at once."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.chat_server import events, imported
from tests.flow_apps import Counting, Node, answer, dsl, end, http, start, template
from tests.live import LiveServer
from tests.reliability.servers import LIGHT, up

pytestmark = pytest.mark.slow

_CONFIG = LIGHT + "workflow: {http_allow: [127.0.0.1]}\nlimits: {workflow_concurrency: 120}\n"


@pytest.fixture
def config(store: str) -> str:
    return _CONFIG + store


def twenty(counting: Counting, method: str) -> str:
    """Twenty nodes: start, nine times a GET and a template of it, and an end; the fifth request is a `method`."""
    nodes: list[Node] = [start("q")]
    for number in range(1, 10):
        way = method if number == 5 else "GET"
        nodes.append(http(f"h{number}", way, f"{counting.url}/{number}"))
        nodes.append(template(f"t{number}", "{{ a }};", a=f"h{number}.body"))
    nodes.append(end(**{f"o{number}": f"t{number}.output" for number in range(1, 10)}))
    assert len(nodes) == 20
    return dsl("스무 단계", nodes)


def service(server: LiveServer, key: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.Client(base_url=f"{server.url}/v1", headers=headers, timeout=60, trust_env=False)


def read_until_cut(server: LiveServer, key: str, told: list[dict[str, Any]]) -> None:
    """Starts a run and keeps what its stream says until the server dies."""
    body = {"inputs": {"q": "가"}, "user": "ann", "response_mode": "streaming"}
    try:
        with service(server, key) as client, client.stream("POST", "/workflows/run", json=body) as stream:
            for line in stream.iter_lines():
                told += events(iter([line]))
    except httpx.HTTPError:
        return  # as meant


def killed_in_the_middle(
    home: Path, config: str, counting: Counting, method: str
) -> tuple[LiveServer, str, list[dict[str, Any]]]:
    """The server started again after it was killed while the fifth request was under way; the app's key; what the
    first stream had said."""
    server = up(home, config)
    with server.client() as console:
        key = imported(console, twenty(counting, method))
    counting.hold("/5")
    told: list[dict[str, Any]] = []
    reader = threading.Thread(target=read_until_cut, args=(server, key, told))
    reader.start()
    counting.wait_for("/5")
    time.sleep(0.05)  # what was told has left for the disk
    server.kill()
    reader.join(30)
    counting.release("/5")
    return up(home, config), key, told


def followed(client: httpx.Client, run_id: str) -> list[dict[str, Any]]:
    params = {"user": "ann", "include_state_snapshot": "true"}
    with client.stream("GET", f"/workflow/{run_id}/events", params=params) as stream:
        return events(stream.iter_lines())


def test_a_killed_run_goes_on_and_no_finished_node_runs_again(tmp_path: Path, config: str, counting: Counting) -> None:
    server, key, told = killed_in_the_middle(tmp_path / "home", config, counting, "GET")
    try:
        with service(server, key) as client:
            again = followed(client, told[0]["workflow_run_id"])
            run = client.get(f"/workflows/run/{told[0]['workflow_run_id']}").json()
    finally:
        server.stop()
    assert counting.asked == {f"/{number}": 2 if number == 5 else 1 for number in range(1, 10)}
    assert (run["status"], run["outputs"]["o9"]) == ("succeeded", "답 /9 1;")
    assert run["outputs"]["o5"] == "답 /5 2;"
    assert again[: len(told)] == told  # what the first reader saw is what was kept
    finished = [event["data"]["node_id"] for event in again if event["event"] == "node_finished"]
    assert sorted(finished) == sorted(set(finished))
    assert len(finished) == 20
    assert again[-1]["event"] == "workflow_finished"


def test_a_killed_run_with_an_unsafe_node_in_flight_pauses_and_asks(
    tmp_path: Path, config: str, counting: Counting
) -> None:
    home = tmp_path / "home"
    server, key, told = killed_in_the_middle(home, config, counting, "POST")
    run_id = told[0]["workflow_run_id"]
    with service(server, key) as client:
        assert followed(client, run_id)[-1]["event"] == "workflow_paused"
        assert client.get(f"/workflows/run/{run_id}").json()["status"] == "paused"
    assert counting.asked == {f"/{number}": 1 for number in range(1, 6)}
    server.kill()
    server = up(home, config)
    try:
        with server.client() as console, service(server, key) as client:
            path = f"/api/v1/apps/{console.get('/api/v1/apps').json()[0]['id']}/runs/{run_id}"
            [waiting] = console.get(path).json()["waiting"]
            assert (waiting["node_id"], waiting["asks"]) == ("h5", "repeat")
            console.post(f"{path}/answer", json={"node_id": "h5", "action": "repeat"}).raise_for_status()
            assert followed(client, run_id)[-1]["event"] == "workflow_finished"
            assert client.get(f"/workflows/run/{run_id}").json()["status"] == "succeeded"
    finally:
        server.stop()
    assert counting.asked == {f"/{number}": 2 if number == 5 else 1 for number in range(1, 10)}


def test_a_killed_chatflow_keeps_its_answer(tmp_path: Path, config: str, counting: Counting) -> None:
    server = up(tmp_path / "home", config)
    nodes = (
        start(),
        template("t", "앞 "),
        http("h", "GET", f"{counting.url}/slow"),
        answer("{{#t.output#}}{{#h.body#}}"),
    )
    with server.client() as console:
        key = imported(console, dsl("대화", nodes, mode="advanced-chat"))
    counting.hold("/slow")
    told: list[dict[str, Any]] = []

    def ask() -> None:
        body = {"inputs": {}, "query": "질문", "user": "ann", "response_mode": "streaming"}
        try:
            with service(server, key) as client, client.stream("POST", "/chat-messages", json=body) as stream:
                for line in stream.iter_lines():
                    told.extend(events(iter([line])))
        except httpx.HTTPError:
            return

    reader = threading.Thread(target=ask)
    reader.start()
    counting.wait_for("/slow")
    time.sleep(0.05)
    server.kill()
    reader.join(30)
    counting.release("/slow")
    server = up(tmp_path / "home", config)
    try:
        with service(server, key) as client:
            again = followed(client, told[0]["workflow_run_id"])
            conversation = {"user": "ann", "conversation_id": told[0]["conversation_id"]}
            [message] = client.get("/messages", params=conversation).json()["data"]
    finally:
        server.stop()
    assert again[-1]["data"]["outputs"]["answer"] == "앞 답 /slow 2"
    assert (message["query"], message["answer"], message["status"]) == ("질문", "앞 답 /slow 2", "normal")


def test_a_hundred_streams_at_once_lose_no_event(tmp_path: Path) -> None:
    server = up(tmp_path / "home", _CONFIG)
    nodes = [start("q"), *(template(f"n{i}", "{{ q }}", q="start.q") for i in range(8)), end(out="n7.output")]
    try:
        with server.client() as console:
            key = imported(console, dsl("many", nodes))

        def stream(number: int) -> list[dict[str, Any]]:
            body = {"inputs": {"q": str(number)}, "user": f"u{number}", "response_mode": "streaming"}
            with service(server, key) as client, client.stream("POST", "/workflows/run", json=body) as answer:
                return events(answer.iter_lines())

        with ThreadPoolExecutor(100) as pool:
            for number, told in enumerate(pool.map(stream, range(100))):
                names = [event["event"] for event in told]
                assert names[0] == "workflow_started"
                assert names.count("workflow_started") == 1
                assert (names.count("node_started"), names.count("node_finished")) == (10, 10)
                assert names[-1] == "workflow_finished"
                assert told[-1]["data"]["outputs"] == {"out": str(number)}
    finally:
        assert server.stop() == 0
    assert "Traceback" not in server.log()


def test_a_stream_that_is_cut_is_taken_up_where_it_was(tmp_path: Path, counting: Counting) -> None:
    server = up(tmp_path / "home", _CONFIG)
    nodes = (
        start("q"),
        template("t", "{{ q }}", q="start.q"),
        http("h", "GET", f"{counting.url}/slow"),
        end(out="h.body"),
    )
    counting.hold("/slow")
    try:
        with server.client() as console:
            key = imported(console, dsl("slow", nodes))
        with service(server, key) as client:
            body = {"inputs": {"q": "가"}, "user": "ann", "response_mode": "streaming"}
            told = []
            with client.stream("POST", "/workflows/run", json=body) as stream:
                for line in stream.iter_lines():
                    told += events(iter([line]))
                    if len(told) == 4:
                        break  # the reader goes; the run does not
            counting.wait_for("/slow")
            path = f"/workflow/{told[0]['workflow_run_id']}/events"
            with client.stream("GET", path, params={"user": "ann"}, headers={"Last-Event-ID": "4"}) as stream:
                numbers, rest = [], []
                for line in stream.iter_lines():
                    if line.startswith("id: "):
                        numbers.append(int(line[4:]))
                        counting.release("/slow") if len(numbers) == 1 else None
                    rest += events(iter([line]))
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            whole = followed(client, told[0]["workflow_run_id"])
            assert [json.dumps(event) for event in told + rest] == [json.dumps(event) for event in whole]
            assert client.get(path, params={"user": "somebody else"}).status_code == 404
    finally:
        server.stop()
