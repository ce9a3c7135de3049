"""Documented operations that this version does not serve yet: a coded 501, never a 404, so that clients can tell."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from llmflow.api.routes.service.dify import DatasetCall, dataset_operation, not_yet
from llmflow.wiring import Platform

_DATASET = "/datasets/{dataset_id:uuid}"

#: (path, methods)
FOR_DATASETS: tuple[tuple[str, str], ...] = (
    ("/datasets/pipeline/file-upload", "POST"),
    (f"{_DATASET}/pipeline/datasource-plugins", "GET"),
    (f"{_DATASET}/pipeline/datasource/nodes/{{node_id}}/run", "POST"),
    (f"{_DATASET}/pipeline/run", "POST"),
)


def routes(platform: Platform) -> list[Route]:
    return [
        dataset_operation(platform, path, method, _of_datasets)
        for path, methods in FOR_DATASETS
        for method in methods.split()
    ]


async def _of_datasets(call: DatasetCall) -> Response:
    return not_yet(call.request)
