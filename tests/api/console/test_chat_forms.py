"""An answer that waits for a person: who may answer its form in the chat, and how it goes on."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from llmflow.access.types import Role
from tests.api.chat_server import events
from tests.flow_apps import answer, dsl, human, start
from tests.live import LiveServer

EDGES = (("start", "answer"), ("answer", "ask"), ("ask:ok", "second"))
NOTE = [{"type": "paragraph", "output_variable_name": "note"}]
FILES = [*NOTE, {"type": "file-list", "output_variable_name": "papers"}]
TO_MEMBER = {"recipients": {"items": [{"type": "external", "email": "member@role.example"}]}}
BY_MAIL = [{"type": "email", "enabled": True, "config": {**TO_MEMBER, "subject": "확인", "body": "{{#url#}}"}}]


def design(name: str, fields: list[dict[str, Any]], **more: Any) -> str:
    ask = human("ask", "**{{#sys.query#}}** 확인", fields, "ok", **more)
    nodes = (start(), answer("먼저. "), ask, {**answer("{{#ask.note#}}"), "id": "second"})
    return dsl(name, nodes, EDGES, mode="advanced-chat")


@pytest.fixture(scope="module", autouse=True)
def made(fake_model_server: LiveServer) -> None:
    with fake_model_server.client() as console:
        for name, fields, more in (
            ("내 확인", FILES, {}),
            ("남의 확인", NOTE, {"delivery_methods": []}),
            ("메일 확인", NOTE, {"delivery_methods": BY_MAIL}),
        ):
            document = design(name, fields, **more)
            console.post("/api/v1/apps/import", json={"document": document, "publish": True}).raise_for_status()


def asked(client: httpx.Client, app: str, question: str = "휴가") -> dict[str, Any]:
    """How the answer paused."""
    with client.stream("POST", f"/api/v1/apps/{app}/ask", json={"question": question}) as stream:
        last = events(stream.iter_lines())[-1]
    assert (last["event"], last["paused"]) == ("end", True)
    return last


def kept(client: httpx.Client, app: str, at: dict[str, Any]) -> dict[str, Any]:
    found = client.get(f"/api/v1/apps/{app}/conversations/{at['conversation_id']}")
    (message,) = found.raise_for_status().json()["messages"]
    return dict(message)


def test_whoever_asks_answers_the_form_in_the_chat_and_the_answer_goes_on(by_role: dict[Role, httpx.Client]) -> None:
    member, app = by_role["member"], "내 확인"
    at = asked(member, app)
    message = kept(member, app, at)
    (form,) = message["forms"]
    assert (message["status"], message["answer"]) == ("paused", "먼저. ")
    assert (form["state"], form["may_answer"], form["content"]) == ("waiting", True, "**휴가** 확인")
    path = f"/api/v1/apps/{app}/messages/{at['message_id']}"
    sent = member.post(f"{path}/forms/{form['id']}/files", params={"name": "증빙.txt"}, content="첨부".encode())
    paper = {
        "type": "document",
        "transfer_method": "local_file",
        "upload_file_id": sent.raise_for_status().json()["id"],
    }
    said = {"action": "ok", "inputs": {"note": "좋습니다", "papers": [paper]}}
    heard: list[dict[str, Any]] = []
    with member.stream("GET", f"{path}/events", params={"through_pause": "true"}) as stream:  # before it is answered
        assert member.post(f"{path}/forms/{form['id']}", json=said).status_code == 204
        heard = events(stream.iter_lines())
    assert [heard[0]["event"], heard[-1]["event"]] == ["begin", "end"]
    assert "".join(event["text"] for event in heard if event["event"] == "delta") == "먼저. 좋습니다"
    assert heard[-1]["paused"] is False
    done = kept(member, app, at)
    assert (done["status"], done["answer"]) == ("normal", "먼저. 좋습니다")
    assert [(one["state"], one["action"]) for one in done["forms"]] == [("submitted", "ok!")]
    again = member.post(f"{path}/forms/{form['id']}", json=said)
    assert (again.status_code, again.json()["error"]["code"]) == (412, "human_input_form_submitted")


def test_a_form_for_others_is_named_to_whoever_asks_and_answered_elsewhere(
    by_role: dict[Role, httpx.Client],
) -> None:
    member, editor, app = by_role["member"], by_role["editor"], "남의 확인"
    at = asked(member, app)
    (form,) = kept(member, app, at)["forms"]
    assert (form["title"], form["may_answer"]) == ("ask", False)
    assert (form["content"], form["inputs"], form["actions"]) == ("", [], [])
    path = f"/api/v1/apps/{app}/messages/{at['message_id']}"
    said = {"action": "ok", "inputs": {"note": "제가 합니다"}}
    refused = member.post(f"{path}/forms/{form['id']}", json=said)
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "form_not_found")
    with member.stream("GET", f"{path}/events", params={"through_pause": "true"}) as stream:
        editor.post(f"/api/v1/forms/{form['id']}", json=said).raise_for_status()
        assert events(stream.iter_lines())[-1]["event"] == "end"
    (over,) = kept(member, app, at)["forms"]
    assert (over["state"], over["content"], over["action"]) == ("submitted", "", "")


def test_who_was_told_of_a_form_or_may_answer_all_answers_it_in_their_own_chat_too(
    by_role: dict[Role, httpx.Client],
) -> None:
    for app, client, may in (
        ("메일 확인", by_role["member"], True),
        ("남의 확인", by_role["editor"], True),
        ("남의 확인", by_role["member"], False),
    ):
        at = asked(client, app)
        (form,) = kept(client, app, at)["forms"]
        assert form["may_answer"] is may
        path = f"/api/v1/apps/{app}/messages/{at['message_id']}/forms/{form['id']}"
        answered = client.post(path, json={"action": "ok", "inputs": {"note": "네"}})
        assert answered.status_code == (204 if may else 404)


def test_a_form_belongs_to_the_message_that_waits_for_it_and_to_its_user(by_role: dict[Role, httpx.Client]) -> None:
    member, editor, app = by_role["member"], by_role["editor"], "내 확인"
    first, second = asked(member, app), asked(member, app)
    (form,) = kept(member, app, first)["forms"]
    said = {"action": "ok", "inputs": {"note": "네", "papers": []}}
    for client, message in ((member, second), (editor, first)):
        path = f"/api/v1/apps/{app}/messages/{message['message_id']}/forms/{form['id']}"
        assert client.post(path, json=said).status_code == 404
