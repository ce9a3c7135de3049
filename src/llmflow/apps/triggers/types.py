"""Nouns of triggers. Times are Unix milliseconds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

TriggerKind = Literal["webhook", "schedule"]

#: Types of nodes to kinds of triggers.
KINDS: Mapping[str, TriggerKind] = {"trigger-webhook": "webhook", "trigger-schedule": "schedule"}


@dataclass(frozen=True, slots=True)
class Trigger:
    """A start of the version in force that fires by itself. `code`: the end of a webhook's address; `next_at`: of a
    schedule, None: never."""

    id: str
    workspace_id: str
    app_id: str
    node_id: str
    kind: TriggerKind
    code: str | None
    is_on: bool
    needs_secret: bool
    sealed_secret: str | None = field(repr=False)
    next_at: int | None
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in a request. `field`: the name it came under."""

    field: str
    name: str
    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Parts:
    """What a body is made of. `fields`: by name; "raw" holds a body that has no fields."""

    fields: Mapping[str, Any]
    uploads: tuple[Upload, ...] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """A request to a webhook. `headers`: names in small letters; `media_type`: without parameters; `parts`: takes the
    body apart as a kind of content, raising UsageError."""

    method: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    media_type: str
    body: bytes
    parts: Callable[[str], Awaitable[Parts]]


@dataclass(frozen=True, slots=True)
class Answered:
    """What the caller gets. `body`: JSON."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came to a trigger. `status`: of the answer; `run_status` None: it started no run, or the run is deleted."""

    id: str
    status: int
    error_code: str
    run_id: str | None
    created_at: int
    run_status: str | None = None
