"""A question to an app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmflow.apps.answers.prompt import Earlier


@dataclass(frozen=True, slots=True)
class Ask:
    """`conversation_id` None begins a conversation; `history`: earlier turns that the caller keeps itself (OpenAI's
    way), used for a new conversation only. `parent_id`: the message it follows, None for the newest, "" for none
    (another beginning); what was said on other branches is not told. `files`: Dify's file objects, kept with the
    message. `waits`: the answer begins when the app's documents are read. `version_id`: of a workflow, None for the one
    in force; `source`: the surface it came by."""

    query: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    conversation_id: str | None = None
    files: Sequence[dict[str, Any]] = ()
    history: Sequence[Earlier] = ()
    name_conversation: bool = True
    parent_id: str | None = None
    waits: bool = False
    version_id: str | None = None
    source: str = "service-api"
