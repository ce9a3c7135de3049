"""Evaluations of a base's search: what people begin, look at, stop and delete. `jobs` does the work."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from llmflow.errors import Conflict, NotFound, UsageError
from llmflow.gateway.asker import asker
from llmflow.knowledge.changes import Changes
from llmflow.knowledge.evaluation import expected, queries
from llmflow.knowledge.evaluation.jobs import KIND
from llmflow.knowledge.evaluation.questions import MOST, check, read
from llmflow.knowledge.evaluation.types import Asked, Evaluation, Judged, Problem, Read
from llmflow.knowledge.rule import SearchRule, checked, kept_rule
from llmflow.knowledge.types import KnowledgeBase
from llmflow.ports.jobs import Jobs
from llmflow.store.content import Scope
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms

DEPTH = 30  # passages looked at: documents have several, and a reranker is given no more in a search of ten
_PLAIN: dict[str, SearchRule] = {
    "dense": SearchRule(mode="dense", top_k=DEPTH),
    "keyword": SearchRule(mode="keyword", top_k=DEPTH),
    "hybrid": SearchRule(mode="hybrid", top_k=DEPTH),
    "rerank": SearchRule(mode="hybrid", top_k=DEPTH, rerank=True),
}
_KEPT = 50  # runs of a base; the oldest go
_TOLD = 5  # problems in an error's message


class Evaluations:
    def __init__(self, database: Database, jobs: Jobs, changes: Changes) -> None:
        """`jobs`: where `EvaluationJobs` has registered."""
        self._database = database
        self._jobs = jobs
        self._changes = changes

    async def read(self, base: KnowledgeBase, content: bytes) -> Read:
        """The questions of a file and what is wrong with its other lines, also with regard to the base's documents.
        Nothing is kept."""
        found = await asyncio.to_thread(read, content)
        async with self._database.read() as connection:
            _, unknown = await expected.resolved(connection, base, found.questions)
        at_fault = {problem.line for problem in unknown}
        good = [one for one in found.questions if one.line not in at_fault]
        return Read(good, sorted(found.problems + unknown, key=lambda problem: problem.line))

    async def begin(
        self,
        base: KnowledgeBase,
        name: str,
        asked: Sequence[Asked],
        *,
        leave_out: bool = False,
        trial: SearchRule | None = None,
    ) -> Evaluation:
        """Asks all questions from now on, as whoever calls this. `trial`: a further rule to measure.

        Raises UsageError (questions_invalid) for questions that cannot be asked, unless `leave_out` says to go on
        without them, and Conflict for a base that holds nothing here."""
        if base.is_external or not base.embedding_model:
            raise Conflict(f"`{base.name}` holds no passages here that could be searched in several ways.")
        if len(asked) > MOST:
            raise UsageError(f"At most {MOST:,} questions are asked at once.", code="questions_invalid")
        problems = [problem for one in asked if (problem := check(one))]
        at_fault = {problem.line for problem in problems}
        async with self._database.read() as connection:
            good = [one for one in asked if one.line not in at_fault]
            questions, unknown = await expected.resolved(connection, base, good)
            about = await self._about(connection, base)
        problems += unknown
        if problems and not leave_out:
            raise _invalid(problems)
        if not questions:
            raise UsageError("There is no question that could be asked.", code="questions_invalid")
        return await self._enter(base, name, questions, len(problems), about, _rules(base, trial))

    async def again(self, base: KnowledgeBase, evaluation_id: str, *, trial: SearchRule | None = None) -> Evaluation:
        """A new run of the questions of an earlier one; those whose documents are gone are left out. Raises what
        `begin` and `get` raise."""
        earlier = await self.get(base, evaluation_id)
        async with self._database.read() as connection:
            found = await queries.questions(connection, evaluation_id)
        asked = [
            Asked(one.question, tuple(document.id for document in one.expected), one.passage, one.ordinal + 1)
            for one in found
        ]
        return await self.begin(base, earlier.name, asked, leave_out=True, trial=trial)

    async def all(self, base: KnowledgeBase) -> list[Evaluation]:
        """The newest first."""
        async with self._database.read() as connection:
            return await queries.of_base(connection, base.id)

    async def get(self, base: KnowledgeBase, evaluation_id: str) -> Evaluation:
        """Raises NotFound."""
        async with self._database.read() as connection:
            found = await queries.find(connection, evaluation_id)
        if found is None or found.knowledge_id != base.id:
            raise NotFound(f"There is no evaluation {evaluation_id}.", param="evaluation")
        return found

    async def questions(self, base: KnowledgeBase, evaluation_id: str) -> tuple[list[Judged], int]:
        """The hardest first: those that the settings found worst on average. How many more there are whose documents
        whoever asks may not see, or which are gone. Raises NotFound."""
        await self.get(base, evaluation_id)
        async with self._database.read() as connection:
            found = await queries.questions(connection, evaluation_id)
            ids = {document.id for one in found for document in one.expected}
            seen = await expected.visible(connection, base, ids)
        shown = [one for one in found if all(document.id in seen for document in one.expected)]
        return sorted(shown, key=_ease), len(found) - len(shown)

    async def stop(self, base: KnowledgeBase, evaluation_id: str) -> Evaluation:
        """What was asked so far is kept; one that is over stays as it is. Raises NotFound."""
        found = await self.get(base, evaluation_id)
        async with self._database.write() as connection:
            await queries.change(connection, evaluation_id, state="stopped", updated_at=now_ms())
        await self._jobs.cancel(found.job_id)
        self._changes.tell(base.id)
        return await self.get(base, evaluation_id)

    async def delete(self, base: KnowledgeBase, evaluation_id: str) -> None:
        """Raises NotFound."""
        found = await self.stop(base, evaluation_id)
        async with self._database.write() as connection:
            await queries.delete(connection, ids=[found.id])
        self._changes.tell(base.id)

    async def _enter(
        self,
        base: KnowledgeBase,
        name: str,
        questions: Sequence[Judged],
        left_out: int,
        about: Mapping[str, Any],
        rules: Mapping[str, SearchRule],
    ) -> Evaluation:
        who, now = asker(), now_ms()
        evaluation = Evaluation(
            id=new_id(),
            workspace_id=base.workspace_id,
            knowledge_id=base.id,
            name=name.strip()[:200],
            state="queued",
            job_id=new_id(),
            total=len(questions),
            done=0,
            left_out=left_out,
            digest=_digest(questions),
            about=dict(about),
            settings=[],
            best="",
            error_code="",
            error_message="",
            error_hint="",
            key_id=who.key_id,
            account_id=who.account_id,
            created_at=now,
            updated_at=now,
        )
        admit, scope = self._database.boundary.admit, Scope("knowledge", base.id)
        texts = await admit(scope, [one.question for one in questions])
        passages = await admit(scope, [one.passage for one in questions])
        kept = {name: dataclasses.asdict(rule) for name, rule in rules.items()}
        async with self._database.write() as connection:
            await queries.insert(connection, evaluation, questions, texts, passages, rules=kept)
            over = [one.id for one in await queries.of_base(connection, base.id) if one.state not in queries.UNDER_WAY]
            await queries.delete(connection, ids=over[_KEPT - 1 :])
        await self._jobs.submit(KIND, [evaluation.id], job_id=evaluation.job_id)
        self._changes.tell(base.id)
        return evaluation

    async def _about(self, connection: AsyncConnection, base: KnowledgeBase) -> dict[str, Any]:
        documents, passages = await queries.size_of_base(connection, base.id)
        return {
            "embedding_model": base.embedding_model,
            "documents": documents,
            "passages": passages,
            "chunking": base.chunking,
        }


def would_be(base: KnowledgeBase, measured: Mapping[str, Any]) -> SearchRule:
    """The base's rule after a measured one is taken: that one, but as many passages as before, and the threshold as
    before where scores keep their meaning; else none."""
    now, rule = kept_rule(base.retrieval), kept_rule(measured)
    same_scores = (now.mode, now.fusion, now.rerank) == (rule.mode, rule.fusion, rule.rerank)
    return dataclasses.replace(rule, top_k=now.top_k, threshold=now.threshold if same_scores else None)


def _rules(base: KnowledgeBase, trial: SearchRule | None) -> dict[str, SearchRule]:
    """What to measure: the plain ways, the base's own where it is none of them, and the one on trial."""
    rules = dict(_PLAIN)
    own = dataclasses.replace(kept_rule(base.retrieval), top_k=DEPTH, threshold=None)
    if own not in rules.values():
        rules["now"] = own
    if trial is not None:
        tried = dataclasses.replace(checked(trial), top_k=DEPTH, threshold=None)
        if tried not in rules.values():
            rules["trial"] = tried
    return rules


def _invalid(problems: Sequence[Problem]) -> UsageError:
    told = "; ".join(f"line {one.line}: {one.text}" for one in problems[:_TOLD])
    more = f"; and {len(problems) - _TOLD} more" if len(problems) > _TOLD else ""
    return UsageError(f"{len(problems)} questions cannot be asked: {told}{more}", code="questions_invalid")


def _digest(questions: Sequence[Judged]) -> str:
    """The same for the same questions about the same documents."""
    said = [(one.question, sorted(document.id for document in one.expected), one.passage) for one in questions]
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()


def _ease(question: Judged) -> tuple[float, int]:
    found = question.places.values()
    return (sum(place.ndcg for place in found) / len(found) if found else 2.0, question.ordinal)
