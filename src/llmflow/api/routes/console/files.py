"""Files for questions: what an app takes, sending one, looking at one of yours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from llmflow.api import auth
from llmflow.api.routes.console.asking import CONSOLE, asker
from llmflow.apps.chat.attachments import AcceptedFiles, is_image
from llmflow.apps.types import AppFile

router = APIRouter(tags=["chat"])

#: An upload never runs as a page of ours: images are shown, everything else is fetched, in a sandbox.
_SANDBOX = "default-src 'none'; sandbox"


class AttachedFile(BaseModel):
    """`media_type`: what its bytes are, whatever its name says."""

    id: str
    name: str
    media_type: str
    size: int
    is_image: bool


@router.get("/apps/{app}/files")
async def accepted_files(app: str, request: Request, user: str = CONSOLE) -> AcceptedFiles:
    """What may be attached to a question."""
    found, _ = await asker(request, app, user)
    return await auth.platform_of(request).apps.attachments.accepted(found)


@router.post("/apps/{app}/files", status_code=201)
async def attach_file(
    app: str, request: Request, name: str = Query(min_length=1, max_length=500), user: str = CONSOLE
) -> AttachedFile:
    """Sends a file, its bytes as the body, and reads it; its id goes into `files` of a question."""
    found, asking = await asker(request, app, user)

    async def body() -> AsyncIterator[bytes]:
        async for piece in request.stream():
            yield piece

    return shown_file(await auth.platform_of(request).apps.attachments.take(found, asking, name, body()))


@router.get("/apps/{app}/files/{file_id}", response_class=StreamingResponse)
async def get_file(app: str, file_id: str, request: Request, user: str = CONSOLE) -> StreamingResponse:
    """One that you sent."""
    _, asking = await asker(request, app, user)
    files = auth.platform_of(request).apps.files
    file = await files.own(asking, file_id)
    shown = is_image(file)
    headers = {
        "Content-Length": str(file.size),
        "Content-Disposition": f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{quote(file.name, safe='')}",
        "Content-Security-Policy": _SANDBOX,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=3600",
    }
    media_type = file.media_type if shown else "application/octet-stream"
    return StreamingResponse(files.read(file), media_type=media_type, headers=headers)


def shown_file(file: AppFile) -> AttachedFile:
    return AttachedFile(id=file.id, name=file.name, media_type=file.media_type, size=file.size, is_image=is_image(file))
