"""Forms inside of the conversation that waits for them: what its user may see of them, and answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmflow.apps.chat.conversations import Conversations
from llmflow.apps.forms.forms import Forms
from llmflow.apps.forms.types import HumanForm, State
from llmflow.apps.types import ChatMessage, EndUser
from llmflow.errors import NotFound


@dataclass(frozen=True, slots=True)
class ShownForm:
    """`may_answer`: the reader may see and answer it; of one for others only the title and what became of it is told.
    `content`: Markdown, with {{#$output.NAME#}} where a field belongs; of an answered form with what was said.
    `action`: the button that was pressed, "" for none. `expires_at`: Unix milliseconds."""

    id: str
    title: str
    state: State
    may_answer: bool
    content: str
    inputs: list[dict[str, Any]]
    actions: list[dict[str, Any]]
    defaults: dict[str, Any]
    action: str
    expires_at: int


class FormsInChat:
    def __init__(self, forms: Forms, conversations: Conversations) -> None:
        self._forms = forms
        self._conversations = conversations

    async def shown(
        self, messages: Sequence[ChatMessage], *, account_id: str | None = None, sees_all: bool = False
    ) -> Mapping[str, list[ShownForm]]:
        """By message. `account_id`: the reader's; `sees_all`: one who may answer every form."""
        asked = await self._forms.of_runs([one.workflow_run_id for one in messages if one.workflow_run_id])
        others = [form for forms in asked.values() for form in forms if not form.asked.in_app]
        told = await self._forms.told(others, account_id) if account_id and not sees_all else set()
        return {
            message.id: [
                self._shown(form, sees_all or form.asked.in_app or form.id in told)
                for form in asked[message.workflow_run_id]
            ]
            for message in messages
            if message.workflow_run_id in asked
        }

    async def find(
        self,
        user: EndUser,
        message_id: str,
        form_id: str,
        *,
        account_id: str | None = None,
        sees_all: bool = False,
    ) -> HumanForm:
        """A form that the message's user may answer. Raises NotFound (message_not_exists, form_not_found)."""
        message = await self._conversations.message(user, message_id)
        form = await self._forms.get(user.workspace_id, form_id)
        is_told = bool(account_id) and form.id in await self._forms.told([form], account_id or "")
        if form.run_id != message.workflow_run_id or not (form.asked.in_app or sees_all or is_told):
            raise NotFound("Form not found", code="form_not_found")
        return form

    def _shown(self, form: HumanForm, may_answer: bool) -> ShownForm:
        asked, reply = form.asked, form.reply
        content = reply.content if reply else asked.content
        return ShownForm(
            id=form.id,
            title=asked.title,
            state=self._forms.state(form),
            may_answer=may_answer,
            content=content if may_answer else "",
            inputs=asked.inputs if may_answer else [],
            actions=asked.actions if may_answer else [],
            defaults=asked.defaults if may_answer else {},
            action=(reply.action_text or reply.action_id) if reply and may_answer else "",
            expires_at=form.expires_at,
        )
