"""The contract of the vector_store port, over every adapter."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from llmflow.errors import OrganError
from llmflow.knowledge.terms import terms
from llmflow.organs.vector_store.lancedb import LanceVectorStore
from llmflow.organs.vector_store.memory import MemoryVectorStore
from llmflow.organs.vector_store.milvus import MilvusVectorStore
from llmflow.organs.vector_store.milvus_lite import MilvusLiteVectorStore
from llmflow.ports.vector_store import Filter, Hit, IndexRow, VectorStore
from tests.organs import milvus_server

Matrix = NDArray[np.float32]
DIMENSIONS = 32
ODD_PLACE = "kb '\"; 한글 😀/../"
PLACES = ("kb", ODD_PLACE, "none", "하나", "둘")


def open_store(name: str, path: Path, url: str = "") -> VectorStore:
    """`url`: where a Milvus server is."""
    if name == "memory":
        return MemoryVectorStore()
    if name == "milvus":
        return MilvusVectorStore(url, token=milvus_server.TOKEN)
    return LanceVectorStore(path) if name == "lancedb" else MilvusLiteVectorStore(path)


@pytest.fixture(params=["lancedb", "milvus_lite"])
def durable(request: pytest.FixtureRequest) -> str:
    """Those that keep a folder."""
    name: str = request.param
    return name


SERVER = pytest.param("milvus", marks=[pytest.mark.organs, pytest.mark.timeout(1500)])


@pytest.fixture(params=["lancedb", "memory", "milvus_lite", SERVER])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[VectorStore]:
    """Every one; the real Milvus is one that has no keyword search."""
    url = request.getfixturevalue("milvus") if request.param == "milvus" else ""
    opened = open_store(request.param, tmp_path / "vectors", url)
    yield opened
    if isinstance(opened, MilvusVectorStore):
        for name in PLACES:
            await opened.drop(name)
    await opened.close()


@pytest.fixture(params=["lancedb", "memory", "milvus_lite"])
async def wordy(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[VectorStore]:
    """Those that search by words."""
    opened = open_store(request.param, tmp_path / "vectors")
    yield opened
    await opened.close()


def unit(count: int, *, seed: int = 0) -> Matrix:
    matrix = np.random.default_rng(seed).standard_normal((count, DIMENSIONS)).astype(np.float32)
    scaled: Matrix = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    return scaled


def row(number: int, text: str = "", *, groups: tuple[str, ...] = (), document: str | None = None) -> IndexRow:
    return IndexRow(f"c{number:05}", document or f"d{number // 10}", tuple(terms(text)), groups)


def ids(hits: list[Hit]) -> list[str]:
    return [hit.chunk_id for hit in hits]


def has_words(store: VectorStore) -> bool:
    return "keyword" in store.abilities


def exact(vectors: Matrix, query: Matrix, allowed: list[int], top_k: int) -> list[str]:
    cosines = vectors @ query
    return [f"c{n:05}" for n in sorted(allowed, key=lambda n: (-cosines[n], n))[:top_k]]


async def test_the_nearest_comes_first_with_its_cosine(store: VectorStore) -> None:
    vectors = unit(500)
    await store.upsert("kb", [row(n) for n in range(500)], vectors)
    query = unit(1, seed=1)[0]
    hits = await store.dense("kb", query, top_k=10)
    assert ids(hits) == exact(vectors, query, list(range(500)), 10)
    np.testing.assert_allclose([hit.score for hit in hits], np.sort(vectors @ query)[::-1][:10], atol=1e-5)


async def test_a_query_need_not_have_length_one(store: VectorStore) -> None:
    vectors = unit(50)
    await store.upsert("kb", [row(n) for n in range(50)], vectors)
    hits = await store.dense("kb", vectors[7] * 3, top_k=1)
    assert ids(hits) == ["c00007"]
    assert hits[0].score == pytest.approx(1, abs=1e-5)


async def test_a_vector_of_zeros_does_no_harm(durable: str, tmp_path: Path) -> None:
    store = open_store(durable, tmp_path / "v")
    vectors = unit(3)
    vectors[1] = 0
    await store.upsert("kb", [row(n, "w") for n in range(3)], vectors)
    assert ids(await store.dense("kb", vectors[0], top_k=1)) == ["c00000"]
    assert len(await store.keyword("kb", ["w"], top_k=5)) == 3
    assert all(hit.score <= 1 for hit in await store.dense("kb", vectors[1], top_k=5))
    await store.close()


async def test_equal_scores_are_ordered_by_chunk_id(store: VectorStore) -> None:
    same = np.repeat(unit(1), 6, axis=0)
    rows = [row(n, "연차 휴가") for n in (5, 3, 1, 4, 0, 2)]
    await store.upsert("kb", rows, same)
    wanted = [f"c{n:05}" for n in range(6)]
    assert ids(await store.dense("kb", same[0], top_k=6)) == wanted
    if has_words(store):
        assert ids(await store.keyword("kb", terms("휴가"), top_k=6)) == wanted
    assert ids(await store.dense("kb", same[0], top_k=2)) == wanted[:2]


async def test_documents_and_chunks_may_be_left_out_before_the_search(store: VectorStore) -> None:
    vectors = unit(30)
    await store.upsert("kb", [row(n, "연차 휴가", groups=("hr",) if n % 2 else ()) for n in range(30)], vectors)
    where = Filter(without_documents=("d0", "it's"), without_chunks=("c00010", "c00020"), groups=())
    wanted = [n for n in range(10, 30) if n not in (10, 20) and n % 2 == 0]
    assert ids(await store.dense("kb", vectors[0], top_k=20, where=where)) == exact(vectors, vectors[0], wanted, 20)
    if has_words(store):
        assert ids(await store.keyword("kb", ["휴가"], top_k=20, where=where)) == [f"c{n:05}" for n in wanted]
    some = Filter(document_ids=("d0", "d1"), without_documents=("d0",))
    if has_words(store):
        assert ids(await store.keyword("kb", ["휴가"], top_k=20, where=some)) == [f"c{n:05}" for n in range(10, 20)]


async def test_who_may_see_a_documents_rows_can_change(store: VectorStore) -> None:
    vectors = unit(30)
    await store.upsert("kb", [row(n, "연차 휴가") for n in range(30)], vectors)
    await store.set_groups("kb", document_ids=["d0", "unknown"], groups=["감사's", "hr"])
    await store.set_groups("kb", document_ids=["d1"], groups=["hr"])
    await store.set_groups("kb", document_ids=["d1"], groups=[])
    await store.set_groups("kb", document_ids=[], groups=["hr"])
    await store.set_groups("elsewhere", document_ids=["d0"], groups=["hr"])
    for groups, seen in [
        ((), range(10, 30)),
        (("sales",), range(10, 30)),
        (("감사's",), range(30)),
        (("hr",), range(30)),
    ]:
        where = Filter(groups=groups)
        wanted = [f"c{n:05}" for n in seen]
        if has_words(store):
            assert ids(await store.keyword("kb", ["휴가"], top_k=30, where=where)) == wanted
        assert sorted(ids(await store.dense("kb", vectors[0], top_k=30, where=where))) == wanted
    assert len(await store.chunk_ids("kb")) == 30


async def test_keyword_search_finds_korean_and_english_words(wordy: VectorStore) -> None:
    texts = [
        "복리후생비는 매월 25일에 지급한다.",
        "연차 휴가는 입사일 기준으로 15일이다.",
        "Travel expenses are reimbursed within 10 days.",
        "출장비 규정 HR-100에 따라 정산한다.",
    ]
    await wordy.upsert("kb", [row(n, text) for n, text in enumerate(texts)], unit(4))
    for asked, found in [
        ("복리 후생", "c00000"),
        ("휴가", "c00001"),
        ("reimbursement of an expense", "c00002"),
        ("hr-100", "c00003"),
    ]:
        hits = await wordy.keyword("kb", terms(asked), top_k=4)
        assert hits[0].chunk_id == found
        assert hits[0].score > 0


async def test_any_of_the_terms_is_enough_and_more_of_them_are_better(wordy: VectorStore) -> None:
    texts = ["apple", "apple banana", "cherry", "apple banana cherry"]
    await wordy.upsert("kb", [row(n, text) for n, text in enumerate(texts)], unit(4))
    assert ids(await wordy.keyword("kb", terms("banana cherry"), top_k=10))[0] == "c00003"
    assert set(ids(await wordy.keyword("kb", terms("banana cherry"), top_k=10))) == {"c00001", "c00002", "c00003"}


async def test_rare_terms_weigh_more_than_common_ones(wordy: VectorStore) -> None:
    texts = [*["common word"] * 30, "common rare", "other thing"]
    await wordy.upsert("kb", [row(n, text) for n, text in enumerate(texts)], unit(len(texts)))
    assert ids(await wordy.keyword("kb", ["common", "rare"], top_k=1)) == ["c00030"]


async def test_no_terms_give_no_hits(wordy: VectorStore) -> None:
    await wordy.upsert("kb", [row(0, "something")], unit(1))
    assert await wordy.keyword("kb", [], top_k=5) == []
    assert await wordy.keyword("kb", [""], top_k=5) == []
    assert await wordy.keyword("kb", ["absent"], top_k=5) == []


async def test_a_chunk_without_terms_is_still_found_by_meaning(store: VectorStore) -> None:
    await store.upsert("kb", [IndexRow("c", "d", ())], unit(1))
    assert ids(await store.dense("kb", unit(1)[0], top_k=5)) == ["c"]


ODD = [
    "it's",
    '"quoted"',
    "a\\b",
    "😀🏖️",
    "a OR b",
    "field:value",
    "+must",
    "-not",
    "wild*",
    "(open",
    "~2",
    "' OR 1=1 --",
    "한글",
]


async def test_odd_ids_terms_and_groups_are_only_data(store: VectorStore) -> None:
    rows = [IndexRow(f"c {odd}", f"d {odd}", tuple(odd.split()), (odd,)) for odd in ODD]
    vectors = unit(len(ODD))
    await store.upsert(ODD_PLACE, rows, vectors)
    for number, odd in enumerate(ODD):
        if has_words(store):
            assert f"c {odd}" in ids(await store.keyword(ODD_PLACE, odd.split(), top_k=20))
        for where in (Filter(document_ids=(f"d {odd}",)), Filter(groups=(odd,))):
            assert ids(await store.dense(ODD_PLACE, vectors[0], top_k=20, where=where)) == [f"c {odd}"]
        assert await store.chunk_ids(ODD_PLACE, document_id=f"d {odd}") == [f"c {odd}"]
        await store.delete(ODD_PLACE, document_ids=[f"d {odd}"])
        assert len(await store.chunk_ids(ODD_PLACE)) == len(ODD) - number - 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
async def test_any_text_is_a_safe_id_term_and_filter(store: VectorStore, text: str) -> None:
    await store.delete("kb", chunk_ids=await store.chunk_ids("kb"))
    await store.upsert("kb", [IndexRow(text, text, (text,), (text,)), IndexRow(text + "x", "other", ())], unit(2))
    assert set(await store.chunk_ids("kb", document_id=text)) == {text}
    hits = await store.dense("kb", unit(1)[0], top_k=5, where=Filter(groups=("-",), document_ids=(text,)))
    assert ids(hits) == ([text] if text == "-" else [])
    if has_words(store):
        await store.keyword("kb", [text], top_k=5, where=Filter(document_ids=(text,), groups=(text,)))
    await store.delete("kb", document_ids=[text])
    assert await store.chunk_ids("kb") == [text + "x"]


async def test_a_missing_collection_is_empty(store: VectorStore) -> None:
    assert await store.dense("none", unit(1)[0], top_k=5) == []
    if has_words(store):
        assert await store.keyword("none", ["a"], top_k=5) == []
    assert await store.chunk_ids("none") == []
    await store.delete("none", document_ids=["d"])
    await store.drop("none")
    await store.upsert("none", [], unit(0))
    assert await store.chunk_ids("none") == []


async def test_a_collection_emptied_by_deletes_is_empty(store: VectorStore) -> None:
    await store.upsert("kb", [row(0, "word")], unit(1))
    await store.delete("kb", document_ids=["d0", "never there"])
    assert await store.dense("kb", unit(1)[0], top_k=5) == []
    if has_words(store):
        assert await store.keyword("kb", ["word"], top_k=5) == []


async def test_single_rows_go_without_the_rest_of_their_document(store: VectorStore) -> None:
    await store.upsert("kb", [row(n, "word") for n in range(25)], unit(25))
    await store.delete("kb", chunk_ids=["c00003", "never there"])
    assert len(await store.chunk_ids("kb", document_id="d0")) == 9
    await store.delete("kb", document_ids=["d1"], chunk_ids=["c00004"])
    assert await store.chunk_ids("kb") == [f"c{n:05}" for n in range(25) if n not in (3, 4) and n // 10 != 1]
    await store.delete("kb")
    if has_words(store):
        assert len(await store.keyword("kb", ["word"], top_k=50)) == 13


async def test_collections_do_not_see_each_other(store: VectorStore) -> None:
    await store.upsert("하나", [row(0, "word")], unit(1))
    await store.upsert("둘", [row(1, "word")], unit(1))
    if has_words(store):
        assert ids(await store.keyword("하나", ["word"], top_k=5)) == ["c00000"]
    await store.drop("하나")
    assert await store.chunk_ids("하나") == []
    assert await store.chunk_ids("둘") == ["c00001"]
    await store.upsert("하나", [row(2, "word")], unit(1))
    if has_words(store):
        assert ids(await store.keyword("하나", ["word"], top_k=5)) == ["c00002"]


async def test_a_repeated_upsert_changes_nothing_and_a_changed_one_replaces(store: VectorStore) -> None:
    vectors = unit(20)
    rows = [row(n, f"word{n}") for n in range(20)]
    for _ in range(3):
        await store.upsert("kb", rows, vectors)
    assert await store.chunk_ids("kb") == [f"c{n:05}" for n in range(20)]
    assert len(await store.dense("kb", vectors[3], top_k=50)) == 20
    await store.upsert("kb", [IndexRow("c00003", "d9", ("changed",), ("g",))], -vectors[3:4])
    if has_words(store):
        assert ids(await store.keyword("kb", ["changed"], top_k=5)) == ["c00003"]
        assert await store.keyword("kb", ["word3"], top_k=5) == []
    assert (await store.dense("kb", -vectors[3], top_k=1))[0].score == pytest.approx(1, abs=1e-5)
    assert await store.chunk_ids("kb", document_id="d9") == ["c00003"]


async def test_the_last_of_two_rows_with_one_id_counts(store: VectorStore) -> None:
    await store.upsert("kb", [row(0, "first"), row(0, "second")], unit(2))
    assert await store.chunk_ids("kb") == ["c00000"]
    if has_words(store):
        assert ids(await store.keyword("kb", ["second"], top_k=5)) == ["c00000"]


async def test_vectors_of_another_length_are_refused(store: VectorStore) -> None:
    await store.upsert("kb", [row(0)], unit(1))
    with pytest.raises(OrganError, match="anew"):
        await store.upsert("kb", [row(1)], np.ones((1, 8), dtype=np.float32))
    with pytest.raises(OrganError, match="anew"):
        await store.dense("kb", np.ones(8, dtype=np.float32), top_k=1)


async def test_rows_without_groups_are_seen_by_everybody_and_the_rest_by_their_groups(store: VectorStore) -> None:
    rows = [row(0, "w"), row(1, "w", groups=("hr",)), row(2, "w", groups=("hr", "it")), row(3, "w", groups=("*",))]
    await store.upsert("kb", rows, unit(4))
    for groups, seen in [
        (None, {0, 1, 2, 3}),
        ((), {0}),
        (("hr",), {0, 1, 2}),
        (("it", "x"), {0, 2}),
        (("*",), {0, 3}),
    ]:
        wanted = {f"c{n:05}" for n in seen}
        where = Filter(groups=groups)
        assert set(ids(await store.dense("kb", unit(1)[0], top_k=9, where=where))) == wanted
        if has_words(store):
            assert set(ids(await store.keyword("kb", ["w"], top_k=9, where=where))) == wanted


async def test_a_filter_of_no_documents_finds_nothing(store: VectorStore) -> None:
    await store.upsert("kb", [row(0, "w")], unit(1))
    assert await store.dense("kb", unit(1)[0], top_k=9, where=Filter(document_ids=())) == []
    if has_words(store):
        assert await store.keyword("kb", ["w"], top_k=9, where=Filter(document_ids=())) == []


@pytest.mark.parametrize("share", [1, 10, 50])
async def test_a_filter_gives_what_searching_only_the_visible_gives(store: VectorStore, share: int) -> None:
    vectors = unit(3000)
    visible = [n for n in range(3000) if n % 100 < share]
    groups = dict.fromkeys(visible, ("in",))
    texts = {n: f"w{n % 7} w{n % 11} w{n % 13}" for n in range(3000)}
    rows = [row(n, texts[n], groups=groups.get(n, ("out",)), document=f"d{n}") for n in range(3000)]
    for start in range(0, 3000, 500):
        await store.upsert("kb", rows[start : start + 500], vectors[start : start + 500])
    filters = (Filter(groups=("in", "else")), Filter(document_ids=tuple(f"d{n}" for n in visible)))
    for query in unit(5, seed=2):
        for where in filters:
            hits = await store.dense("kb", query, top_k=10, where=where)
            assert ids(hits) == exact(vectors, query, visible, 10)
    having = {f"c{n:05}" for n in visible if "w3" in texts[n].split()}
    for where in filters:
        if has_words(store):
            assert set(ids(await store.keyword("kb", ["w3"], top_k=3000, where=where))) == having


async def test_everything_is_still_there_after_a_reopening(durable: str, tmp_path: Path) -> None:
    vectors = unit(300)
    first = open_store(durable, tmp_path / "v")
    await first.upsert("kb", [row(n, "w") for n in range(300)], vectors)
    await first.close()
    second = open_store(durable, tmp_path / "v")
    assert len(await second.chunk_ids("kb")) == 300
    assert ids(await second.dense("kb", vectors[42], top_k=1)) == ["c00042"]
    assert len(await second.keyword("kb", ["w"], top_k=1000)) == 300
    assert (await second.health()).ok
    await second.close()


async def test_a_large_collection_is_indexed_and_still_finds_new_changed_and_deleted_rows(store: VectorStore) -> None:
    vectors = unit(12_000)
    rows = [row(n, f"w{n % 100} x{n}", groups=("a",) if n % 10 else ()) for n in range(12_000)]
    for start in range(0, 12_000, 1_000):
        await store.upsert("kb", rows[start : start + 1_000], vectors[start : start + 1_000])
    if isinstance(store, MilvusVectorStore):  # what grows it searches coarsely, until enough is there to be indexed
        await milvus_server.settled(store, "kb")
    fresh = unit(1, seed=5)
    await store.upsert("kb", [row(20_000, "brandnew")], fresh)
    await store.delete("kb", document_ids=["d7"])
    await store.upsert("kb", [row(500, "changed")], vectors[500:501])
    queries = unit(40, seed=6)
    alive = [n for n in range(12_000) if n // 10 != 7]
    public = [n for n in alive if n % 10 == 0]
    for where, allowed in ((None, alive), (Filter(groups=()), public)):
        found = [set(ids(await store.dense("kb", query, top_k=10, where=where))) for query in queries]
        wanted = [set(exact(vectors, query, allowed, 10)) for query in queries]
        assert sum(len(a & b) for a, b in zip(found, wanted, strict=True)) / 400 >= 0.95
    assert len(await store.chunk_ids("kb")) == 12_000 - 10 + 1
    assert ids(await store.dense("kb", fresh[0], top_k=1)) == ["c20000"]
    if has_words(store):
        assert ids(await store.keyword("kb", ["brandnew"], top_k=5)) == ["c20000"]
        assert ids(await store.keyword("kb", ["x75"], top_k=5)) == []
        assert ids(await store.keyword("kb", ["x500"], top_k=5)) == []
        assert ids(await store.keyword("kb", ["x501"], top_k=5)) == ["c00501"]


async def test_many_small_upserts_and_searches_at_once_lose_nothing(store: VectorStore) -> None:
    vectors = unit(150)
    await store.upsert("kb", [row(0, "w")], vectors[:1])

    async def write(number: int) -> None:
        await store.upsert("kb", [row(number, "w")], vectors[number : number + 1])
        assert ids(await store.dense("kb", vectors[number], top_k=1)) == [f"c{number:05}"]

    async def search() -> None:
        for _ in range(25):
            if has_words(store):
                assert len(await store.keyword("kb", ["w"], top_k=1000)) >= 1

    await asyncio.gather(*(write(n) for n in range(1, 150)), search(), search())
    assert len(await store.chunk_ids("kb")) == 150
    if has_words(store):
        assert len(await store.keyword("kb", ["w"], top_k=1000)) == 150


async def test_a_kill_in_the_middle_of_writing_leaves_what_was_acknowledged(durable: str, tmp_path: Path) -> None:
    code = """
        import asyncio, sys
        from pathlib import Path
        import numpy as np
        from llmflow.ports.vector_store import IndexRow
        from tests.organs.test_vector_store import DIMENSIONS, open_store

        async def main():
            store = open_store(sys.argv[1], Path(sys.argv[2]))
            start = int(sys.argv[3])
            while True:
                rows = [IndexRow(f"c{n:07}", f"d{n // 50}", ("w",)) for n in range(start, start + 50)]
                await store.upsert("kb", rows, np.ones((50, DIMENSIONS), dtype=np.float32))
                start += 50
                print(start, flush=True)

        asyncio.run(main())
    """
    acknowledged = 0
    for rounds in (3, 80):
        command = [sys.executable, "-c", textwrap.dedent(code), durable, str(tmp_path / "v"), str(acknowledged)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
        assert process.stdout is not None
        for _ in range(rounds):
            acknowledged = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        acknowledged = int(([str(acknowledged), *process.stdout.read().split()])[-1])
        process.wait()
        process.stdout.close()
        store = open_store(durable, tmp_path / "v")
        there = await store.chunk_ids("kb")
        assert len(there) == len(set(there))
        assert set(there) >= {f"c{n:07}" for n in range(acknowledged)}
        assert len(await store.keyword("kb", ["w"], top_k=10_000)) == len(there)
        await store.upsert("kb", [IndexRow("new", "new", ("after",))], np.ones((1, DIMENSIONS), dtype=np.float32))
        assert ids(await store.keyword("kb", ["after"], top_k=5)) == ["new"]
        await store.delete("kb", document_ids=["new"])
        await store.close()


async def test_what_the_store_can_do_is_declared_and_what_it_cannot_is_refused(store: VectorStore) -> None:
    await store.upsert("kb", [row(0, "w")], unit(1))
    if isinstance(store, MilvusVectorStore):
        assert store.abilities == {"dense", "filters"}
        with pytest.raises(OrganError, match=r"2\.5") as refused:
            await store.keyword("kb", ["w"], top_k=1)
        assert refused.value.code == "organ_unable"
        assert "2.5" in (await store.health()).detail
    else:
        assert store.abilities == {"dense", "keyword", "filters"}


async def test_health_names_the_place(durable: str, tmp_path: Path) -> None:
    store = open_store(durable, tmp_path / "v")
    health = await store.health()
    assert health.ok
    assert str(tmp_path) in health.where
    assert health.version
    await store.close()


async def test_a_place_that_cannot_be_written_is_told_by_health(durable: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = open_store(durable, tmp_path / "file" / "v")
    health = await store.health()
    assert not health.ok
    assert health.hint
    with pytest.raises(OrganError):
        await store.upsert("kb", [row(0)], unit(1))
    await store.close()
