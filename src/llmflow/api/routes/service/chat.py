"""Chat messages: ask (blocking or streaming), stop, and what to ask next."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any, Literal

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from llmflow.api.routes.service import shapes
from llmflow.api.routes.service.dify import CHATS, HEADERS, PING, Call, answer, checked, operation
from llmflow.api.routes.service.flow_events import Shapes, lines
from llmflow.api.routes.service.turn_events import base_of, other, stream, whole
from llmflow.api.sse import EventStream
from llmflow.apps.chat.ask import Ask
from llmflow.apps.chat.files import file_object
from llmflow.apps.chat.turns import Turn
from llmflow.apps.runs.live import LiveRun
from llmflow.apps.types import Answer, ChatMessage, Ended, EndUser, Failed, Replaced, Usage
from llmflow.errors import UsageError
from llmflow.store.ids import is_uuid
from llmflow.wiring import Platform
from llmflow.workflow.events import TextChunk, TextReplace, WorkflowFinished, WorkflowPaused


class ChatRequestPayload(msgspec.Struct, frozen=True):
    """Dify's ChatRequest; unknown fields are passed over, as there."""

    inputs: dict[str, Any]
    query: str
    response_mode: Literal["blocking", "streaming"] | None = None
    conversation_id: str | None = None
    files: list[dict[str, Any]] | None = None
    auto_generate_name: bool = True
    workflow_id: str | None = None


def routes(platform: Platform) -> list[Route]:
    return [
        operation(platform, "/chat-messages", "POST", _ask, only=CHATS),
        operation(platform, "/chat-messages/{task_id}/stop", "POST", _stop, only=CHATS),
        operation(platform, "/messages/{message_id:uuid}/suggested", "GET", _suggested, only=CHATS),
    ]


async def _ask(call: Call) -> Response:
    body = await call.body()
    user = await call.user(body.get("user"), required=True)
    wanted = checked(body, ChatRequestPayload)
    conversation_id = (wanted.conversation_id or "").strip() or None
    if conversation_id and not is_uuid(conversation_id):
        raise UsageError("conversation_id must be a valid UUID", param="conversation_id")
    is_streamed = wanted.response_mode == "streaming"
    if call.app.mode == "agent-chat" and not is_streamed:
        raise UsageError("Agent Chat App does not support blocking mode", param="response_mode")
    ask = Ask(
        wanted.query,
        inputs=wanted.inputs,
        conversation_id=conversation_id.lower() if conversation_id else None,
        files=await files_of(call, user, wanted.files),
        name_conversation=wanted.auto_generate_name,
        version_id=_version(wanted.workflow_id),
    )
    turn = await call.platform.apps.chat.ask(call.app, user, ask)
    if not call.app.has_graph:
        await turn.kept()  # who reads the first word may ask for the message at once
    with_sources = call.app.config.retriever_resource
    if is_streamed:
        mode = call.app.mode
        is_run = call.app.has_graph and turn.live is not None
        told = _run_stream(call, turn, with_sources) if is_run else stream(turn, mode, with_sources=with_sources)
        return EventStream(told, headers=HEADERS, ping=PING)
    end = await turn.finished()
    if turn.live is not None and isinstance(turn.live.last, WorkflowPaused) and isinstance(end, Ended):
        return _paused(call, turn, turn.live, end)
    return await whole(turn, call.app.mode, with_sources=with_sources)


async def files_of(call: Call, user: EndUser, given: Sequence[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """The files of a request, as they are kept. Raises UsageError for one that is not the user's."""
    files = [file_object(item) for item in given or ()]
    ids = [item["upload_file_id"] for item in files if "upload_file_id" in item]
    known = await call.platform.apps.files.of(user, ids)
    for missing in (id for id in ids if id not in known):
        raise UsageError(f"There is no uploaded file {missing} of this user.", param="files")
    return files


def _version(given: str | None) -> str | None:
    if given and not is_uuid(given):
        raise UsageError(f"Invalid workflow_id format: '{given}'.", code="bad_request", param="workflow_id")
    return given.lower() if given else None


def _paused(call: Call, turn: Turn, live: LiveRun, end: Ended) -> Response:
    """What was said before somebody has to answer a form; the message goes on then."""
    assert isinstance(live.last, WorkflowPaused)
    told = Shapes(live.run, live.user, turn, token_of=call.platform.apps.forms.token).paused(live.last)
    message = {
        "id": turn.message_id,
        "message_id": turn.message_id,
        "conversation_id": turn.conversation_id,
        "mode": call.app.mode,
        "answer": end.answer.text,
        "metadata": shapes.metadata(end.answer, end.usage, message_id=turn.message_id, with_sources=False),
        "created_at": shapes.seconds(turn.created_at),
        "workflow_run_id": live.run.id,
    }
    return answer({"event": "workflow_paused", "task_id": turn.id, **message, "data": {**message, **told}})


async def _run_stream(call: Call, turn: Turn, with_sources: bool) -> AsyncGenerator[bytes]:
    """The turn of a workflow, with the events of its run; the end of the message comes before the end of the run."""
    assert turn.live is not None
    told = Shapes(turn.live.run, turn.live.user, turn, token_of=call.platform.apps.forms.token)
    base = base_of(turn, "advanced-chat")
    withheld = False
    yield PING
    async for batch in turn.live.follow():
        unsaid = (WorkflowFinished, TextChunk, TextReplace) if withheld else WorkflowFinished
        yield lines(told, [item for item in batch if not isinstance(item, unsaid)])
        if turn.withheld is not None and not withheld:
            withheld = True
            yield other(Replaced(turn.withheld), turn, base, with_sources)
        end = batch[-1]
        if not isinstance(end, WorkflowFinished):
            continue
        if isinstance(turn.last, Ended):
            yield other(turn.last, turn, base, with_sources)
        yield told.of(end)
        if isinstance(turn.last, Failed):
            yield other(turn.last, turn, base, with_sources)


def message_end(turn: Turn, message: ChatMessage, *, with_sources: bool) -> bytes:
    """The end of a message that a run wrote, for those who follow the run; before it, of one that the app's settings
    say, its words, which may stand in place of what the run said."""
    base = base_of(turn, "advanced-chat")
    said = Answer(message.answer, "generated", tuple(message.citations), model=message.model)
    used = Usage(message.prompt_tokens, message.completion_tokens, message.first_token_ms, message.elapsed_ms)
    given = other(Replaced(message.answer), turn, base, with_sources) if message.kind == "given" else b""
    return given + other(Ended(said, used), turn, base, with_sources)


async def _stop(call: Call) -> Response:
    user = await call.user((await call.body()).get("user"), required=True)
    call.platform.apps.chat.stop(call.request.path_params["task_id"], user)
    return answer({"result": "success"})


async def _suggested(call: Call) -> Response:
    user = await call.user(call.query("user"), required=True)
    message = await call.platform.apps.conversations.message(user, str(call.request.path_params["message_id"]))
    if not call.app.config.suggested_questions_after_answer:
        raise UsageError("Suggested Questions Is Disabled.", code="bad_request")
    questions = await call.platform.apps.suggestions.after(call.app, message)
    return answer({"result": "success", "data": questions})
