"""The log of a workflow's runs, by every filter; and variables of a chatflow's conversations, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api.chat_server import ChatServer, imported
from tests.flow_apps import answer, dsl, end, start, template

NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def flow(chat_server: ChatServer) -> Iterator[httpx.Client]:
    """A workflow that "ann" ran twice, a request without a name once, and a member of the workspace once."""
    nodes = (start("q"), template("t", "안녕 {{ q }}", q="start.q"), end(out="t.output"))
    with chat_server.live.client() as console:
        key = imported(console, dsl("logged", nodes))
        invitation = {"email": "logger@example.com", "role": "editor"}
        token = console.post("/api/v1/invitations", json=invitation).raise_for_status().json()["token"]
    with httpx.Client(base_url=chat_server.live.url, trust_env=False, timeout=30) as browser:
        accept = {"token": token, "name": "기록자", "password": "네 낱말로 된 비밀번호"}
        browser.post("/api/v1/invitations/accept", json=accept).raise_for_status()
        browser.post("/api/v1/apps/logged/runs", json={"inputs": {"q": "나"}}).raise_for_status()
    with chat_server.client(key) as client:
        for user, q in (("ann", "사과"), ("ann", "배_1"), ("DEFAULT-USER", "감")):
            client.post("/workflows/run", json={"inputs": {"q": q}, "user": user}).raise_for_status()
        yield client


def _logged(flow: httpx.Client, **params: Any) -> dict[str, Any]:
    found: dict[str, Any] = flow.get("/workflows/logs", params=params).raise_for_status().json()
    return found


def _said(found: dict[str, Any], flow: httpx.Client) -> list[str]:
    ids = [item["workflow_run"]["id"] for item in found["data"]]
    return [flow.get(f"/workflows/run/{id}").json()["outputs"]["out"] for id in ids]


def test_a_log_tells_who_ran_it(flow: httpx.Client) -> None:
    found = _logged(flow)
    assert (found["page"], found["limit"], found["total"], found["has_more"]) == (1, 20, 4, False)
    anonymous, _, ann, member = found["data"]
    assert anonymous["created_by_end_user"]["is_anonymous"] is True
    assert ann["created_by_role"] == "end_user"
    assert ann["created_by_account"] is None
    assert {**ann["created_by_end_user"], "id": ""} == {
        "id": "",
        "type": "service-api",
        "is_anonymous": False,
        "session_id": "ann",
    }
    assert (member["created_by_role"], member["created_by_end_user"]) == ("account", None)
    assert member["created_by_account"]["email"] == "logger@example.com"
    assert (member["created_from"], ann["created_from"]) == ("console", "service-api")
    run = ann["workflow_run"]
    assert (run["version"], run["status"], run["triggered_from"], run["total_steps"]) == (
        "1",
        "succeeded",
        "app-run",
        3,
    )


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"created_by_end_user_session_id": "ann"}, ["안녕 배_1", "안녕 사과"]),
        ({"created_by_end_user_session_id": "nobody"}, []),
        ({"created_by_account": "logger@example.com"}, ["안녕 나"]),
        ({"keyword": "사과"}, ["안녕 사과"]),
        ({"keyword": "배_1"}, ["안녕 배_1"]),
        ({"keyword": "배%1"}, []),
        ({"status": "failed"}, []),
        ({"status": "succeeded", "limit": 1, "page": 2}, ["안녕 배_1"]),
        ({"created_at__before": "2020-01-01T00:00:00Z"}, []),
        ({"created_at__after": "2999-01-01T00:00:00Z"}, []),
        ({"created_at__after": "2020-01-01T09:00:00+09:00", "keyword": "감"}, ["안녕 감"]),
    ],
)
def test_a_log_is_filtered(flow: httpx.Client, params: dict[str, Any], said: list[str]) -> None:
    assert _said(_logged(flow, **params), flow) == said


def test_a_log_pages(flow: httpx.Client) -> None:
    found = _logged(flow, limit=3)
    assert (len(found["data"]), found["has_more"]) == (3, True)
    found = _logged(flow, limit=3, page=2)
    assert (len(found["data"]), found["has_more"]) == (1, False)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"created_by_account": "no@example.com"}, "Account not found: no@example.com"),
        ({"status": "odd"}, "status must be one of"),
        ({"created_at__after": "yesterday"}, "created_at__after must be a time"),
        ({"page": "0"}, "page must be a whole number"),
        ({"limit": "101"}, "limit must be a whole number"),
    ],
)
def test_a_wrong_filter_is_an_invalid_param(flow: httpx.Client, params: dict[str, Any], message: str) -> None:
    refused = flow.get("/workflows/logs", params=params)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_param")
    assert message in refused.json()["message"]


def test_a_run_that_is_not_there_is_not_found_to_the_letter(flow: httpx.Client) -> None:
    gone = flow.get(f"/workflows/run/{NOBODY}")
    assert gone.json() == {"code": "not_found", "message": "Workflow run not found.", "status": 404}
    wrong = flow.post("/workflows/latest/run", json={"inputs": {}, "user": "ann"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "bad_request")
    gone = flow.post(f"/workflows/{NOBODY}/run", json={"inputs": {}, "user": "ann"})
    assert gone.json() == {"code": "not_found", "message": f"Workflow not found with id: {NOBODY}", "status": 404}


def test_a_draft_is_not_run_and_a_published_version_is(chat_server: ChatServer, flow: httpx.Client) -> None:
    with chat_server.live.client() as console:
        draft = console.get("/api/v1/apps/logged/draft").json()["version"]["id"]
        (version,) = console.get("/api/v1/apps/logged/versions").json()
    refused = flow.post(f"/workflows/{draft}/run", json={"inputs": {"q": "x"}, "user": "bob"})
    message = f"Cannot use draft workflow version. Workflow ID: {draft}."
    assert refused.json() == {"code": "bad_request", "message": message, "status": 400}
    ran = flow.post(f"/workflows/{version['id']}/run", json={"inputs": {"q": "버전"}, "user": "bob"}).json()
    assert (ran["data"]["outputs"], ran["data"]["workflow_id"]) == ({"out": "안녕 버전"}, version["id"])


VARIABLES: list[dict[str, Any]] = [
    {"id": "a", "name": "name", "value_type": "string", "value": "없음", "description": "이름"},
    {"id": "b", "name": "count", "value_type": "number", "value": 3},
    {"id": "c", "name": "list", "value_type": "array[string]", "value": ["가", "나"]},
]


@pytest.fixture(scope="module")
def chatflow(chat_server: ChatServer) -> Iterator[tuple[httpx.Client, str]]:
    """A chatflow with three variables, and a conversation of "ann" with it."""
    with chat_server.live.client() as console:
        flow = dsl("varied", (start(), answer("{{#conversation.name#}}")), mode="advanced-chat", conversation=VARIABLES)
        key = imported(console, flow)
    with chat_server.client(key) as client:
        asked = client.post("/chat-messages", json={"inputs": {}, "query": "안녕", "user": "ann"}).raise_for_status()
        yield client, f"/conversations/{asked.json()['conversation_id']}/variables"


def test_variables_are_paged_and_found_by_name(chatflow: tuple[httpx.Client, str]) -> None:
    client, path = chatflow
    first = client.get(path, params={"user": "ann", "limit": 2}).json()
    assert (len(first["data"]), first["limit"], first["has_more"]) == (2, 2, True)
    rest = client.get(path, params={"user": "ann", "last_id": first["data"][-1]["id"]}).json()
    assert (len(rest["data"]), rest["has_more"]) == (1, False)
    assert {item["name"] for item in first["data"] + rest["data"]} == {"name", "count", "list"}
    (named,) = client.get(path, params={"user": "ann", "variable_name": "name"}).json()["data"]
    assert (named["value"], named["value_type"], named["description"]) == ("없음", "string", "이름")
    refused = client.get(path, params={"user": "ann", "last_id": NOBODY})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_param")


def test_a_variable_takes_only_values_of_its_type(chatflow: tuple[httpx.Client, str]) -> None:
    client, path = chatflow
    ids = {item["name"]: item["id"] for item in client.get(path, params={"user": "ann"}).json()["data"]}
    written = client.put(f"{path}/{ids['count']}", json={"value": 5, "user": "ann"}).json()
    assert (written["value"], written["value_type"]) == ("5", "number")
    assert client.put(f"{path}/{ids['list']}", json={"value": ["다"], "user": "ann"}).json()["value"] == '["다"]'
    refused = client.put(f"{path}/{ids['name']}", json={"value": 5, "user": "ann"})
    assert refused.json() == {
        "code": "bad_request",
        "message": "Type mismatch: variable 'name' expects string, but got number type",
        "status": 400,
    }
    assert client.put(f"{path}/{ids['name']}", json={"user": "ann"}).json()["code"] == "invalid_param"
    gone = client.put(f"{path}/{NOBODY}", json={"value": "x", "user": "ann"})
    assert gone.json() == {"code": "not_found", "message": "Conversation Variable Not Exists.", "status": 404}
    thief = client.put(f"{path}/{ids['name']}", json={"value": "x", "user": "thief"})
    assert thief.json() == {"code": "not_found", "message": "Conversation Not Exists.", "status": 404}
