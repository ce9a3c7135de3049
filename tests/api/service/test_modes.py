"""Completion apps and agents over Dify's Service API, in the shapes its official description gives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api.chat_server import ChatServer, events, imported
from tests.flow_apps import answer as answer_node
from tests.flow_apps import dsl, llm, start

USER = {"user": "g1"}


def _document(mode: str, **config: Any) -> str:
    whole = {"model": {"provider": "", "name": "", "mode": "chat", "completion_params": {}}, "prompt_type": "simple"}
    app = {"name": f"HTTP {mode}", "mode": mode, "icon": "🧪", "icon_background": "#fff", "description": ""}
    tree = {"version": "0.6.0", "kind": "app", "app": app, "model_config": {**whole, **config}}
    return json.dumps(tree, ensure_ascii=False)


@pytest.fixture(scope="module")
def keys(chat_server: ChatServer) -> dict[str, str]:
    form = [{"paragraph": {"variable": "text", "label": "글", "required": True}}]
    time = {"provider_type": "builtin", "provider_id": "time", "provider_name": "time", "tool_name": "current_time"}
    agent = {"enabled": True, "strategy": "react", "tools": [{**time, "enabled": True, "tool_parameters": {}}]}
    with chat_server.live.client() as console:
        return {
            "completion": imported(console, _document("completion", pre_prompt="{{text}}", user_input_form=form)),
            "agent": imported(console, _document("agent-chat", agent_mode=agent)),
        }


@pytest.fixture
def completion(chat_server: ChatServer, keys: dict[str, str]) -> Iterator[httpx.Client]:
    with chat_server.client(keys["completion"]) as client:
        yield client


@pytest.fixture
def agent(chat_server: ChatServer, keys: dict[str, str]) -> Iterator[httpx.Client]:
    with chat_server.client(keys["agent"]) as client:
        yield client


def _streamed(client: httpx.Client, path: str, **body: Any) -> list[dict[str, Any]]:
    with client.stream("POST", path, json={"inputs": {}, "response_mode": "streaming", **USER, **body}) as answer:
        assert answer.status_code == 200
        return events(answer.iter_lines())


def test_a_completion_is_answered_whole(completion: httpx.Client) -> None:
    answer = completion.post("/completion-messages", json={"inputs": {"text": "가 나 다"}, **USER})
    found = answer.json()
    assert answer.status_code == 200
    names = {"event", "task_id", "id", "message_id", "mode", "answer", "metadata", "created_at"}
    assert set(found) == names
    assert (found["event"], found["mode"], found["answer"]) == ("message", "completion", "가 나 다")
    assert found["id"] == found["message_id"]
    assert found["metadata"]["usage"]["completion_tokens"] == 3


def test_a_completion_is_streamed_and_knows_of_no_conversation(completion: httpx.Client) -> None:
    told = _streamed(completion, "/completion-messages", inputs={"text": "가 나 다"})
    assert [event["event"] for event in told] == ["message"] * 3 + ["message_end"]
    assert "".join(event["answer"] for event in told[:-1]) == "가 나 다"
    assert all({"task_id", "message_id", "created_at", "id"} <= event.keys() for event in told)
    assert not any("conversation_id" in event for event in told)


def test_what_a_completion_app_refuses(completion: httpx.Client, service: httpx.Client) -> None:
    for body, code in (({"inputs": {}, **USER}, "invalid_param"), ({"inputs": {"text": "x"}}, "invalid_param")):
        refused = completion.post("/completion-messages", json=body)
        assert (refused.status_code, refused.json()["code"]) == (400, code)
    wrong = service.post("/completion-messages", json={"inputs": {}, **USER})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "app_unavailable")
    for path in ("/conversations", "/messages?conversation_id=00000000-0000-0000-0000-000000000000"):
        refused = completion.get(path, params=USER)
        assert (refused.status_code, refused.json()["code"]) == (400, "not_chat_app")
    asked = completion.post("/chat-messages", json={"inputs": {}, "query": "x", **USER})
    assert (asked.status_code, asked.json()["code"]) == (400, "not_chat_app")


def test_a_completion_is_rated_and_stopped(completion: httpx.Client) -> None:
    found = completion.post("/completion-messages", json={"inputs": {"text": "좋다"}, **USER}).json()
    rated = completion.post(f"/messages/{found['message_id']}/feedbacks", json={"rating": "like", **USER})
    assert rated.json() == {"result": "success"}
    suggested = completion.get(f"/messages/{found['message_id']}/suggested", params=USER)
    assert (suggested.status_code, suggested.json()["code"]) == (400, "not_chat_app")
    stopped = completion.post(f"/completion-messages/{found['task_id']}/stop", json=USER)
    assert stopped.json() == {"result": "success"}
    assert completion.get("/parameters").json()["user_input_form"][0]["paragraph"]["variable"] == "text"


def test_an_agent_is_streamed_only(agent: httpx.Client) -> None:
    for mode in ({"response_mode": "blocking"}, {}):
        refused = agent.post("/chat-messages", json={"inputs": {}, "query": "몇 시?", **mode, **USER})
        assert refused.status_code == 400
        assert refused.json() == {
            "code": "invalid_param",
            "message": "Agent Chat App does not support blocking mode",
            "status": 400,
        }


def test_an_agents_rounds_are_events_and_stay_with_the_message(agent: httpx.Client) -> None:
    said = json.dumps({"thought": "시계", "tool": "current_time", "arguments": {"timezone": "Asia/Seoul"}})
    told = _streamed(agent, "/chat-messages", query=said)  # the model repeats the question: in every round a tool
    kinds = [event["event"] for event in told]
    assert set(kinds) == {"agent_thought", "agent_message", "message_end"}
    assert kinds[-1] == "message_end"
    fields = {"id", "position", "thought", "observation", "tool", "tool_labels", "tool_input", "message_files"}
    base = {"event", "conversation_id", "message_id", "created_at", "task_id"}
    thoughts = [event for event in told if event["event"] == "agent_thought"]
    assert all(set(event) == fields | base for event in thoughts)
    done = next(event for event in thoughts if event["observation"])
    assert (done["thought"], done["tool"]) == ("시계", "current_time")
    assert json.loads(done["tool_input"]) == {"current_time": {"timezone": "Asia/Seoul"}}
    message = next(event for event in told if event["event"] == "agent_message")
    assert set(message) == base | {"id", "answer"}
    listed = agent.get("/messages", params={"conversation_id": told[0]["conversation_id"], **USER}).json()
    [kept] = listed["data"]
    first = kept["agent_thoughts"][0]
    assert set(first) == {
        *("id", "chain_id", "message_id", "position", "thought", "tool"),
        *("tool_labels", "tool_input", "observation", "files", "created_at"),
    }
    assert (first["position"], first["tool"], first["message_id"]) == (1, "current_time", told[0]["message_id"])


def test_a_conversation_with_an_agent_is_one_of_a_chat_app(agent: httpx.Client) -> None:
    first = _streamed(agent, "/chat-messages", query='{"answer": "안녕"}')
    assert "".join(event.get("answer", "") for event in first) == "안녕"
    conversation = first[0]["conversation_id"]
    second = _streamed(agent, "/chat-messages", query='{"answer": "또"}', conversation_id=conversation)
    assert second[-1]["conversation_id"] == conversation
    found = agent.get("/messages", params={"conversation_id": conversation, **USER}).json()["data"]
    assert [message["answer"] for message in found] == ["안녕", "또"]
    listed = agent.get("/conversations", params=USER).json()["data"]
    assert conversation in [each["id"] for each in listed]


def test_a_chatflow_s_answer_with_a_sensitive_word_is_replaced_for_whoever_reads_or_follows_it(
    chat_server: ChatServer,
) -> None:
    preset = {"outputs_config": {"enabled": True, "preset_response": "거두었습니다."}}
    words = {"enabled": True, "type": "keywords", "config": {"keywords": "비밀", **preset}}
    nodes = [start(), llm("m", "{{#sys.query#}}"), answer_node("{{#m.text#}}")]
    document = dsl("조심 챗", nodes, mode="advanced-chat", features={"sensitive_word_avoidance": words})
    with chat_server.live.client() as console:
        key = imported(console, document)
    with chat_server.client(key) as client:
        told = _streamed(client, "/chat-messages", query="이것은 비밀 이고 " + "더 " * 300)
        run_id = told[-1]["workflow_run_id"]
        params = {**USER, "include_state_snapshot": "true"}
        with client.stream("GET", f"/workflow/{run_id}/events", params=params) as answer:
            again = events(answer.iter_lines())
    for read in (told, again):
        names = [event["event"] for event in read]
        [replaced] = [event for event in read if event["event"] == "message_replace"]
        assert replaced["answer"] == "거두었습니다."
        assert "message" not in names[names.index("message_replace") :]
        assert names[-2:] == ["message_end", "workflow_finished"]
