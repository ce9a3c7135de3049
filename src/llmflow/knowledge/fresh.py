"""The row of a document that has just come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llmflow.knowledge.types import Document, KnowledgeBase, Origin
from llmflow.ports.blobs import BlobInfo
from llmflow.store.ids import new_id

#: What of a document's reading is forgotten when it is to be read anew.
FRESH: dict[str, Any] = {
    "stage": "",
    "done": 0,
    "total": 0,
    "error_code": "",
    "error_message": "",
    "error_hint": "",
    "warnings": [],
}


def taken_back(origin: Origin, groups: Sequence[str]) -> dict[str, Any]:
    """What a row that was on its way out becomes, besides its bytes, as if it were new."""
    return {"source": origin.source, "source_ref": origin.ref, "groups": list(groups), "enabled": True}


def new_document(
    base: KnowledgeBase,
    name: str,
    blob: BlobInfo,
    origin: Origin,
    chunking: dict[str, Any] | None,
    pipeline: dict[str, Any] | None,
    groups: Sequence[str],
    now: int,
) -> Document:
    return Document(
        id=new_id(),
        workspace_id=base.workspace_id,
        knowledge_id=base.id,
        name=name,
        digest=blob.digest,
        size=blob.size,
        media_type="",
        state="queued",
        stage="",
        done=0,
        total=0,
        job_id=None,
        error_code="",
        error_message="",
        error_hint="",
        warnings=[],
        pages=None,
        chunk_count=0,
        token_count=0,
        language="",
        enabled=True,
        archived=False,
        groups=list(groups),
        metadata={},
        source=origin.source,
        source_ref=origin.ref,
        chunking=chunking or {},
        word_count=0,
        created_by=origin.by,
        created_at=now,
        updated_at=now,
        indexed_at=None,
        pipeline=pipeline or {},
    )
