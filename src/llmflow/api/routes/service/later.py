"""Documented operations that this version does not serve yet: a coded 501, never a 404, so that clients can tell."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from llmflow.api.routes.service.dify import (
    WRONG_MODE,
    Call,
    DatasetCall,
    Handler,
    dataset_operation,
    not_yet,
    operation,
)
from llmflow.errors import UsageError
from llmflow.wiring import Platform

_DATASET, _DOCUMENT = "/datasets/{dataset_id:uuid}", "/datasets/{dataset_id:uuid}/documents/{document_id:uuid}"
_SEGMENT = _DOCUMENT + "/segments/{segment_id:uuid}"

#: (path, methods, the mode's error code for apps of another mode; "" for operations of any app)
FOR_APPS: tuple[tuple[str, str, str], ...] = (
    ("/completion-messages", "POST", "app_unavailable"),
    ("/completion-messages/{task_id}/stop", "POST", "app_unavailable"),
)
#: The mode that an operation with this code is for.
_MODES = {"not_workflow_app": "workflow", "app_unavailable": "completion"}
FOR_DATASETS: tuple[tuple[str, str], ...] = (
    ("/datasets", "GET POST"),
    (_DATASET, "GET PATCH DELETE"),
    (f"{_DATASET}/document/create-by-text", "POST"),
    (f"{_DATASET}/document/create_by_text", "POST"),
    (f"{_DATASET}/document/create-by-file", "POST"),
    (f"{_DATASET}/document/create_by_file", "POST"),
    (f"{_DATASET}/documents", "GET"),
    (f"{_DATASET}/documents/download-zip", "POST"),
    (f"{_DATASET}/documents/metadata", "POST"),
    (f"{_DATASET}/documents/status/{{action}}", "PATCH"),
    (_DOCUMENT, "GET PATCH DELETE"),
    (f"{_DOCUMENT}/download", "GET"),
    (f"{_DATASET}/documents/{{batch}}/indexing-status", "GET"),
    (f"{_DOCUMENT}/update-by-text", "POST"),
    (f"{_DOCUMENT}/update_by_text", "POST"),
    (f"{_DOCUMENT}/update-by-file", "POST"),
    (f"{_DOCUMENT}/update_by_file", "POST"),
    (f"{_DOCUMENT}/segments", "GET POST"),
    (_SEGMENT, "GET POST DELETE"),
    (f"{_SEGMENT}/child_chunks", "GET POST"),
    (f"{_SEGMENT}/child_chunks/{{child_chunk_id:uuid}}", "PATCH DELETE"),
    (f"{_DATASET}/retrieve", "POST"),
    (f"{_DATASET}/hit-testing", "POST"),
    (f"{_DATASET}/tags", "GET"),
    ("/datasets/tags", "GET POST PATCH DELETE"),
    ("/datasets/tags/binding", "POST"),
    ("/datasets/tags/unbinding", "POST"),
    (f"{_DATASET}/metadata", "GET POST"),
    (f"{_DATASET}/metadata/{{metadata_id:uuid}}", "PATCH DELETE"),
    (f"{_DATASET}/metadata/built-in", "GET"),
    (f"{_DATASET}/metadata/built-in/{{action}}", "POST"),
    ("/datasets/pipeline/file-upload", "POST"),
    (f"{_DATASET}/pipeline/datasource-plugins", "GET"),
    (f"{_DATASET}/pipeline/datasource/nodes/{{node_id}}/run", "POST"),
    (f"{_DATASET}/pipeline/run", "POST"),
)


def routes(platform: Platform) -> list[Route]:
    app_routes = [
        operation(platform, path, method, _of_app(wrong_mode))
        for path, methods, wrong_mode in FOR_APPS
        for method in methods.split()
    ]
    dataset_routes = [
        dataset_operation(platform, path, method, _of_datasets)
        for path, methods in FOR_DATASETS
        for method in methods.split()
    ]
    return app_routes + dataset_routes


def _of_app(wrong_mode: str) -> Handler:
    async def handler(call: Call) -> Response:
        if call.request.method == "POST" and call.request.headers.get("content-type", "").startswith(
            "application/json"
        ):
            await call.user((await call.body()).get("user"), required=wrong_mode != "")
        if wrong_mode and call.app.mode != _MODES[wrong_mode]:
            raise UsageError(WRONG_MODE, code=wrong_mode)
        return not_yet(call.request)

    return handler


async def _of_datasets(call: DatasetCall) -> Response:
    return not_yet(call.request)
