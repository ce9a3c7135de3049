"""/v1/audio: the speech organ, or a model whose server knows these operations; forms and sound pass as they are."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from llmflow.access.types import Caller
from llmflow.api.routes.openai import wire
from llmflow.api.sse import until_gone
from llmflow.errors import UsageError
from llmflow.gateway.asked import asked_of
from llmflow.gateway.types import Operation
from llmflow.ports.speech import Recording
from llmflow.store.ids import new_id
from llmflow.wiring import Platform

_DEFAULTS = ("", "default")


def routes(platform: Platform) -> list[Route]:
    return [
        wire.operation(platform, "/audio/transcriptions", "POST", _transcribe),
        wire.operation(platform, "/audio/translations", "POST", _translate),
        wire.operation(platform, "/audio/speech", "POST", _speak),
    ]


async def _transcribe(request: Request, platform: Platform, caller: Caller) -> Response:
    async with request.form(max_files=1, max_fields=32) as form:
        model, upload = str(form.get("model") or ""), form.get("file")
        if not isinstance(upload, UploadFile):
            raise UsageError("`file` must be a recording.", param="file")
        voices = await platform.speech.voices()
        if voices.hears and model in (*_DEFAULTS, voices.hears):
            kind = upload.content_type or "application/octet-stream"
            recording = Recording(await upload.read(), upload.filename or "audio", kind)
            text = await until_gone(request, platform.speech.transcribe(recording))
            if form.get("response_format") == "text":
                return Response(text, media_type="text/plain")
            return wire.answer({"text": text})
        return await _sent(request, platform, "/audio/transcriptions", model, form)


async def _translate(request: Request, platform: Platform, caller: Caller) -> Response:
    async with request.form(max_files=1, max_fields=32) as form:
        return await _sent(request, platform, "/audio/translations", str(form.get("model") or ""), form)


async def _sent(request: Request, platform: Platform, path: str, model: str, form: FormData) -> Response:
    boundary = f"llmflow-{new_id()}"
    parts: list[tuple[str, str, bytes]] = []
    prompt = form.get("prompt")
    texts = [prompt] if isinstance(prompt, str) else []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            kind = value.content_type or "application/octet-stream"
            file_name = (value.filename or "audio").replace('"', "%22").replace("\r", "").replace("\n", "")
            parts.append((f'{name}"; filename="{file_name}', kind, await value.read()))
        elif name not in ("model", "prompt"):
            parts.append((name, "", value.encode()))

    def body_for(asked: str, texts: Sequence[str]) -> bytes:
        prompts = [("prompt", "", text.encode()) for text in texts]
        return _multipart([("model", "", asked.encode()), *prompts, *parts], boundary)

    kind = f"multipart/form-data; boundary={boundary}"
    operation: Operation = "transcription"
    sent = await until_gone(request, platform.relay.send(operation, path, model, texts, body_for, media_type=kind))
    return Response(sent.body, media_type=sent.media_type)


def _multipart(parts: list[tuple[str, str, bytes]], boundary: str) -> bytes:
    found = bytearray()
    for name, kind, value in parts:
        found += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n'.encode()
        if kind:
            found += f"Content-Type: {kind}\r\n".encode()
        found += b"\r\n" + value + b"\r\n"
    return bytes(found + f"--{boundary}--\r\n".encode())


async def _speak(request: Request, platform: Platform, caller: Caller) -> Response:
    asked = asked_of(await request.body())
    body = await wire.body_of(request)
    text = body.get("input")
    if not isinstance(text, str) or not text:
        raise UsageError("`input` must be a text.", param="input")
    voices = await platform.speech.voices()
    if voices.speaks and asked.model in (*_DEFAULTS, voices.speaks):
        pieces = platform.speech.speak(text, voice=str(body.get("voice") or ""))
        first = await until_gone(request, anext(pieces, b""))

        async def whole() -> AsyncGenerator[bytes]:
            try:
                yield first
                async for piece in pieces:
                    yield piece
            finally:
                await pieces.aclose()

        return StreamingResponse(whole(), media_type=voices.media_type)
    sent = await until_gone(
        request,
        platform.relay.send(
            "speech",
            "/audio/speech",
            asked.model,
            [text],
            lambda model, texts: wire.encode({**asked.fields_for(model), "input": texts[0]}),
            media_type="application/json",
        ),
    )
    return Response(sent.body, media_type=sent.media_type)
