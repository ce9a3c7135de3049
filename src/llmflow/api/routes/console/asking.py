"""Asking an app, and following an answer, by server-sent events (`api/answer_events`).

Between them come comments (`: ping`), so that proxies keep a connection on which nothing is said yet. From `begin` on
a reader that leaves loses nothing: the answer is written to its end and stored, and can be followed again from its
start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from llmflow.access.types import Caller
from llmflow.api import auth, errors, sse
from llmflow.api.answer_events import answer_events, cut_off, turn_events
from llmflow.apps.chat.ask import Ask
from llmflow.apps.chat.attachments import kind_of
from llmflow.apps.types import App, ChatMessage, Citation, EndUser
from llmflow.errors import CODES, LLMFlowError, UsageError

router = APIRouter(tags=["chat"])

CONSOLE = "console"  # the user of a caller with a key that names none


class Question(BaseModel):
    question: str = Field(max_length=20_000)
    conversation_id: str | None = None
    parent_id: str | None = Field(
        None, description="The message it follows; null: the newest of the conversation; empty: none, a new beginning"
    )
    files: list[str] = Field(default_factory=list, max_length=10, description="Ids of files sent for it")
    user: str = Field(CONSOLE, max_length=255, description="Who asks, of a caller with a key")


class Stopped(BaseModel):
    stopped: bool = Field(description="false: it was over, or is not yours")


async def end_user(request: Request, caller: Caller, app_id: str, named: str = CONSOLE) -> EndUser:
    """A signed-in person as themselves; a caller with a key as whom it names, like any caller of the Service API."""
    conversations = auth.platform_of(request).apps.conversations
    if caller.account_id is not None:
        return await conversations.user(caller.workspace_id, app_id, caller.account_id, source="account")
    return await conversations.user(caller.workspace_id, app_id, named)


async def asker(request: Request, app: str, user: str = CONSOLE) -> tuple[App, EndUser]:
    """The app by id or name, and who asks it; `user` counts for callers with a key."""
    caller = await auth.console_caller(request, needs="member")
    found = await auth.platform_of(request).apps.catalogue.get(caller.workspace_id, app)
    return found, await end_user(request, caller, found.id, user)


@router.post("/apps/{app}/ask")
async def ask(app: str, body: Question, request: Request) -> sse.EventStream:
    """Asks an app; the answer waits until the app's documents are read. Its events are those of /events."""
    found, user = await asker(request, app, body.user)
    room = auth.platform_of(request).apps
    known = await room.files.of(user, body.files)
    for missing in (id for id in body.files if id not in known):
        raise UsageError(f"There is no file {missing} of yours.", param="files")
    files = [{"type": kind_of(known[id]), "transfer_method": "local_file", "upload_file_id": id} for id in body.files]
    question = Ask(
        body.question,
        conversation_id=body.conversation_id,
        parent_id=body.parent_id,
        files=files,
        waits=True,
        source="console",
    )
    turn = await room.chat.ask(found, user, question)
    await turn.kept()
    return sse.EventStream(turn_events(turn, _Insider(errors.request_id(request))), ping=sse.PING)


@router.get("/apps/{app}/messages/{message_id}/events")
async def follow(
    app: str,
    message_id: str,
    request: Request,
    user: str = CONSOLE,
    through_pause: bool = Query(False, description="Of an answer that waits for a person: once it goes on"),
) -> sse.EventStream:
    """The events of an answer from its start: as it is written, or, when it is over, what it came to."""
    _, asking = await asker(request, app, user)
    room = auth.platform_of(request).apps
    await room.conversations.message(asking, message_id)  # or 404
    find = partial(room.following.find, asking, message_id, through_pause=through_pause)
    return sse.EventStream(answer_events(find, _Insider(errors.request_id(request))), ping=sse.PING)


@router.post("/tasks/{task_id}/stop")
async def stop(task_id: str, request: Request, user: str = CONSOLE) -> Stopped:
    """Ends an answer of yours that is being written; what was said is kept."""
    caller = await auth.console_caller(request, needs="member")
    room = auth.platform_of(request).apps
    turn = room.turns.find(task_id)
    if turn is None:
        return Stopped(stopped=False)
    return Stopped(stopped=room.chat.stop(task_id, await end_user(request, caller, turn.app_id, user)))


def error_of(message: ChatMessage) -> dict[str, Any] | None:
    """Why a kept answer failed, in the console's error shape; None when it did not."""
    if message.status != "error":
        return None
    code, _, said = message.error.partition(": ")
    return {"code": code, "message": said, "hint": CODES.get(code, ""), "param": None, "request_id": None}


@dataclass(frozen=True, slots=True)
class _Insider:
    """Whoever may ask the app sees all of its answers."""

    request_id: str
    sees_all = True

    def citations(self, found: Sequence[Citation]) -> Sequence[Citation]:
        return found

    def failed(self, error: LLMFlowError) -> dict[str, Any]:
        return error.body()

    def kept_failure(self, message: ChatMessage) -> dict[str, Any] | None:
        if message.status == "running":
            return cut_off().body(self.request_id)
        error = error_of(message)
        return error and {"error": error}
