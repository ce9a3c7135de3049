"""An answer on a public page that waits for a person: its visitor answers what is for whoever uses the app."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from tests.api.chat_server import ChatServer, events
from tests.api.public.test_public import ask, publish, visitor
from tests.flow_apps import answer, dsl, human, start

EDGES = (("start", "ask"), ("ask:ok", "answer"))
NOTE = [{"type": "paragraph", "output_variable_name": "note"}]


@pytest.mark.parametrize("in_app", [True, False])
def test_a_visitor_answers_the_form_where_it_is_theirs_and_else_waits(chat_server: ChatServer, in_app: bool) -> None:
    name = f"접수 {secrets.token_hex(3)}"
    more: dict[str, Any] = {} if in_app else {"delivery_methods": []}
    nodes = (start(), human("ask", "연락처를 남기세요", NOTE, "ok", **more), answer("{{#ask.note#}} 접수"))
    with chat_server.live.client() as console:
        document = dsl(name, nodes, EDGES, mode="advanced-chat")
        console.post("/api/v1/apps/import", json={"document": document, "publish": True}).raise_for_status()
        code = publish(console, name)
        with visitor(chat_server, code) as client:
            last = ask(client, "문의")[-1]
            assert (last["event"], last["paused"]) == ("end", True)
            (message,) = client.get(f"/conversations/{last['conversation_id']}").json()["messages"]
            (form,) = message["forms"]
            assert (form["state"], form["may_answer"], bool(form["inputs"])) == ("waiting", in_app, in_app)
            path = f"/messages/{message['id']}"
            said = {"action": "ok", "inputs": {"note": "홍길동"}}
            with visitor(chat_server, code) as other:
                ask(other, "저도요")
                assert other.post(f"{path}/forms/{form['id']}", json=said).status_code == 404
            with client.stream("GET", f"{path}/events", params={"through_pause": "true"}) as stream:
                if in_app:
                    assert client.post(f"{path}/forms/{form['id']}", json=said).status_code == 200
                else:
                    assert client.post(f"{path}/forms/{form['id']}", json=said).status_code == 404
                    console.post(f"/api/v1/forms/{form['id']}", json=said).raise_for_status()
                heard = events(stream.iter_lines())
            assert "".join(event["text"] for event in heard if event["event"] == "delta") == "홍길동 접수"
            assert heard[-1]["event"] == "end"
        console.delete(f"/api/v1/apps/{name}").raise_for_status()
