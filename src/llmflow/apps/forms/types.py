"""Nouns of forms. Times are Unix milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from llmflow.workflow.events import At

Status = Literal["waiting", "submitted", "timeout"]
AnsweredAs = Literal["account", "end_user", "link", ""]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What people see. `inputs`, `actions`: as Dify has them; `defaults`: of fields, by name; `in_app`: whoever uses
    the app may answer."""

    title: str
    content: str
    inputs: list[dict[str, Any]]
    actions: list[dict[str, Any]]
    defaults: dict[str, Any] = {}
    in_app: bool = False


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody said. `inputs`: by field, files as values of a workflow."""

    action_id: str
    action_text: str
    inputs: dict[str, Any]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanForm:
    """`id`: of the node's execution that asks. `status`: "timeout": nobody answered in time. `answered_by`: the id of
    the account or the end user, or whom the link was sent to. `taken_at`: when the run went on with it."""

    id: str
    workspace_id: str
    app_id: str
    run_id: str
    node_id: str
    at: At
    asked: Asked
    status: Status
    reply: Reply | None
    answered_as: AnsweredAs
    answered_by: str
    created_at: int
    expires_at: int
    answered_at: int | None
    taken_at: int | None
    run_status: str | None = None

    @property
    def is_open(self) -> bool:
        """Does its run still wait for it, or will it? A run that is not written yet does."""
        return self.status == "waiting" and self.run_status in (None, "running", "paused")


@dataclass(frozen=True, slots=True)
class Answering:
    """Who answers: an account, an end user, or whoever has a link that was sent to `by`."""

    kind: AnsweredAs
    by: str = ""
