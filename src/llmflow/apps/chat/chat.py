"""Chat: a question is kept, answered in a turn of its own, and its answer is kept before the turn ends.

One door for every surface: the app's mode decides who answers, its answerer or a run of its workflow."""

from __future__ import annotations

from functools import partial
from typing import Any

from llmflow.apps.annotations.reciting import Reciting
from llmflow.apps.answers.answer import Answerer
from llmflow.apps.answers.prompt import Earlier, Question
from llmflow.apps.chat import file_queries, queries
from llmflow.apps.chat.ask import Ask
from llmflow.apps.chat.attachments import Attachments
from llmflow.apps.chat.conversations import name_after
from llmflow.apps.chat.doors import Doors
from llmflow.apps.chat.flow_chat import FlowChat
from llmflow.apps.chat.queries import as_json
from llmflow.apps.chat.turns import Turn, Turns
from llmflow.apps.chat.writing import Writing
from llmflow.apps.types import App, ChatMessage, EndUser
from llmflow.errors import CODES, NotFound, UsageError
from llmflow.knowledge.language import language_of
from llmflow.store.content import Content, Scope
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms

_MAX_QUERY = 100_000  # characters


class Chat:
    """`history_messages`: earlier messages given to the model at most. `flows`: answers for apps with a graph;
    `reciting`: answers that annotations give before anything is asked."""

    def __init__(
        self,
        database: Database,
        answerer: Answerer,
        attachments: Attachments,
        turns: Turns,
        flows: FlowChat,
        reciting: Reciting,
        doors: Doors,
        *,
        history_messages: int,
    ) -> None:
        self._database = database
        self._answerer = answerer
        self._attachments = attachments
        self._flows = flows
        self._reciting = reciting
        self._doors = doors
        self._turns = turns
        self._history_turns = history_messages // 2

    async def recover(self) -> int:
        """Marks answers that a dead process left unfinished; call at start. How many."""
        async with self._database.write() as connection:
            return await queries.mark_crashed(connection, now_ms(), f"interrupted: {CODES['interrupted']}")

    async def ask(self, app: App, user: EndUser, ask: Ask) -> Turn:
        """Keeps the question and starts its turn. Raises UsageError, TooMany, Unsupported (model_blind) and NotFound
        (conversation_not_exists, message_not_exists, not_published)."""
        if not app.answers:
            message = (
                f"`{app.name}` is a {app.mode} app; this version answers questions in chat apps and chatflows only."
            )
            raise UsageError(message, code="not_chat_app")
        if not ask.query.strip():
            raise UsageError("The question is empty.", param="query")
        if len(ask.query) > _MAX_QUERY:
            raise UsageError(f"The question has more than {_MAX_QUERY} characters.", param="query")
        if app.mode == "workflow":
            raise UsageError(f"`{app.name}` is a workflow; it is run, not asked.", code="not_chat_app", param="app")
        with self._doors.enter(ask.conversation_id):
            recited = await self._reciting.turn(app, user, ask)
            if recited is not None:
                return recited
            if app.has_graph:
                return await self._flows.ask(app, user, ask)
            return await self._begun(app, user, ask)

    async def _begun(self, app: App, user: EndUser, ask: Ask) -> Turn:
        """A turn that the answerer writes."""
        place = self._turns.reserve()
        try:
            if ask.files:
                await self._attachments.check(app, user, ask.files)
            turn, question, files = await self._kept(app, user, ask)
        except BaseException:
            place.release()
            raise
        attached = partial(self._attachments.of, app, user, files) if files else None
        writing = Writing(self._database, self._answerer, app, question, waits=ask.waits, attached=attached)
        place.start(turn, writing.run)
        return turn

    def stop(self, task_id: str, user: EndUser) -> bool:
        """Ends the user's turn; what was said is kept. False when it is unknown or over."""
        return self._turns.stop(task_id, app_id=user.app_id, end_user_id=user.id)

    async def _kept(self, app: App, user: EndUser, ask: Ask) -> tuple[Turn, Question, list[dict[str, Any]]]:
        """The turn, the question, and the files of it and of those before it, the newest first."""
        conversation_id = ask.conversation_id or new_id()
        scope = Scope("conversation", conversation_id)
        inputs = as_json(dict(ask.inputs))
        query, kept_inputs, empty, none = await self._database.boundary.admit(scope, [ask.query, inputs, "", "[]"])
        history = list(ask.history)
        files = list(ask.files)
        parent_id: str | None = None
        if ask.conversation_id:
            earlier = await self._before(app, user, ask)
            parent_id = earlier[-1].id if earlier else None
            files += [file for message in reversed(earlier) for file in message.files]
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
            sent = [str(item["upload_file_id"]) for item in ask.files if "upload_file_id" in item]
            uses = file_queries.uses(app.workspace_id, app.id, sent, turn.message_id)
            await file_queries.insert_uses(connection, uses)
        question = Question(
            str(query),
            app.config.language or language_of(query),
            instruction=app.config.instruction,
            inputs=ask.inputs,
            history=history[-self._history_turns :] if self._history_turns else [],
            is_public=user.source == "public",
        )
        return turn, question, files

    async def _before(self, app: App, user: EndUser, ask: Ask) -> list[ChatMessage]:
        """What the question follows, oldest first."""
        conversation_id = ask.conversation_id or ""
        async with self._database.read() as connection:
            if await queries.conversation(connection, app.id, user.id, conversation_id) is None:
                raise NotFound("Conversation Not Exists.", code="conversation_not_exists")
            if ask.parent_id == "":
                return []
            limit = max(1, self._history_turns)
            found = await queries.branch(connection, conversation_id, ask.parent_id, limit=limit)
        if ask.parent_id and not found:
            raise NotFound("Message Not Exists.", code="message_not_exists")
        return found
