"""The one way to a speech model: counted and traced like every call to a model. No recording and no text is kept."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from llmflow.errors import LLMFlowError, OrganError
from llmflow.gateway.asker import asker
from llmflow.gateway.no_limits import NoLimits
from llmflow.gateway.types import Border, Call, Limits, Operation, UsageRecord
from llmflow.ports.speech import Recording, Speech, Voices

_DEPLOYMENT = "speech"


@dataclass(slots=True)
class _Outcome:
    call: Call
    code: str = "cancelled"


class SpeechGateway:
    """`limits` are asked before each call and told after it; tokens are not counted in speech. `border`: what is to be
    spoken crosses it; what is heard comes from the caller and goes back there."""

    def __init__(self, speech: Speech, *, limits: Limits | None = None, border: Border | None = None) -> None:
        self._speech = speech
        self._limits = limits or NoLimits()
        self._border = border
        self._tracer = trace.get_tracer("llmflow.gateway")

    async def voices(self) -> Voices:
        """What can be done now; nothing, where no speech model is set up."""
        return await self._speech.voices()

    async def transcribe(self, recording: Recording) -> str:
        """What is said in it. Raises OrganError (speech_missing: no model hears) and what the organ raises."""
        model = (await self.voices()).hears
        if not model:
            raise OrganError("No model that hears is set up.", code="speech_missing")
        async with self._call("transcription", model) as outcome:
            text = await self._speech.transcribe(recording)
            outcome.code = "ok"
        return text

    async def speak(self, text: str, *, voice: str = "") -> AsyncGenerator[bytes]:
        """The recording as it is made. Raises, from the first `anext` on, OrganError (speech_missing: no model speaks)
        and what the organ raises."""
        model = (await self.voices()).speaks
        if not model:
            raise OrganError("No model that speaks is set up.", code="speech_missing")
        async with self._call("speech", model) as outcome:
            if self._border is not None:
                [text] = await self._border.hide(outcome.call, (text,))
            async with aclosing(self._speech.speak(text, voice=voice)) as pieces:  # type: ignore[type-var]
                async for piece in pieces:
                    yield piece
            outcome.code = "ok"

    @asynccontextmanager
    async def _call(self, operation: Operation, model: str) -> AsyncIterator[_Outcome]:
        call = Call(operation, model, asker(), 0)
        tell = await self._limits.ask(call)
        started, outcome = time.monotonic(), _Outcome(call)
        span = self._tracer.start_span(f"{operation} {model}", kind=SpanKind.CLIENT)
        span.set_attributes({"gen_ai.operation.name": operation, "gen_ai.request.model": model})
        try:
            yield outcome
        except LLMFlowError as error:
            outcome.code = error.code
            raise
        finally:
            if outcome.code not in ("ok", "cancelled"):
                span.set_attribute("error.type", outcome.code)
                span.set_status(Status(StatusCode.ERROR))
            span.end()
            taken = time.monotonic() - started
            tell(UsageRecord(operation, _DEPLOYMENT, model, 0, 0, True, outcome.code, taken))
