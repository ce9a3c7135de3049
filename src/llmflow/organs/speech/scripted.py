"""A fake that hears what it is told and speaks its text as bytes."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from llmflow.errors import UsageError
from llmflow.ports.health import Health
from llmflow.ports.speech import Recording, Voices


class ScriptedSpeech:
    """Hears `heard`, or else the recording's bytes as text; a recording that is no text is refused."""

    def __init__(self, *, heard: str = "") -> None:
        self._heard = heard

    async def voices(self) -> Voices:
        return Voices(hears="scripted", speaks="scripted", voice="plain")

    async def transcribe(self, recording: Recording) -> str:
        try:
            return self._heard or recording.content.decode()
        except UnicodeDecodeError as error:
            raise UsageError("This is no recording.") from error

    async def speak(self, text: str, *, voice: str = "") -> AsyncGenerator[bytes]:
        for word in (f"[{voice or 'plain'}]", *text.split()):
            yield f"{word} ".encode()

    async def health(self) -> Health:
        return Health(ok=True, where="this process", detail="a fake: it hears and speaks bytes")

    async def close(self) -> None:
        """Nothing to close."""
