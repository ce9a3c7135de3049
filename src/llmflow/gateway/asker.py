"""On whose behalf a model is called: set once where a request or a run begins, read where the call is counted.

It travels with the task (a context variable), so nothing between a surface and the gateway has to hand it on: nodes of
a workflow, retrieval and tools call models for whoever the run is for.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Asker:
    """`account_id`: a person who signed in; `end_user_id`: a user of an app; `user`: the name that an API caller sent,
    which proves nothing. `groups`: of the person or the key; `sees_all`: an owner or admin, whom every document is
    open to."""

    workspace_id: str = ""
    key_id: str | None = None
    account_id: str | None = None
    app_id: str | None = None
    end_user_id: str | None = None
    conversation_id: str | None = None
    user: str = ""
    groups: tuple[str, ...] = ()
    sees_all: bool = False


#: Where nobody asked: LLMFlow itself, at a start or in a job.
NOBODY = Asker()
_current: ContextVar[Asker] = ContextVar("llmflow.asker", default=NOBODY)


def asker() -> Asker:
    """For whom this task works."""
    return _current.get()


def speak_for(asker: Asker) -> None:
    """From here on this task, and those it starts, work for `asker`."""
    _current.set(asker)


def more_of_asker(**known: Any) -> None:
    """From here on more is known of whom this task works for: the app, its user, the conversation."""
    _current.set(replace(_current.get(), **known))
