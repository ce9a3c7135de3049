"""The contract of the speech port, over every adapter; then what each adapter promises beyond it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from llmflow.errors import ConfigError, OrganError, UsageError
from llmflow.net.client import HttpClient
from llmflow.organs.speech.openai import OpenAISpeech
from llmflow.organs.speech.scripted import ScriptedSpeech
from llmflow.organs.speech.silent import SilentSpeech
from llmflow.ports.speech import Recording, Speech
from tests.speech_server import SpeechServer, speech_server

KEY = "sk-secret-of-speech"
SAID = Recording("휴가가 며칠입니까?".encode(), "질문.wav", "audio/wav")


@pytest.fixture
def server() -> Iterator[SpeechServer]:
    with speech_server(KEY) as found:
        yield found


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    client = HttpClient()
    yield client
    await client.close()


def _openai(server: SpeechServer, http: HttpClient, **options: str) -> OpenAISpeech:
    models = {"hears": "whisper-1", "speaks": "tts-1", **options}
    return OpenAISpeech(url=server.url, http=http, hears=models["hears"], speaks=models["speaks"], api_key=KEY)


@pytest.fixture(params=["openai", "scripted"])
def able(request: pytest.FixtureRequest, server: SpeechServer, http: HttpClient) -> Speech:
    return _openai(server, http) if request.param == "openai" else ScriptedSpeech()


@pytest.fixture(params=["openai", "silent"])
def unable(request: pytest.FixtureRequest, server: SpeechServer, http: HttpClient) -> Speech:
    return _openai(server, http, hears="", speaks="") if request.param == "openai" else SilentSpeech()


async def _spoken(speech: Speech, text: str, voice: str = "") -> str:
    return b"".join([piece async for piece in speech.speak(text, voice=voice)]).decode()


async def test_what_it_can_do_is_said_and_done(able: Speech) -> None:
    voices = await able.voices()
    assert voices.hears and voices.speaks and voices.voice
    assert await able.transcribe(SAID) == "휴가가 며칠입니까?"
    assert "15일입니다." in await _spoken(able, "연차는 15일입니다.")
    assert voices.voice in await _spoken(able, "네.")
    assert "nova" in await _spoken(able, "네.", "nova")
    health = await able.health()
    assert health.ok
    await able.close()


async def test_what_it_cannot_do_is_a_coded_error(unable: Speech) -> None:
    voices = await unable.voices()
    assert (voices.hears, voices.speaks) == ("", "")
    for asked in (unable.transcribe(SAID), _spoken(unable, "네.")):
        with pytest.raises(OrganError) as refused:
            await asked
        assert refused.value.code == "speech_missing"
    assert (await unable.health()).ok


async def test_a_recording_goes_as_a_form_with_a_plain_name(server: SpeechServer, http: HttpClient) -> None:
    evil = Recording(b"a", 'a"\r\nX-Evil: 1.wav', "audio/wav\r\nX: 1")
    assert await _openai(server, http).transcribe(evil) == "a"
    fields, name, kind = server.heard[0]
    assert fields == {"model": "whisper-1", "response_format": "json"}
    assert name == "a___X-Evil__1.wav"
    assert kind.startswith("audio/wav")


async def test_a_long_text_is_read_in_pieces_cut_at_sentences(server: SpeechServer, http: HttpClient) -> None:
    sentence = "연차 휴가는 매년 15일이 주어진다. "
    text = sentence * 500 + "가" * 9000
    await _spoken(_openai(server, http), text)
    pieces = [body["input"] for body in server.read]
    assert "".join(pieces) == text
    assert max(map(len, pieces)) <= 4000
    assert all(piece.endswith(". ") for piece in pieces[:2])
    assert server.read[0]["response_format"] == "mp3"


@pytest.mark.parametrize(
    ("refusal", "kind", "code"),
    [
        ((400, b'{"error": {"message": "Invalid file format."}}'), UsageError, "invalid_request"),
        ((500, b"broken"), OrganError, "model_failed"),
        ((200, b"<html>"), OrganError, "model_failed"),
        ((403, b"{}"), OrganError, "model_key_wrong"),
    ],
)
async def test_refusals_are_coded(
    server: SpeechServer, http: HttpClient, refusal: tuple[int, bytes], kind: type[Exception], code: str
) -> None:
    server.refuse = refusal
    with pytest.raises(kind) as refused:
        await _openai(server, http).transcribe(SAID)
    assert getattr(refused.value, "code", "") == code
    if refusal[0] == 400:
        assert "Invalid file format." in str(refused.value)


async def test_a_key_is_in_no_message(server: SpeechServer, http: HttpClient) -> None:
    server.key = "another"
    for asked in (_openai(server, http).transcribe(SAID), _spoken(_openai(server, http), "네.")):
        with pytest.raises(OrganError) as refused:
            await asked
        assert refused.value.code == "model_key_wrong"
        assert KEY not in str(refused.value)
    assert not (await _openai(server, http).health()).ok


async def test_a_server_that_is_not_there_is_said(http: HttpClient) -> None:
    speech = OpenAISpeech(url="http://127.0.0.1:9/v1", http=http, hears="whisper-1")
    with pytest.raises(OrganError) as refused:
        await speech.transcribe(SAID)
    assert refused.value.code == "organ_unavailable"
    assert not (await speech.health()).ok
    with pytest.raises(ConfigError):
        OpenAISpeech(url="file:///etc/passwd", http=http)
