"""Documents: list, look at, switch, follow, download, delete."""

from __future__ import annotations

import asyncio
import hmac
import tempfile
import time
import zipfile
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import IO, Any, Literal, get_args

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from llmflow.api.attachment import attachment
from llmflow.api.routes.service.datasets import processing, shapes
from llmflow.api.routes.service.dify import (
    HEADERS,
    DatasetCall,
    answer,
    base_url,
    checked,
    dataset_operation,
    not_found,
    nothing,
    paged,
)
from llmflow.errors import NotFound, UsageError
from llmflow.knowledge.documents import check_mutable
from llmflow.knowledge.fields import Value, values_of
from llmflow.knowledge.types import Choice, Display, Document, KnowledgeBase
from llmflow.ports.blobs import Blobs
from llmflow.wiring import Platform

Action = Literal["enable", "disable", "archive", "un_archive"]
DISPLAYS: dict[str, Display | Literal["paused"]] = {"paused": "paused", **{d: d for d in get_args(Display)}}
_LINK_S = 300  # how long a download's address holds
_PIECE = 256 * 1024
_IN_MEMORY = 8 * 1024 * 1024  # of an archive that is being made; more goes to the disk


class DocumentStatusPayload(msgspec.Struct, frozen=True):
    document_ids: list[str]


def routes(platform: Platform) -> list[Route]:
    all_of_them = "/datasets/{dataset_id:uuid}/documents"
    one = all_of_them + "/{document_id:uuid}"
    return [
        dataset_operation(platform, all_of_them, "GET", _list),
        dataset_operation(platform, f"{all_of_them}/download-zip", "POST", _download_zip),
        dataset_operation(platform, f"{all_of_them}/status/{{action}}", "PATCH", _switch),
        dataset_operation(platform, f"{all_of_them}/{{batch}}/indexing-status", "GET", _progress),
        dataset_operation(platform, one, "GET", _get),
        dataset_operation(platform, one, "DELETE", _delete),
        dataset_operation(platform, f"{one}/download", "GET", _download),
        dataset_operation(platform, f"{one}/upload-file", "GET", _upload_file),
        Route("/files/{document_id:uuid}/file-preview", partial(_linked, platform), methods=["GET"]),
    ]


async def _list(call: DatasetCall) -> Response:
    base = await call.base()
    page, limit = call.page
    display = _display(call.query("status"))
    search = call.query("keyword") or ""
    found: list[Document] = []
    total = 0
    if display != "paused":  # nothing is ever paused here
        found, total = await call.platform.knowledge.documents.page(
            base, display=display, search=search, offset=(page - 1) * limit, limit=limit
        )
    found = [call.platform.knowledge.progress.overlay(document) for document in found]
    first = total - (page - 1) * limit  # the newest stand first, and have the last places
    return paged(await shown(call, base, found, first), page, limit, total)


def _display(given: str | None) -> Display | Literal["paused"] | None:
    if given is None:
        return None
    if given not in DISPLAYS:
        raise UsageError(f"`{given}` is no status of a document.", param="status")
    return DISPLAYS[given]


async def shown(
    call: DatasetCall, base: KnowledgeBase, documents: Sequence[Document], first: int
) -> list[dict[str, Any]]:
    """As they stand in a list; `first`: the place of the first one, from which the others count down."""
    fields = await call.platform.knowledge.fields.all(base)
    hits = await call.platform.knowledge.documents.hits([document.id for document in documents])
    return [
        shapes.document(
            document,
            base,
            position=first - number,
            hits=hits.get(document.id, 0),
            values=values_of(document, fields),
        )
        for number, document in enumerate(documents)
    ]


async def _get(call: DatasetCall) -> Response:
    base, document = await call.document()
    metadata = call.query("metadata") or "all"
    if metadata not in ("all", "only", "without"):
        raise UsageError(f"Invalid metadata value: {metadata}", code="invalid_metadata", param="metadata")
    hits = await call.platform.knowledge.documents.hits([document.id])
    return answer(
        shapes.document_alone(
            document,
            base,
            position=await call.platform.knowledge.documents.place(document),
            hits=hits.get(document.id, 0),
            values=await _values(call, base, document),
            metadata=metadata,
            rule=processing.process_rule(document, base),
        )
    )


async def _values(call: DatasetCall, base: KnowledgeBase, document: Document) -> list[Value]:
    return values_of(document, await call.platform.knowledge.fields.all(base))


async def _delete(call: DatasetCall) -> Response:
    base, document = await call.document()
    check_mutable(document)
    await call.platform.knowledge.documents.delete(base, document)
    return nothing()


async def _switch(call: DatasetCall) -> Response:
    """Documents that are not there are passed over."""
    base = await call.base()
    wanted = checked(await call.body(), DocumentStatusPayload)
    documents, choice = call.platform.knowledge.documents, Choice(ids=tuple(dict.fromkeys(wanted.document_ids)))
    match str(call.request.path_params["action"]):
        case "enable":
            await documents.enable(base, choice)
        case "disable":
            await documents.disable(base, choice)
        case "archive":
            await documents.archive(base, choice)
        case "un_archive":
            await documents.unarchive(base, choice)
        case _:
            raise UsageError("Invalid action.", code="invalid_action", param="action")
    return answer({"result": "success"})


async def _progress(call: DatasetCall) -> Response:
    """A batch is one document here, and has its id, but for what came together to a pipeline."""
    base, batch = await call.base(), str(call.request.path_params["batch"])
    found = await call.platform.knowledge.documents.of_batch(base, batch)
    if not found:
        try:
            found = [await call.document_of(base, batch)]
        except NotFound as error:
            raise NotFound("Documents not found.") from error
    return answer({"data": [shapes.progress(call.platform.knowledge.progress.overlay(document)) for document in found]})


# downloads


async def _download(call: DatasetCall) -> Response:
    _, document = await call.document()
    return answer({"url": _link(call, document)})


async def _upload_file(call: DatasetCall) -> Response:
    """As older clients ask for the file."""
    _, document = await call.document()
    url = _link(call, document)
    file = shapes.upload(document)
    return answer({**file, "url": url, "download_url": f"{url}&as_attachment=true"})


def _link(call: DatasetCall, document: Document) -> str:
    """An address that needs no key and holds for some minutes."""
    until = int(time.time()) + _LINK_S
    sign = _sign(call.platform, document.workspace_id, document.id, until)
    of = document.workspace_id
    return f"{base_url(call)}/v1/files/{document.id}/file-preview?timestamp={until}&of={of}&sign={sign}"


def _sign(platform: Platform, workspace_id: str, document_id: str, until: int) -> str:
    return platform.cipher.token(f"download {workspace_id} {document_id} {until}")


async def _linked(platform: Platform, request: Request) -> Response:
    """The file behind a download's address, to whoever has the address while it holds."""
    asked = request.query_params
    document_id, workspace_id = str(request.path_params["document_id"]), asked.get("of", "")
    until, given = asked.get("timestamp", ""), asked.get("sign", "")
    holds = until.isascii() and until.isdigit() and len(until) < 12 and time.time() <= int(until)
    sign = _sign(platform, workspace_id, document_id, int(until)) if holds else ""
    if not holds or not hmac.compare_digest(given.encode(), sign.encode()):
        return await not_found(request, NotFound("It holds no more."))
    try:
        document = await platform.knowledge.documents.get(workspace_id, document_id)
    except NotFound as error:
        return await not_found(request, error)
    return StreamingResponse(
        platform.organs.blobs.read(document.digest), headers={**HEADERS, **attachment(document.name, document.size)}
    )


async def _download_zip(call: DatasetCall) -> Response:
    base = await call.base()
    ids = list(dict.fromkeys(checked(await call.body(), DocumentStatusPayload).document_ids))
    if not 1 <= len(ids) <= 100:
        raise UsageError("document_ids must name 1 to 100 documents.", param="document_ids")
    documents = await call.platform.knowledge.documents.by_ids(base, ids)
    if len(documents) < len(ids):
        raise NotFound("Document not found.")
    archive = await _zipped(call.platform.organs.blobs, documents)
    size = archive.seek(0, 2)
    archive.seek(0)
    return StreamingResponse(
        _pieces(archive),
        headers={**HEADERS, **attachment(f"{base.name}.zip", size), "Content-Type": "application/zip"},
    )


async def _zipped(blobs: Blobs, documents: Sequence[Document]) -> IO[bytes]:
    """The files under their names, which are different within a base."""
    archive = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed once it is sent
    try:
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            for document in documents:
                async with blobs.local(document.digest) as path:
                    await asyncio.to_thread(zipped.write, path, document.name)
    except BaseException:
        archive.close()
        raise
    return archive


async def _pieces(archive: IO[bytes]) -> AsyncIterator[bytes]:
    try:
        while piece := await asyncio.to_thread(archive.read, _PIECE):
            yield piece
    finally:
        archive.close()
