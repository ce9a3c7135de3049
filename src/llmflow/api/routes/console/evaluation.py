"""Which way of searching finds what it should: questions with their documents, asked of a base in every way."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from llmflow.api import auth
from llmflow.api.routes.console.retrieval import Rule
from llmflow.errors import UsageError
from llmflow.knowledge.evaluation.evaluations import would_be
from llmflow.knowledge.evaluation.types import Asked, Evaluation, Judged, Read
from llmflow.knowledge.rule import SearchRule
from llmflow.knowledge.types import KnowledgeBase

router = APIRouter(tags=["evaluation"])


class GivenQuestion(BaseModel):
    question: str = Field(max_length=8000)
    documents: list[str] = Field(description="Names or ids of the documents that answer it", max_length=1000)
    passage: str = Field("", max_length=100_000, description="What stands there; then passages are ranked")
    line: int = Field(0, ge=0, description="Where it stands in its file, for what is told of it")


class NewEvaluation(BaseModel):
    """Questions, or those of an earlier run."""

    name: str = Field("", max_length=200, description="Of the file, or any")
    questions: list[GivenQuestion] = Field([], max_length=5000)
    again: str = Field("", max_length=36, description="The id of a run whose questions are asked anew")
    leave_out: bool = Field(False, description="Go on without questions that cannot be asked")
    trial: Rule | None = Field(None, description="A further rule to measure beside the usual ones")


@dataclass(frozen=True, slots=True)
class EvaluationShown:
    """`would_be`: the base's rule after one of the settings is taken, by its name; PUT .../retrieval takes it."""

    evaluation: Evaluation
    now: SearchRule
    would_be: dict[str, SearchRule]


@dataclass(frozen=True, slots=True)
class QuestionPage:
    """`hidden`: further questions whose documents the caller may not see, or which are gone."""

    questions: list[Judged]
    total: int
    hidden: int


@router.post("/knowledge/{base}/questions")
async def read_questions(base: str, request: Request) -> Read:
    """The request's body is a CSV or JSON Lines file of questions. What of it can be asked, and what is wrong with the
    other lines; nothing is kept."""
    found = await _base(request, base)
    return await auth.platform_of(request).knowledge.evaluations.read(found, await request.body())


@router.post("/knowledge/{base}/evaluations", status_code=202)
async def begin_evaluation(base: str, body: NewEvaluation, request: Request) -> Evaluation:
    """Asks every question by meaning, by words, by both and by both ranked anew, as whoever calls this."""
    found = await _base(request, base)
    evaluations = auth.platform_of(request).knowledge.evaluations
    trial = None if body.trial is None else SearchRule(**body.trial.model_dump())
    if body.again and body.questions:
        raise UsageError("Give questions, or a run whose questions are asked again, not both.", param="again")
    if body.again:
        return await evaluations.again(found, body.again, trial=trial)
    asked = [
        Asked(one.question.strip(), tuple(one.documents), one.passage.strip(), one.line or number)
        for number, one in enumerate(body.questions, 1)
    ]
    return await evaluations.begin(found, body.name, asked, leave_out=body.leave_out, trial=trial)


@router.get("/knowledge/{base}/evaluations")
async def list_evaluations(base: str, request: Request) -> list[Evaluation]:
    """The newest first."""
    return await auth.platform_of(request).knowledge.evaluations.all(await _base(request, base))


@router.get("/knowledge/{base}/evaluations/{evaluation}")
async def get_evaluation(base: str, evaluation: str, request: Request) -> EvaluationShown:
    """What was measured so far, and what taking each setting would make of the base's rule."""
    found = await _base(request, base)
    shown = await auth.platform_of(request).knowledge.evaluations.get(found, evaluation)
    rules = {one.name: would_be(found, one.rule) for one in shown.settings}
    return EvaluationShown(shown, would_be(found, found.retrieval), rules)


@router.get("/knowledge/{base}/evaluations/{evaluation}/questions")
async def list_questions(
    base: str,
    evaluation: str,
    request: Request,
    offset: int = Query(0, ge=0),
    limit: int = Query(50, ge=1, le=1000),
) -> QuestionPage:
    """The hardest first, with what each setting found: where the first right one stood."""
    found = await _base(request, base)
    questions, hidden = await auth.platform_of(request).knowledge.evaluations.questions(found, evaluation)
    return QuestionPage(questions[offset : offset + limit], len(questions), hidden)


@router.post("/knowledge/{base}/evaluations/{evaluation}/stop")
async def stop_evaluation(base: str, evaluation: str, request: Request) -> Evaluation:
    """What was asked so far is kept."""
    return await auth.platform_of(request).knowledge.evaluations.stop(await _base(request, base), evaluation)


@router.delete("/knowledge/{base}/evaluations/{evaluation}", status_code=204)
async def delete_evaluation(base: str, evaluation: str, request: Request) -> None:
    await auth.platform_of(request).knowledge.evaluations.delete(await _base(request, base), evaluation)


async def _base(request: Request, id_or_name: str) -> KnowledgeBase:
    caller = await auth.console_caller(request, needs="editor")
    return await auth.platform_of(request).knowledge.bases.get(caller.workspace_id, id_or_name)
