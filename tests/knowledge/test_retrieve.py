"""A search by a rule: thresholds, reranking, further wordings, parents, and a base's own defaults."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from llmflow.errors import OrganError, UsageError
from llmflow.gateway.gateway import Gateway
from llmflow.knowledge import passage_queries
from llmflow.knowledge.models import EmbeddingModels
from llmflow.knowledge.retrieve import Retriever
from llmflow.knowledge.rule import SearchRule, kept_rule
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.organs.rerank.none import NoRerank
from llmflow.ports.llm import ModelInfo
from llmflow.ports.rerank import Rerank
from llmflow.ports.vector_store import Hit
from llmflow.store.content import Scope
from llmflow.store.tables import chunks
from tests.knowledge.conftest import Room

LEAVE = "연차 휴가는 15일입니다."
TRIP = "출장비는 하루 5만원입니다."
MEAL = "야근 식대는 한 끼에 만원입니다."


class BrokenRerank(NoRerank):
    async def model(self) -> str:
        return "broken"

    async def rerank(self, *_: object, **__: object) -> list[object]:  # type: ignore[override]
        raise OrganError("The reranker is away.")


class EnglishOnly(ScriptedLlm):
    async def models(self) -> list[ModelInfo]:
        return [ModelInfo(id="small", languages=("en",))]


async def filled(room: Room, *texts: str) -> None:
    accepted = await room.add("규정.txt", "\n\n".join(texts or (LEAVE, TRIP, MEAL)))
    await room.settled(accepted.document.id)


def retriever_of(room: Room, *, llm: ScriptedLlm | None = None, rerank: Rerank | None = None) -> Retriever:
    gateway = Gateway({"default": llm or ScriptedLlm()}, room.embedding, rerank)
    return Retriever(room.database, EmbeddingModels(room.embedding), room.vectors, gateway)


async def test_a_reranker_decides_the_order_and_its_score_is_kept(room: Room) -> None:
    await filled(room)
    hits = await room.found("하루 5만원입니다", rerank=True)
    assert hits[0].text == TRIP
    assert hits[0].score == hits[0].scores.rerank
    assert hits[0].scores.keyword is not None
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


@pytest.mark.parametrize(("rerank", "code"), [(NoRerank(), "rerank_missing"), (BrokenRerank(), "rerank_failed")])
async def test_a_reranker_that_is_not_there_costs_its_step_alone_and_is_told(
    room: Room, rerank: Rerank, code: str
) -> None:
    await filled(room)
    searched = await retriever_of(room, rerank=rerank).search([await room.refreshed()], "연차", SearchRule(rerank=True))
    assert searched.found[0].text == LEAVE
    assert searched.found[0].scores.rerank is None
    assert [note.code for note in searched.notes] == [code]


async def test_hits_below_the_threshold_are_left_out(room: Room) -> None:
    await filled(room)
    every = await room.found("연차 휴가", mode="dense")
    some = await room.found("연차 휴가", mode="dense", threshold=every[1].score)
    assert some == every[:2]
    assert await room.found("연차 휴가", mode="dense", threshold=1.0) == []
    assert all(hit.score >= 0.5 for hit in await room.found("연차 휴가", threshold=0.5))


async def test_a_threshold_is_held_against_the_rerankers_score(room: Room) -> None:
    await filled(room)
    hits = await room.found("하루 5만원입니다", mode="keyword", rerank=True, threshold=0.9)
    assert [hit.text for hit in hits] == [TRIP]


async def test_words_alone_have_no_scale_for_a_threshold_and_the_search_says_so(room: Room) -> None:
    await filled(room)
    rule = SearchRule(mode="keyword", threshold=0.99)
    searched = await room.retriever.search([await room.refreshed()], "연차", rule)
    assert searched.found
    assert [note.code for note in searched.notes] == ["threshold_unused"]


async def test_further_wordings_find_what_the_question_does_not_say(room: Room) -> None:
    await filled(room)
    llm = ScriptedLlm(replies=[json.dumps({"wordings": ["출장비", "출장비"]})])
    rule = SearchRule(mode="keyword", multi_query=2)
    searched = await retriever_of(room, llm=llm).search([await room.refreshed()], "연차", rule)
    assert searched.wordings == ["연차", "출장비"]
    assert [hit.text for hit in searched.found] == [LEAVE, TRIP]
    assert searched.notes == []


@pytest.mark.parametrize("answer", ["no JSON at all", '{"wordings": 3}', OrganError("The model is away.")])
async def test_a_model_that_words_nothing_leaves_the_question_as_it_is_and_is_told(
    room: Room, answer: str | OrganError
) -> None:
    await filled(room)
    retriever = retriever_of(room, llm=ScriptedLlm(replies=[answer]))
    searched = await retriever.search([await room.refreshed()], "연차", SearchRule(multi_query=2))
    assert searched.found[0].text == LEAVE
    assert [note.code for note in searched.notes] == ["reword_failed"]


async def test_a_model_that_cannot_read_the_question_is_not_asked_for_wordings(room: Room) -> None:
    await filled(room)
    model = EnglishOnly()
    retriever = retriever_of(room, llm=model)
    searched = await retriever.search([await room.refreshed()], "연차", SearchRule(multi_query=2))
    assert [note.code for note in searched.notes] == ["reword_failed"]
    assert model.requests == []


async def with_parent(room: Room, children: int) -> str:
    """The first document's passages, `children` of them, under one parent; the parent's id."""
    async with room.database.write() as connection:
        rows = list(await connection.execute(sa.select(chunks).order_by(chunks.c.ordinal)))
        parent = {**rows[0]._mapping, "id": "parent", "ordinal": 99}
        parent["text"] = (await room.database.boundary.admit(Scope("knowledge", room.base.id), ["the whole section"]))[
            0
        ]
        await passage_queries.insert(connection, [parent])
        ids = [row.id for row in rows[:children]]
        await connection.execute(sa.update(chunks).where(chunks.c.id.in_(ids)).values(parent_id="parent"))
    return "parent"


async def test_a_passage_with_a_parent_brings_it_once(room: Room) -> None:
    await filled(room)
    parent = await with_parent(room, 2)
    hits = await room.found("연차 휴가 출장비", mode="keyword")
    assert [hit.chunk_id for hit in hits] == [parent]
    assert hits[0].text == "the whole section"
    assert {child.text for child in hits[0].children} == {LEAVE, TRIP}
    assert hits[0].score == max(child.score for child in hits[0].children)


async def test_merging_waits_until_half_of_a_parent_was_found(room: Room) -> None:
    await filled(room)
    parent = await with_parent(room, 3)
    one = await room.found("연차 휴가", mode="keyword", auto_merge=True)
    assert [hit.text for hit in one] == [LEAVE]
    two = await room.found("연차 휴가 출장비", mode="keyword", auto_merge=True)
    assert [hit.chunk_id for hit in two] == [parent]


async def test_a_base_keeps_how_it_is_searched(room: Room) -> None:
    assert kept_rule(room.base.retrieval) == SearchRule()
    rule = SearchRule(mode="keyword", top_k=3, rerank=True)
    await room.bases.set_retrieval(room.base, rule)
    base = await room.refreshed()
    assert base.retrieval == {"mode": "keyword", "top_k": 3, "rerank": True}
    assert kept_rule(base.retrieval) == rule


@pytest.mark.parametrize(
    ("field", "value"),
    [("mode", "graph"), ("fusion", "x"), ("top_k", 0), ("dense_weight", 2), ("threshold", 7), ("multi_query", 9)],
)
async def test_a_rule_that_is_none_is_refused_by_its_field(room: Room, field: str, value: object) -> None:
    rule = SearchRule(**{field: value})  # type: ignore[arg-type]
    for refused in (room.retriever.search([room.base], "연차", rule), room.bases.set_retrieval(room.base, rule)):
        with pytest.raises(UsageError) as raised:
            await refused
        assert raised.value.param == field
    assert (await room.refreshed()).retrieval == {}


async def test_fusing_by_ranks_gives_the_first_of_both_the_whole_score(room: Room) -> None:
    await filled(room)
    hits = await room.found("연차 휴가", fusion="ranks")
    assert hits[0].text == LEAVE
    assert hits[0].score == pytest.approx(1)


@pytest.mark.parametrize(
    ("answer", "searched"), [('{"number": 2}', ["travel"]), ("the second", ["handbook", "travel"])]
)
async def test_a_model_chooses_the_base_a_question_is_for_or_all_are_searched(
    room: Room, answer: str, searched: list[str]
) -> None:
    other = await room.bases.create("w", "travel", description="출장과 여비")
    retriever = retriever_of(room, llm=ScriptedLlm(replies=[answer]))
    bases, notes = await retriever.choose([room.base, other], "출장비는 얼마인가요?")
    assert [base.name for base in bases] == searched
    assert [note.code for note in notes] == ([] if len(bases) == 1 else ["choice_failed"])


async def test_a_store_without_keyword_search_costs_that_search_alone_and_is_told(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unable(*_: object, **__: object) -> list[Hit]:
        raise OrganError("This store has no keyword search.", code="organ_unable")

    await filled(room)
    monkeypatch.setattr(room.vectors, "keyword", unable)
    base = await room.refreshed()
    found = await room.retriever.search([base], "연차 휴가", SearchRule(mode="hybrid"))
    assert found.found[0].text == LEAVE
    assert found.found[0].scores.keyword is None
    assert [note.code for note in found.notes] == ["keyword_missing"]
    with pytest.raises(OrganError):
        await room.retriever.search([base], "연차 휴가", SearchRule(mode="keyword"))
    room.embedding.failures = 1
    with pytest.raises(OrganError, match="Nothing could be searched"):
        await room.retriever.search([base], "연차 휴가", SearchRule(mode="hybrid"))
