"""One answer being written: the draft, and what becomes of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from llmflow.apps.answers.answer import Answerer
from llmflow.apps.answers.prompt import Attached, Question
from llmflow.apps.chat import queries
from llmflow.apps.chat.queries import as_json
from llmflow.apps.chat.turns import Turn, failed
from llmflow.apps.types import Answer, AnswerKind, App, Citation, Ended, Failed, TextDelta, Usage, Waiting
from llmflow.errors import CODES, LLMFlowError
from llmflow.knowledge.queries import count_hits
from llmflow.store.content import Scope
from llmflow.store.database import Database
from llmflow.store.ids import now_ms

_LOOK_S = 0.5  # between two looks at documents that are still being read


class Writing:
    """`waits`: begins when the app's documents are read. `attached`: reads the question's files."""

    def __init__(
        self,
        database: Database,
        answerer: Answerer,
        app: App,
        question: Question,
        *,
        waits: bool = False,
        attached: Callable[[], Awaitable[Attached]] | None = None,
    ) -> None:
        self._database = database
        self._answerer = answerer
        self._app = app
        self._question = question
        self._waits = waits
        self._attached = attached
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
            if self._waits:
                await self._until_read()
            if self._attached is not None:
                self._question = replace(self._question, attached=await self._attached())
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

    async def _until_read(self) -> None:
        told: Waiting | None = None
        while (reading := await self._answerer.reading(self._app)) is not None:
            if reading != told:
                self._turn.append(reading)
                told = reading
            await asyncio.sleep(_LOOK_S)
        self._started = time.monotonic()

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
