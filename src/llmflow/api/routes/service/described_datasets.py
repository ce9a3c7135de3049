"""What operations for dataset keys take."""

from __future__ import annotations

from typing import get_args

from llmflow.api.routes.service.datasets import (
    bases,
    children,
    documents,
    fields,
    pipelines,
    search,
    segments,
    tags,
    writing,
)
from llmflow.api.routes.service.described import FILE, TEXT, WHOLE, Described, one_of
from llmflow.api.routes.service.models import TYPES

_BASE = "/datasets/{dataset_id}"
_DOCUMENT = _BASE + "/documents/{document_id}"
_SEGMENT = _DOCUMENT + "/segments/{segment_id}"
_PARTS = _SEGMENT + "/child_chunks"
_PAGES = {"page": WHOLE, "limit": {**WHOLE, "default": 20, "description": "More than 100 are 100."}}
_SEARCH = {**_PAGES, "keyword": TEXT}
_TAG_IDS = {"type": "array", "items": TEXT}
_DATA = {**TEXT, "description": "JSON: what a document by text says but for its text."}
_FILE = {"type": "object", "required": ["file"], "properties": {"file": FILE, "data": _DATA}}
_PERHAPS_FILE = {"type": "object", "properties": {"file": FILE, "data": _DATA}}
_ARRIVAL = {"type": "object", "required": ["file"], "properties": {"file": FILE}}

DESCRIBED = Described(
    key="dataset",
    bodies={
        ("POST", "/datasets"): bases.DatasetCreatePayload,
        ("PATCH", _BASE): bases.DatasetUpdatePayload,
        ("POST", f"{_BASE}/retrieve"): search.HitTestingPayload,
        ("POST", f"{_BASE}/hit-testing"): search.HitTestingPayload,
        ("POST", f"{_BASE}/document/create-by-text"): writing.DocumentTextCreatePayload,
        ("POST", f"{_BASE}/document/create_by_text"): writing.DocumentTextCreatePayload,
        ("POST", f"{_DOCUMENT}/update-by-text"): writing.DocumentTextUpdate,
        ("POST", f"{_DOCUMENT}/update_by_text"): writing.DocumentTextUpdate,
        ("POST", f"{_BASE}/documents/download-zip"): documents.DocumentStatusPayload,
        ("PATCH", f"{_BASE}/documents/status/{{action}}"): documents.DocumentStatusPayload,
        ("POST", f"{_BASE}/documents/metadata"): fields.MetadataOperationData,
        ("POST", f"{_BASE}/metadata"): fields.MetadataArgs,
        ("PATCH", f"{_BASE}/metadata/{{metadata_id}}"): fields.MetadataUpdatePayload,
        ("POST", f"{_DOCUMENT}/segments"): segments.SegmentCreatePayload,
        ("POST", _SEGMENT): segments.SegmentUpdatePayload,
        ("PATCH", _SEGMENT): segments.SegmentUpdatePayload,
        ("POST", _PARTS): children.ChildChunkPayload,
        ("PATCH", f"{_PARTS}/{{child_chunk_id}}"): children.ChildChunkPayload,
        ("POST", "/datasets/tags"): tags.TagCreatePayload,
        ("PATCH", "/datasets/tags"): tags.TagUpdatePayload,
        ("DELETE", "/datasets/tags"): tags.TagDeletePayload,
        ("POST", "/datasets/tags/binding"): tags.TagBindingPayload,
        ("POST", "/datasets/tags/unbinding"): tags.TagBindingPayload,
        ("POST", f"{_BASE}/pipeline/datasource/nodes/{{node_id}}/run"): pipelines.DatasourceNodeRunPayload,
        ("POST", f"{_BASE}/pipeline/run"): pipelines.PipelineRunApiEntity,
    },
    forms={
        ("POST", f"{_BASE}/document/create-by-file"): _FILE,
        ("POST", f"{_BASE}/document/create_by_file"): _FILE,
        ("POST", f"{_DOCUMENT}/update-by-file"): _PERHAPS_FILE,
        ("POST", f"{_DOCUMENT}/update_by_file"): _PERHAPS_FILE,
        ("PATCH", _DOCUMENT): _PERHAPS_FILE,
        ("POST", "/datasets/pipeline/file-upload"): _ARRIVAL,
    },
    queries={
        ("GET", "/datasets"): {**_SEARCH, "tag_ids": _TAG_IDS},
        ("GET", f"{_BASE}/documents"): {**_SEARCH, "status": one_of(*documents.DISPLAYS)},
        ("GET", _DOCUMENT): {"metadata": one_of("all", "only", "without")},
        ("GET", f"{_DOCUMENT}/segments"): {**_SEARCH, "status": {"type": "array", "items": TEXT}},
        ("GET", _PARTS): _SEARCH,
        ("GET", f"{_BASE}/pipeline/datasource-plugins"): {"is_published": {"type": "boolean", "default": True}},
    },
    places={
        f"{_BASE}/documents/status/{{action}}": one_of(*get_args(documents.Action)),
        f"{_BASE}/metadata/built-in/{{action}}": one_of(*get_args(fields.Switch)),
        "/workspaces/current/models/model-types/{model_type}": one_of(*TYPES),
    },
    unlisted={"/files/{document_id}/file-preview"},
    older={
        ("POST", f"{_BASE}/hit-testing"),
        ("POST", f"{_BASE}/document/create_by_text"),
        ("POST", f"{_BASE}/document/create_by_file"),
        ("POST", f"{_DOCUMENT}/update_by_text"),
        ("POST", f"{_DOCUMENT}/update_by_file"),
        ("GET", f"{_DOCUMENT}/upload-file"),
        ("PATCH", _SEGMENT),
        ("POST", f"{_BASE}/tags"),
    },
)
