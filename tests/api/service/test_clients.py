"""Dify's own clients, as published, against a real server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dify_client import ChatClient, CompletionClient, DifyClient

from tests.api.chat_server import QUESTION, ChatServer, events, imported
from tests.api.npm import npm_installed
from tests.flow_apps import answer, dsl, end, start, template

NPM_CLIENT = "dify-client@2.3.2"
KNOWLEDGE_CLIENTS = ("dify-knowledge-sdk==0.2.0", "dify-dataset-sdk==0.6.3", "dify-api-client==0.0.23")
TYPED_CLIENTS = ("dify-client-python==1.0.3", "dify-api-client==0.0.23")
SCRIPT = Path(__file__).with_name("chat.mjs")


@pytest.fixture
def client(chat_server: ChatServer) -> ChatClient:
    made = ChatClient(chat_server.knows)
    made.base_url = f"{chat_server.live.url}/v1"
    return made


def test_the_python_client_chats_unchanged(client: ChatClient) -> None:
    asked = client.create_chat_message({}, QUESTION, "py").json()
    assert asked["metadata"]["retriever_resources"][0]["document_name"] == "휴가 규정.md"
    streamed = client.create_chat_message(
        {}, QUESTION, "py", response_mode="streaming", conversation_id=asked["conversation_id"]
    )
    found = events(line.decode() for line in streamed.iter_lines())
    assert "".join(event.get("answer", "") for event in found)
    assert found[-1]["event"] == "message_end"
    messages = client.get_conversation_messages("py", asked["conversation_id"], limit=1).json()
    assert (len(messages["data"]), messages["has_more"]) == (1, True)
    assert client.get_conversations("py").json()["data"][0]["id"] == asked["conversation_id"]
    assert client.rename_conversation(asked["conversation_id"], "이름", "py").json()["name"] == "이름"
    assert client.message_feedback(asked["message_id"], "like", "py").json() == {"result": "success"}
    assert client.get_application_parameters("py").json()["retriever_resource"] == {"enabled": True}


@pytest.fixture(scope="module")
def flow_key(chat_server: ChatServer) -> str:
    """The key of a workflow that greets."""
    nodes = (start("q"), template("t", "안녕 {{ q }}", q="start.q"), end(out="t.output"))
    with chat_server.live.client() as console:
        return imported(console, dsl("greeter", nodes))


@pytest.fixture(scope="module")
def chatflow_key(chat_server: ChatServer) -> str:
    """The key of a chatflow that repeats, and counts."""
    nodes = (start(), answer("{{#sys.dialogue_count#}}: {{#sys.query#}}"))
    with chat_server.live.client() as console:
        return imported(console, dsl("repeater", nodes, mode="advanced-chat"))


def test_the_python_client_runs_a_workflow_unchanged(chat_server: ChatServer, flow_key: str) -> None:
    made = CompletionClient(flow_key)
    made.base_url = f"{chat_server.live.url}/v1"
    body = {"inputs": {"q": "세계"}, "user": "py", "response_mode": "blocking"}
    ran = made._send_request("POST", "/workflows/run", body).json()
    assert ran["data"]["outputs"] == {"out": "안녕 세계"}
    body["response_mode"] = "streaming"
    found = events(
        line.decode() for line in made._send_request("POST", "/workflows/run", body, stream=True).iter_lines()
    )
    assert (found[0]["event"], found[-1]["event"]) == ("workflow_started", "workflow_finished")


def test_the_python_client_talks_with_a_chatflow_unchanged(chat_server: ChatServer, chatflow_key: str) -> None:
    made = ChatClient(chatflow_key)
    made.base_url = f"{chat_server.live.url}/v1"
    asked = made.create_chat_message({}, "안녕", "py").json()
    assert (asked["answer"], asked["mode"]) == ("1: 안녕", "advanced-chat")
    streamed = made.create_chat_message(
        {}, "또", "py", response_mode="streaming", conversation_id=asked["conversation_id"]
    )
    found = events(line.decode() for line in streamed.iter_lines())
    assert "".join(event.get("answer", "") for event in found) == "2: 또"
    assert [event["event"] for event in found[-2:]] == ["message_end", "workflow_finished"]
    messages = made.get_conversation_messages("py", asked["conversation_id"]).json()
    assert [message["answer"] for message in messages["data"]] == ["1: 안녕", "2: 또"]


def test_the_python_client_uploads_a_file(client: ChatClient) -> None:
    answer = client.file_upload("py", {"file": ("a.txt", b"hello", "text/plain")})
    assert (answer.status_code, answer.json()["size"]) == (201, 5)


def test_the_python_client_sees_a_refused_key(chat_server: ChatServer) -> None:
    made = DifyClient("app-wrong")
    made.base_url = f"{chat_server.live.url}/v1"
    assert made.get_application_parameters("py").status_code == 401


def _installed(package: str, folder: Path) -> Path:
    """The folder, with a package and what it needs; two need only what is here already."""
    more = ["--no-deps"] if package.startswith(("dify-knowledge-sdk", "dify-dataset-sdk")) else []
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", *more]
    pip += ["--target", str(folder), package]
    done = subprocess.run(pip, capture_output=True, text=True, timeout=240, check=False)
    if done.returncode != 0:
        if os.environ.get("CI"):
            pytest.fail(done.stderr)
        pytest.skip(f"skipped: {package} cannot be installed here")
    return folder


def _run(script: str, folder: Path, *arguments: str) -> dict[str, Any]:
    """What a script of this folder prints, with the packages of `folder`."""
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name(script), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": str(folder), "NO_PROXY": "127.0.0.1"},
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Each package once: several are a package `dify_client`, so each has a folder of its own."""
    folders: dict[str, Path] = {}

    def folder_of(package: str) -> Path:
        if package not in folders:
            folders[package] = _installed(package, tmp_path_factory.mktemp("client"))
        return folders[package]

    return folder_of


@pytest.mark.parametrize("package", TYPED_CLIENTS)
def test_the_typed_python_clients_do_all_they_offer_unchanged(
    chat_server: ChatServer, installed: Callable[[str], Path], package: str, flow_key: str, chatflow_key: str
) -> None:
    url = f"{chat_server.live.url}/v1"
    folder = installed(package)
    found = _run("typed_client.py", folder, url, chat_server.knows, flow_key, chatflow_key, QUESTION)
    assert found["asked"]["documents"] == ["휴가 규정.md"]
    assert found["streamed"][-1] == "message_end"
    assert found["said"] == found["async_said"] == found["asked"]["answer"]
    assert (found["rated"], found["stopped"], found["async_rated"], found["async_stopped"]) == ("success",) * 4
    assert (found["suggested"], found["wrong_mode"], found["gone"]) == ("bad_request", "not_chat_app", "not_found")
    assert found["uploaded"] == ["a.txt", 5, "text/plain"]
    assert found["async_uploaded"] == 5
    assert found["ran"] == found["async_ran"] == {"out": "안녕 세계"}
    assert (found["run_events"][0], found["run_events"][-1]) == ("workflow_started", "workflow_finished")
    assert (found["run_stopped"], found["async_run_stopped"]) == ("success", "success")
    assert found["chatflow_events"][-2:] == ["message_end", "workflow_finished"]
    assert (found["completion"], found["stop_completion"]) == ("app_unavailable", "app_unavailable")
    assert found.get("heard", "speech_to_text_disabled") == "speech_to_text_disabled"
    assert found.get("spoken", "invalid_param") == "invalid_param"
    assert set(found.get("history", [QUESTION])) == {QUESTION}
    assert found["refused"] == "unauthorized"


@pytest.mark.parametrize("package", KNOWLEDGE_CLIENTS)
def test_the_clients_for_knowledge_do_all_they_offer_unchanged(
    chat_server: ChatServer, installed: Callable[[str], Path], package: str
) -> None:
    name = package.partition("==")[0]
    with chat_server.client(chat_server.dataset) as client:
        base = client.post("/datasets", json={"name": f"for {name}"}).raise_for_status().json()["id"]
    found = _run("knowledge_clients.py", installed(package), name, chat_server.live.url, chat_server.dataset, base)
    assert found["segments"] == ["연차 휴가는 매년 15일입니다.", "반차는 4시간입니다."]
    assert found["changed"] == "반차는 네 시간입니다."
    if name == "dify-api-client":
        assert (found["text"], found["file"], found["read"]) == ("글", "출장.txt", "completed")
        assert found["fields"] == [["팀", 1]]
        return
    assert (found["twice"], found["gone"], found["listed"]) == ("DifyConflictError", "DifyNotFoundError", 1)
    assert (found["text"], found["text_again"]) == ("completed", "completed")
    assert (found["file"], found["file_again"][1]) == (["출장 규정.txt", "completed"], "completed")
    assert found["reads_changed"] == ("ValidationError" if name == "dify-knowledge-sdk" else "")
    if name == "dify-knowledge-sdk":
        assert found["documents"] == ["새 글", "출장.txt"]
        assert (found["deleted_segment"], found["deleted_document"]) == ("success", "success")
        assert (found["field"], found["fields"]) == ("팀", ["팀"])
        return
    assert found["documents"] == ["새 글", "출장 규정.txt"]
    assert (found["renamed"], found["got"], found["document"]) == ("데이터셋 SDK 2", "데이터셋 SDK 2", "새 글")
    assert (found["upload_file"], found["switched"]) == ("출장 규정.txt", "success")
    assert found["retrieved"] == ["연차 휴가는 매년 15일입니다."]
    assert (found["segment"], found["children"]) == ("반차는 4시간입니다.", [])
    assert found["flat"] == "DifyValidationError"
    assert (found["built_in"], found["described"], found["fields"]) == ("success", "success", ["쪽수"])
    assert (found["tags"], found["tag_count"], found["embeddings"]) == (["SDK 꼬리표 2"], 1, 1)


@pytest.fixture(scope="module")
def npm_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return npm_installed(NPM_CLIENT, tmp_path_factory.mktemp("npm"))


def test_the_npm_client_chats_unchanged(chat_server: ChatServer, npm_folder: Path) -> None:
    done = subprocess.run(
        ["node", SCRIPT, npm_folder, f"{chat_server.live.url}/v1", chat_server.knows, QUESTION],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["asked"]["metadata"]["retriever_resources"][0]["document_name"] == "휴가 규정.md"
    streamed = events(iter(found["streamed"].splitlines()))
    assert found["streamed"].startswith("event: ping\n\n")
    assert streamed[-1]["event"] == "message_end"
    assert found["rated"] == {"result": "success"}
    assert found["parameters"]["user_input_form"] == []
    assert found["listed"]["data"][0]["id"] == found["asked"]["conversation_id"]
    assert [m["query"] for m in found["messages"]["data"]] == [QUESTION, QUESTION]
    assert found["renamed"]["name"] == "새 이름"
    assert found["uploaded"]["name"] == "a.txt"
    assert (found["deleted"], found["refused"]) == (204, 401)


def test_the_npm_client_runs_a_workflow_unchanged(chat_server: ChatServer, npm_folder: Path, flow_key: str) -> None:
    script = Path(__file__).with_name("workflow.mjs")
    done = subprocess.run(
        ["node", script, npm_folder, f"{chat_server.live.url}/v1", flow_key],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["ran"]["data"]["outputs"] == {"out": "안녕 세계"}
    streamed = events(iter(found["streamed"].splitlines()))
    assert (streamed[0]["event"], streamed[-1]["event"]) == ("workflow_started", "workflow_finished")
