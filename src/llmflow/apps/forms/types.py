"""Nouns of forms. Times are Unix milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from llmflow.workflow.events import At

Status = Literal["waiting", "submitted", "timeout"]
State = Literal["waiting", "submitted", "expired"]
AnsweredAs = Literal["account", "end_user", "link", ""]


class Mail(msgspec.Struct, frozen=True):
    """`body`: Markdown with {{#url#}} where the link belongs."""

    subject: str
    body: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What people see. `inputs`, `actions`: as Dify has them; `defaults`: of fields, by name; `in_app`: whoever uses
    the app may answer; `letters`: what those are told who do not look by themselves."""

    title: str
    content: str
    inputs: list[dict[str, Any]]
    actions: list[dict[str, Any]]
    defaults: dict[str, Any] = {}
    in_app: bool = False
    letters: list[Mail] = []


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody said. `inputs`: by field, files as values of a workflow."""

    action_id: str
    action_text: str
    inputs: dict[str, Any]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanForm:
    """`id`: of the node's execution that asks. `status`: "timeout": nobody answered in time. `answered_by`: the id of
    the account or the end user, or the address the link was sent to. `taken_at`: when the run went on with it.
    `sent_to`: the address whose link led here."""

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
    sent_to: str = ""

    @property
    def is_open(self) -> bool:
        """Does its run still wait for it, or will it? A run that is not written yet does."""
        return self.status == "waiting" and self.run_status in (None, "running", "paused")


@dataclass(frozen=True, slots=True)
class Answering:
    """Who answers: an account, an end user, or whoever has a link that was sent to `by`."""

    kind: AnsweredAs
    by: str = ""
