"""What is kept about cutting, as a rule of the chunker."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from llmflow.errors import UsageError
from llmflow.knowledge.cutting import checked, rule_of
from llmflow.knowledge.types import Choice
from llmflow.ports.chunker import ChunkRule, Sizes
from tests.knowledge.conftest import Room


@pytest.mark.parametrize(
    "said",
    [
        {"method": "by feeling"},
        {"max_tokens": 3},
        {"max_tokens": 100, "overlap_tokens": 100},
        {"child": {"max_tokens": 5}},
        {"child": {"size": 50}},
        {"clean": ["everything"]},
        {"colour": "blue"},
    ],
)
def test_what_is_no_rule_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        checked(said)


async def test_a_document_is_cut_as_it_says_else_as_its_base_does(room: Room) -> None:
    document = await room.settled((await room.add("a.txt", "one")).document.id)
    base = await room.refreshed()
    assert rule_of(base, document, most=500) == ChunkRule(100, 0, child=Sizes(120, 0))
    base = await room.bases.set_chunking(base, {"method": "sentence", "max_tokens": 2_000})
    assert rule_of(base, document, most=500) == ChunkRule(500, 0, method="sentence", child=Sizes(120, 0))
    own = dataclasses.replace(document, chunking={"separator": "\\n"})
    assert rule_of(base, own, most=500) == ChunkRule(100, 0, separator="\n", method="fixed", child=Sizes(120, 0))
    parents = dataclasses.replace(document, chunking={"method": "parent_child", "child": {"max_tokens": 900}})
    rule = rule_of(base, parents, most=500)
    assert (rule.max_tokens, rule.child) == (1_000, Sizes(500, 0))
    base = await room.bases.set_chunking(base, {"method": "qa", "model": "writer"})
    asked = dataclasses.replace(document, chunking={"method": "qa", "max_tokens": 9_000, "language": "Korean"})
    rule = rule_of(base, asked, most=50)
    assert (rule.max_tokens, rule.overlap_tokens, rule.child) == (4_000, 0, Sizes(50, 0))
    assert (rule.model, rule.language) == ("writer", "Korean")


async def test_cutting_again_queues_what_is_ready_and_keeps_what_stays(room: Room) -> None:
    document = await room.settled((await room.add("a.txt", "one\n\ntwo")).document.id)
    before = [p.id for p in (await room.passages.page(document))[0]]
    room.embedding.embedded = 0
    assert await room.documents.cut_again(room.base, Choice()) == 1
    document = await room.settled(document.id)
    assert [p.id for p in (await room.passages.page(document))[0]] == before
    assert room.embedding.embedded == 0
