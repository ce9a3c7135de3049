"""Among many rows, by the index and not by looking at each: what one may see is found as if there were nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest
from numpy.typing import NDArray

from llmflow.organs.vector_store.lancedb import LanceVectorStore
from llmflow.organs.vector_store.milvus import MilvusVectorStore
from llmflow.organs.vector_store.milvus_collection import Collection
from llmflow.organs.vector_store.milvus_lite import MilvusLiteVectorStore
from llmflow.ports.vector_store import Filter, IndexRow
from tests.organs import milvus_server

ROWS, DIMENSIONS, QUESTIONS = 20_000, 48, 20
SHARES = {"1%": 100, "10%": 10, "50%": 2}  # one row in so many is open to the group of this name

pytestmark = pytest.mark.asyncio(loop_scope="module")


def vectors_of(count: int, seed: int) -> NDArray[np.float32]:
    """Clustered, as those of texts are."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(7).standard_normal((200, DIMENSIONS))
    found = centres[random.integers(0, len(centres), count)] + 0.5 * random.standard_normal((count, DIMENSIONS))
    scaled: NDArray[np.float32] = (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)
    return scaled


def groups_of(number: int) -> tuple[str, ...]:
    found = tuple(name for name, every in SHARES.items() if number % every == 0)
    return found or ("nobody here",)


Store = LanceVectorStore | MilvusLiteVectorStore | MilvusVectorStore
SERVER = pytest.param("milvus", marks=[pytest.mark.organs, pytest.mark.timeout(600)])


@pytest.fixture(scope="module", params=["lancedb", "milvus_lite", SERVER])
async def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Store]:
    opened: Store
    if request.param == "milvus":
        opened = MilvusVectorStore(request.getfixturevalue("milvus"), token=milvus_server.TOKEN)
    else:
        folder = tmp_path_factory.mktemp("recall")
        opened = LanceVectorStore(folder) if request.param == "lancedb" else MilvusLiteVectorStore(folder)
    vectors = vectors_of(ROWS, 1)
    for start in range(0, ROWS, 5_000):
        numbers = range(start, start + 5_000)
        rows = [IndexRow(f"c{n:05}", f"d{n // 10}", (f"w{n % 50}", "연차"), groups_of(n)) for n in numbers]
        await opened.upsert("kb", rows, vectors[start : start + 5_000])
    await (milvus_server.settled(opened, "kb") if isinstance(opened, MilvusVectorStore) else opened.settle("kb"))
    yield opened
    await opened.drop("kb")
    await opened.close()


async def is_indexed(store: Store) -> bool:
    """Else the search were exact anyway."""
    collection = await store._collection("kb")
    if isinstance(collection, Collection):
        return await collection.indexed_rows() == (ROWS, ROWS)
    return await collection._table.index_stats("vector_idx") is not None


@pytest.mark.parametrize("group", SHARES)
async def test_the_nearest_that_one_may_see_are_found(store: Store, group: str) -> None:
    assert await is_indexed(store)
    vectors = vectors_of(ROWS, 1)
    open_to = np.arange(0, ROWS, SHARES[group])
    right = 0
    for question in vectors_of(QUESTIONS, 2):
        hits = await store.dense("kb", question, top_k=10, where=Filter(groups=(group,)))
        assert all(group in groups_of(int(hit.chunk_id[1:])) for hit in hits)
        exact = open_to[np.argsort(-(vectors[open_to] @ question), kind="stable")[:10]]
        right += len({hit.chunk_id for hit in hits} & {f"c{n:05}" for n in exact})
    assert right / (10 * QUESTIONS) >= 0.99


@pytest.mark.parametrize("group", SHARES)
async def test_every_word_that_one_may_see_is_found(store: Store, group: str) -> None:
    if "keyword" not in store.abilities:
        pytest.skip("this Milvus has no keyword search")
    every = SHARES[group]
    hits = await store.keyword("kb", ["w0", "연차"], top_k=ROWS, where=Filter(groups=(group,)))
    assert len(hits) == len(range(0, ROWS, every))
    best = {hit.chunk_id for hit in hits[: len([n for n in range(0, ROWS, every) if n % 50 == 0])]}
    assert best == {f"c{n:05}" for n in range(0, ROWS, every) if n % 50 == 0}
