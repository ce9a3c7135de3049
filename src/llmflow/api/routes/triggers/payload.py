"""The body of a call to a webhook, taken apart as its kind of content."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from urllib.parse import parse_qsl

import msgspec
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from llmflow.apps.triggers.types import Parts, Upload
from llmflow.errors import UsageError

_MOST_FIELDS = 1_000
_MOST_FILES = 20


async def parts_of(kind: str, headers: Headers, body: bytes) -> Parts:
    """`kind`: a media type that a webhook can declare; what is none of them is text. Raises UsageError."""
    match kind:
        case "application/json":
            return Parts(_json(body))
        case "application/x-www-form-urlencoded":
            return Parts(_first(_pairs(body)))
        case "multipart/form-data":
            return await _form(headers, body)
        case "application/octet-stream":
            return Parts({}, (Upload("raw", "body.bin", kind, body),))
    return Parts({"raw": body.decode(_charset(headers), "replace")})


def _json(body: bytes) -> dict[str, object]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError("The body is not JSON.", code="invalid_json") from error
    return found if isinstance(found, dict) else {"raw": found}


def _pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, encoding="utf-8", errors="replace"
        )
    except ValueError as error:
        raise UsageError("The body is no form.") from error


async def _form(headers: Headers, body: bytes) -> Parts:
    async def whole() -> AsyncGenerator[bytes]:
        yield body

    parser = MultiPartParser(
        headers, whole(), max_files=_MOST_FILES, max_fields=_MOST_FIELDS, max_part_size=max(len(body), 1)
    )
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, UnicodeDecodeError) as error:
        raise UsageError("The body is no form of several parts.") from error
    fields: list[tuple[str, str]] = []
    uploads: dict[str, Upload] = {}
    try:
        for name, value in form.multi_items():
            if not isinstance(value, UploadFile):
                fields.append((name, value))
            elif value.filename and name not in uploads:
                uploads[name] = Upload(name, value.filename, value.content_type or "", await value.read())
    finally:
        await form.close()
    return Parts(_first(fields), tuple(uploads.values()))


def _first(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Of a name that comes several times the first value, as in Dify."""
    found: dict[str, str] = {}
    for name, value in pairs:
        found.setdefault(name, value)
    return found


def _charset(headers: Headers) -> str:
    _, _, name = headers.get("content-type", "").lower().partition("charset=")
    name = name.split(";")[0].strip(" \"'") or "utf-8"
    try:
        return name if "".encode(name) == b"" else "utf-8"
    except LookupError:
        return "utf-8"
