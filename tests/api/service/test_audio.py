"""Audio over the Service API: through a server of OpenAI's protocol, and what is said where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api.chat_server import CONFIG, ChatServer, imported
from tests.flow_apps import answer, dsl, start
from tests.live import start_server
from tests.speech_server import SpeechServer, speech_server

NOBODY = "00000000-0000-0000-0000-000000000000"
FEATURES = {
    "speech_to_text": {"enabled": True},
    "text_to_speech": {"enabled": True, "voice": "nova", "language": "ko-KR"},
}
WAV = ("질문.wav", "휴가가 며칠입니까?".encode(), "audio/wav")


def _chatflow(name: str) -> str:
    nodes = (start(), answer("{{#sys.query#}}"))
    return dsl(name, nodes, mode="advanced-chat", features=FEATURES)


@pytest.fixture(scope="module")
def server() -> Iterator[SpeechServer]:
    with speech_server() as found:
        yield found


@pytest.fixture(scope="module")
def talking(server: SpeechServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The Service API of a chatflow that listens and speaks, on a server with a speech organ."""
    speech = f"speech: {{use: openai, url: '{server.url}', hears: whisper-1, speaks: tts-1}}, "
    config = CONFIG.replace("organs: {", "organs: {" + speech) + "limits: {audio_mb: 1}\n"
    live = start_server(tmp_path_factory.mktemp("audio") / "home", "--no-demo", config=config)
    try:
        with live.client() as console:
            headers = {"Authorization": f"Bearer {imported(console, _chatflow('talker'))}"}
        with httpx.Client(base_url=f"{live.url}/v1", headers=headers, trust_env=False, timeout=30) as client:
            yield client
    finally:
        live.stop()


def test_a_recording_is_written_down(talking: httpx.Client, server: SpeechServer) -> None:
    heard = talking.post("/audio-to-text", files={"file": WAV}, data={"user": "ann"})
    assert heard.json() == {"text": "휴가가 며칠입니까?"}
    assert heard.headers["x-version"] == "1.14.2"
    assert server.heard[-1][0]["model"] == "whisper-1"
    assert server.heard[-1][2] == "audio/wav"


def test_a_text_and_an_answer_are_read_aloud(talking: httpx.Client) -> None:
    spoken = talking.post("/text-to-audio", json={"text": "안녕", "user": "ann", "streaming": False})
    assert (spoken.status_code, spoken.headers["content-type"]) == (200, "audio/mpeg")
    assert spoken.content.decode() == "<nova:안녕>"
    asked = talking.post("/chat-messages", json={"inputs": {}, "query": "다시 말해 줘", "user": "ann"}).json()
    body = {"message_id": asked["message_id"], "text": "not this", "user": "ann", "voice": "echo"}
    assert talking.post("/text-to-audio", json=body).content.decode() == "<echo:다시 말해 줘>"
    for body, status in (
        ({"user": "ann"}, 400),
        ({"text": " ", "user": "ann"}, 400),
        ({"text": 5, "user": "ann"}, 400),
        ({"text": "가" * 50_001}, 400),
        ({"message_id": "x", "user": "ann"}, 400),
        ({"message_id": NOBODY, "user": "ann"}, 404),
        ({"message_id": asked["message_id"], "user": "thief"}, 404),
    ):
        refused = talking.post("/text-to-audio", json=body)
        assert (refused.status_code, refused.json()["status"]) == (status, status), body


def test_what_the_app_can_do_stands_in_its_parameters(talking: httpx.Client) -> None:
    told = talking.get("/parameters").json()
    assert told["speech_to_text"] == {"enabled": True}
    assert told["text_to_speech"] == {"enabled": True, "voice": "nova", "language": ""}


@pytest.mark.parametrize(
    ("files", "status", "code"),
    [
        ({}, 400, "no_audio_uploaded"),
        ({"file": ("a.txt", b"text", "text/plain")}, 415, "unsupported_audio_type"),
        ({"file": ("a.wav", b"text", "application/octet-stream")}, 415, "unsupported_audio_type"),
        ({"file": ("a.wav", b"x" * (1024 * 1024 + 1), "audio/wav")}, 413, "audio_too_large"),
        ({"file": ("a.wav", b"x" * (3 * 1024 * 1024), "audio/wav")}, 413, "audio_too_large"),
    ],
)
def test_a_recording_that_cannot_be_taken_is_a_coded_error(
    talking: httpx.Client, files: dict[str, Any], status: int, code: str
) -> None:
    refused = talking.post("/audio-to-text", files=files, data={"user": "ann"})
    assert (refused.status_code, refused.json()["code"], refused.json()["status"]) == (status, code, status)


def test_a_speech_server_that_refuses_is_told_as_dify_tells_it(talking: httpx.Client, server: SpeechServer) -> None:
    server.refuse = (503, b'{"error": {"message": "overloaded"}}')
    try:
        for refused in (
            talking.post("/audio-to-text", files={"file": WAV}),
            talking.post("/text-to-audio", json={"text": "안녕"}),
        ):
            assert (refused.status_code, refused.json()["code"]) == (400, "completion_request_error")
            assert "overloaded" in refused.json()["message"]
    finally:
        server.refuse = None


def test_without_a_speech_server_it_is_said_to_be_not_set_up(chat_server: ChatServer, service: httpx.Client) -> None:
    with chat_server.live.client() as console:
        key = imported(console, _chatflow("mute"))
    with chat_server.client(key) as client:
        for refused in (
            client.post("/audio-to-text", files={"file": WAV}),
            client.post("/text-to-audio", json={"text": "안녕", "user": "ann"}),
        ):
            assert (refused.status_code, refused.json()["code"]) == (400, "provider_not_initialize")
    refused = service.post("/audio-to-text", files={"file": WAV})
    assert (refused.status_code, refused.json()["code"]) == (400, "speech_to_text_disabled")
    refused = service.post("/text-to-audio", json={"text": "안녕", "user": "ann"})
    assert refused.json() == {"code": "invalid_param", "message": "TTS is not enabled", "status": 400}


def test_a_chat_app_is_switched_on_by_its_settings(chat_server: ChatServer, service: httpx.Client) -> None:
    with chat_server.live.client() as console:
        console.patch("/api/v1/apps/plain", json={"speech_to_text": True, "voice": "nova"}).raise_for_status()
    with chat_server.client(chat_server.plain) as client:
        assert client.get("/parameters").json()["speech_to_text"] == {"enabled": True}
        refused = client.post("/audio-to-text", files={"file": WAV})
        assert (refused.status_code, refused.json()["code"]) == (400, "provider_not_initialize")
