"""Pipelines of knowledge: their data sources, files for them, and runs.

A run of the version in force is accepted, not waited for: the answer names the batch and its documents at once,
whatever `response_mode` says, as Dify's server does where its documentation tells of events. A trial of the draft is
answered as a workflow's run.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Literal

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from llmflow.api.routes.service.datasets import shapes
from llmflow.api.routes.service.dify import (
    HEADERS,
    PING,
    DatasetCall,
    answer,
    checked,
    dataset_operation,
)
from llmflow.api.routes.service.files import one_upload, pieces_of
from llmflow.api.routes.service.shapes import iso
from llmflow.api.routes.service.workflows import streamed, whole
from llmflow.api.sse import EventStream, event
from llmflow.apps.designs.plans import Compiled
from llmflow.apps.pipelines.pipelines import SOURCE, media_type, system_of
from llmflow.apps.runs.live import LiveRun
from llmflow.apps.runs.outside import pipeline_user
from llmflow.apps.runs.runs import Begin
from llmflow.apps.types import App
from llmflow.errors import LLMFlowError, NotFound, UsageError
from llmflow.knowledge.types import Document, KnowledgeBase
from llmflow.wiring import Platform
from llmflow.workflow.dsl.pipeline import Start, starts_of, variables_of

SourceType = Literal["local_file", "online_document", "website_crawl", "online_drive"]
_encode = msgspec.json.Encoder().encode


class DatasourceNodeRunPayload(msgspec.Struct, frozen=True):
    inputs: dict[str, Any]
    datasource_type: SourceType
    is_published: bool
    credential_id: str | None = None


class PipelineRunApiEntity(msgspec.Struct, frozen=True):
    inputs: dict[str, Any]
    datasource_type: SourceType
    datasource_info_list: list[dict[str, Any]]
    start_node_id: str
    is_published: bool
    response_mode: Literal["streaming", "blocking"]


def routes(platform: Platform) -> list[Route]:
    of_base = "/datasets/{dataset_id:uuid}/pipeline"
    return [
        dataset_operation(platform, "/datasets/pipeline/file-upload", "POST", _upload),
        dataset_operation(platform, f"{of_base}/datasource-plugins", "GET", _sources),
        dataset_operation(platform, f"{of_base}/datasource/nodes/{{node_id}}/run", "POST", _ask_source),
        dataset_operation(platform, f"{of_base}/run", "POST", _run),
    ]


async def _upload(call: DatasetCall) -> Response:
    async with call.request.form(max_files=8, max_fields=8) as form:
        upload = one_upload(form)
        file = await call.platform.arrivals.upload(
            call.caller.workspace_id, upload.filename or "", pieces_of(upload), media_type=upload.content_type or ""
        )
    return answer(
        {
            "id": file.id,
            "name": file.name,
            "size": file.size,
            "extension": file.extension,
            "mime_type": file.media_type,
            "created_by": call.caller.key_id or call.caller.workspace_id,
            "created_at": iso(file.created_at),
        },
        status=201,
    )


async def _sources(call: DatasetCall) -> Response:
    given = (call.query("is_published") or "true").lower()
    if given not in ("true", "false", "1", "0"):
        raise UsageError("is_published is true or false.", param="is_published")
    _, _, compiled = await _compiled(call, is_published=given in ("true", "1"))
    return answer(
        [
            {
                "node_id": start.node_id,
                "plugin_id": start.plugin_id,
                "provider_name": start.provider_name,
                "datasource_type": start.type,
                "title": start.title,
                "user_input_variables": variables_of(compiled.document, start.own),
                "credentials": [],
            }
            for start in starts_of(compiled.document)
        ]
    )


async def _ask_source(call: DatasetCall) -> Response:
    """Told as events, faults too."""
    wanted = checked(await call.body(), DatasourceNodeRunPayload)
    _, _, compiled = await _compiled(call, is_published=wanted.is_published)
    start = _start(compiled, str(call.request.path_params["node_id"]), "node_id")
    return EventStream(_asked(call, compiled, start, wanted.inputs), headers=HEADERS, ping=PING)


async def _asked(call: DatasetCall, compiled: Compiled, start: Start, inputs: dict[str, Any]) -> AsyncGenerator[bytes]:
    began = time.perf_counter()
    yield PING
    try:
        if start.type == "website_crawl":
            yield event(_encode({"event": "datasource_processing", "total": 1, "completed": 0}))
        found = await call.platform.arrivals.crawl(compiled, start, inputs)
    except LLMFlowError as error:
        yield event(_encode({"event": "datasource_error", "error": f"{error.message} {error.hint}".strip()}))
        return
    told = {
        "event": "datasource_completed",
        "data": found,
        "total": len(found),
        "completed": len(found),
        "time_consuming": round(time.perf_counter() - began, 2),
    }
    yield event(_encode(told))


async def _run(call: DatasetCall) -> Response:
    wanted = checked(await call.body(), PipelineRunApiEntity)
    base, app, compiled = await _compiled(call, is_published=wanted.is_published)
    start = _start(compiled, wanted.start_node_id, "start_node_id")
    if start.type != wanted.datasource_type:
        raise UsageError(f"The node {start.node_id} is of type {start.type}.", param="datasource_type")
    inputs = call.platform.pipelines.checked(start, wanted.inputs)
    try:
        if not wanted.is_published:
            live = await _trial(call, base, app, compiled, start, wanted.datasource_info_list, inputs)
            if wanted.response_mode == "blocking":
                return await whole(call.platform, live)
            return EventStream(streamed(call.platform, live), headers=HEADERS, ping=PING)
        batch, documents = await call.platform.arrivals.take(
            base, start, wanted.datasource_info_list, inputs, by=call.caller.key_id
        )
    except UsageError:
        raise
    except LLMFlowError as error:
        raise _failed(error) from error
    return answer(await _taken(call, base, batch, documents))


async def _trial(
    call: DatasetCall,
    base: KnowledgeBase,
    app: App,
    compiled: Compiled,
    start: Start,
    items: Sequence[dict[str, Any]],
    inputs: dict[str, Any],
) -> LiveRun:
    """Of the draft with the first item: nothing is kept, and the passages are shown."""
    if not items:
        raise UsageError("datasource_info_list is empty.", param="datasource_info_list")
    info = dict(items[0])
    files = call.platform.apps.files
    if start.type == "local_file":
        file = await files.own(pipeline_user(base.workspace_id), str(info.get("reference") or info.get("related_id")))
        info |= {"name": file.name, "size": file.size, "mime_type": media_type(file.name), "reference": file.id}
    begin = Begin(
        inputs=inputs,
        source=SOURCE,
        user=call.caller.key_id or "",
        start=start.node_id,
        system=system_of(base, start, info, batch="", document_id=None),
    )
    return call.platform.apps.runs.start(app, compiled, begin)


async def _taken(call: DatasetCall, base: KnowledgeBase, batch: str, documents: Sequence[Document]) -> dict[str, Any]:
    """What was accepted; reading it goes on without the caller."""
    return {
        "batch": batch,
        "dataset": {
            "id": base.id,
            "name": base.name,
            "description": base.description,
            "chunk_structure": shapes.structure_of(base),
        },
        "documents": [_shown(one, await call.platform.knowledge.documents.place(one)) for one in documents],
    }


def _shown(document: Document, position: int) -> dict[str, Any]:
    return {
        "id": document.id,
        "position": position,
        "data_source_type": document.pipeline.get("type"),
        "data_source_info": document.pipeline.get("info") or {},
        "name": document.name,
        "indexing_status": shapes.indexing_status(document.state, document.stage),
        "error": document.error_message or None,
        "enabled": document.enabled,
    }


async def _compiled(call: DatasetCall, *, is_published: bool) -> tuple[KnowledgeBase, App, Compiled]:
    """Raises UsageError (invalid_param) in Dify's words for a base without a pipeline, and pipeline_run_error for one
    that is not published."""
    base = await call.base()
    if base.pipeline_id is None:
        raise UsageError("Pipeline not found")
    try:
        app, compiled = await call.platform.pipelines.compiled(base, draft=not is_published)
    except NotFound as error:
        if error.code == "not_published":
            raise _failed(error) from error
        raise UsageError("Pipeline not found") from error
    return base, app, compiled


def _start(compiled: Compiled, node_id: str, param: str) -> Start:
    for start in starts_of(compiled.document):
        if start.node_id == node_id and node_id in compiled.plan.nodes:
            return start
    raise UsageError(f"The pipeline has no data source {node_id[:100]}.", param=param)


def _failed(error: LLMFlowError) -> LLMFlowError:
    return LLMFlowError(f"{error.message} {error.hint}".strip(), code="pipeline_run_error")
