"""Speech: recordings to text, and text to recordings. Optional: nothing else needs it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

import msgspec

from llmflow.ports.health import Health


class Recording(msgspec.Struct, frozen=True):
    """`name`: a file name whose ending tells servers the format."""

    content: bytes
    name: str
    media_type: str


class Voices(msgspec.Struct, frozen=True):
    """What it can do. `hears`, `speaks`: the models' names, "" where it cannot; `voice`: where none is named;
    `media_type`: of what it speaks."""

    hears: str = ""
    speaks: str = ""
    voice: str = ""
    media_type: str = "audio/mpeg"


class Speech(Protocol):
    """Asked for what it cannot do, it raises OrganError (speech_missing)."""

    async def voices(self) -> Voices: ...

    async def transcribe(self, recording: Recording) -> str:
        """What is said in it, "" for nothing. Raises OrganError (organ_unavailable, model_timeout, model_key_wrong,
        model_failed) and UsageError for a recording that the model refuses."""

    def speak(self, text: str, *, voice: str = "") -> AsyncIterator[bytes]:
        """The recording, piece by piece as it is made. Closing the iterator early stops it. Raises as `transcribe`,
        from the first `anext` on."""

    async def health(self) -> Health: ...

    async def close(self) -> None: ...
