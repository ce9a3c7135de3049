"""Asking an app, and following an answer. Answers are server-sent events, one JSON object each with an `event`:

- `begin` {task_id, conversation_id, message_id}: the question is kept
- `waiting` {ready, total}: the app's documents are still being read; the answer begins when they are
- `step` {id, position, thought, tool, tool_labels, tool_input, observation, files, created_at}: what an agent does; one
  of an `id` that was there takes its place
- `delta` {text}: more of the answer; `replace` {text}: this instead of the answer so far
- `end` {message_id, conversation_id, task_id, kind, hint, model, stopped, paused, citations}: the answer is stored
- `error` {error}: the error shape of every console answer

Between them come comments (`: ping`), so that proxies keep a connection on which nothing is said yet. From `begin` on
a reader that leaves loses nothing: the answer is written to its end and stored, and can be followed again from its
start.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import Any, assert_never

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from llmflow.access.types import Caller
from llmflow.api import auth, errors, sse
from llmflow.apps.chat.ask import Ask
from llmflow.apps.chat.attachments import kind_of
from llmflow.apps.chat.turns import Turn
from llmflow.apps.types import App, ChatMessage, Ended, EndUser, Failed, MadeFile, Replaced, TextDelta, Thought, Waiting
from llmflow.errors import CODES, LLMFlowError, UsageError

router = APIRouter(tags=["chat"])

CONSOLE = "console"  # the user of a caller with a key that names none
_PING = b": ping\n\n"  # a comment, which readers pass over; proxies see that the line lives


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
    return sse.EventStream(_of_turn(turn), ping=_PING)


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
    return sse.EventStream(_of_message(find, errors.request_id(request)), ping=_PING)


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


async def _of_message(find: Callable[[], Awaitable[Turn | ChatMessage]], request_id: str) -> AsyncGenerator[bytes]:
    found = await find()
    async with aclosing(_of_turn(found) if isinstance(found, Turn) else _of_kept(found, request_id)) as events:
        async for event in events:
            yield event


async def _of_turn(turn: Turn) -> AsyncGenerator[bytes]:
    yield _event("begin", task_id=turn.id, conversation_id=turn.conversation_id, message_id=turn.message_id)
    async for batch in turn.follow():
        for event in batch:
            match event:
                case Waiting(ready, total):
                    yield _event("waiting", ready=ready, total=total)
                case TextDelta(text):
                    yield _event("delta", text=text)
                case Replaced(text):
                    yield _event("replace", text=text)
                case Thought():
                    yield _event("step", **msgspec.to_builtins(event))
                case MadeFile():
                    pass  # the steps name it
                case Ended():
                    yield _event("end", **_end(turn, event))
                case Failed():
                    yield _event("error", **event.error().body())
                case _:
                    assert_never(event)


async def _of_kept(message: ChatMessage, request_id: str) -> AsyncGenerator[bytes]:
    place = {"task_id": "", "conversation_id": message.conversation_id, "message_id": message.id}
    yield _event("begin", **place)
    for thought in message.thoughts:
        yield _event("step", **msgspec.to_builtins(thought))
    if message.answer:
        yield _event("delta", text=message.answer)
    if message.status == "running":  # its process died, and this one could not go on with it
        error = LLMFlowError("The answer was cut off.", code="interrupted")
        yield _event("error", **error.body(request_id))
    elif error_body := error_of(message):
        yield _event("error", error=error_body)
    else:
        told = {"kind": message.kind, "hint": "", "model": message.model}
        ways = {"stopped": message.status == "stopped", "paused": message.status == "paused"}
        yield _event("end", **place, **told, **ways, citations=message.citations)


def _end(turn: Turn, ended: Ended) -> dict[str, Any]:
    answer = ended.answer
    return {
        "message_id": turn.message_id,
        "conversation_id": turn.conversation_id,
        "task_id": turn.id,
        "kind": answer.kind,
        "hint": answer.hint,
        "model": answer.model,
        "stopped": ended.stopped,
        "paused": ended.paused,
        "citations": answer.citations,
    }


def _event(event: str, **fields: Any) -> bytes:
    return sse.event(msgspec.json.encode({"event": event, **fields}))
