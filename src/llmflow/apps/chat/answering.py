"""An app's honest answer as a node of a run asks for it: with what was said and sent before in the conversation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec

from llmflow.apps.answers.answer import Answerer, Cited, Ground
from llmflow.apps.answers.prompt import Attached, Earlier, Question
from llmflow.apps.chat import queries
from llmflow.apps.chat.attachments import Attachments
from llmflow.apps.types import Answer, App, ChatMessage, EndUser
from llmflow.knowledge.language import language_of
from llmflow.ports.llm import ChatRequest
from llmflow.store.database import Database
from llmflow.store.ids import new_id
from llmflow.workflow.context import Answered, Asked
from llmflow.workflow.journal.stored import NewRun
from llmflow.workflow.types import READING, SOURCES, STEP, Log, Piece

_LOOK_S = 0.5  # between two looks at documents that are still being read


class Answering:
    """`history_turns`: earlier questions and answers given to the model at most."""

    def __init__(self, database: Database, answerer: Answerer, attachments: Attachments, *, history_turns: int) -> None:
        self._database = database
        self._answerer = answerer
        self._attachments = attachments
        self._history_turns = history_turns

    async def answer(
        self, app: App, run: NewRun, parent_id: str | None, asked: Asked
    ) -> AsyncGenerator[Piece | Log | Answered]:
        """`parent_id`: the message that the question follows; None: none, or look."""
        ground = _ground(app, asked)
        if asked.waits:
            async with aclosing(self._until_read(ground)) as looks:
                async for log in looks:
                    yield log
        earlier = await self._earlier(run, parent_id)
        history = [Earlier(m.query, m.answer, m.kind) for m in earlier if m.status in ("normal", "stopped")]
        history = [*_given(asked), *history]
        question = Question(
            asked.query,
            asked.language or language_of(asked.query),
            instruction=asked.instruction,
            history=history[-self._history_turns :] if self._history_turns else [],
            is_public=run.source == "public",
            attached=await self._attached(app, run, asked, earlier),
        )
        async with aclosing(self._answerer.answer(ground, question)) as told:
            async for item in told:
                match item:
                    case str():
                        yield Piece(item)
                    case Cited():
                        cited = {"citations": msgspec.to_builtins(item.citations), "model": item.model}
                        yield Log(new_id(), "Sources", {STEP: SOURCES, **cited})
                    case Answer():
                        yield _answered(item)

    async def _until_read(self, ground: Ground) -> AsyncGenerator[Log]:
        """Tells how far the documents are read, until they are."""
        id, told = new_id(), None
        while (reading := await self._answerer.reading(ground)) is not None:
            if reading != told:
                told = reading
                yield Log(id, "Reading", {STEP: READING, "ready": reading.ready, "total": reading.total}, "start")
            await asyncio.sleep(_LOOK_S)
        if told is not None:
            yield Log(id, "Reading", {STEP: READING, "ready": told.total, "total": told.total})

    async def _earlier(self, run: NewRun, parent_id: str | None) -> list[ChatMessage]:
        """What the question follows, oldest first."""
        if run.conversation_id is None or run.message_id is None:
            return []
        last = parent_id or run.message_id  # the run's own message may not be written yet: then it follows none
        async with self._database.read() as connection:
            found = await queries.branch(connection, run.conversation_id, last, limit=self._history_turns + 1)
        return [message for message in found if message.id != run.message_id]

    async def _attached(self, app: App, run: NewRun, asked: Asked, earlier: list[ChatMessage]) -> Attached:
        """The files of the question and of those before it, the newest first."""
        sent: list[dict[str, Any]] = [
            {"upload_file_id": file["related_id"]} for file in asked.files if file.get("related_id")
        ]
        sent += [file for message in reversed(earlier) for file in message.files]
        if not sent:
            return Attached()
        user = EndUser(run.end_user_id or "", app.workspace_id, app.id, "", 0)
        return await self._attachments.of(app, user, sent)


def _ground(app: App, asked: Asked) -> Ground:
    request: ChatRequest = asked.request
    return Ground(
        app.workspace_id,
        asked.knowledge,
        request.model,
        asked.top_k,
        temperature=request.temperature,
        max_tokens=request.max_tokens,
        stop=request.stop,
        options=request.options,
        wishes=asked.wishes,
        conditions=asked.conditions,
        one_of=asked.one_of,
    )


def _given(asked: Asked) -> list[Earlier]:
    """The turns that the caller keeps itself: messages in pairs."""
    said = list(asked.history)
    return [Earlier(str(a.get("content")), str(b.get("content"))) for a, b in zip(said[::2], said[1::2], strict=False)]


def _answered(answer: Answer) -> Answered:
    return Answered(
        answer.text,
        kind=answer.kind,
        citations=tuple(msgspec.to_builtins(answer.citations)),
        hint=answer.hint,
        model=answer.model,
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
    )
