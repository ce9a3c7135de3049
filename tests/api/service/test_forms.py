"""Forms of paused runs over the Service API: looked at, sent in, followed to the end; of workflows and of chatflows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.chat_server import ChatServer, events, imported
from tests.flow_apps import answer, dsl, end, human, start, template

FIELDS: list[dict[str, Any]] = [
    {"type": "paragraph", "output_variable_name": "note", "default": {"type": "variable", "selector": ["start", "q"]}},
    {
        "type": "select",
        "output_variable_name": "team",
        "option_source": {"type": "constant", "value": ["인사", "재무"]},
    },
]
EDGES = (("start", "ask"), ("ask:approve", "t"), ("ask:reject", "t"), ("t", "end"))
SAID = {"inputs": {"note": "좋습니다", "team": "인사"}, "action": "approve", "user": "ann"}


def asking(**more: Any) -> Any:
    return human("ask", "{{#start.q#}}: {{#$output.note#}} {{#$output.team#}}", FIELDS, "approve", "reject", **more)


@pytest.fixture(scope="module")
def keys(chat_server: ChatServer) -> dict[str, str]:
    said = template("t", "{{ how }}: {{ note }}", how="ask.__action_value", note="ask.note")
    flow = dsl("결재", (start("q"), asking(), said, end(out="t.output")), EDGES)
    by_mail = dsl("메일 결재", (start("q"), asking(delivery_methods=[]), said, end(out="t.output")), EDGES)
    chat_nodes = (start(), answer("먼저. "), asking(form_content="확인"), {**answer("{{#ask.note#}}"), "id": "second"})
    chat_edges = (("start", "answer"), ("answer", "ask"), ("ask:approve", "second"), ("ask:reject", "second"))
    chat = dsl("결재 챗", chat_nodes, chat_edges, mode="advanced-chat")
    with chat_server.live.client() as console:
        made = {"flow": flow, "mail": by_mail, "chat": chat}
        return {name: imported(console, document) for name, document in made.items()}


@pytest.fixture
def flow(chat_server: ChatServer, keys: dict[str, str]) -> Iterator[httpx.Client]:
    with chat_server.client(keys["flow"]) as client:
        yield client


@pytest.fixture
def chat(chat_server: ChatServer, keys: dict[str, str]) -> Iterator[httpx.Client]:
    with chat_server.client(keys["chat"]) as client:
        yield client


def streamed(client: httpx.Client, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    with client.stream("POST", path, json={**body, "response_mode": "streaming", "user": "ann"}) as stream:
        return events(stream.iter_lines())


def run(client: httpx.Client) -> list[dict[str, Any]]:
    return streamed(client, "/workflows/run", {"inputs": {"q": "연차 3일"}})


def followed(client: httpx.Client, run_id: str, **params: Any) -> list[dict[str, Any]]:
    with client.stream("GET", f"/workflow/{run_id}/events", params={"user": "ann", **params}) as stream:
        return events(stream.iter_lines())


def named(told: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (found,) = [event for event in told if event["event"] == name]
    return found


@pytest.fixture
def official(shared_data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared_data / "dify" / "service_api.openapi.json").read_text("utf-8"))
    return found


def properties(official: dict[str, Any], schema: str) -> set[str]:
    """Of the `data` of an event."""
    parts = official["components"]["schemas"][schema]["allOf"]
    return set(parts[-1]["properties"]["data"]["properties"])


def test_a_run_that_asks_streams_the_form_and_pauses_as_documented(
    flow: httpx.Client, official: dict[str, Any]
) -> None:
    told = run(flow)
    asked, paused = named(told, "human_input_required"), named(told, "workflow_paused")
    assert told[-1] == paused
    assert set(asked["data"]) == properties(official, "WorkflowStreamEventHumanInputRequired")
    assert set(paused["data"]) == properties(official, "WorkflowStreamEventWorkflowPaused")
    assert (asked["data"]["node_title"], asked["data"]["display_in_ui"]) == ("ask", True)
    assert asked["data"]["resolved_default_values"] == {"note": "연차 3일"}
    assert paused["data"]["paused_nodes"] == ["ask"]
    assert paused["data"]["reasons"] == [{"TYPE": "human_input_required", **asked["data"]}]
    assert paused["data"]["status"] == "paused"


def test_the_form_is_shown_sent_in_once_and_the_run_goes_on(flow: httpx.Client, official: dict[str, Any]) -> None:
    told = run(flow)
    asked = named(told, "human_input_required")["data"]
    path = f"/form/human_input/{asked['form_token']}"
    form = flow.get(path)
    documented = official["paths"]["/form/human_input/{form_token}"]["get"]["responses"]["200"]["content"]
    assert set(form.json()) == set(documented["application/json"]["schema"]["properties"])
    assert form.json()["form_content"] == "연차 3일: {{#$output.note#}} {{#$output.team#}}"
    assert form.json()["expiration_time"] == asked["expiration_time"]
    assert form.json()["inputs"] == asked["inputs"]
    assert form.json()["user_actions"] == asked["actions"]
    assert form.json()["resolved_default_values"] == {"note": "연차 3일"}
    sent = flow.post(path, json=SAID)
    assert (sent.status_code, sent.json()) == (200, {})
    for again in (flow.post(path, json=SAID), flow.get(path)):
        assert (again.status_code, again.json()["code"]) == (412, "human_input_form_submitted")
    again_told = followed(flow, told[0]["workflow_run_id"], include_state_snapshot="true", continue_on_pause="true")
    filled = named(again_told, "human_input_form_filled")
    assert set(filled["data"]) == properties(official, "WorkflowStreamEventHumanInputFormFilled")
    assert filled["data"] == {
        "node_id": "ask",
        "node_title": "ask",
        "rendered_content": "연차 3일: 좋습니다 인사",
        "action_id": "approve",
        "action_text": "approve!",
        "submitted_data": SAID["inputs"],
    }
    assert [event["event"] for event in again_told if event["event"].startswith(("workflow", "human"))] == [
        "workflow_started",
        "human_input_required",
        "workflow_paused",
        "workflow_started",
        "human_input_form_filled",
        "workflow_finished",
    ]
    assert again_told[-1]["data"]["outputs"] == {"out": "approve!: 좋습니다"}


def test_a_reader_that_stays_through_the_pause_hears_the_end(flow: httpx.Client) -> None:
    told = run(flow)
    run_id, asked = told[0]["workflow_run_id"], named(told, "human_input_required")["data"]
    params = {"user": "ann", "continue_on_pause": "true"}
    heard: list[dict[str, Any]] = []
    with flow.stream("GET", f"/workflow/{run_id}/events", params=params) as stream:
        for line in stream.iter_lines():
            new = events(iter([line]))
            heard += new
            if [event["event"] for event in new] == ["workflow_paused"]:
                flow.post(f"/form/human_input/{asked['form_token']}", json=SAID).raise_for_status()
    assert heard[-1]["event"] == "workflow_finished"
    assert heard[-1]["data"]["status"] == "succeeded"


def test_what_is_wrong_with_an_answer_is_said_in_difys_codes(flow: httpx.Client, chat: httpx.Client) -> None:
    token = named(run(flow), "human_input_required")["data"]["form_token"]
    path = f"/form/human_input/{token}"

    def refused(client: httpx.Client, path: str, **changed: Any) -> tuple[int, str]:
        body = {name: value for name, value in {**SAID, **changed}.items() if value is not None}
        found = client.post(path, json=body)
        assert found.json()["status"] == found.status_code
        return found.status_code, found.json()["code"]

    assert refused(flow, path, action="maybe") == (400, "invalid_form_data")
    assert refused(flow, path, inputs={"note": "x"}) == (400, "invalid_form_data")
    assert refused(flow, path, inputs={"note": "x", "team": "개발"}) == (400, "invalid_form_data")
    assert refused(flow, path, inputs="x") == (400, "invalid_param")
    assert refused(flow, path, user=None) == (400, "invalid_param")
    assert refused(flow, "/form/human_input/nothing") == (404, "not_found")
    assert refused(chat, path) == (404, "not_found")
    assert flow.get("/form/human_input/nothing").json() == {
        "code": "not_found",
        "message": "Form not found",
        "status": 404,
    }
    assert flow.post(path, content=b"{").json()["code"] == "bad_request"
    assert flow.get(path).status_code == 200  # nothing of it counted


def test_a_form_for_others_has_no_token_for_who_uses_the_app(chat_server: ChatServer, keys: dict[str, str]) -> None:
    with chat_server.client(keys["mail"]) as client:
        asked = named(run(client), "human_input_required")["data"]
    assert (asked["form_token"], asked["display_in_ui"]) == (None, False)


def test_a_blocking_run_that_asks_is_answered_as_paused(flow: httpx.Client) -> None:
    body = {"inputs": {"q": "x"}, "user": "ann", "response_mode": "blocking"}
    found = flow.post("/workflows/run", json=body).json()
    data = found["data"]
    assert (data["status"], data["finished_at"], data["paused_nodes"]) == ("paused", None, ["ask"])
    token = data["reasons"][0]["form_token"]
    assert flow.get(f"/workflows/run/{found['workflow_run_id']}").json()["status"] == "paused"
    flow.post(f"/form/human_input/{token}", json=SAID).raise_for_status()
    told = followed(flow, found["workflow_run_id"], continue_on_pause="true")
    assert told[-1]["data"]["outputs"] == {"out": "approve!: 좋습니다"}


def test_a_chat_answer_that_asks_pauses_and_its_message_is_completed(
    chat: httpx.Client, official: dict[str, Any]
) -> None:
    told = streamed(chat, "/chat-messages", {"inputs": {}, "query": "휴가"})
    paused = told[-1]
    assert paused["event"] == "workflow_paused"
    assert "message_end" not in [event["event"] for event in told]
    conversation, message = paused["conversation_id"], paused["message_id"]
    params = {"user": "ann", "conversation_id": conversation}
    (waiting,) = chat.get("/messages", params=params).json()["data"]
    assert (waiting["answer"], waiting["status"]) == ("먼저. ", "paused")
    asked = named(told, "human_input_required")["data"]
    token = asked["form_token"]
    schemas = official["components"]["schemas"]
    (content,) = waiting["extra_contents"]
    assert set(content) == set(schemas["HumanInputContent"]["properties"])
    assert (content["type"], content["submitted"], content["form_submission_data"]) == ("human_input", False, None)
    assert content["workflow_run_id"] == paused["workflow_run_id"]
    assert set(content["form_definition"]) == set(schemas["HumanInputFormDefinition"]["properties"])
    assert content["form_definition"] == asked  # as the stream told it
    chat.post(f"/form/human_input/{token}", json=SAID).raise_for_status()
    rest = followed(chat, paused["workflow_run_id"], include_state_snapshot="true", continue_on_pause="true")
    assert [event["event"] for event in rest[-2:]] == ["message_end", "workflow_finished"]
    assert {event["message_id"] for event in rest} == {message}
    assert "".join(event["answer"] for event in rest if event["event"] == "message") == "먼저. 좋습니다"
    (done,) = chat.get("/messages", params=params).json()["data"]
    assert (done["answer"], done["status"]) == ("먼저. 좋습니다", "normal")
    (content,) = done["extra_contents"]
    assert (content["submitted"], content["form_definition"]) == (True, None)
    assert set(content["form_submission_data"]) == set(schemas["HumanInputFormSubmissionData"]["properties"])
    assert content["form_submission_data"]["rendered_content"] == "확인"
    assert content["form_submission_data"]["action_text"] == "approve!"


def test_a_blocking_chat_answer_that_asks_says_so(chat: httpx.Client) -> None:
    found = chat.post("/chat-messages", json={"inputs": {}, "query": "휴가", "user": "ann"}).json()
    assert (found["event"], found["answer"]) == ("workflow_paused", "먼저. ")
    assert found["data"]["reasons"][0]["TYPE"] == "human_input_required"
    assert found["data"]["status"] == "paused"
