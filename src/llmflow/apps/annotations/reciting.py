"""A question answered by an annotation: before any model is asked, and kept like every other answer."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from llmflow.apps.annotations import queries
from llmflow.apps.annotations.near import Nearness
from llmflow.apps.annotations.types import Near
from llmflow.apps.chat import file_queries
from llmflow.apps.chat import queries as chat_queries
from llmflow.apps.chat.ask import Ask
from llmflow.apps.chat.conversations import name_after
from llmflow.apps.chat.queries import as_json
from llmflow.apps.chat.telling import INSERT_CONVERSATION, INSERT_MESSAGE, UPDATE_CONVERSATION
from llmflow.apps.chat.turns import Turn
from llmflow.apps.chat.variables import INSERT_VARIABLE, variable_rows
from llmflow.apps.designs.plans import Plans
from llmflow.apps.types import Answer, App, Ended, EndUser, TextDelta, Usage
from llmflow.errors import LLMFlowError, NotFound
from llmflow.store.batch import Prepared, Row
from llmflow.store.content import Content, Scope
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms

_log = logging.getLogger(__name__)


class Reciting:
    def __init__(self, database: Database, plans: Plans, near: Nearness) -> None:
        self._database = database
        self._plans = plans
        self._near = near

    async def turn(self, app: App, user: EndUser, ask: Ask) -> Turn | None:
        """The turn, over already; None where no annotation is near enough, or where none can be looked for. Raises
        NotFound (conversation_not_exists, message_not_exists)."""
        try:
            near = await self._near.nearest(app.id, ask.query)
        except LLMFlowError as error:  # the question is answered all the same
            _log.warning("Annotations of %s were not looked at: %s", app.id, error)
            return None
        return None if near is None else await self._recite(app, user, ask, near)

    async def _recite(self, app: App, user: EndUser, ask: Ask, near: Near) -> Turn:
        started = now_ms()
        parent_id = await self._parent(app, user, ask) if ask.conversation_id else None
        turn = Turn(
            new_id(),
            app_id=app.id,
            end_user_id=user.id,
            conversation_id=ask.conversation_id or new_id(),
            message_id=new_id(),
            created_at=started,
        )
        text = near.annotation.answer
        await self._database.apply(await self._rows(app, ask, turn, parent_id, text))
        sent = [str(item["upload_file_id"]) for item in ask.files if "upload_file_id" in item]
        async with self._database.write() as connection:
            uses = file_queries.uses(app.workspace_id, app.id, sent, turn.message_id)
            await file_queries.insert_uses(connection, uses)
            await queries.note_hit(
                connection,
                near.annotation.id,
                message_id=turn.message_id,
                workspace_id=app.workspace_id,
                app_id=app.id,
                conversation_id=turn.conversation_id,
                score=near.score,
                created_at=started,
            )
        elapsed = now_ms() - started
        turn.append(TextDelta(text))
        turn.append(Ended(Answer(text, "annotated", annotation_id=near.annotation.id), Usage(0, 0, elapsed, elapsed)))
        return turn

    async def _parent(self, app: App, user: EndUser, ask: Ask) -> str | None:
        """The message it follows."""
        conversation_id = ask.conversation_id or ""
        async with self._database.read() as connection:
            if await chat_queries.conversation(connection, app.id, user.id, conversation_id) is None:
                raise NotFound("Conversation Not Exists.", code="conversation_not_exists")
            if ask.parent_id == "":
                return None
            found = await chat_queries.branch(connection, conversation_id, ask.parent_id, limit=1)
        if ask.parent_id and not found:
            raise NotFound("Message Not Exists.", code="message_not_exists")
        return found[-1].id if found else None

    async def _rows(
        self, app: App, ask: Ask, turn: Turn, parent_id: str | None, text: str
    ) -> list[tuple[Prepared, Sequence[Row]]]:
        """The question with its answer and, of a new conversation, the conversation and its variables."""
        scope = Scope("conversation", turn.conversation_id)
        words = [ask.query, text, as_json(dict(ask.inputs)), "[]"]
        query, answer, inputs, none = await self._database.boundary.admit(scope, words)
        owner = {"workspace_id": app.workspace_id, "app_id": app.id, "end_user_id": turn.end_user_id}
        elapsed = now_ms() - turn.created_at
        message = {
            "id": turn.message_id,
            **owner,
            "conversation_id": turn.conversation_id,
            "parent_id": parent_id,
            "query": query,
            "answer": answer,
            "inputs": inputs,
            "citations": none,
            "thoughts": none,
            "files": list(ask.files),
            "status": "normal",
            "error": "",
            "kind": "annotated",
            "model": "",
            "prompt_tokens": 0,
            "completion_tokens": 0,
            "first_token_ms": elapsed,
            "elapsed_ms": elapsed,
            "created_at": turn.created_at,
            "workflow_run_id": None,
        }
        if ask.conversation_id:
            known = {"key": turn.conversation_id, "updated_at": turn.created_at}
            return [(INSERT_MESSAGE, [message]), (UPDATE_CONVERSATION, [known])]
        conversation = {
            "id": turn.conversation_id,
            **owner,
            "name": Content(name_after(query) if ask.name_conversation else "New conversation"),
            "inputs": inputs,
            "created_at": turn.created_at,
            "updated_at": turn.created_at,
        }
        rows: list[tuple[Prepared, Sequence[Row]]] = [
            (INSERT_CONVERSATION, [conversation]),
            (INSERT_MESSAGE, [message]),
        ]
        if app.has_graph:
            compiled = await self._plans.wanted(app, ask.version_id)
            declared = await variable_rows(self._database, app, turn.conversation_id, compiled.conversation)
            rows += [(INSERT_VARIABLE, declared)] if declared else []
        return rows
