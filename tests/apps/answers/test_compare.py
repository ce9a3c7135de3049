from __future__ import annotations

from collections.abc import Sequence

import pytest

from llmflow.apps.answers.compare import Comparer
from llmflow.gateway.gateway import Gateway
from llmflow.ports.embedding import Role, Vectors
from tests.apps.fakes import TermEmbedding


class Counting(TermEmbedding):
    def __init__(self) -> None:
        self.embedded: list[str] = []

    async def embed(self, texts: Sequence[str], role: Role) -> Vectors:
        self.embedded += texts
        return await super().embed(texts, role)


async def test_what_was_embedded_once_is_not_embedded_again() -> None:
    embedding = Counting()
    comparer = Comparer(Gateway({}, embedding))
    first = await comparer.cosines("연차는?", ["연차는 15일", "병가", "연차는 15일"])
    again = await comparer.cosines("연차는?", ["병가", "연차는 15일"])
    assert first == pytest.approx([again[1], again[0], again[1]])
    assert first[0] > first[1]
    assert embedding.embedded == ["연차는?", "연차는 15일", "병가"]


async def test_a_text_is_not_the_same_as_a_question_and_as_a_passage() -> None:
    embedding = Counting()
    await Comparer(Gateway({}, embedding)).cosines("same", ["same"])
    assert embedding.embedded == ["same", "same"]


async def test_no_texts_have_no_cosines() -> None:
    assert await Comparer(Gateway({}, TermEmbedding())).cosines("연차는?", []) == []
