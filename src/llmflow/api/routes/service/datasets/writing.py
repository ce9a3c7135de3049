"""Documents made and rewritten: by text, by file, with a rule for cutting them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import msgspec
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response
from starlette.routing import Route

from llmflow.api.routes.service.datasets import shapes
from llmflow.api.routes.service.datasets.bases import Technique, search_by
from llmflow.api.routes.service.datasets.documents import shown
from llmflow.api.routes.service.datasets.processing import Form, ProcessRule, chunking
from llmflow.api.routes.service.dify import DatasetCall, answer, checked, dataset_operation, taken_is_invalid
from llmflow.errors import UsageError
from llmflow.knowledge.retrieval_model import RetrievalModel, wanted_rule
from llmflow.knowledge.types import Document, KnowledgeBase, Origin
from llmflow.wiring import Platform

_PIECE = 256 * 1024
_decoder = msgspec.json.Decoder(dict[str, Any])


class Writing(msgspec.Struct, frozen=True):
    """What every way of making a document may say. The server has one embedding model; another's name is no fault."""

    process_rule: ProcessRule | None = None
    doc_form: Form | None = None
    doc_language: Annotated[str, msgspec.Meta(max_length=50)] | None = None
    indexing_technique: Technique | None = None
    retrieval_model: RetrievalModel | None = None
    original_document_id: str | None = None
    name: str | None = None


class DocumentTextCreatePayload(Writing, frozen=True, kw_only=True):
    name: str
    text: str


class DocumentTextUpdate(Writing, frozen=True):
    text: str | None = None


def routes(platform: Platform) -> list[Route]:
    new, one = "/datasets/{dataset_id:uuid}/document", "/datasets/{dataset_id:uuid}/documents/{document_id:uuid}"
    return [
        dataset_operation(platform, f"{new}/create-by-text", "POST", _create_by_text),
        dataset_operation(platform, f"{new}/create_by_text", "POST", _create_by_text),
        dataset_operation(platform, f"{new}/create-by-file", "POST", _create_by_file),
        dataset_operation(platform, f"{new}/create_by_file", "POST", _create_by_file),
        dataset_operation(platform, f"{one}/update-by-text", "POST", _update_by_text),
        dataset_operation(platform, f"{one}/update_by_text", "POST", _update_by_text),
        dataset_operation(platform, f"{one}/update-by-file", "POST", _update_by_file),
        dataset_operation(platform, f"{one}/update_by_file", "POST", _update_by_file),
        dataset_operation(platform, one, "PATCH", _update_by_file),
    ]


async def _create_by_text(call: DatasetCall) -> Response:
    base = await call.base()
    wanted = checked(await call.body(), DocumentTextCreatePayload)
    return await _create(call, base, wanted, wanted.name, lambda: _text(wanted.text), source="text")


async def _create_by_file(call: DatasetCall) -> Response:
    base = await call.base()
    async with _form(call) as form:
        wanted, upload = _said(form), _upload(form)
        if upload is None:
            raise UsageError("Please upload your file.", code="no_file_uploaded")
        file = upload
        return await _create(
            call, base, wanted, wanted.name or str(file.filename), lambda: _bytes(file), source="upload"
        )


async def _update_by_text(call: DatasetCall) -> Response:
    base, document = await call.document()
    wanted = checked(await call.body(), DocumentTextUpdate)
    if wanted.text and not wanted.name:
        raise UsageError("name is required when text is provided.", param="name")
    content = _text(wanted.text) if wanted.text else None
    return await _answered(call, base, await _rewritten(call, base, document, wanted, content))


async def _update_by_file(call: DatasetCall) -> Response:
    base, document = await call.document()
    async with _form(call) as form:
        wanted, upload = _said(form), _upload(form)
        document = await _rewritten(call, base, document, wanted, _bytes(upload) if upload else None)
        return await _answered(call, base, document)


async def _create(
    call: DatasetCall,
    base: KnowledgeBase,
    wanted: Writing,
    name: str,
    content: Callable[[], AsyncIterator[bytes]],
    *,
    source: str,
) -> Response:
    """A new document whatever there is; with `original_document_id` that one with new bytes. Of a request that is
    refused nothing is kept, nor is its base settled."""
    wanted_rule(wanted.retrieval_model)
    if wanted.original_document_id:
        document = await call.document_of(base, wanted.original_document_id)
        document = await _rewritten(call, base, document, wanted, content())
    else:
        accepted = await call.platform.knowledge.documents.accept(
            base,
            name,
            content(),
            as_new=True,
            origin=Origin(source, by=call.caller.key_id),
            chunking=chunking(wanted.process_rule, _form_of(base, wanted), wanted.doc_language),
        )
        document = accepted.document
    return await _answered(call, await _settled(call, base, wanted), document)


async def _rewritten(
    call: DatasetCall,
    base: KnowledgeBase,
    document: Document,
    wanted: Writing,
    content: AsyncIterator[bytes] | None,
) -> Document:
    if document.archived or not document.enabled:
        raise UsageError("Document is not available")
    rule = chunking(wanted.process_rule, wanted.doc_form, wanted.doc_language)
    if wanted.name:
        with taken_is_invalid():
            document = await call.platform.knowledge.documents.rename(document, wanted.name)
    if content is not None or rule is not None:
        document = await call.platform.knowledge.documents.rewrite(base, document, content=content, chunking=rule)
    return document


async def _settled(call: DatasetCall, base: KnowledgeBase, wanted: Writing) -> KnowledgeBase:
    """The base with what its first document says of it."""
    said: dict[str, Any] = {
        shapes.INDEXING: wanted.indexing_technique,
        shapes.RETRIEVAL: None if wanted.retrieval_model is None else msgspec.to_builtins(wanted.retrieval_model),
        shapes.FORM: wanted.doc_form,
    }
    new = {key: value for key, value in said.items() if value is not None and key not in base.service}
    if not new:
        return base
    changed = await call.platform.knowledge.bases.change(base.workspace_id, base.id, service=new)
    return await search_by(call, changed, wanted_rule(wanted.retrieval_model) if shapes.RETRIEVAL in new else None)


def _form_of(base: KnowledgeBase, wanted: Writing) -> Form | None:
    return wanted.doc_form or base.service.get(shapes.FORM)


async def _answered(call: DatasetCall, base: KnowledgeBase, document: Document) -> Response:
    (told,) = await shown(call, base, [document], await call.platform.knowledge.documents.place(document))
    return answer({"document": told, "batch": document.id})


@asynccontextmanager
async def _form(call: DatasetCall) -> AsyncIterator[FormData]:
    async with call.request.form(max_files=8, max_fields=8) as form:
        yield form


def _said(form: FormData) -> Writing:
    """The field `data`. Raises UsageError (invalid_json, invalid_param)."""
    given = form.get("data")
    if not isinstance(given, str) or not given.strip():
        return Writing()
    try:
        return checked(_decoder.decode(given), Writing)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError("`data` is not a JSON object.", code="invalid_json", param="data") from error


def _upload(form: FormData) -> UploadFile | None:
    """The one file. Raises UsageError (too_many_files, filename_not_exists_error)."""
    uploads = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    if len(uploads) > 1:
        raise UsageError("Only one file is allowed.", code="too_many_files")
    if uploads and not uploads[0].filename:
        raise UsageError("The specified filename does not exist.", code="filename_not_exists_error")
    return uploads[0] if uploads else None


async def _text(text: str) -> AsyncIterator[bytes]:
    yield text.encode("utf-8", "replace")


async def _bytes(upload: UploadFile) -> AsyncIterator[bytes]:
    while piece := await upload.read(_PIECE):
        yield piece
