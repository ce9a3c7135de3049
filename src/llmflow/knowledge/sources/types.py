"""Nouns of sources, and what each kind of source can do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Kind = Literal["folder", "urls", "s3"]
SourceState = Literal["idle", "queued", "running"]


@dataclass(frozen=True, slots=True)
class Report:
    """One synchronisation; times in Unix milliseconds. `failed`: files with an error of their own; `error_*`: why the
    whole broke off. `same`: documents that were there already, from elsewhere."""

    begun_at: int
    ended_at: int
    new: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    same: int = 0
    failed: int = 0
    error_code: str = ""
    error_message: str = ""
    error_hint: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """`settings`: of its kind, without secrets. `every_minutes` 0: by hand alone. `reports`: the latest first."""

    id: str
    workspace_id: str
    knowledge_id: str
    kind: Kind
    name: str
    settings: dict[str, Any]
    has_secret: bool
    every_minutes: int
    next_at: int | None
    state: SourceState
    job_id: str
    reports: list[dict[str, Any]]
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as it was last seen. `stamp`: changes when the file does. `document_id`: what it became, if anything."""

    ref: str
    name: str
    stamp: str
    document_id: str | None
    error_code: str
    error_message: str
    error_hint: str
    seen_at: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that a source has. `name`: of the document. `stamp` "": known only when it is asked for. `size`: bytes, -1
    unknown."""

    ref: str
    name: str
    stamp: str = ""
    size: int = -1


@dataclass(frozen=True, slots=True)
class Content:
    stamp: str
    pieces: AsyncIterator[bytes]


class Reader(Protocol):
    """Reads one source."""

    def entries(self) -> AsyncIterator[Entry]:
        """Every file, each once. Raises LLMFlowError where the source cannot be read whole."""

    def content(self, entry: Entry, stamp: str) -> AbstractAsyncContextManager[Content | None]:
        """The file's bytes; None: it is still as `stamp` says. Raises LLMFlowError; NotFound: it is gone there."""
