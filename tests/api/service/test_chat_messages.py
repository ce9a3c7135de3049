"""Chat messages over HTTP: blocking, streaming, stopping, leaving."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from tests.api.chat_server import QUESTION, ChatServer, events, imported
from tests.flow_apps import answer, dsl, start


def _ask(client: httpx.Client, query: str = QUESTION, **more: Any) -> httpx.Response:
    return client.post("/chat-messages", json={"inputs": {}, "query": query, "user": "ann", **more})


def test_a_blocking_answer_names_its_document_and_passage(service: httpx.Client) -> None:
    answer = _ask(service, response_mode="blocking")
    assert answer.status_code == 200
    assert (answer.headers["x-version"], answer.headers["x-env"]) == ("1.14.2", "PRODUCTION")
    body = answer.json()
    assert body["mode"] == "chat"
    source = body["metadata"]["retriever_resources"][0]
    assert source["document_name"] == "휴가 규정.md"
    assert source["dataset_name"] == "handbook"
    assert "15일" in source["content"]
    assert source["position"] == 1
    assert {"page", "heading_path", "scores", "quote"} <= source.keys()
    assert body["metadata"]["llmflow"]["kind"] == "generated"


def test_a_stream_begins_with_a_ping_and_its_pieces_make_the_stored_answer(service: httpx.Client) -> None:
    wanted = {"inputs": {}, "query": QUESTION, "user": "ann", "response_mode": "streaming"}
    with service.stream("POST", "/chat-messages", json=wanted) as answer:
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        lines = list(answer.iter_lines())
    assert lines[:2] == ["event: ping", ""]
    found = events(iter(lines))
    assert {event["event"] for event in found[:-1]} == {"message"}
    assert len(found) > 3
    end = found[-1]
    assert end["event"] == "message_end"
    assert len({event["task_id"] for event in found}) == 1
    said = "".join(event["answer"] for event in found[:-1])
    page = service.get("/messages", params={"user": "ann", "conversation_id": end["conversation_id"]}).json()
    assert [m["answer"] for m in page["data"]] == [said]
    assert page["data"][0]["retriever_resources"] == end["metadata"]["retriever_resources"]


def test_what_no_document_answers_is_said_to_be_unknown(service: httpx.Client) -> None:
    body = _ask(service, "Which moons does Mars have?").json()
    assert body["metadata"]["llmflow"]["kind"] == "unknown"
    assert body["answer"].startswith("I do not know")
    assert body["metadata"]["retriever_resources"] == []


def test_a_conversation_goes_on_under_its_id(service: httpx.Client) -> None:
    first = _ask(service).json()
    second = _ask(service, "그럼 몇 일입니까?", conversation_id=first["conversation_id"]).json()
    assert second["conversation_id"] == first["conversation_id"]
    page = service.get("/messages", params={"user": "ann", "conversation_id": first["conversation_id"]}).json()
    assert [m["query"] for m in page["data"]] == [QUESTION, "그럼 몇 일입니까?"]
    assert page["data"][1]["parent_message_id"] == first["message_id"]


def test_a_stopped_stream_ends_and_keeps_what_was_said(chat_server: ChatServer) -> None:
    long = "word " * 3000
    with chat_server.client(chat_server.plain) as client, chat_server.client(chat_server.plain) as other:
        wanted = {"inputs": {}, "query": long, "user": "ann", "response_mode": "streaming"}
        with client.stream("POST", "/chat-messages", json=wanted) as answer:
            lines = answer.iter_lines()
            first = events(iter([next(line for line in lines if line.startswith("data: "))]))[0]
            task = first["task_id"]
            assert other.post(f"/chat-messages/{task}/stop", json={"user": "bob"}).json() == {"result": "success"}
            assert other.post(f"/chat-messages/{task}/stop", json={"user": "ann"}).json() == {"result": "success"}
            rest = events(lines)
        assert rest[-1]["event"] == "message_end"
        params = {"user": "ann", "conversation_id": first["conversation_id"]}
        (message,) = client.get("/messages", params=params).json()["data"]
        assert message["llmflow"]["status"] == "stopped"
        assert 0 < len(message["answer"]) < len(long) - 10


def test_a_reader_that_leaves_loses_nothing(chat_server: ChatServer) -> None:
    with chat_server.client(chat_server.plain) as client:
        wanted = {"inputs": {}, "query": "word " * 200, "user": "leaver", "response_mode": "streaming"}
        with client.stream("POST", "/chat-messages", json=wanted) as answer:
            first = events(iter([next(line for line in answer.iter_lines() if line.startswith("data: "))]))[0]
        params = {"user": "leaver", "conversation_id": first["conversation_id"]}
        end = time.monotonic() + 20
        while time.monotonic() < end:
            (message,) = client.get("/messages", params=params).json()["data"]
            if message["llmflow"]["status"] != "running":
                break
            time.sleep(0.05)
        assert message["llmflow"]["status"] == "normal"
        assert message["answer"].split() == ["word"] * 200


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"user": None}, "Arg user must be provided."),
        ({"response_mode": "foo"}, "response_mode"),
        ({"query": None}, "query"),
        ({"inputs": None}, "inputs"),
        ({"query": "  "}, "empty"),
        ({"conversation_id": "not-a-uuid"}, "conversation_id"),
        ({"files": [{"type": "image", "transfer_method": "teleport"}]}, "transfer_method"),
        ({"files": [{"type": "image", "transfer_method": "local_file", "upload_file_id": "x"}]}, "no uploaded file x"),
    ],
)
def test_a_wrong_request_is_an_invalid_param_that_names_it(
    service: httpx.Client, change: dict[str, Any], message: str
) -> None:
    answer = service.post("/chat-messages", json={"inputs": {}, "query": "a", "user": "ann", **change})
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_param"
    assert message in answer.json()["message"]


def test_a_conversation_that_does_not_exist_is_a_404(service: httpx.Client) -> None:
    answer = _ask(service, conversation_id="00000000-0000-0000-0000-000000000000")
    assert answer.status_code == 404
    assert answer.json() == {"code": "not_found", "message": "Conversation Not Exists.", "status": 404}


def test_a_chatflow_suggests_what_to_ask_next_where_its_design_says_so(chat_server: ChatServer) -> None:
    features = {"suggested_questions_after_answer": {"enabled": True}}
    with chat_server.live.client() as console:
        nodes = (start(), answer("{{#sys.query#}}"))
        key = imported(console, dsl("suggesting", nodes, mode="advanced-chat", features=features))
    with chat_server.client(key) as client:
        assert client.get("/parameters").json()["suggested_questions_after_answer"] == {"enabled": True}
        asked = _ask(client).json()
        found = client.get(f"/messages/{asked['message_id']}/suggested", params={"user": "ann"})
        assert (found.status_code, found.json()["result"]) == (200, "success")
        assert isinstance(found.json()["data"], list)
        nobody = client.get(f"/messages/{asked['message_id']}/suggested")
        assert nobody.json()["code"] in ("invalid_param", "not_found")
        gone = client.get("/messages/00000000-0000-0000-0000-000000000000/suggested", params={"user": "ann"})
        assert gone.json() == {"code": "not_found", "message": "Message Not Exists.", "status": 404}


def test_suggestions_are_refused_where_the_app_has_them_switched_off(service: httpx.Client) -> None:
    message_id = _ask(service).json()["message_id"]
    answer = service.get(f"/messages/{message_id}/suggested", params={"user": "ann"})
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_request"
