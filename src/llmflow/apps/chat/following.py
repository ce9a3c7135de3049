"""An answer as whoever opens it finds it: being written, or over, or about to be gone on with after a restart."""

from __future__ import annotations

from llmflow.apps.chat.conversations import Conversations
from llmflow.apps.chat.turns import Turn, Turns
from llmflow.apps.runs.reruns import Reruns
from llmflow.apps.runs.runs import Runs
from llmflow.apps.types import ChatMessage, EndUser


class Following:
    def __init__(self, conversations: Conversations, turns: Turns, runs: Runs, reruns: Reruns) -> None:
        self._conversations = conversations
        self._turns = turns
        self._runs = runs
        self._reruns = reruns

    async def find(self, user: EndUser, message_id: str, *, through_pause: bool = False) -> Turn | ChatMessage:
        """The turn that writes the message, or the message as it was left. One that a dead process left is waited
        for until this one takes it up; where it does not, the message says that it is running. `through_pause`: one
        that waits for a person is waited for, too. Raises NotFound (message_not_exists)."""
        while True:
            message = await self._conversations.message(user, message_id)
            run_id = message.workflow_run_id or ""
            woken = self._runs.waker(run_id)  # before looking, so that nothing slips through between
            if (turn := self._turns.running(message.conversation_id).get(message_id)) is not None:
                return turn
            message = await self._conversations.message(user, message_id)  # it may have ended just now
            is_open = self._reruns.may_take_up(run_id) if message.status == "running" else message.status == "paused"
            if not is_open or (message.status == "paused" and not through_pause):
                return message
            await woken.wait()
