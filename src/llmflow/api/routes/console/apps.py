"""Apps and asking them. Answers are server-sent events, one JSON object each with an `event`:

- `waiting` {ready, total}: the app's documents are still being read; the answer begins when they are
- `delta` {text}: more of the answer; `replace` {text}: this instead of the answer so far
- `end` {message_id, conversation_id, task_id, kind, hint, model, citations}: the answer is stored
- `error` {error}: the error shape of every console answer

Between them come comments (`: ping`), so that proxies keep a connection on which nothing is said yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Annotated, Any, Literal, assert_never

import msgspec
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from llmflow.access.types import Caller
from llmflow.api import auth, errors, sse
from llmflow.apps.chat import Ask
from llmflow.apps.turns import Turn
from llmflow.apps.types import App, AppContents, ChatConfig, Ended, EndUser, Failed, Replaced, TextDelta
from llmflow.errors import LLMFlowError
from llmflow.wiring import Platform

router = APIRouter(tags=["apps"])

_LOOK_S = 0.5  # between two looks at documents that are still being read
_PING = b": ping\n\n"  # a comment, which readers pass over; proxies see that the line lives


class NewApp(BaseModel):
    name: str = Field(max_length=200)
    description: str = Field("", max_length=2000)
    knowledge: list[str] = Field(default_factory=list, description="Ids or names of knowledge bases")
    model: str = Field("", description="A model's id; empty: the default")
    instruction: str = Field("", max_length=20_000)
    opening_statement: str = Field("", max_length=10_000)


class ChangedApp(BaseModel):
    """What is left out stays as it is. `seen_at`: the app's `updated_at` as the change was made on it; where somebody
    else changed it since, the change is refused."""

    name: str | None = Field(None, max_length=200)
    description: str | None = Field(None, max_length=2000)
    knowledge: list[str] | None = Field(None, description="Ids or names of knowledge bases")
    model: str | None = Field(None, description="A model's id; empty: the default")
    instruction: str | None = Field(None, max_length=20_000)
    opening_statement: str | None = Field(None, max_length=10_000)
    suggested_questions: list[Annotated[str, Field(max_length=500)]] | None = Field(None, max_length=20)
    suggested_questions_after_answer: bool | None = None
    retriever_resource: bool | None = Field(None, description="Whether answers show their citations")
    top_k: int | None = Field(None, ge=0, le=100, description="Passages given to the model; 0: as the settings say")
    language: Literal["", "ko", "en"] | None = Field(None, description="Of the answers; empty: the question's")
    icon: str | None = Field(None, min_length=1, max_length=16, description="An emoji")
    icon_background: str | None = Field(None, pattern="^#[0-9A-Fa-f]{6}$")
    seen_at: int | None = None


class Question(BaseModel):
    question: str = Field(max_length=20_000)
    conversation_id: str | None = None
    user: str = Field("console", max_length=255, description="Who asks, of a caller with a key; a signed-in person is")


@router.get("/apps")
async def list_apps(request: Request) -> list[App]:
    caller = await auth.console_caller(request)
    return await auth.platform_of(request).apps.catalogue.all(caller.workspace_id)


@router.post("/apps", status_code=201)
async def create_app(body: NewApp, request: Request) -> App:
    """A chat app over knowledge bases."""
    caller = await auth.console_caller(request)
    platform = auth.platform_of(request)
    bases = [await platform.bases.get(caller.workspace_id, name) for name in body.knowledge]
    config = ChatConfig(
        knowledge=tuple(base.id for base in bases),
        model=body.model,
        instruction=body.instruction,
        opening_statement=body.opening_statement,
    )
    return await platform.apps.catalogue.create(caller.workspace_id, body.name, config, description=body.description)


@router.get("/apps/{app}")
async def get_app(app: str, request: Request) -> App:
    """By id or name."""
    caller = await auth.console_caller(request)
    return await auth.platform_of(request).apps.catalogue.get(caller.workspace_id, app)


@router.patch("/apps/{app}")
async def change_app(app: str, body: ChangedApp, request: Request) -> App:
    """Changes what is given. Refused (changed_meanwhile) when somebody else changed the app since `seen_at`."""
    caller = await auth.console_caller(request)
    platform = auth.platform_of(request)
    found = await platform.apps.catalogue.get(caller.workspace_id, app)
    given = body.model_dump(exclude_none=True, exclude={"name", "description", "seen_at"})
    if body.knowledge is not None:
        bases = [await platform.bases.get(caller.workspace_id, name) for name in body.knowledge]
        given["knowledge"] = tuple(dict.fromkeys(base.id for base in bases))
    if body.model:
        await platform.gateway.info(body.model)  # raises for one there is not
    if body.suggested_questions is not None:
        given["suggested_questions"] = tuple(text for q in body.suggested_questions if (text := q.strip()))
    if body.top_k == 0:
        given["top_k"] = None
    return await platform.apps.catalogue.update(
        caller.workspace_id,
        found.id,
        name=body.name,
        description=body.description,
        config=replace(found.config, **given),
        seen_at=body.seen_at if body.seen_at is not None else found.updated_at,
    )


@router.get("/apps/{app}/contents")
async def app_contents(app: str, request: Request) -> AppContents:
    """How much belongs to the app, and would be deleted with it."""
    caller = await auth.console_caller(request)
    catalogue = auth.platform_of(request).apps.catalogue
    return await catalogue.contents(await catalogue.get(caller.workspace_id, app))


@router.delete("/apps/{app}", status_code=204)
async def delete_app(app: str, request: Request) -> None:
    caller = await auth.console_caller(request)
    await auth.platform_of(request).apps.catalogue.delete(caller.workspace_id, app)


@router.post("/apps/{app}/ask")
async def ask(app: str, body: Question, request: Request) -> sse.EventStream:
    """Asks an app; the events are described at the top of this file. The question is kept when the documents are read:
    from then on a reader that leaves loses nothing, the answer is written to its end and stored; one that leaves while
    `waiting` has asked nothing."""
    caller = await auth.console_caller(request, needs="member")
    platform = auth.platform_of(request)
    found = await platform.apps.catalogue.get(caller.workspace_id, app)
    user = await end_user(request, caller, found, body.user)
    if body.conversation_id:
        await platform.apps.conversations.get(user, body.conversation_id)

    async def events() -> AsyncGenerator[bytes]:
        try:
            async for waiting in _until_read(platform, found):
                yield waiting
            turn = await platform.apps.chat.ask(found, user, Ask(body.question, conversation_id=body.conversation_id))
            async for event in _of_turn(turn):
                yield event
        except LLMFlowError as error:  # the answer's head is sent already
            yield _event("error", **error.body(errors.request_id(request)))

    return sse.EventStream(events(), ping=_PING)


async def end_user(request: Request, caller: Caller, app: App, named: str = "console") -> EndUser:
    """A signed-in person as themselves; a caller with a key as whom it names, like any caller of the Service API."""
    conversations = auth.platform_of(request).apps.conversations
    if caller.account_id is not None:
        return await conversations.user(caller.workspace_id, app.id, caller.account_id, source="account")
    return await conversations.user(caller.workspace_id, app.id, named)


async def _until_read(platform: Platform, app: App) -> AsyncGenerator[bytes]:
    """`waiting` events as long as documents of the app are queued or running."""
    told: tuple[int, int] | None = None
    while True:
        counts = [await platform.bases.counts(base_id) for base_id in app.config.knowledge]
        busy = sum(count.get("queued", 0) + count.get("running", 0) for count in counts)
        total = sum(sum(count.values()) for count in counts)
        if not busy:
            return
        if told != (total - busy, total):
            told = (total - busy, total)
            yield _event("waiting", ready=told[0], total=told[1])
        await asyncio.sleep(_LOOK_S)


async def _of_turn(turn: Turn) -> AsyncGenerator[bytes]:
    async for batch in turn.follow():
        for event in batch:
            match event:
                case TextDelta(text):
                    yield _event("delta", text=text)
                case Replaced(text):
                    yield _event("replace", text=text)
                case Ended():
                    yield _event("end", **_end(turn, event))
                case Failed():
                    shown = {"code": event.code, "message": event.message, "hint": event.hint, "param": None}
                    yield _event("error", error=shown)
                case _:
                    assert_never(event)


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
        "citations": answer.citations,
    }


def _event(event: str, **fields: Any) -> bytes:
    return sse.event(msgspec.json.encode({"event": event, **fields}))
