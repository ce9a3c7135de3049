"""Runs over the console: start, list, look at, follow, fork, stop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from llmflow.access.types import Role
from tests.api.chat_server import events
from tests.flow_apps import dsl, end, start, template

NODES = (
    start("q"),
    template("a", "안녕 {{ q }}", q="start.q"),
    template("b", "{{ a }}!", a="a.output"),
    end(out="b.output"),
)


@pytest.fixture
def app(console: httpx.Client) -> Iterator[str]:
    made = console.post("/apps/import", json={"document": dsl("인사", NODES), "publish": True}).json()["app_id"]
    yield made
    console.delete(f"/apps/{made}")


def ran(console: httpx.Client, app: str, **body: Any) -> list[dict[str, Any]]:
    with console.stream("POST", f"/apps/{app}/runs", json=body) as answer:
        assert answer.status_code == 200, answer.read()
        return events(answer.iter_lines())


def test_a_run_is_started_listed_looked_at_and_followed_again(console: httpx.Client, app: str) -> None:
    told = ran(console, app, inputs={"q": "세계"})
    run_id = told[0]["run_id"]
    assert (told[-1]["event"], told[-1]["outputs"]) == ("workflow_finished", {"out": "안녕 세계!"})
    page = console.get(f"/apps/{app}/runs", params={"status": "succeeded", "keyword": "세계"}).json()
    assert ([run["id"] for run in page["runs"]], page["total"]) == ([run_id], 1)
    assert console.get(f"/apps/{app}/runs", params={"status": "failed"}).json()["total"] == 0
    detail = console.get(f"/apps/{app}/runs/{run_id}").json()
    assert [(node["node_id"], node["status"]) for node in detail["nodes"]] == [
        (name, "succeeded") for name in ("start", "a", "b", "end")
    ]
    assert detail["nodes"][1]["outputs"] == {"output": "안녕 세계"}
    assert (detail["run"]["status"], detail["waiting"], detail["run"]["graph"]) == ("succeeded", [], None)
    with console.stream("GET", f"/apps/{app}/runs/{run_id}/events", params={"after": 3}) as answer:
        lines = list(answer.iter_lines())
    assert events(iter(lines)) == told[4:]
    assert lines[0] == "id: 4"


def test_a_draft_is_run_and_a_run_forked(console: httpx.Client, app: str) -> None:
    run_id = ran(console, app, inputs={"q": "하나"}, version=0)[0]["run_id"]
    assert console.get(f"/apps/{app}/runs/{run_id}").json()["run"]["graph"] is None
    forked = console.post(f"/apps/{app}/runs/{run_id}/fork", json={"node_id": "b", "outputs": {"a": {"output": "둘"}}})
    assert (forked.status_code, forked.json()["saved_nodes"]) == (201, 2)
    with console.stream("GET", f"/apps/{app}/runs/{forked.json()['run_id']}/events") as answer:
        assert events(answer.iter_lines())[-1]["outputs"] == {"out": "둘!"}
    detail = console.get(f"/apps/{app}/runs/{forked.json()['run_id']}").json()
    assert [node["reused"] for node in detail["nodes"]] == [True, True, False, False]
    assert (detail["run"]["parent_id"], detail["run"]["forked_node"]) == (run_id, "b")


def test_a_member_runs_a_workflow_and_does_not_see_into_it(
    console: httpx.Client, app: str, by_role: dict[Role, httpx.Client]
) -> None:
    def told(client: httpx.Client, path: str) -> list[dict[str, Any]]:
        with client.stream("POST", f"{path}/apps/{app}/runs", json={"inputs": {"q": "세계"}}) as answer:
            return events(answer.iter_lines())

    seen = told(by_role["member"], "/api/v1")
    assert seen[-1]["outputs"] == {"out": "안녕 세계!"}
    ends = [event for event in seen if event["event"] == "node_finished"]
    assert [event["node_id"] for event in ends] == ["start", "a", "b", "end"]
    assert not any(event.keys() & {"inputs", "process_data", "outputs"} for event in ends)
    whole = [event for event in told(console, "") if event["event"] == "node_finished"]
    assert whole[1]["outputs"] == {"output": "안녕 세계"}


def test_what_cannot_be_is_refused_by_name(console: httpx.Client, app: str) -> None:
    run_id = ran(console, app, inputs={"q": "x"})[0]["run_id"]

    def refused(path: str, **body: Any) -> tuple[int, str]:
        answer = console.post(f"/apps/{app}/runs{path}", json=body)
        return answer.status_code, answer.json()["error"]["code"]

    assert refused("", inputs={}) == (400, "workflow_input_invalid")
    assert refused("", inputs={"q": "x"}, version=9) == (404, "version_not_found")
    assert refused(f"/{run_id}/resume") == (409, "run_not_resumable")
    assert refused(f"/{run_id}/answer", node_id="a", action="repeat") == (409, "run_not_resumable")
    assert refused(f"/{run_id}/fork", node_id="nope") == (400, "invalid_request")
    assert refused("/nope/stop") == (404, "run_not_found")
    assert console.post(f"/apps/{app}/runs/{run_id}/stop").json() == {"stopped": False}
