"""Conversations of whoever asks: find, read, name, delete, keep as a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from llmflow.access.types import reaches
from llmflow.api import auth
from llmflow.api.routes.console.asking import CONSOLE, asker, error_of
from llmflow.api.routes.console.files import AttachedFile, shown_file
from llmflow.apps.chat import transcript
from llmflow.apps.chat.search import Hit
from llmflow.apps.chat.turns import Turn
from llmflow.apps.forms.in_chat import ShownForm
from llmflow.apps.types import AppFile, ChatMessage, Citation, Conversation, MessageStatus, Rating, Thought
from llmflow.errors import NotFound

router = APIRouter(tags=["chat"])

_SHOWN_NAME = 80  # characters of a conversation's name in a file's name


class ListedConversation(BaseModel):
    """Times are Unix milliseconds. `excerpt`: where a searched word was said; `running`: an answer is being written."""

    id: str
    name: str
    created_at: int
    updated_at: int
    excerpt: str
    running: bool


class Conversations(BaseModel):
    conversations: list[ListedConversation]
    has_more: bool


class Name(BaseModel):
    name: str | None = Field(max_length=200, description="null: after the first question")


class MessageError(BaseModel):
    code: str
    message: str
    hint: str
    param: str | None
    request_id: str | None


class ShownMessage(BaseModel):
    """A question and its answer. `parent_id`: the message it follows; those with one parent are branches. `task_id`:
    of the answer while it is written, to stop it. `steps`: what an agent did. `forms`: what a workflow asked
    people for it. `rating`, `reason`, `correction`: what
    its reader thinks of it."""

    id: str
    parent_id: str | None
    question: str
    files: list[AttachedFile]
    answer: str
    status: MessageStatus
    error: MessageError | None
    kind: str
    model: str
    citations: list[Citation]
    steps: list[Thought]
    forms: list[ShownForm]
    created_at: int
    elapsed_ms: int
    task_id: str | None
    rating: Rating | None
    reason: str | None
    correction: str | None


class ShownConversation(BaseModel):
    """`messages`: of all branches, oldest first."""

    id: str
    app_id: str
    name: str
    created_at: int
    updated_at: int
    messages: list[ShownMessage]


@router.get("/apps/{app}/conversations")
async def list_conversations(
    app: str,
    request: Request,
    search: str = Query("", max_length=200, description="Words of names, questions or answers; all must be there"),
    after: str | None = Query(None, description="The id of the last one seen"),
    limit: int = Query(30, ge=1, le=100),
    user: str = CONSOLE,
) -> Conversations:
    """Yours, the most recently changed first."""
    _, asking = await asker(request, app, user)
    room = auth.platform_of(request).apps
    hits, has_more = await room.conversations.search(asking, search, last_id=after, limit=limit)
    listed = [_listed(hit, is_running=bool(room.turns.running(hit.conversation.id))) for hit in hits]
    return Conversations(conversations=listed, has_more=has_more)


@router.get("/apps/{app}/conversations/{conversation_id}")
async def get_conversation(app: str, conversation_id: str, request: Request, user: str = CONSOLE) -> ShownConversation:
    caller = await auth.console_caller(request, needs="member")
    _, asking = await asker(request, app, user)
    room = auth.platform_of(request).apps
    running = room.turns.running(conversation_id)  # before the messages: one that ends meanwhile is read as ended
    conversation, messages = await room.conversations.tree(asking, conversation_id)
    forms = await room.forms_in_chat.shown(
        messages, account_id=caller.account_id, sees_all=reaches(caller.role, "editor")
    )
    files = await room.files.of(asking, [id for message in messages for id in _file_ids(message)])
    return ShownConversation(
        id=conversation.id,
        app_id=conversation.app_id,
        name=conversation.name,
        created_at=conversation.created_at,
        updated_at=conversation.updated_at,
        messages=[_shown(message, running.get(message.id), files, forms.get(message.id, [])) for message in messages],
    )


@router.patch("/apps/{app}/conversations/{conversation_id}")
async def rename_conversation(
    app: str, conversation_id: str, body: Name, request: Request, user: str = CONSOLE
) -> ListedConversation:
    _, asking = await asker(request, app, user)
    room = auth.platform_of(request).apps
    renamed = await room.conversations.rename(asking, conversation_id, (body.name or "").strip() or None)
    return _listed(Hit(renamed), is_running=bool(room.turns.running(renamed.id)))


@router.delete("/apps/{app}/conversations/{conversation_id}", status_code=204)
async def delete_conversation(app: str, conversation_id: str, request: Request, user: str = CONSOLE) -> None:
    """With its messages and what was thought of them; an answer being written is stopped."""
    _, asking = await asker(request, app, user)
    room = auth.platform_of(request).apps
    await room.conversations.get(asking, conversation_id)
    for turn in room.turns.running(conversation_id).values():
        room.chat.stop(turn.id, asking)
    await room.conversations.delete(asking, conversation_id)


@router.get("/apps/{app}/conversations/{conversation_id}/export", response_class=Response)
async def export_conversation(
    app: str,
    conversation_id: str,
    request: Request,
    format: Literal["markdown", "json"] = "markdown",
    message: str | None = Query(
        None, description="The last message of the branch to write as Markdown; null: the newest"
    ),
    user: str = CONSOLE,
) -> Response:
    """A file to keep: one branch as Markdown, or everything as JSON."""
    _, asking = await asker(request, app, user)
    conversation, messages = await auth.platform_of(request).apps.conversations.tree(asking, conversation_id)
    if format == "json":
        record = msgspec.json.format(msgspec.json.encode(transcript.record(conversation, messages)), indent=2)
        return _file(record, f"{conversation.name[:_SHOWN_NAME]}.json", "application/json")
    branch = transcript.branch_of(messages, message)
    if message and not branch:
        raise NotFound("Message Not Exists.", code="message_not_exists")
    text = transcript.markdown(conversation, branch).encode()
    return _file(text, f"{conversation.name[:_SHOWN_NAME]}.md", "text/markdown; charset=utf-8")


def _file(content: bytes, name: str, media_type: str) -> Response:
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name.replace('/', '-'), safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Response(content, media_type=media_type, headers=headers)


def _listed(hit: Hit, *, is_running: bool) -> ListedConversation:
    one: Conversation = hit.conversation
    return ListedConversation(
        id=one.id,
        name=one.name,
        created_at=one.created_at,
        updated_at=one.updated_at,
        excerpt=hit.excerpt,
        running=is_running,
    )


def _file_ids(message: ChatMessage) -> list[str]:
    return [str(file["upload_file_id"]) for file in message.files if "upload_file_id" in file]


def _shown(
    message: ChatMessage, turn: Turn | None, files: Mapping[str, AppFile], forms: list[ShownForm]
) -> ShownMessage:
    values: dict[str, Any] = {
        name: getattr(message, name)
        for name in ShownMessage.model_fields
        if name not in ("question", "files", "steps", "forms", "status", "error", "task_id")
    }
    error = error_of(message)
    return ShownMessage(
        **values,
        question=message.query,
        steps=message.thoughts,
        forms=forms,
        status="running" if turn else message.status,  # one that goes on after a form is kept as paused until it ends
        files=[shown_file(files[id]) for id in _file_ids(message) if id in files],
        error=MessageError(**error) if error else None,
        task_id=turn.id if turn else None,
    )
