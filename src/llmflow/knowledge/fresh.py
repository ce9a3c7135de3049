"""What becomes of a document that comes: its row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llmflow.knowledge.types import Document, KnowledgeBase, Origin
from llmflow.ports.blobs import BlobInfo
from llmflow.store.ids import new_id, now_ms

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


@dataclass(frozen=True, slots=True)
class Coming:
    """What is said of a document that comes, besides its name and bytes. `chunking`, `pipeline`: None where nothing is
    said."""

    origin: Origin
    chunking: dict[str, Any] | None = None
    pipeline: dict[str, Any] | None = None
    groups: Sequence[str] = ()


def taken_back(coming: Coming) -> dict[str, Any]:
    """What a row that was on its way out becomes, besides its bytes, as if it were new."""
    origin = coming.origin
    return {"source": origin.source, "source_ref": origin.ref, "groups": list(coming.groups), "enabled": True}


def new_document(base: KnowledgeBase, name: str, blob: BlobInfo, coming: Coming) -> Document:
    now = now_ms()
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
        groups=list(coming.groups),
        metadata={},
        source=coming.origin.source,
        source_ref=coming.origin.ref,
        chunking=coming.chunking or {},
        word_count=0,
        created_by=coming.origin.by,
        created_at=now,
        updated_at=now,
        indexed_at=None,
        pipeline=coming.pipeline or {},
    )
