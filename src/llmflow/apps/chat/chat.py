"""Chat: a question is kept, and a run answers it; one door for every surface and for every kind of app but workflows.

Of an app without a graph the plan follows from its settings (designs/config_graph.py); the engine is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from llmflow.apps.annotations.reciting import Reciting
from llmflow.apps.chat import queries
from llmflow.apps.chat.ask import Ask
from llmflow.apps.chat.attachments import Attachments
from llmflow.apps.chat.conversations import name_after
from llmflow.apps.chat.doors import Doors
from llmflow.apps.chat.files import AppFiles
from llmflow.apps.chat.queries import as_json
from llmflow.apps.chat.telling import INSERT_CONVERSATION, INSERT_MESSAGE, Telling
from llmflow.apps.chat.turns import Turn, Turns, turn_of
from llmflow.apps.chat.variables import INSERT_VARIABLE, values, variable_rows
from llmflow.apps.designs.plans import Compiled, Plans
from llmflow.apps.runs.runs import Begin, Companion, Runs
from llmflow.apps.types import App, EndUser
from llmflow.errors import CODES, NotFound, UsageError
from llmflow.gateway.asker import asker
from llmflow.store.batch import Prepared, Row
from llmflow.store.content import Content, Scope
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms
from llmflow.workflow.engine.replay import State
from llmflow.workflow.journal.stored import StoredRun
from llmflow.workflow.types import Typed
from llmflow.workflow.variables import type_name

_MAX_QUERY = 100_000  # characters
_UNNAMED = "New conversation"


@dataclass(frozen=True, slots=True)
class _Before:
    """A conversation as a question finds it."""

    parent_id: str | None = None
    count: int = 0
    inputs: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)


class Chat:
    """`reciting`: answers that annotations give before anything is asked."""

    def __init__(
        self,
        database: Database,
        plans: Plans,
        runs: Runs,
        turns: Turns,
        files: AppFiles,
        attachments: Attachments,
        reciting: Reciting,
        doors: Doors,
    ) -> None:
        self._database = database
        self._plans = plans
        self._runs = runs
        self._turns = turns
        self._files = files
        self._attachments = attachments
        self._reciting = reciting
        self._doors = doors

    async def recover(self) -> int:
        """Marks answers that a process of an earlier version left unfinished; call at start. How many."""
        async with self._database.write() as connection:
            return await queries.mark_crashed(connection, now_ms(), f"interrupted: {CODES['interrupted']}")

    async def ask(self, app: App, user: EndUser, ask: Ask) -> Turn:
        """Starts the run that answers; the question is kept with its first events. Raises UsageError, TooMany,
        Unsupported (model_blind) and NotFound (not_published, version_not_found, conversation_not_exists,
        message_not_exists)."""
        _check(app, ask)
        with self._doors.enter(ask.conversation_id):
            compiled = await self._plans.wanted(app, ask.version_id)
            given = None
            if compiled.moderation is not None:
                given = compiled.moderation.instead_of_question(ask.query, ask.inputs)
            if given is None and ask.query.strip():
                recited = await self._reciting.turn(app, user, ask)
                if recited is not None:
                    return recited
            return await self._started(app, user, ask, compiled, given)

    async def _started(self, app: App, user: EndUser, ask: Ask, compiled: Compiled, given: str | None) -> Turn:
        """A turn that a run writes; `given`: what the app's settings say to the question."""
        self._runs.check_room(app)
        if ask.files and not app.has_graph:
            await self._attachments.check(app, user, ask.files)
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
        begin = await self._begin(app, user, ask, compiled, turn, before, declared)
        if given is not None:
            begin = replace(begin, system={**begin.system, "given": given})
        telling = Telling(
            self._database,
            self._turns,
            turn,
            app=app,
            declared=declared,
            given=given is not None,
            moderation=None if given is not None else compiled.moderation,
            begins=await self._begins(turn, app, ask, before, declared, begin.run_id),
        )
        self._runs.start(app, compiled, begin, companion=telling)
        return turn

    def stop(self, task_id: str, user: EndUser) -> bool:
        """Ends the user's turn; what was said is kept. False when it is unknown or over."""
        return self._turns.stop(task_id, app_id=user.app_id, end_user_id=user.id)

    async def companion_of(self, app: App, compiled: Compiled, run: StoredRun, state: State) -> Companion | None:
        """For a run that is taken up again; None for one that answers no question."""
        turn = turn_of(run)
        if turn is None:
            return None
        declared = {name: Typed(type_name(value), value) for name, value in state.conversation().items()}
        given = state.started is not None and "sys.given" in state.started.inputs
        telling = Telling(
            self._database,
            self._turns,
            turn,
            app=app,
            declared=declared,
            given=given,
            moderation=None if given else compiled.moderation,
        )
        for log in sorted((log for logs in state.logs.values() for log in logs), key=lambda log: log.created_at):
            telling.step(log)
        for end in state.finished.values():
            telling.note(end)
        telling.said(state.text)
        return telling

    async def _begin(
        self,
        app: App,
        user: EndUser,
        ask: Ask,
        compiled: Compiled,
        turn: Turn,
        before: _Before,
        declared: Mapping[str, Typed],
    ) -> Begin:
        system: dict[str, Any] = {"query": ask.query, "conversation_id": turn.conversation_id}
        system["dialogue_count"] = before.count + 1
        if ask.history and not ask.conversation_id:
            system["history"] = [
                {"role": role, "content": said}
                for turn in ask.history
                for role, said in (("user", turn.query), ("assistant", turn.answer))
            ]
        if ask.waits:
            system["waits"] = True
        inputs = ask.inputs if app.has_graph else {**before.inputs, **ask.inputs}
        return Begin(
            inputs=await self._files.in_inputs(user, compiled.form, inputs),
            is_lenient=not app.has_graph and ask.source != "service-api",
            files=await self._files.values(user, ask.files),
            source="public" if user.source == "public" else ask.source,
            user=user.external_id,
            end_user_id=user.id,
            account_id=asker().account_id if ask.source == "console" else None,
            task_id=turn.id,
            conversation=declared,
            conversation_id=turn.conversation_id,
            message_id=turn.message_id,
            parent_id=before.parent_id,
            system=system,
        )

    async def _before(self, app: App, user: EndUser, ask: Ask) -> _Before:
        if not ask.conversation_id:
            return _Before()
        async with self._database.read() as connection:
            kept = await queries.conversation(connection, app.id, user.id, ask.conversation_id)
            if kept is None:
                raise NotFound("Conversation Not Exists.", code="conversation_not_exists")
            found = await queries.branch(connection, ask.conversation_id, ask.parent_id or None, limit=1)
            count = await queries.count_messages(connection, ask.conversation_id)
            variables = await values(connection, ask.conversation_id) if app.has_graph else {}
        if ask.parent_id and not found:
            raise NotFound("Message Not Exists.", code="message_not_exists")
        parent = found[-1].id if found and ask.parent_id != "" else None
        return _Before(parent, count, kept.inputs, variables)

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
            "thoughts": none,
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
        conversation = {
            "id": turn.conversation_id,
            **owner,
            "name": Content(_name(ask, str(query))),  # a piece of what was admitted
            "inputs": kept,
            "created_at": turn.created_at,
            "updated_at": turn.created_at,
        }
        rows = [(INSERT_CONVERSATION, [conversation]), *rows]
        variables = await variable_rows(self._database, app, turn.conversation_id, declared)
        return [*rows, (INSERT_VARIABLE, variables)] if variables else rows


def _check(app: App, ask: Ask) -> None:
    """Raises UsageError for what is no question to this app."""
    if not (app.answers or app.mode == "completion"):
        message = f"`{app.name}` is a {app.mode} app, which is not asked questions."
        raise UsageError(message, code="not_chat_app", param="app")
    if not ask.query.strip() and app.mode != "completion":
        raise UsageError("The question is empty.", param="query")
    if len(ask.query) > _MAX_QUERY:
        raise UsageError(f"The question has more than {_MAX_QUERY} characters.", param="query")


def _name(ask: Ask, query: str) -> str:
    """After the question, or after what was filled in where there is none."""
    if not ask.name_conversation:
        return _UNNAMED
    filled = (value for value in ask.inputs.values() if isinstance(value, str) and value.strip())
    return name_after(query if query.strip() else next(filled, ""))
