"""Audio: a recording written down, an answer or any text read aloud; where a speech model is set up."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import msgspec
from starlette.datastructures import UploadFile
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from llmflow.api.routes.service.dify import HEADERS, Call, answer, checked, operation
from llmflow.errors import TooLarge, Unsupported, UsageError
from llmflow.ports.speech import Recording
from llmflow.store.ids import is_uuid
from llmflow.wiring import Platform

_MOST_CHARACTERS = 50_000  # read aloud at once: about an hour
#: Dify's five, and those that speech servers take beside them.
_TYPES = frozenset(
    f"audio/{name}"
    for name in ("mp3", "m4a", "wav", "amr", "mpga", "mpeg", "mp4", "x-m4a", "x-wav", "wave", "webm", "ogg", "flac")
)


class TextToAudioPayload(msgspec.Struct, frozen=True):
    """Dify's TextToAudioRequest; `streaming` has no effect there either."""

    message_id: str | None = None
    text: str | None = None
    voice: str | None = None


def routes(platform: Platform) -> list[Route]:
    return [
        operation(platform, "/audio-to-text", "POST", _written_down),
        operation(platform, "/text-to-audio", "POST", _read_aloud),
    ]


async def _written_down(call: Call) -> Response:
    if not call.app.config.speech_to_text:
        raise UsageError("Speech to text is disabled.", code="speech_to_text_disabled")
    most_mb = call.platform.settings.limits.audio_mb
    async with call.request.form(max_files=8, max_fields=8) as form:
        upload = form.get("file")
        if not isinstance(upload, UploadFile):
            raise UsageError("Please upload your audio.", code="no_audio_uploaded")
        kind = (upload.content_type or "").partition(";")[0].strip().lower()
        if kind not in _TYPES:
            raise Unsupported("Audio type not allowed.", code="unsupported_audio_type")
        content = await upload.read(most_mb * 1024 * 1024 + 1)
        if len(content) > most_mb * 1024 * 1024:
            raise TooLarge(f"Audio size larger than {most_mb} mb", code="audio_too_large")
        await call.user(form.get("user"))
        name = upload.filename or f"recording.{kind.partition('/')[2]}"
    voices = await call.platform.speech.voices()
    if voices.speaks and not voices.hears:
        raise UsageError("Provider not support speech to text.", code="provider_not_support_speech_to_text")
    return answer({"text": await call.platform.speech.transcribe(Recording(content, name, kind))})


async def _read_aloud(call: Call) -> Response:
    body = await call.body()
    user = await call.user(body.get("user"))
    wanted = checked(body, TextToAudioPayload)
    if not call.app.config.text_to_speech:
        raise UsageError("TTS is not enabled")
    text = wanted.text or ""
    if wanted.message_id:
        if not is_uuid(wanted.message_id):
            raise UsageError(f"{wanted.message_id} is not a valid uuid.", param="message_id")
        text = (await call.platform.apps.conversations.message(user, wanted.message_id.lower())).answer
    if not text.strip():
        raise UsageError("Text is required", param="text")
    if len(text) > _MOST_CHARACTERS:
        raise UsageError(f"text may have {_MOST_CHARACTERS} characters at most", param="text")
    pieces = call.platform.speech.speak(text, voice=wanted.voice or call.app.config.voice)
    first = await anext(pieces, b"")  # what goes wrong goes wrong here, before the answer's status is sent
    kind = (await call.platform.speech.voices()).media_type
    return StreamingResponse(_spoken(first, pieces), media_type=kind, headers=dict(HEADERS))


async def _spoken(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    try:
        yield first
        async for piece in rest:
            yield piece
    finally:
        await rest.aclose()
