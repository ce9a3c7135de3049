"""No speech: who asks for it is told how to get it."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from llmflow.errors import OrganError
from llmflow.ports.health import Health
from llmflow.ports.speech import Recording, Voices


class SilentSpeech:
    async def voices(self) -> Voices:
        return Voices()

    async def transcribe(self, recording: Recording) -> str:
        raise OrganError("No speech model is set up.", code="speech_missing")

    async def speak(self, text: str, *, voice: str = "") -> AsyncGenerator[bytes]:
        for _ in ():
            yield b""
        raise OrganError("No speech model is set up.", code="speech_missing")

    async def health(self) -> Health:
        return Health(ok=True, where="nowhere", detail="not set up; nothing needs it but apps that speak or listen")

    async def close(self) -> None:
        """Nothing to close."""
