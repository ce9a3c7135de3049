"""Files sent to an app: upload and preview."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from urllib.parse import quote

from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from llmflow.api.routes.service import shapes
from llmflow.api.routes.service.dify import HEADERS, Call, answer, base_url, operation
from llmflow.errors import UsageError
from llmflow.wiring import Platform

_PIECE = 256 * 1024
_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")
#: Shown in a browser as they are; everything else only as a download in a sandbox, so that nobody's upload runs as a
#: page of ours.
_HARMLESS = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "text/plain", "application/pdf"})
_SANDBOX = {"Content-Security-Policy": "default-src 'none'; sandbox"}


def routes(platform: Platform) -> list[Route]:
    return [
        operation(platform, "/files/upload", "POST", _upload),
        operation(platform, "/files/{file_id:uuid}/preview", "GET", _preview),
    ]


async def _upload(call: Call) -> Response:
    async with call.request.form(max_files=8, max_fields=8) as form:
        upload = one_upload(form)
        user = await call.user(form.get("user"))
        file = await call.platform.apps.files.upload(
            user, upload.filename or "", pieces_of(upload), media_type=upload.content_type or ""
        )
    return answer(
        {
            "id": file.id,
            "reference": None,
            "name": file.name,
            "size": file.size,
            "extension": file.extension,
            "mime_type": file.media_type,
            "created_by": user.id,
            "created_at": shapes.seconds(file.created_at),
            "preview_url": None,
            "source_url": f"{base_url(call)}/v1/files/{file.id}/preview",
            "original_url": None,
            "user_id": None,
            "tenant_id": file.workspace_id,
            "conversation_id": None,
            "file_key": None,
        },
        status=201,
    )


def one_upload(form: FormData) -> UploadFile:
    """The one file of a form, with a name. Raises UsageError in Dify's codes."""
    uploads = [value for key, value in form.multi_items() if key == "file" and isinstance(value, UploadFile)]
    if not uploads:
        raise UsageError("Please upload your file.", code="no_file_uploaded")
    if len(uploads) > 1:
        raise UsageError("Only one file is allowed.", code="too_many_files")
    if not uploads[0].filename:
        raise UsageError("The specified filename does not exist.", code="filename_not_exists_error")
    return uploads[0]


async def pieces_of(upload: UploadFile) -> AsyncIterator[bytes]:
    while piece := await upload.read(_PIECE):
        yield piece


async def _preview(call: Call) -> Response:
    file = await call.platform.apps.files.get(call.app.id, str(call.request.path_params["file_id"]))
    harmless = _is_harmless(file.media_type)
    attach = (call.query("as_attachment") or "").lower() in ("true", "1") or not harmless
    wanted = _range(call.request.headers.get("range", ""), file.size)
    if wanted is None:
        return Response(status_code=416, headers={**HEADERS, "Content-Range": f"bytes */{file.size}"})
    part = {"Content-Range": f"bytes {wanted.start}-{wanted.stop - 1}/{file.size}"} if len(wanted) < file.size else {}
    headers = {
        **HEADERS,
        **({} if harmless else _SANDBOX),
        **part,
        "Accept-Ranges": "bytes",
        "Content-Length": str(len(wanted)),
        "Content-Disposition": f"{'attachment' if attach else 'inline'}; filename*=UTF-8''{quote(file.name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=3600",
    }
    return StreamingResponse(
        _cut(call.platform.apps.files.read(file), wanted),
        status_code=206 if part else 200,
        media_type=file.media_type,
        headers=headers,
    )


def _range(header: str, size: int) -> range | None:
    """The bytes that are asked for: of one range alone, else all; None: it lies outside of the file."""
    found = _RANGE.fullmatch(header.strip())
    if found is None or not (found[1] or found[2]):
        return range(size)
    if not found[1]:  # so many from the end
        return range(max(0, size - int(found[2])), size) if int(found[2]) and size else None
    start, stop = int(found[1]), min(size, int(found[2]) + 1) if found[2] else size
    if found[2] and int(found[2]) < start:
        return range(size)  # no range at all
    return range(start, stop) if start < size else None


async def _cut(pieces: AsyncIterator[bytes], wanted: range) -> AsyncIterator[bytes]:
    at = 0
    async with aclosing(pieces) as all_of_it:  # type: ignore[type-var]  # adapters read by generators
        async for piece in all_of_it:
            kept = piece[max(0, wanted.start - at) : max(0, wanted.stop - at)]
            at += len(piece)
            if kept:
                yield kept
            if at >= wanted.stop:
                return


def _is_harmless(media_type: str) -> bool:
    kind = media_type.partition(";")[0].strip()
    return kind in _HARMLESS or kind.partition("/")[0] in ("audio", "video")
