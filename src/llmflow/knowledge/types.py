"""Nouns of knowledge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["queued", "running", "ready", "failed", "deleting"]
Stage = Literal["", "parse", "chunk", "embed", "index"]
Mode = Literal["dense", "keyword", "hybrid"]
Outcome = Literal["accepted", "replaced", "unchanged", "duplicate"]


@dataclass(frozen=True, slots=True)
class KnowledgeBase:
    """`embedding_model` is "" until the first document is indexed, and never changes after."""

    id: str
    workspace_id: str
    name: str
    description: str
    embedding_model: str
    chunk_tokens: int
    overlap_tokens: int
    created_at: int
    updated_at: int

    @property
    def collection(self) -> str:
        """The vector store's collection: one per base and embedding model."""
        return f"{self.id}.{self.embedding_model}"


@dataclass(frozen=True, slots=True)
class Document:
    """`done` of `total` units of `stage`: pages while parsing, passages after."""

    id: str
    workspace_id: str
    knowledge_id: str
    name: str
    digest: str
    size: int
    media_type: str
    state: State
    stage: Stage
    done: int
    total: int
    job_id: str | None
    error_code: str
    error_message: str
    error_hint: str
    warnings: list[str]
    pages: int | None
    chunk_count: int
    token_count: int
    language: str
    created_at: int
    updated_at: int
    indexed_at: int | None


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk as it is kept. `page` counts from 1, `ordinal` from 0."""

    id: str
    knowledge_id: str
    document_id: str
    ordinal: int
    text: str
    tokens: int
    page: int | None
    page_end: int | None
    heading_path: list[str]
    kind: str
    bbox: list[float] | None
    hit_count: int


@dataclass(frozen=True, slots=True)
class Scores:
    """Why a passage was found; None: that search did not find it. dense: cosine; keyword: BM25."""

    dense: float | None = None
    keyword: float | None = None
    rerank: float | None = None
    graph: float | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A hit with all that a citation needs. `score`: of the mode; fused scores lie in 0..1."""

    document: str
    document_id: str
    chunk_id: str
    text: str
    score: float
    scores: Scores
    page: int | None
    heading_path: list[str]
    ordinal: int
    tokens: int
    kind: str
    knowledge_id: str
    knowledge: str
    created_at: int
    hit_count: int
