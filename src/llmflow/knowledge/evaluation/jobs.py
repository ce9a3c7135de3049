"""What the job engine runs for evaluations: every question in every way, for whoever began it.

Questions are asked one after another, each in all ways, so that what else the machine does weighs on all of them alike;
what was found is written about once a second, and a killed process goes on with the next question.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from collections import Counter
from collections.abc import Sequence

from llmflow.access.rights import Rights
from llmflow.errors import InternalError, LLMFlowError, OrganError
from llmflow.gateway.asker import Asker, speak_for
from llmflow.knowledge.bases import Bases
from llmflow.knowledge.changes import Changes
from llmflow.knowledge.evaluation import queries, score
from llmflow.knowledge.evaluation.matching import place
from llmflow.knowledge.evaluation.queries import Plan
from llmflow.knowledge.evaluation.types import Evaluation, Judged, Place
from llmflow.knowledge.retrieve import Retriever
from llmflow.knowledge.rule import kept_rule
from llmflow.ports.jobs import Jobs
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms

KIND = "evaluation"
_WRITE_EVERY_S = 1.0
_TRIES_S = (1.0, 4.0, 15.0)
_SPOILS = "dense_failed"  # a search that went without meaning says nothing of one that has it
_NEVER = "rerank_missing"  # nothing would change at the next question

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Running:
    """A run under way: `done` of `total` questions."""

    id: str
    done: int
    total: int


class EvaluationJobs:
    def __init__(
        self, database: Database, jobs: Jobs, bases: Bases, retriever: Retriever, changes: Changes, rights: Rights
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._bases = bases
        self._retriever = retriever
        self._changes = changes
        self._rights = rights
        self._running: dict[str, Running] = {}  # by base: one run at a time
        self._looking: asyncio.Task[None] | None = None
        jobs.register(KIND, self.run, concurrency=1)

    def start(self) -> None:
        """Goes on with what a dead process began, in the background."""
        self._looking = asyncio.create_task(self._take_up_lost())

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    def running(self, knowledge_id: str) -> Running | None:
        """What is being asked of a base now."""
        return self._running.get(knowledge_id)

    async def run(self, ids: tuple[str, ...]) -> None:
        """The work of one job; see ports/jobs.py."""
        (evaluation_id,) = ids
        await asyncio.create_task(self._run(evaluation_id))  # whom it works for must not stay with the engine's task

    async def _run(self, evaluation_id: str) -> None:
        async with self._database.read() as connection:
            plan = await queries.plan(connection, evaluation_id)
            questions = await queries.questions(connection, evaluation_id) if plan else []
        if plan is None or plan.evaluation.state not in queries.UNDER_WAY:
            return
        knowledge_id = plan.evaluation.knowledge_id
        speak_for(await self._who(plan.evaluation))
        try:
            await self._ask_all(plan, questions)
        except LLMFlowError as error:
            await self._fail(plan, error)
        except Exception as error:  # noqa: BLE001 - the job runner's border: the row has to say that it ended
            _log.exception("A fault of ours while evaluating %s", evaluation_id)
            await self._fail(plan, InternalError(f"{type(error).__name__} while evaluating."))
        finally:
            self._running.pop(knowledge_id, None)
            self._changes.tell(knowledge_id)

    async def _who(self, evaluation: Evaluation) -> Asker:
        """Whoever began the run, with what they may see now."""
        key_id, account_id = evaluation.key_id, evaluation.account_id
        right = await self._rights.of(evaluation.workspace_id, key_id=key_id, account_id=account_id)
        return Asker(
            evaluation.workspace_id,
            key_id=key_id,
            account_id=account_id,
            groups=right.groups,
            sees_all=right.sees_all,
        )

    async def _ask_all(self, plan: Plan, questions: Sequence[Judged]) -> None:
        evaluation = plan.evaluation
        asked = {one.ordinal: dict(one.places) for one in questions if one.places}
        notes = {name: Counter(plan.notes.get(name, {})) for name in plan.rules}
        new: dict[int, dict[str, Place]] = {}
        written_at = time.monotonic()
        for question in questions:
            if question.ordinal in asked:
                continue
            new[question.ordinal] = await self._tried(plan, question, notes)
            asked |= new
            self._running[evaluation.knowledge_id] = Running(evaluation.id, len(asked), evaluation.total)
            self._changes.tell(evaluation.knowledge_id)
            if time.monotonic() - written_at >= _WRITE_EVERY_S:
                if not await self._write(plan, asked, new, notes):
                    return
                new, written_at = {}, time.monotonic()
        await self._write(plan, asked, new, notes, is_over=True)

    async def _tried(self, plan: Plan, question: Judged, notes: dict[str, Counter[str]]) -> dict[str, Place]:
        """The question asked in all ways, several times while an organ does not answer. Raises OrganError."""
        tries = iter(_TRIES_S)
        while True:
            try:
                return await self._ask(plan, question, notes)
            except OrganError as error:
                pause = next(tries, None)
                if pause is None:
                    raise
                _log.warning("An evaluation waits: %s", error)
                await asyncio.sleep(pause)

    async def _ask(self, plan: Plan, question: Judged, notes: dict[str, Counter[str]]) -> dict[str, Place]:
        base = await self._bases.get(plan.evaluation.workspace_id, plan.evaluation.knowledge_id, to_search=True)
        places: dict[str, Place] = {}
        told: list[tuple[str, str]] = []
        for name, rule in plan.rules.items():
            if notes[name][_NEVER]:
                continue
            begun = time.perf_counter()
            searched = await self._retriever.search([base], question.question, kept_rule(rule))
            ms = 1000 * (time.perf_counter() - begun)
            for note in searched.notes:
                if note.code == _SPOILS:
                    raise OrganError(note.text)
                told.append((name, note.code))
            if (name, _NEVER) not in told:
                places[name] = place(question, searched.found, ms)
        for name, code in told:
            notes[name][code] += 1
        return places

    async def _write(
        self,
        plan: Plan,
        asked: dict[int, dict[str, Place]],
        new: dict[int, dict[str, Place]],
        notes: dict[str, Counter[str]],
        *,
        is_over: bool = False,
    ) -> bool:
        """False when the run was stopped or is gone."""
        told = {name: dict(counted) for name, counted in notes.items()}
        measured = score.settings(plan.rules, list(asked.values()), told)
        state, best = ("done", score.best(measured)) if is_over else ("running", "")
        async with self._database.write() as connection:
            await queries.put_places(connection, plan.evaluation.id, new)
            return await queries.change(
                connection,
                plan.evaluation.id,
                state=state,
                done=len(asked),
                settings=measured,
                notes=told,
                best=best,
                updated_at=now_ms(),
            )

    async def _fail(self, plan: Plan, error: LLMFlowError) -> None:
        values = {"error_code": error.code, "error_message": error.message, "error_hint": error.hint}
        async with self._database.write() as connection:
            await queries.change(connection, plan.evaluation.id, state="failed", updated_at=now_ms(), **values)

    async def _take_up_lost(self) -> None:
        """Runs whose job the engine does not know, or which ended without them."""
        while True:
            try:
                async with self._database.read() as connection:
                    rows = await queries.under_way(connection)
                for row in rows:
                    await self._take_up(row.id, row.job_id)
                return
            except OrganError as error:
                _log.warning("Evaluations wait to be taken up: %s", error)
                await asyncio.sleep(_TRIES_S[-1])

    async def _take_up(self, evaluation_id: str, job_id: str) -> None:
        status = await self._jobs.status(job_id)
        if status is not None and status.state in ("queued", "running"):
            return
        if status is not None:
            job_id = new_id()
            async with self._database.write() as connection:
                await queries.change(connection, evaluation_id, job_id=job_id)
        await self._jobs.submit(KIND, [evaluation_id], job_id=job_id)
