"""Search in a knowledge base: by its rule, by another one, and that rule itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from llmflow.access.types import Role
from llmflow.api import auth
from llmflow.knowledge.conditions import Condition, Conditions, Operator
from llmflow.knowledge.rule import SearchRule, kept_rule
from llmflow.knowledge.types import Choices, Compared, Fusion, KnowledgeBase, Mode, Searched

router = APIRouter(tags=["knowledge"])

_NONE_SAYS = ("dense_weight", "threshold")  # null means something there


class Rule(BaseModel):
    """How a search is made; see SearchRule."""

    mode: Mode = "hybrid"
    fusion: Fusion = "weights"
    dense_weight: float | None = Field(None, ge=0, le=1, description="None: as measured for the question's language")
    top_k: int = Field(10, ge=1, le=100)
    threshold: float | None = Field(None, ge=-1, le=1, description="Hits with a lower score are left out")
    rerank: bool = Field(False, description="Ranked anew by the rerank organ")
    multi_query: int = Field(0, ge=0, le=5, description="Further wordings of the question, made by a model")
    auto_merge: bool = Field(False, description="Passages give way to their parent once half of it was found")


class Said(BaseModel):
    """What a document is to say of itself in a field."""

    name: str = Field(max_length=255, description="Of a field of the base, or document_name, uploader and the like")
    operator: Operator
    value: str | float | list[str | float] | None = None


class Where(BaseModel):
    """All of the conditions (`and`) or at least one (`or`)."""

    conditions: list[Said] = Field([], max_length=50)
    operator: Literal["and", "or"] = "and"


class Search(BaseModel):
    """What is left out is as the base keeps it; null too, but for `dense_weight` and `threshold`, where it is none."""

    query: str = Field(max_length=8000)
    mode: Mode | None = None
    fusion: Fusion | None = None
    dense_weight: float | None = Field(None, ge=0, le=1)
    top_k: int | None = Field(None, ge=1, le=100)
    threshold: float | None = Field(None, ge=-1, le=1)
    rerank: bool | None = None
    multi_query: int | None = Field(None, ge=0, le=5)
    auto_merge: bool | None = None
    where: Where | None = Field(None, description="Only documents that say this of themselves")

    def rule(self, base: KnowledgeBase) -> SearchRule:
        given: dict[str, Any] = self.model_dump(exclude_unset=True, exclude={"query", "where"})
        changes = {name: value for name, value in given.items() if value is not None or name in _NONE_SAYS}
        return replace(kept_rule(base.retrieval), **changes)

    def conditions(self) -> Conditions | None:
        if self.where is None or not self.where.conditions:
            return None
        said = (Condition(one.name, one.operator, one.value) for one in self.where.conditions)
        return Conditions(tuple(said), self.where.operator)


@router.post("/knowledge/{base}/compare")
async def compare(base: str, body: Search, request: Request) -> Compared:
    """What a search gives and why: its hits, what it left out, and beside it the passages by meaning, by words, by both
    fused and ranked anew; what each step took."""
    found = await _base(request, base, needs="member")
    retriever = auth.platform_of(request).knowledge.retriever
    return await retriever.compare(found, body.query, body.rule(found), conditions=body.conditions())


@router.post("/knowledge/{base}/search")
async def search(base: str, body: Search, request: Request) -> Searched:
    """The best passages with the scores of each search, by the base's rule with the changes that are given."""
    found = await _base(request, base, needs="member")
    retriever = auth.platform_of(request).knowledge.retriever
    return await retriever.search([found], body.query, body.rule(found), conditions=body.conditions())


@router.get("/knowledge/{base}/retrieval")
async def get_retrieval(base: str, request: Request) -> SearchRule:
    """How the base is searched unless somebody says otherwise."""
    return kept_rule((await _base(request, base)).retrieval)


@router.put("/knowledge/{base}/retrieval")
async def change_retrieval(base: str, body: Rule, request: Request) -> SearchRule:
    """What is left out is as LLMFlow thinks best."""
    found = await _base(request, base)
    rule = SearchRule(**body.model_dump())
    await auth.platform_of(request).knowledge.bases.set_retrieval(found, rule)
    return rule


@router.get("/knowledge/{base}/retrieval/choices")
async def get_choices(base: str, request: Request) -> Choices:
    """What of a rule changes anything here: whether there is a reranker, and passages with parents."""
    return await auth.platform_of(request).knowledge.retriever.choices(await _base(request, base))


async def _base(request: Request, id_or_name: str, *, needs: Role | None = None) -> KnowledgeBase:
    caller = await auth.console_caller(request, needs=needs)
    return await auth.platform_of(request).knowledge.bases.get(caller.workspace_id, id_or_name)
