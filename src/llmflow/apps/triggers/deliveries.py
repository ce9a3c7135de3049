"""What came to triggers: noted with the run it started, or with why it was refused, and forgotten after a while."""

from __future__ import annotations

from dataclasses import dataclass

from llmflow.apps.runs.live import LiveRun
from llmflow.apps.triggers import queries
from llmflow.apps.triggers.types import Answered, Delivery, Trigger
from llmflow.errors import LLMFlowError
from llmflow.store.batch import Batch
from llmflow.store.content import Scope
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms
from llmflow.workflow.events import Event, Last

_DAY_MS = 86_400_000


class Deliveries:
    def __init__(self, database: Database, *, keep_days: int) -> None:
        self._database = database
        self._keep_ms = keep_days * _DAY_MS

    async def newest(self, trigger: Trigger, limit: int) -> list[Delivery]:
        async with self._database.read() as connection:
            return await queries.newest_deliveries(connection, trigger.id, limit=limit)

    async def answered(self, trigger: Trigger, key: str) -> Answered | None:
        """What was answered to this key before."""
        async with self._database.read() as connection:
            return await queries.answered(connection, trigger.id, key)

    def of_run(self, trigger: Trigger, key: str | None, run_id: str, answer: Answered) -> NotedDelivery:
        """To go with the run that is started: noted in the same transaction."""
        return NotedDelivery(self._database, trigger, key, run_id, answer, new_id(), now_ms())

    async def refused(self, trigger: Trigger, error: LLMFlowError) -> None:
        async with self._database.write() as connection:
            await queries.insert_delivery(
                connection,
                id=new_id(),
                workspace_id=trigger.workspace_id,
                app_id=trigger.app_id,
                trigger_id=trigger.id,
                status=error.status,
                error_code=error.code,
                created_at=now_ms(),
            )

    async def forget_old(self) -> None:
        async with self._database.write() as connection:
            await queries.delete_old_deliveries(connection, now_ms() - self._keep_ms)


@dataclass(slots=True)
class NotedDelivery:
    """The companion of a run that a trigger starts."""

    database: Database
    trigger: Trigger
    key: str | None
    run_id: str
    answer: Answered
    id: str
    created_at: int
    live: LiveRun | None = None

    def begun(self, live: LiveRun) -> None:
        self.live = live

    def hear(self, event: Event) -> None: ...

    async def also(self, is_first: bool, last: Last | None) -> Batch:
        """With the first that is written of the run. Where that is its end because the journal took nothing before, the
        caller was refused: the call is noted as such, and may come again."""
        if not is_first:
            return ()
        fault = self.live.fault if self.live else None
        body = "" if fault else self.answer.body.decode()
        answer = await self.database.boundary.admit_one(Scope("run", self.run_id), body) if body else None
        row = {
            "id": self.id,
            "workspace_id": self.trigger.workspace_id,
            "app_id": self.trigger.app_id,
            "trigger_id": self.trigger.id,
            "key": None if fault else self.key,
            "status": fault.status if fault else self.answer.status,
            "answer": answer,
            "error_code": fault.code if fault else "",
            "run_id": self.run_id,
            "created_at": self.created_at,
        }
        return [(queries.INSERT_DELIVERY, [row])]
