"""Chat: a question is kept, answered in a turn of its own, and its answer is kept before the turn ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmflow.apps import queries
from llmflow.apps.answer import Answerer
from llmflow.apps.conversations import name_after
from llmflow.apps.prompt import Earlier, Question
from llmflow.apps.queries import as_json
from llmflow.apps.turns import Turn, Turns, failed
from llmflow.apps.types import Answer, AnswerKind, App, Citation, Ended, EndUser, Failed, TextDelta, Usage
from llmflow.errors import CODES, LLMFlowError, NotFound, UsageError
from llmflow.knowledge.language import language_of
from llmflow.knowledge.queries import count_hits
from llmflow.store.content import Content, Scope
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms

_MAX_QUERY = 100_000  # characters


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to an app. `conversation_id` None begins a conversation; `history`: earlier turns that the caller
    keeps itself (OpenAI's way), used for a new conversation only. `files`: Dify's file objects, kept with the
    message."""

    query: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    conversation_id: str | None = None
    files: Sequence[dict[str, Any]] = ()
    history: Sequence[Earlier] = ()
    name_conversation: bool = True


class Chat:
    """`history_messages`: earlier messages given to the model at most."""

    def __init__(self, database: Database, answerer: Answerer, turns: Turns, *, history_messages: int) -> None:
        self._database = database
        self._answerer = answerer
        self._turns = turns
        self._history_turns = history_messages // 2

    async def recover(self) -> int:
        """Marks answers that a dead process left unfinished; call at start. How many."""
        async with self._database.write() as connection:
            return await queries.mark_crashed(connection, now_ms(), f"interrupted: {CODES['interrupted']}")

    async def ask(self, app: App, user: EndUser, ask: Ask) -> Turn:
        """Keeps the question and starts its turn. Raises UsageError, NotFound (conversation_not_exists), TooMany."""
        if not ask.query.strip():
            raise UsageError("The question is empty.", param="query")
        if len(ask.query) > _MAX_QUERY:
            raise UsageError(f"The question has more than {_MAX_QUERY} characters.", param="query")
        place = self._turns.reserve()
        try:
            turn, question = await self._kept(app, user, ask)
        except BaseException:
            place.release()
            raise
        writing = _Writing(self._database, self._answerer, app, question)
        place.start(turn, writing.run)
        return turn

    def stop(self, task_id: str, user: EndUser) -> bool:
        """Ends the user's turn; what was said is kept. False when it is unknown or over."""
        return self._turns.stop(task_id, app_id=user.app_id, end_user_id=user.id)

    async def _kept(self, app: App, user: EndUser, ask: Ask) -> tuple[Turn, Question]:
        conversation_id = ask.conversation_id or new_id()
        scope = Scope("conversation", conversation_id)
        inputs = as_json(dict(ask.inputs))
        query, kept_inputs, empty, none = await self._database.boundary.admit(scope, [ask.query, inputs, "", "[]"])
        history = list(ask.history)
        parent_id: str | None = None
        if ask.conversation_id:
            async with self._database.read() as connection:
                if await queries.conversation(connection, app.id, user.id, conversation_id) is None:
                    raise NotFound("Conversation Not Exists.", code="conversation_not_exists")
                earlier = await queries.messages_before(connection, conversation_id, limit=max(1, self._history_turns))
            parent_id = earlier[-1].id if earlier else None
            history = [Earlier(m.query, m.answer, m.kind) for m in earlier if m.status in ("normal", "stopped")]
        turn = Turn(
            new_id(),
            app_id=app.id,
            end_user_id=user.id,
            conversation_id=conversation_id,
            message_id=new_id(),
            created_at=now_ms(),
        )
        owner = {"workspace_id": app.workspace_id, "app_id": app.id, "end_user_id": user.id}
        name = name_after(query) if ask.name_conversation else "New conversation"
        async with self._database.write() as connection:
            if not ask.conversation_id:
                await queries.insert_conversation(
                    connection,
                    id=conversation_id,
                    name=Content(name),  # a piece of the admitted question
                    inputs=kept_inputs,
                    created_at=turn.created_at,
                    updated_at=turn.created_at,
                    **owner,
                )
            await queries.insert_message(
                connection,
                id=turn.message_id,
                conversation_id=conversation_id,
                parent_id=parent_id,
                query=query,
                answer=empty,
                inputs=kept_inputs,
                citations=none,
                files=list(ask.files),
                status="running",
                created_at=turn.created_at,
                **owner,
            )
        question = Question(
            str(query),
            app.config.language or language_of(query),
            instruction=app.config.instruction,
            inputs=ask.inputs,
            history=history[-self._history_turns :] if self._history_turns else [],
            is_public=user.source == "public",
        )
        return turn, question


class _Writing:
    """One answer being written: the draft, and what becomes of it."""

    def __init__(self, database: Database, answerer: Answerer, app: App, question: Question) -> None:
        self._database = database
        self._answerer = answerer
        self._app = app
        self._question = question
        self._pieces: list[str] = []
        self._citations: tuple[Citation, ...] = ()
        self._model = ""
        self._started = time.monotonic()
        self._first_s: float | None = None
        self._turn: Turn

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def cite(self, citations: Sequence[Citation], model: str) -> None:
        self._citations = tuple(citations)
        self._model = model

    def say(self, text: str) -> None:
        if self._first_s is None:
            self._first_s = time.monotonic() - self._started
        self._pieces.append(text)
        self._turn.append(TextDelta(text))

    async def run(self, turn: Turn) -> None:
        """Answers, keeps the answer, then ends the turn - in this order. An error that is not ours is kept as a
        failure, then raised for the log."""
        self._turn = turn
        end: Ended | Failed = Failed("internal_error", "The answer could not be written.", CODES["internal_error"], 500)
        try:
            answer = await self._answerer.answer(self._app, self._question, self)
            turn.stoppable = False
            end = Ended(answer, self._usage(answer))
        except asyncio.CancelledError:
            end = self._stopped()
        except LLMFlowError as error:
            end = failed(error)
        finally:
            turn.stoppable = False
            try:
                await self._keep(turn, end)
            except LLMFlowError as error:
                end = failed(error)
            turn.append(end)

    def _stopped(self) -> Ended:
        kind: AnswerKind = "generated" if self._pieces else "unknown"
        answer = Answer(self.text, kind, self._citations, model=self._model)
        return Ended(answer, self._usage(answer), stopped=True)

    def _usage(self, answer: Answer) -> Usage:
        elapsed_s = time.monotonic() - self._started
        first_s = elapsed_s if self._first_s is None else self._first_s
        return Usage(answer.prompt_tokens, answer.completion_tokens, round(first_s * 1000), round(elapsed_s * 1000))

    async def _keep(self, turn: Turn, end: Ended | Failed) -> None:
        values: dict[str, Any]
        if isinstance(end, Ended):
            answer, usage = end.answer, end.usage
            values = {"status": "stopped" if end.stopped else "normal", "kind": answer.kind, "model": answer.model}
            values |= {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens}
            values |= {"first_token_ms": usage.first_token_ms, "elapsed_ms": usage.elapsed_ms}
            text, citations = answer.text, answer.citations
        else:
            values = {"status": "error", "error": f"{end.code}: {end.message}"}
            text, citations = self.text, self._citations
        scope = Scope("conversation", turn.conversation_id)
        said, sources = await self._database.boundary.admit(scope, [text, as_json(citations)])
        async with self._database.write() as connection:
            await queries.finish_message(connection, turn.message_id, answer=said, citations=sources, **values)
            await queries.update_conversation(connection, turn.conversation_id, updated_at=now_ms())
            if citations:
                await count_hits(connection, [citation.chunk_id for citation in citations])
