"""Questions to chat apps with a graph: a workflow's run writes the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmflow.apps.chat import queries
from llmflow.apps.chat.ask import Ask
from llmflow.apps.chat.conversations import name_after
from llmflow.apps.chat.files import AppFiles
from llmflow.apps.chat.queries import as_json
from llmflow.apps.chat.telling import INSERT_CONVERSATION, INSERT_MESSAGE, Telling
from llmflow.apps.chat.turns import Turn, Turns, turn_of
from llmflow.apps.chat.variables import INSERT_VARIABLE, values, variable_rows
from llmflow.apps.designs.plans import Plans
from llmflow.apps.runs.runs import Begin, Companion, Runs
from llmflow.apps.types import App, EndUser
from llmflow.errors import NotFound
from llmflow.store.batch import Prepared, Row
from llmflow.store.content import Content, Scope
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms
from llmflow.workflow.engine.replay import State
from llmflow.workflow.journal.stored import StoredRun
from llmflow.workflow.types import Typed
from llmflow.workflow.variables import type_name


@dataclass(frozen=True, slots=True)
class _Before:
    """A conversation as a question finds it."""

    parent_id: str | None = None
    count: int = 0
    variables: dict[str, Any] = field(default_factory=dict)


class FlowChat:
    def __init__(self, database: Database, plans: Plans, runs: Runs, turns: Turns, files: AppFiles) -> None:
        self._database = database
        self._plans = plans
        self._runs = runs
        self._turns = turns
        self._files = files

    async def ask(self, app: App, user: EndUser, ask: Ask) -> Turn:
        """Starts the run that answers; the question is kept with its first events. Raises what Runs.start raises, and
        NotFound (not_published, version_not_found, conversation_not_exists, message_not_exists)."""
        compiled = await self._plans.wanted(app, ask.version_id)
        self._runs.check_room()
        before = await self._before(app, user, ask)
        turn = Turn(
            new_id(),
            app_id=app.id,
            end_user_id=user.id,
            conversation_id=ask.conversation_id or new_id(),
            message_id=new_id(),
            created_at=now_ms(),
        )
        declared = {
            name: Typed(typed.type, before.variables.get(name, typed.value))
            for name, typed in compiled.conversation.items()
        }
        begin = Begin(
            inputs=await self._files.in_inputs(user, compiled.form, ask.inputs),
            files=await self._files.values(user, ask.files),
            source=ask.source,
            user=user.external_id,
            end_user_id=user.id,
            task_id=turn.id,
            conversation=declared,
            conversation_id=turn.conversation_id,
            message_id=turn.message_id,
            parent_id=before.parent_id,
            system={"query": ask.query, "conversation_id": turn.conversation_id, "dialogue_count": before.count + 1},
        )
        telling = Telling(
            self._database,
            self._turns,
            turn,
            app=app,
            declared=declared,
            begins=await self._begins(turn, app, ask, before, declared, begin.run_id),
        )
        self._runs.start(app, compiled, begin, companion=telling)
        return turn

    async def companion_of(self, app: App, run: StoredRun, state: State) -> Companion | None:
        """For a run that is taken up again; None for one that answers no question."""
        turn = turn_of(run)
        if turn is None:
            return None
        declared = {name: Typed(type_name(value), value) for name, value in state.conversation().items()}
        telling = Telling(self._database, self._turns, turn, app=app, declared=declared)
        for end in state.finished.values():
            telling.note(end)
        telling.said(state.text)
        return telling

    async def _before(self, app: App, user: EndUser, ask: Ask) -> _Before:
        if not ask.conversation_id:
            return _Before()
        async with self._database.read() as connection:
            if await queries.conversation(connection, app.id, user.id, ask.conversation_id) is None:
                raise NotFound("Conversation Not Exists.", code="conversation_not_exists")
            found = await queries.branch(connection, ask.conversation_id, ask.parent_id, limit=1)
            count = await queries.count_messages(connection, ask.conversation_id)
            variables = await values(connection, ask.conversation_id)
        if ask.parent_id and not found:
            raise NotFound("Message Not Exists.", code="message_not_exists")
        parent = found[-1].id if found and ask.parent_id != "" else None
        return _Before(parent, count, variables)

    async def _begins(
        self, turn: Turn, app: App, ask: Ask, before: _Before, declared: Mapping[str, Typed], run_id: str
    ) -> list[tuple[Prepared, Sequence[Row]]]:
        """The question and, of a new conversation, the conversation and its variables."""
        scope = Scope("conversation", turn.conversation_id)
        inputs = as_json(dict(ask.inputs))
        query, kept, empty, none = await self._database.boundary.admit(scope, [ask.query, inputs, "", "[]"])
        owner = {"workspace_id": app.workspace_id, "app_id": app.id, "end_user_id": turn.end_user_id}
        message = {
            "id": turn.message_id,
            **owner,
            "conversation_id": turn.conversation_id,
            "parent_id": before.parent_id,
            "query": query,
            "answer": empty,
            "inputs": kept,
            "citations": none,
            "files": list(ask.files),
            "status": "running",
            "error": "",
            "kind": "",
            "model": "",
            "prompt_tokens": 0,
            "completion_tokens": 0,
            "first_token_ms": 0,
            "elapsed_ms": 0,
            "created_at": turn.created_at,
            "workflow_run_id": run_id,
        }
        rows: list[tuple[Prepared, Sequence[Row]]] = [(INSERT_MESSAGE, [message])]
        if ask.conversation_id:
            return rows
        name = name_after(query) if ask.name_conversation else "New conversation"
        conversation = {
            "id": turn.conversation_id,
            **owner,
            "name": Content(name),  # a piece of the admitted question
            "inputs": kept,
            "created_at": turn.created_at,
            "updated_at": turn.created_at,
        }
        rows = [(INSERT_CONVERSATION, [conversation]), *rows]
        variables = await variable_rows(self._database, app, turn.conversation_id, declared)
        return [*rows, (INSERT_VARIABLE, variables)] if variables else rows
