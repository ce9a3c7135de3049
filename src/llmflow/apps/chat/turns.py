"""Turns: a question being answered by a run; connections only watch its log."""

from __future__ import annotations

from llmflow.apps.log import Log
from llmflow.apps.runs.live import LiveRun
from llmflow.apps.types import Ended, Failed, TurnEvent
from llmflow.errors import LLMFlowError, OrganError
from llmflow.workflow.journal.stored import NewRun


class Turn(Log[TurnEvent]):
    """One question being answered. `id` is Dify's task_id; times are Unix milliseconds. `live`: the run that answers
    it, from its start on. `withheld`: what stands in place of an answer that may not stand."""

    lasts = (Ended, Failed)

    def __init__(
        self,
        id: str,
        *,
        app_id: str,
        end_user_id: str,
        conversation_id: str,
        message_id: str,
        created_at: int,
    ) -> None:
        super().__init__()
        self.id = id
        self.app_id = app_id
        self.end_user_id = end_user_id
        self.conversation_id = conversation_id
        self.message_id = message_id
        self.created_at = created_at
        self.live: LiveRun | None = None
        self.withheld: str | None = None

    async def kept(self) -> None:
        """The question is written, whatever happens from now on. Raises OrganError (disk_full,
        interrupted)."""
        if self.live is not None:
            await self.live.accepted()

    async def finished(self) -> Ended | Failed:
        """Waits for the end."""
        last = await self.ended()
        if isinstance(last, Ended | Failed):
            return last
        return failed(OrganError("LLMFlow is stopping; it goes on with the answer when it starts.", code="interrupted"))


class Turns:
    """The turns that go on in this process."""

    def __init__(self) -> None:
        self._turns: dict[str, tuple[Turn, LiveRun]] = {}

    def __len__(self) -> int:
        return len(self._turns)

    def watch(self, turn: Turn, live: LiveRun) -> None:
        """From now on, until `unwatch`."""
        turn.live = live
        self._turns[turn.id] = (turn, live)

    def unwatch(self, turn: Turn) -> None:
        self._turns.pop(turn.id, None)

    def find(self, turn_id: str) -> Turn | None:
        """The turn while it goes on."""
        found = self._turns.get(turn_id)
        return found[0] if found else None

    def running(self, conversation_id: str) -> dict[str, Turn]:
        """The turns of a conversation that go on, by the message they write."""
        turns = (turn for turn, _ in self._turns.values())
        return {turn.message_id: turn for turn in turns if turn.conversation_id == conversation_id}

    def stop(self, turn_id: str, *, app_id: str, end_user_id: str) -> bool:
        """Ends a turn of this app's user; what was said is kept. False when there is none such (any more)."""
        turn, live = self._turns.get(turn_id, (None, None))
        if turn is None or live is None or (turn.app_id, turn.end_user_id) != (app_id, end_user_id):
            return False
        live.stop()
        return True

    def break_off(self) -> None:
        """The process ends: readers are told that there is no end here."""
        for turn, _ in list(self._turns.values()):
            turn.break_off()
        self._turns.clear()


def turn_of(run: NewRun) -> Turn | None:
    """Of a run that goes on writing a message; None for one that answers no question."""
    if run.conversation_id is None or run.message_id is None:
        return None
    return Turn(
        run.task_id,
        app_id=run.app_id,
        end_user_id=run.end_user_id or "",
        conversation_id=run.conversation_id,
        message_id=run.message_id,
        created_at=run.created_at,
    )


def failed(error: LLMFlowError, *, status: int | None = None) -> Failed:
    return Failed(code=error.code, message=error.message, hint=error.hint, status=status or error.status)
