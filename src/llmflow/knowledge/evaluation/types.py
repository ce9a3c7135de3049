"""Nouns of evaluation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["queued", "running", "done", "failed", "stopped"]
Fault = Literal[
    "unreadable",
    "no_question",
    "no_document",
    "too_long",
    "passage_short",
    "document_unknown",
    "document_ambiguous",
    "document_off",
    "document_unread",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a line cannot be asked. `line` counts from 1, as an editor shows it; `what`: the name or value at fault."""

    line: int
    fault: Fault
    text: str
    what: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what answers it: documents by name or id, and where somebody knows it, what stands there."""

    question: str
    documents: tuple[str, ...]
    passage: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Read:
    """What a file of questions has: those that can be asked, and what is wrong with the other lines."""

    questions: list[Asked]
    problems: list[Problem]


@dataclass(frozen=True, slots=True)
class Place:
    """What one search gave for one question. `rank`: of the first right one, from 1; None: not among those looked at.
    `ndcg`, `recall`, `rr`: of the first ten, 0..1. `ms`: wall time of the search."""

    rank: int | None
    ndcg: float
    recall: float
    rr: float
    ms: float


@dataclass(frozen=True, slots=True)
class Expected:
    """A document that answers a question, under the name it had."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A question of a run. `places`: by setting, none until it was asked."""

    ordinal: int
    question: str
    expected: list[Expected]
    passage: str
    places: dict[str, Place] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Setting:
    """How one way of searching did over all questions asked: means of what `Place` has. `name`: dense, keyword, hybrid,
    rerank (hybrid, ranked anew), now (the base's own rule), trial. `rule`: as it was searched.
    `behind`: how much nDCG@10 is behind that of the best, and `margin`: half of that difference's 95 % interval, so
    that `behind` <= `margin` may be chance. `notes`: what went without, by code, and how often: a setting with
    `rerank_missing` was not measured."""

    name: str
    rule: dict[str, Any]
    questions: int
    ndcg_at_10: float
    recall_at_10: float
    mrr_at_10: float
    p50_ms: float
    p95_ms: float
    behind: float
    margin: float
    notes: dict[str, int]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A run. `done` of `total` questions are asked. `left_out`: that could not be asked. `digest`: of the questions, so
    that runs of the same ones can be compared. `about`: the base as it was: embedding_model, documents, passages,
    chunking. `best`: the setting to take, of those at most half a point of nDCG@10 behind the best the quickest; ""
    before the end. `key_id`, `account_id`: who began it."""

    id: str
    workspace_id: str
    knowledge_id: str
    name: str
    state: State
    job_id: str
    total: int
    done: int
    left_out: int
    digest: str
    about: dict[str, Any]
    settings: list[Setting]
    best: str
    error_code: str
    error_message: str
    error_hint: str
    key_id: str | None
    account_id: str | None
    created_at: int
    updated_at: int
