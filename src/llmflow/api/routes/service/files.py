"""Files sent to an app: upload and preview."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

from starlette.datastructures import UploadFile
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from llmflow.api.routes.service import shapes
from llmflow.api.routes.service.dify import HEADERS, Call, answer, operation
from llmflow.errors import UsageError
from llmflow.wiring import Platform

_PIECE = 256 * 1024
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
        uploads = [value for key, value in form.multi_items() if key == "file" and isinstance(value, UploadFile)]
        if not uploads:
            raise UsageError("Please upload your file.", code="no_file_uploaded")
        if len(uploads) > 1:
            raise UsageError("Only one file is allowed.", code="too_many_files")
        upload = uploads[0]
        if not upload.filename:
            raise UsageError("The specified filename does not exist.", code="filename_not_exists_error")
        user = await call.user(form.get("user"))
        file = await call.platform.apps.files.upload(
            user, upload.filename, _pieces(upload), media_type=upload.content_type or ""
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
            "source_url": f"{_base_url(call)}/v1/files/{file.id}/preview",
            "original_url": None,
            "user_id": None,
            "tenant_id": file.workspace_id,
            "conversation_id": None,
            "file_key": None,
        },
        status=201,
    )


async def _pieces(upload: UploadFile) -> AsyncIterator[bytes]:
    while piece := await upload.read(_PIECE):
        yield piece


def _base_url(call: Call) -> str:
    given = call.platform.settings.server.public_url or str(call.request.url.replace(path="", query=""))
    return given.rstrip("/")


async def _preview(call: Call) -> Response:
    file = await call.platform.apps.files.get(call.app.id, str(call.request.path_params["file_id"]))
    harmless = _is_harmless(file.media_type)
    attach = (call.query("as_attachment") or "").lower() in ("true", "1") or not harmless
    headers = {
        **HEADERS,
        **({} if harmless else _SANDBOX),
        "Content-Length": str(file.size),
        "Content-Disposition": f"{'attachment' if attach else 'inline'}; filename*=UTF-8''{quote(file.name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=3600",
    }
    return StreamingResponse(call.platform.apps.files.read(file), media_type=file.media_type, headers=headers)


def _is_harmless(media_type: str) -> bool:
    kind = media_type.partition(";")[0].strip()
    return kind in _HARMLESS or kind.partition("/")[0] in ("audio", "video")
