"""Passages to vectors in slices, and the pace that is shown of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from llmflow.errors import OrganError
from llmflow.knowledge.embed import embed_passages
from llmflow.knowledge.pace import Pace
from llmflow.organs.embedding.hashing import HashingEmbedding
from llmflow.ports.embedding import Role, Vectors
from tests.knowledge.conftest import Room

TEXTS = [f"연차는 {number}일이다. Leave lasts {number} days." for number in range(300)]


async def _nothing(begin: int, end: int) -> None: ...


async def test_every_passage_gets_its_own_vector_in_order() -> None:
    told: list[tuple[int, int]] = []

    async def done(begin: int, end: int) -> None:
        told.append((begin, end))

    embedding = HashingEmbedding()
    vectors = await embed_passages(embedding, TEXTS, done=done)
    assert np.array_equal(vectors, await embedding.embed(TEXTS, "passage"))
    assert sorted(place for begin, end in told for place in range(begin, end)) == list(range(300))


async def test_no_passages_are_no_vectors() -> None:
    assert len(await embed_passages(HashingEmbedding(), [], done=_nothing)) == 0


async def test_what_the_organ_says_is_wrong_is_said_to_the_caller() -> None:
    class Failing(HashingEmbedding):
        async def embed(self, texts: Sequence[str], role: Role) -> Vectors:
            if "200" in texts[-1] or "223" in texts[-1]:
                raise OrganError("The embedding server is away.")
            return await super().embed(texts, role)

    with pytest.raises(OrganError, match="away"):
        await embed_passages(Failing(), TEXTS, done=_nothing)


async def test_the_pace_is_that_of_the_base_and_shown_with_how_far_it_is(room: Room) -> None:
    accepted = await room.add("규정.txt", "\n\n".join(TEXTS[:40]))
    await room.settled(accepted.document.id)
    assert (await room.bases.flow(room.base.id)).passages_per_s > 0
    other = await room.bases.create("w", "other")
    assert (await room.bases.flow(other.id)).passages_per_s == 0


def test_the_pace_forgets_what_is_long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("llmflow.knowledge.pace.time.monotonic", lambda: now)
    pace = Pace()
    pace.begin("b")
    now = 1004.0
    pace.add("b", 60)
    assert pace.per_s("b") == 15
    now = 1100.0
    assert pace.per_s("b") == 0
