"""What a run says in a conversation: told to the turn's readers, kept with the message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from llmflow.apps.chat.queries import as_json
from llmflow.apps.chat.thoughts import Thoughts
from llmflow.apps.chat.turns import Turn, Turns, failed
from llmflow.apps.chat.variables import PUT_VARIABLE, variable_rows
from llmflow.apps.designs.moderation import Moderation
from llmflow.apps.runs.live import LiveRun
from llmflow.apps.types import (
    Answer,
    AnswerKind,
    App,
    Citation,
    Ended,
    Failed,
    MadeFile,
    Replaced,
    TextDelta,
    Usage,
    Waiting,
)
from llmflow.errors import LLMFlowError
from llmflow.knowledge.passage_queries import COUNT_HITS
from llmflow.knowledge.types import Scores
from llmflow.store import batch
from llmflow.store.batch import Batch, Prepared, Row
from llmflow.store.content import Scope
from llmflow.store.database import Database
from llmflow.store.ids import now_ms
from llmflow.store.tables import conversations, messages
from llmflow.workflow.events import (
    Event,
    Last,
    NodeFinished,
    NodeLog,
    TextChunk,
    TextReplace,
    WorkflowFinished,
    WorkflowPaused,
)
from llmflow.workflow.types import STEP, Typed

INSERT_CONVERSATION = batch.insert(conversations)
INSERT_MESSAGE = batch.insert(messages)
UPDATE_CONVERSATION = batch.update(conversations, ("updated_at",))
_UPDATE_MESSAGE = batch.update(
    messages,
    (
        "answer",
        "citations",
        "thoughts",
        "status",
        "error",
        "kind",
        "model",
        "prompt_tokens",
        "completion_tokens",
        "first_token_ms",
        "elapsed_ms",
    ),
)


class Telling:
    """One message being written by a run. `begins`: rows that are written with the run's first events; `declared`: the
    conversation's variables; `given`: no node answers, the app's settings do; `moderation`: of what is said. A
    Companion of the run."""

    def __init__(
        self,
        database: Database,
        turns: Turns,
        turn: Turn,
        *,
        app: App,
        declared: Mapping[str, Typed],
        begins: Sequence[tuple[Prepared, Sequence[Row]]] = (),
        given: bool = False,
        moderation: Moderation | None = None,
    ) -> None:
        self._database = database
        self._turns = turns
        self._turn = turn
        self._app = app
        self._declared = declared
        self._begins = begins
        self._pieces: list[str] = []
        self._citations: dict[str, Citation] = {}
        self._writes: dict[str, Any] = {}
        self._thoughts = Thoughts()
        self._kind: AnswerKind = "given" if given else "generated"
        self._moderation = moderation
        self._looked_at = ""  # the end of what was said, as far as a sensitive word may begin in it
        self._hint = ""
        self._began_ms = turn.created_at
        self._first_ms: int | None = None
        self._model = ""
        self._prompt_tokens = self._completion_tokens = 0

    def begun(self, live: LiveRun) -> None:
        self._turns.watch(self._turn, live)

    def hear(self, event: Event) -> None:
        match event:
            case TextChunk() | TextReplace() if self._turn.withheld is not None:
                pass
            case TextChunk():
                if self._first_ms is None:
                    self._first_ms = now_ms() - self._began_ms
                self._pieces.append(event.text)
                self._turn.append(TextDelta(event.text))
                self._look(event.text)
            case TextReplace():
                self._pieces = [event.text]
                self._turn.append(Replaced(event.text))
                self._looked_at = ""
                self._look(event.text)
            case NodeFinished():
                self.note(event)
            case NodeLog():
                self.step(event)
            case WorkflowFinished() | WorkflowPaused():
                self._turn.append(self._end(event))
                self._turns.unwatch(self._turn)

    def note(self, end: NodeFinished) -> None:
        """What an ended node adds to the message."""
        self._writes.update((name, value) for owner, name, value in end.writes if owner == "conversation")
        if end.node_type == "knowledge-retrieval":
            for passage in end.outputs.get("result") or ():
                self._cite(passage.get("metadata") or {}, str(passage.get("content") or ""))
        elif end.node_type == "knowledge-answer" and "kind" in end.outputs:
            self._sources(end.outputs["citations"])
            self._kind, self._hint = end.outputs["kind"], end.outputs["hint"]
        usage = end.outputs.get("usage")
        if isinstance(usage, dict):
            self._prompt_tokens += int(usage.get("prompt_tokens") or 0)
            self._completion_tokens += int(usage.get("completion_tokens") or 0)
        model = end.process_data.get("model_name")
        if isinstance(model, str):
            self._model = model

    def step(self, log: NodeLog) -> None:
        """What a node tells while it works."""
        match log.data.get(STEP):
            case "reading":
                self._began_ms = now_ms()
                if log.status == "start":
                    self._turn.append(Waiting(int(log.data["ready"]), int(log.data["total"])))
            case "sources":
                self._sources(log.data["citations"])
                self._model = str(log.data["model"])
            case _:
                thought = self._thoughts.take(log)
                if thought is not None:
                    self._turn.append(thought)
                for file in log.data.get("files") or ():
                    made = (str(file.get("related_id") or ""), str(file.get("type")), str(file.get("url") or ""))
                    self._turn.append(MadeFile(*made))

    def said(self, text: str) -> None:
        """What was told before the run broke off."""
        if text:
            self._pieces.append(text)
            self._turn.append(TextDelta(text))
            self._look(text)

    async def also(self, is_first: bool, last: Last | None) -> Batch:
        rows = list(self._begins) if is_first else []
        if last is None:
            return rows
        return [*rows, *await self._kept(last)]

    def _look(self, more: str) -> None:
        """Takes back an answer that may not stand, and ends its run."""
        if self._moderation is None:
            return
        said = self._looked_at + more
        self._turn.withheld = self._moderation.instead_of_answer(said)
        self._looked_at = said[-self._moderation.reach :]
        if self._turn.withheld is not None:
            self._kind = "given"
            self._turn.append(Replaced(self._turn.withheld))
            if self._turn.live is not None:
                self._turn.live.stop()

    def _end(self, last: Last) -> Ended | Failed:
        if isinstance(last, WorkflowFinished) and last.status == "failed":
            message, code = last.error or "The run failed.", last.error_code or "node_failed"
            error = LLMFlowError(message, code=code, hint=last.error_hint or None)
            return failed(error, status=last.error_status or None)
        stopped = isinstance(last, WorkflowFinished) and last.status == "stopped" and self._turn.withheld is None
        return Ended(self._answer(last), self._usage(), stopped=stopped, paused=isinstance(last, WorkflowPaused))

    def _answer(self, last: Last) -> Answer:
        """The outputs say it whole; of a run without them, what was told."""
        whole = last.outputs.get("answer")
        text = whole if isinstance(whole, str) and whole else "".join(self._pieces)
        text = text if self._turn.withheld is None else self._turn.withheld
        return Answer(
            text,
            self._kind,
            tuple(self._citations.values()),
            hint=self._hint,
            model=self._model,
            prompt_tokens=self._prompt_tokens,
            completion_tokens=self._completion_tokens,
        )

    def _usage(self) -> Usage:
        elapsed = now_ms() - self._began_ms
        first = elapsed if self._first_ms is None else self._first_ms
        return Usage(self._prompt_tokens, self._completion_tokens, first, elapsed)

    async def _kept(self, last: Last) -> Batch:
        end = self._end(last)
        answer, usage = self._answer(last), self._usage()
        scope = Scope("conversation", self._turn.conversation_id)
        words = [answer.text, as_json(answer.citations), as_json(self._thoughts.all)]
        text, citations, thoughts = await self._database.boundary.admit(scope, words)
        now = now_ms()
        if isinstance(end, Failed):
            status, error = "error", f"{end.code}: {end.message}"
        else:
            status, error = ("paused" if end.paused else "stopped" if end.stopped else "normal"), ""
        message = {
            "key": self._turn.message_id,
            "answer": text,
            "citations": citations,
            "thoughts": thoughts,
            "status": status,
            "error": error,
            "kind": answer.kind,
            "model": answer.model,
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "first_token_ms": usage.first_token_ms,
            "elapsed_ms": usage.elapsed_ms,
        }
        changed = {
            name: Typed(self._declared[name].type if name in self._declared else "", value)
            for name, value in self._writes.items()
        }
        variables = await variable_rows(self._database, self._app, self._turn.conversation_id, changed)
        conversation = {"key": self._turn.conversation_id, "updated_at": now}
        rows: list[tuple[Prepared, Sequence[Row]]] = [
            (_UPDATE_MESSAGE, [message]),
            (UPDATE_CONVERSATION, [conversation]),
        ]
        if answer.citations:
            rows.append((COUNT_HITS, [{"key": citation.chunk_id} for citation in answer.citations]))
        return [*rows, (PUT_VARIABLE, variables)] if variables else rows

    def _sources(self, found: Sequence[Any]) -> None:
        self._citations = {one.chunk_id: one for one in msgspec.convert(found, list[Citation])}

    def _cite(self, found: Mapping[str, Any], text: str) -> None:
        chunk_id = str(found.get("segment_id") or "")
        if not chunk_id or chunk_id in self._citations:
            return
        score = float(found.get("score") or 0)
        self._citations[chunk_id] = Citation(
            position=len(self._citations) + 1,
            document=str(found.get("document_name") or ""),
            document_id=str(found.get("document_id") or ""),
            knowledge=str(found.get("dataset_name") or ""),
            knowledge_id=str(found.get("dataset_id") or ""),
            chunk_id=chunk_id,
            text=text,
            score=score,
            scores=Scores(),
            page=found.get("page"),
            ordinal=int(found.get("segment_position") or 1) - 1,
            hit_count=int(found.get("segment_hit_count") or 0),
        )
