"""Nouns of knowledge."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Literal

from llmflow.knowledge.conditions import Conditions

State = Literal["queued", "running", "ready", "failed", "deleting"]
Stage = Literal["", "unpack", "parse", "chunk", "ask", "embed", "index"]
Mode = Literal["dense", "keyword", "hybrid"]
Fusion = Literal["weights", "ranks"]
Leg = Literal["dense", "keyword", "fused", "reranked"]
Why = Literal["threshold", "top_k"]
Sort = Literal[
    "created",
    "-created",
    "name",
    "-name",
    "size",
    "-size",
    "passages",
    "-passages",
    "updated",
    "-updated",
    "state",
    "-state",
]  # "-": the greatest first
Outcome = Literal["accepted", "replaced", "unchanged", "duplicate"]
Display = Literal["queuing", "indexing", "error", "available", "disabled", "archived"]
Made = Literal["cut", "edited", "added", "removed"]

ARCHIVE = "archive"  # the `source` of what came out of one; `source_ref` is then "<the archive's id>/<path in it>"

_TEXTS = (".txt", ".md", ".markdown", ".csv", ".tsv", ".html", ".htm")


@dataclass(frozen=True, slots=True)
class KnowledgeBase:
    """`embedding_model`, of the index that serves, is "" until the first document is indexed. `next_model`: the one
    that the base is being embedded anew with; "" mostly. `pipeline_id`: the app that reads and cuts its documents;
    `pipeline_inputs`: what its form is given where a document says nothing else."""

    id: str
    workspace_id: str
    name: str
    description: str
    embedding_model: str
    chunk_tokens: int
    overlap_tokens: int
    chunking: dict[str, Any]
    retrieval: dict[str, Any]
    groups: list[str]
    service: dict[str, Any]
    created_by: str | None
    external_api_id: str | None
    external_id: str
    created_at: int
    updated_at: int
    next_model: str = ""
    pipeline_id: str | None = None
    pipeline_inputs: dict[str, Any] = field(default_factory=dict)

    @property
    def is_external(self) -> bool:
        """Whether it is another server's knowledge, which is asked and not kept here."""
        return self.external_api_id is not None

    @property
    def collection(self) -> str:
        """The vector store's collection: one per base and embedding model."""
        return self.collection_of(self.embedding_model)

    @property
    def next_collection(self) -> str:
        return self.collection_of(self.next_model)

    def collection_of(self, model: str) -> str:
        return f"{self.id}.{model}"


@dataclass(frozen=True, slots=True)
class Reembedding:
    """A base on its way to vectors of `model`. "running": passages are due. "waiting": an organ does not answer; it is
    tried again. "failed": `error_*` say what to do before it is begun again. "switched": the index serves, and what it
    replaced goes. `dropped`: models whose vectors go in the end."""

    knowledge_id: str
    workspace_id: str
    model: str
    state: Literal["running", "waiting", "failed", "switched"]
    job_id: str
    dropped: list[str]
    error_code: str
    error_message: str
    error_hint: str
    begun_at: int


@dataclass(frozen=True, slots=True)
class Anew:
    """How far embedding anew is: `done` of `total` passages have vectors of `model`. States as of `Reembedding`."""

    model: str
    state: Literal["running", "waiting", "failed", "switched"]
    done: int
    total: int
    error_code: str
    error_message: str
    error_hint: str
    begun_at: int


@dataclass(frozen=True, slots=True)
class Embedded:
    """Which model a base's index is of. `is_here`: something still embeds with it; otherwise the base is searched by
    words alone. `wanted`: the embedding organ's model, "" when it does not answer. `models`: all that something here
    embeds with, that one first. `passages`: in the index, as many vectors as another model has to make."""

    model: str
    is_here: bool
    wanted: str
    models: list[str]
    passages: int
    anew: Anew | None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a document comes from. `ref`: where its source has it; `by`: the account or key that brought it."""

    source: str = "upload"
    ref: str = ""
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """`done` of `total` units of `stage`: pages while parsing, parts while a model
    is asked, passages after. `pipeline`: what its base's pipeline is
    given with it: `start`, the node's id; `type` and `info`, where it comes from; `inputs`; `batch`; each may lack."""

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
    enabled: bool
    archived: bool
    groups: list[str]
    metadata: dict[str, Any]
    source: str
    source_ref: str
    chunking: dict[str, Any]
    word_count: int
    created_by: str | None
    created_at: int
    updated_at: int
    indexed_at: int | None
    pipeline: dict[str, Any] = field(default_factory=dict)

    @property
    def archive_id(self) -> str:
        """The document of the archive that it came out of; "": none."""
        return archive_of(self.source, self.source_ref)

    @property
    def file_name(self) -> str:
        """What its reader takes for the file's name: text that somebody sent is text, whatever it is called."""
        if self.source != "text" or PurePath(self.name).suffix.lower() in _TEXTS:
            return self.name
        return f"{self.name}.txt"


def archive_of(source: str, source_ref: str) -> str:
    """The archive's id of what came out of one, else ""."""
    return source_ref.partition("/")[0] if source == ARCHIVE else ""


@dataclass(frozen=True, slots=True)
class Accepted:
    document: Document
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Reading:
    """Where a document is that is being read: `done` of `total` units of `stage`."""

    document_id: str
    knowledge_id: str
    stage: Stage
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Choice:
    """Some documents of a base: these, with what came out of those that are archives; or without `ids` all in `state`
    (None: any) whose name has `search` in it and that show themselves as `display` says."""

    ids: tuple[str, ...] | None = None
    state: State | None = None
    search: str = ""
    display: Display | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """What a base holds: its documents, those that can be found, and the characters of all passages."""

    documents: int = 0
    available: int = 0
    words: int = 0


@dataclass(frozen=True, slots=True)
class Flow:
    """How far a base's documents are. `counts`: by state. `left_bytes`: of documents queued or running. `recent`,
    `recent_bytes`: documents that became ready or failed within the last `recent_s` seconds. `passages_per_s`: embedded
    over the last half minute."""

    counts: dict[str, int]
    left_bytes: int
    recent: int
    recent_bytes: int
    recent_s: float
    passages_per_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk as it is kept. `page` counts from 1, `ordinal` from 0. Each of `boxes`: page, x0, top, x1,
    bottom in points, origin top left; none where the file's kind has no places. `made`: "cut" from its document,
    "edited" after that, "added" by people; one "removed" is kept out of sight, so that it does not come back when its
    document is read again. `edited_at`: when people last changed its words or its extent."""

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
    boxes: list[list[float]]
    hit_count: int
    parent_id: str | None
    answer: str | None
    keywords: list[str]
    enabled: bool
    made: Made
    edited_at: int | None


@dataclass(frozen=True, slots=True)
class Scores:
    """Why a passage was found; None: that search did not find it. dense: cosine; keyword: BM25; rerank: 0..1."""

    dense: float | None = None
    keyword: float | None = None
    rerank: float | None = None
    graph: float | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """A search by a rule, with what stands behind it. `result`: what it gives; `left_out`: the best of what it found
    and did not give, and `left_out_counts` of all that, by why.

    `dense`, `keyword`, `fused`: the question's first hits by each search alone and by both fused, in whatever mode the
    rule searches; `reranked`: the rule's candidates ranked anew, where there is a reranker, whether the rule wishes for
    it or not. `standings`: by passage (of a parent, its best part) and by these four, where it stands.

    `terms`: of the question, as the keyword search sees them. `wordings`, `notes`: as of `Searched`. `times`: wall time
    in ms of reword, dense (the question's vector included), keyword and rerank, and of the whole `search` by the rule.
    `tokens`: reword, that the model read and wrote, where it tells; rerank, of the passages that the reranker read;
    result, of the passages given."""

    result: list[Found]
    left_out: list[LeftOut]
    left_out_counts: dict[Why, int]
    dense: list[Found]
    keyword: list[Found]
    fused: list[Found]
    reranked: list[Found]
    standings: dict[str, dict[Leg, Standing]]
    terms: list[str]
    wordings: list[str]
    notes: list[Note]
    times: dict[str, float]
    tokens: dict[str, int]


@dataclass(frozen=True, slots=True)
class Choices:
    """What of a rule changes anything in a base. `reranker`: the model that ranks anew, "" where none is set up, None
    where it does not answer now. `has_parents`: whether passages stand in greater ones."""

    reranker: str | None
    has_parents: bool


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A hit that a search did not give: its score is below the threshold, or `top_k` others are better."""

    hit: Found
    why: Why


@dataclass(frozen=True, slots=True)
class Standing:
    """`rank`: from 1."""

    rank: int
    score: float


@dataclass(frozen=True, slots=True)
class Note:
    """What a search did not do as it was told, or did by itself. `code`: dense_failed, embedding_changed,
    keyword_missing, rerank_missing, rerank_failed, reword_failed, filter_failed, choice_failed, external_failed or
    threshold_unused; `text`: why, for people."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Searched:
    """`found`: best first. `wordings`: of the question, as they were searched, its own first. `conditions`: on the
    documents that were searched, whoever made them."""

    found: list[Found]
    notes: list[Note]
    wordings: list[str]
    conditions: Conditions | None = None


@dataclass(frozen=True, slots=True)
class Child:
    """A passage that was found and is shown as part of its parent."""

    chunk_id: str
    text: str
    score: float
    ordinal: int


@dataclass(frozen=True, slots=True)
class Found:
    """A hit with all that a citation needs. `score`: the one it is ranked by: of the reranker, else of the mode; fused
    scores lie in 0..1. `answer`: of a question in Q&A. `metadata`: what its document says of itself, by the names of
    fields. `children`: of a parent, those that were found, best first; its scores are those of the best."""

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
    answer: str | None = None
    parent_id: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    children: list[Child] = field(default_factory=list)
