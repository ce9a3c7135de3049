"""Nouns of annotations."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Annotation:
    """`hit_count`: how often it answered. Times are Unix milliseconds."""

    id: str
    workspace_id: str
    app_id: str
    question: str
    answer: str
    hit_count: int
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class ReplySettings:
    """`score_threshold`: the least cosine, 0..1, of a question that an annotation answers; `embedding_model`: asked
    for, to be that of the embedding organ."""

    app_id: str
    is_on: bool
    embedding_model: str
    score_threshold: float


@dataclass(frozen=True, slots=True)
class Near:
    """`score`: cosine, 0..1, higher is nearer."""

    annotation: Annotation
    score: float
