"""Any server that speaks OpenAI's audio protocol: Speaches, faster-whisper-server, LocalAI, vLLM, a provider."""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
from yarl import URL

from llmflow.errors import ConfigError, LLMFlowError, OrganError, UsageError
from llmflow.net.client import HttpClient
from llmflow.ports.health import Health
from llmflow.ports.speech import Recording, Voices

_MOST_CHARACTERS = 4000  # of one request: OpenAI takes 4,096
_QUOTED = 300
_MOST_BYTES = 4 * 1024 * 1024  # of a transcript
_SENTENCE = re.compile(r".*?(?:[.!?。！？\n]+\s*|$)", re.DOTALL)
_HEALTH_S = 5.0


class OpenAISpeech:
    """`url`: the base address, with or without /v1. `hears`, `speaks`: the models' names, "" where there is none. A
    text longer than one request takes is spoken in pieces, one MP3 behind the other. The key is in no message."""

    def __init__(
        self,
        *,
        url: str,
        http: HttpClient,
        hears: str = "",
        speaks: str = "",
        voice: str = "alloy",
        api_key: str = "",
        timeout_s: float = 120.0,
    ) -> None:
        self._url = _base(url)
        self._http = http
        self._voices = Voices(hears=hears, speaks=speaks, voice=voice)
        self._key = api_key
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._timeout_s = timeout_s

    async def voices(self) -> Voices:
        return self._voices

    async def transcribe(self, recording: Recording) -> str:
        if not self._voices.hears:
            raise _missing("hears")
        boundary = uuid.uuid4().hex
        answer = await self._http.request(
            "POST",
            f"{self._url}/audio/transcriptions",
            headers={**self._headers, "Content-Type": f"multipart/form-data; boundary={boundary}"},
            data=_form(boundary, {"model": self._voices.hears, "response_format": "json"}, recording),
            timeout_s=self._timeout_s,
            max_bytes=_MOST_BYTES,
        )
        if answer.status != 200:
            raise self._refusal(answer.status, answer.body)
        try:
            return msgspec.json.decode(answer.body, type=_Transcript).text.strip()
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            message = f"{self._shown()} answered something that is no transcript."
            raise OrganError(message, code="model_failed") from error

    async def speak(self, text: str, *, voice: str = "") -> AsyncGenerator[bytes]:
        if not self._voices.speaks:
            raise _missing("speaks")
        for part in _parts(text):
            async with aclosing(self._spoken(part, voice or self._voices.voice)) as pieces:
                async for piece in pieces:
                    yield piece

    async def _spoken(self, text: str, voice: str) -> AsyncGenerator[bytes]:
        body = {"model": self._voices.speaks, "input": text, "voice": voice, "response_format": "mp3"}
        url = f"{self._url}/audio/speech"
        async with self._http.stream(
            "POST", url, headers=self._headers, json=body, timeout_s=self._timeout_s
        ) as answer:
            if answer.status != 200:
                said = bytearray()
                async for piece in answer.pieces():
                    said += piece
                    if len(said) > _MOST_BYTES:
                        break
                raise self._refusal(answer.status, bytes(said))
            async for piece in answer.pieces():
                yield piece

    async def health(self) -> Health:
        """Whether somebody answers there: not every such server lists its models."""
        try:
            answer = await self._http.request(
                "GET", f"{self._url}/models", headers=self._headers, timeout_s=min(self._timeout_s, _HEALTH_S)
            )
        except LLMFlowError as error:
            return Health(ok=False, where=self._shown(), detail=self._clean(error.message), hint=error.hint)
        if answer.status in (401, 403):
            return Health(ok=False, where=self._shown(), detail="It refuses the key.", hint="Correct api_key.")
        can = [f"{what} by {name}" for what, name in _abilities(self._voices) if name]
        return Health(ok=True, where=self._shown(), detail=", ".join(can) or "no model is named")

    async def close(self) -> None:
        """Nothing of its own to close."""

    def _refusal(self, status: int, body: bytes) -> LLMFlowError:
        text = self._clean(_error_text(body))
        if status in (401, 403):
            return OrganError(f"{self._shown()} refuses the key ({status}).", code="model_key_wrong")
        if status in (400, 413, 415, 422):
            return UsageError(f"The speech server refused the request: {text}")
        return OrganError(f"{self._shown()} failed ({status}): {text}", code="model_failed")

    def _clean(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text

    def _shown(self) -> str:
        return str(URL(self._url).with_user(None).with_query(None))


class _Transcript(msgspec.Struct):
    text: str


def _abilities(voices: Voices) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("hears", voices.hears), ("speaks", voices.speaks)


def _missing(option: str) -> OrganError:
    return OrganError(f"organs.speech.{option} names no model.", code="speech_missing")


def _base(url: str) -> str:
    """Raises ConfigError for what is no http address."""
    parts = URL(url.strip())
    if parts.scheme not in ("http", "https") or not parts.host:
        raise ConfigError("organs.speech.url is not an http:// or https:// address.", param="organs.speech.url")
    path = parts.path.rstrip("/")
    return str(parts.with_path(path if re.search(r"/v\d+\w*$", path) else f"{path}/v1"))


def _form(boundary: str, fields: dict[str, str], recording: Recording) -> bytes:
    """multipart/form-data; the name is a file's ending and letters only, since servers read the format from it."""
    name = re.sub(r"[^A-Za-z0-9._-]", "_", recording.name) or "recording"
    kind = re.sub(r"[^A-Za-z0-9/+.;= -]", "", recording.media_type) or "application/octet-stream"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
        for key, value in fields.items()
    ]
    about = f'Content-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: {kind}'
    head = f"--{boundary}\r\n{about}\r\n\r\n"
    return b"".join(
        [*(part.encode() for part in parts), head.encode(), recording.content, f"\r\n--{boundary}--\r\n".encode()]
    )


def _parts(text: str) -> list[str]:
    """Pieces that one request takes, cut at the ends of sentences where there are any."""
    parts: list[str] = []
    for sentence in _SENTENCE.findall(text):
        if parts and len(parts[-1]) + len(sentence) <= _MOST_CHARACTERS:
            parts[-1] += sentence
            continue
        parts += [sentence[at : at + _MOST_CHARACTERS] for at in range(0, len(sentence), _MOST_CHARACTERS)]
    return [part for part in parts if part.strip()]


def _error_text(body: bytes) -> str:
    """The server's own message out of OpenAI's or FastAPI's error, or the text itself."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = body.decode("utf-8", "replace")
    while isinstance(found, dict):
        found = next((found[key] for key in ("error", "message", "detail") if found.get(key)), "")
    return " ".join(str(found).split())[:_QUOTED]
