"""The retrieval test: a search by any rule, why it gives what it gives, and the other ways beside it."""

from __future__ import annotations

import json

import pytest

from llmflow.errors import UsageError
from llmflow.gateway.gateway import Gateway
from llmflow.knowledge.conditions import Condition, Conditions
from llmflow.knowledge.models import EmbeddingModels
from llmflow.knowledge.retrieve import Retriever
from llmflow.knowledge.rule import SearchRule
from llmflow.knowledge.types import Choices
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.organs.rerank.none import NoRerank
from llmflow.organs.rerank.overlap import OverlapRerank
from llmflow.ports.rerank import Rerank
from tests.knowledge.conftest import Room
from tests.knowledge.test_retrieve import LEAVE, MEAL, TRIP, filled, with_parent

QUESTION = "연차 휴가"


def retriever_of(room: Room, *replies: str, rerank: Rerank | None = None) -> Retriever:
    gateway = Gateway({"default": ScriptedLlm(replies=replies)}, room.embedding, rerank or OverlapRerank())
    return Retriever(room.database, EmbeddingModels(room.embedding), room.vectors, gateway)


async def test_the_searches_are_compared_from_one_question(room: Room) -> None:
    await filled(room)
    compared = await room.retriever.compare(await room.refreshed(), QUESTION)
    assert compared.terms == ["연차", "휴가"]
    assert compared.keyword[0].text == compared.fused[0].text == LEAVE
    assert compared.keyword[0].score == compared.keyword[0].scores.keyword == compared.fused[0].scores.keyword
    assert compared.dense[0].score == compared.dense[0].scores.dense
    assert len(compared.dense) == 3
    assert len(compared.keyword) == 1
    assert compared.reranked[0].scores.rerank == compared.reranked[0].score
    assert set(compared.times) == {"dense", "keyword", "rerank", "search"}
    standings = compared.standings[compared.keyword[0].chunk_id]
    assert {name: one.rank for name, one in standings.items()} == {"dense": 1, "keyword": 1, "fused": 1, "reranked": 1}
    assert standings["keyword"].score == compared.keyword[0].score


@pytest.mark.parametrize(
    "rule",
    [
        SearchRule(mode="dense", threshold=0.05),
        SearchRule(mode="keyword"),
        SearchRule(fusion="ranks", top_k=2),
        SearchRule(rerank=True, top_k=1),
    ],
)
async def test_the_result_is_what_a_search_by_the_rule_gives(room: Room, rule: SearchRule) -> None:
    await filled(room)
    base = await room.refreshed()
    compared = await room.retriever.compare(base, QUESTION, rule)
    assert compared.result == (await room.retriever.search([base], QUESTION, rule)).found
    assert [hit.text for hit in compared.keyword] == [LEAVE]
    assert len(compared.dense) == len(compared.fused) == 3
    assert len(compared.reranked) == (1 if rule.mode == "keyword" else 3)


async def test_searches_are_compared_by_the_fusion_that_is_tried(room: Room) -> None:
    await filled(room)
    base = await room.refreshed()
    by_meaning = await room.retriever.compare(base, QUESTION, SearchRule(dense_weight=1.0))
    assert [hit.chunk_id for hit in by_meaning.fused] == [hit.chunk_id for hit in by_meaning.dense]
    by_ranks = await room.retriever.compare(base, QUESTION, SearchRule(fusion="ranks", dense_weight=0.0, top_k=1))
    assert [hit.score for hit in by_ranks.result] == [1.0]


async def test_what_the_rule_leaves_out_is_told_with_why(room: Room) -> None:
    await filled(room)
    base = await room.refreshed()
    plain = await room.retriever.compare(base, QUESTION, SearchRule(mode="dense"))
    rule = SearchRule(mode="dense", top_k=1, threshold=plain.result[1].score)
    compared = await room.retriever.compare(base, QUESTION, rule)
    assert compared.result == plain.result[:1]
    assert [(one.hit, one.why) for one in compared.left_out] == [
        (plain.result[1], "top_k"),
        (plain.result[2], "threshold"),
    ]
    assert compared.left_out_counts == {"top_k": 1, "threshold": 1}
    assert (plain.left_out, plain.left_out_counts) == ([], {})


async def test_what_a_rule_costs_is_measured(room: Room) -> None:
    await filled(room)
    retriever = retriever_of(room, json.dumps({"wordings": ["출장비"]}))
    compared = await retriever.compare(await room.refreshed(), QUESTION, SearchRule(multi_query=1, rerank=True))
    assert compared.wordings == [QUESTION, "출장비"]
    assert set(compared.times) == {"reword", "dense", "keyword", "rerank", "search"}
    assert compared.times["search"] > compared.times["reword"]
    assert compared.tokens["reword"] > 0
    every = sum(len(text.split()) for text in (LEAVE, TRIP, MEAL))
    assert compared.tokens["rerank"] == compared.tokens["result"] == every


async def test_without_a_reranker_the_test_goes_on_and_a_base_says_so(room: Room) -> None:
    await filled(room)
    base = await room.refreshed()
    retriever = retriever_of(room, rerank=NoRerank())
    compared = await retriever.compare(base, QUESTION)
    assert (compared.reranked, [note.code for note in compared.notes]) == ([], ["rerank_missing"])
    assert "rerank" not in compared.times | compared.tokens
    assert await retriever.choices(base) == Choices("", has_parents=False)
    assert await room.retriever.choices(base) == Choices("overlap", has_parents=False)


async def test_conditions_and_parents_hold_in_the_test_as_in_a_search(room: Room) -> None:
    await filled(room)
    base = await room.refreshed()
    other = Conditions((Condition("document_name", "is", "다른 문서.txt"),))
    nothing = await room.retriever.compare(base, QUESTION, SearchRule(mode="dense"), conditions=other)
    assert [*nothing.result, *nothing.dense, *nothing.keyword, *nothing.fused] == []
    with pytest.raises(UsageError):
        said = Conditions((Condition("upload_date", "after", "언젠가"),))
        await room.retriever.compare(base, QUESTION, conditions=said)
    parent = await with_parent(room, 2)
    compared = await room.retriever.compare(base, QUESTION)
    assert compared.result[0].chunk_id == parent
    assert compared.result[0].children[0].chunk_id in compared.standings
    assert (await room.retriever.choices(base)).has_parents


async def test_an_empty_question_compares_nothing(room: Room) -> None:
    await filled(room)
    compared = await room.retriever.compare(await room.refreshed(), "  ")
    assert (compared.result, compared.dense, compared.standings) == ([], [], {})
