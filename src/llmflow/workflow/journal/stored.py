"""Runs as they are kept. Times are Unix milliseconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

StoredStatus = Literal["running", "paused", "succeeded", "partial-succeeded", "failed", "stopped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run that begins. `version_id`: Dify's workflow_id, of a published version or of the draft; `graph`: of a draft,
    its workflow as JSON, since it may change while the run is there. `task_id`: stops it. `source`: the surface it came
    by; `trigger_id`: what started it, where nobody did. `key_id`: the key it was asked with, whose
    limits hold to its end. `parent_id`, `forked_node`: the run it was forked from, and
    where."""

    id: str
    workspace_id: str
    app_id: str
    version_id: str
    task_id: str
    source: str
    created_at: int
    graph: str | None = None
    trigger_id: str | None = None
    key_id: str | None = None
    end_user_id: str | None = None
    account_id: str | None = None
    conversation_id: str | None = None
    message_id: str | None = None
    parent_id: str | None = None
    forked_node: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun(NewRun):
    """A run as the database has it. `inputs`: with the system's variables as "sys.query" ...; `error_code` "": none."""

    status: StoredStatus
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    error_code: str = ""
    elapsed_ms: int = 0
    total_tokens: int = 0
    total_steps: int = 0
    exceptions_count: int = 0
    finished_at: int | None = None

    @property
    def is_over(self) -> bool:
        return self.status not in ("running", "paused")
