"""What only Milvus has: how its collections are laid out, who is let in, and what its doctor says."""

from __future__ import annotations

import asyncio
import inspect
import socket
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llmflow import catalog
from llmflow.errors import ConfigError, OrganError
from llmflow.organs.vector_store import milvus_layout
from llmflow.organs.vector_store.milvus import MilvusVectorStore
from llmflow.organs.vector_store.milvus_lite import MilvusLiteVectorStore
from llmflow.organs.vector_store.milvus_rows import condition, cosine, key, scaled, unkey, words
from llmflow.ports.vector_store import Filter, IndexRow
from tests.organs import milvus_server
from tests.organs.test_vector_store import exact, ids, row, unit


def made(**options: Any) -> MilvusVectorStore:
    return MilvusVectorStore("http://127.0.0.1:19530", **options)


@pytest.mark.parametrize("text", ["c1", "한글 문서.pdf", 'a"] or 1==1', "%", "~", "a\n\0b", "😀", "\ud800"])
def test_ids_come_back_as_they_went_and_hold_nothing_that_means_anything(text: str) -> None:
    assert unkey(key(text)) == text
    assert not set(key(text)) & set(" \"'[]()\\\n\0")


def test_neither_words_nor_groups_reach_the_server_as_they_are() -> None:
    stored = words(["연봉", "bonus", "연봉"])
    first, second, third = stored.split(" ")
    assert first == third != second
    assert stored.isascii()
    assert "bonus" not in stored
    assert words(["-"] * 20_000) == words(["-"] * 7_281)
    assert "인사팀" not in condition(Filter(groups=("인사팀",)), "array")
    assert len(words(["w"] * 20_000)) <= 65_535


def test_a_filter_is_one_expression() -> None:
    where = Filter(document_ids=("a b",), without_documents=("c",), without_chunks=("d",), groups=())
    assert condition(where, "array") == (
        'document_id in ["a%20b"] and document_id not in ["c"] and chunk_id not in ["d"]'
        ' and array_contains_any(groups, ["everybody"])'
    )
    assert condition(Filter(groups=()), "text") == '(groups like "% everybody %")'
    assert condition(None, "array") == condition(Filter(), "text") == ""


def test_other_metrics_give_the_same_cosines() -> None:
    vectors = np.array([[3, 4], [0, 0], [1, 0]], dtype=np.float32)
    for metric in ("IP", "L2"):
        one, zero, other = scaled(vectors, metric)
        assert list(zero) == [0, 0]
        distance = float(one @ other) if metric == "IP" else float(((one - other) ** 2).sum())
        assert cosine(distance, metric) == pytest.approx(0.6, abs=1e-6)


def test_every_index_has_its_defaults_and_searches_as_deep_as_is_asked() -> None:
    for name in milvus_layout.INDEXES:
        layout = replace(milvus_layout.Layout(), index=name)
        params = layout.search_params(500, is_filtered=False)["params"]
        assert all(params[deep] == 500 for deep in ("ef", "search_list", "reorder_k", "itopk_size") if deep in params)
    hnsw = milvus_layout.Layout(search={"ef": 100})
    assert hnsw.search_params(10, is_filtered=True)["params"] == {"ef": 400}
    ivf = milvus_layout.Layout(index="IVF_SQ8", build={"nlist": 100})
    assert ivf.search_params(10, is_filtered=True)["params"] == {"nprobe": 100}
    layout = replace(milvus_layout.Layout(), build=milvus_layout.parameters("build", "M=32, sq_type=SQ8, refine=true"))
    assert layout.build_params() == {"M": 32, "efConstruction": 300, "sq_type": "SQ8", "refine": True}


def test_llmflow_yaml_lists_every_index() -> None:
    adapter = catalog.find("vector_store", "milvus")
    assert adapter is not None
    told = {option.name: option for option in adapter.options}
    assert all(name in told["index"].help for name in milvus_layout.INDEXES)
    taken = inspect.signature(MilvusVectorStore).parameters.values()
    assert {one.name: one.default for one in taken if one.name != "url"} == {
        name: option.default for name, option in told.items() if not option.required
    }


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"index": "HNWS"}, "index: 'HNWS' is none of AUTOINDEX"),
        ({"metric": "hamming"}, "metric"),
        ({"build": "M"}, "build: 'M' is not name=value"),
        ({"shards": 0}, "shards: 0 is not between 1 and 64"),
        ({"partitions": 5000}, "partitions"),
        ({"replicas": 0}, "replicas"),
        ({"consistency": "maybe"}, "consistency"),
    ],
)
def test_an_option_that_is_wrong_is_refused_by_its_name(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        made(**options)


@pytest.mark.parametrize("url", ["milvus:19530", "/data/milvus.db", "http://root:secret@host:19530"])
def test_an_address_that_is_none_is_refused_without_showing_what_may_be_secret(url: str) -> None:
    with pytest.raises(ConfigError, match="url") as refused:
        MilvusVectorStore(url)
    assert "secret" not in str(refused.value)


async def test_a_server_that_is_not_there_is_told_with_its_address() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    store = MilvusVectorStore(url, timeout_s=3)
    health = await store.health()
    assert not health.ok
    assert (health.where, health.detail) == (url, f"Milvus at {url} does not answer.")
    assert "organs.vector_store.url" in health.hint
    with pytest.raises(OrganError, match="does not answer"):
        await store.chunk_ids("kb")
    await store.close()


async def test_the_doctor_tells_of_vectors_that_did_not_fit_until_they_do(tmp_path: Path) -> None:
    store = MilvusLiteVectorStore(tmp_path)
    await store.upsert("규정", [row(0)], unit(1))
    assert (await store.health()).ok
    with pytest.raises(OrganError, match="anew"):
        await store.dense("규정", np.ones(8, dtype=np.float32), top_k=1)
    health = await store.health()
    assert not health.ok
    assert "규정: The index holds vectors of 32 numbers, the embedding model gives 8." in health.detail
    await store.dense("규정", unit(1)[0], top_k=1)
    assert (await store.health()).ok
    await store.close()


async def test_milvus_lite_is_told_to_be_taken_by_another_process(tmp_path: Path) -> None:
    first, second = MilvusLiteVectorStore(tmp_path), MilvusLiteVectorStore(tmp_path)
    assert (await first.health()).ok
    health = await second.health()
    assert not health.ok
    assert "one process" in health.hint
    await first.close()
    assert (await second.health()).ok
    await second.close()


async def test_milvus_lite_is_reached_by_this_user_alone(tmp_path: Path) -> None:
    store = MilvusLiteVectorStore(tmp_path)
    await store.health()
    assert store._engine is not None
    address = store._engine.address
    assert address.startswith("unix:")
    folder = Path(address.removeprefix("unix:")).parent
    assert folder.stat().st_mode & 0o777 == 0o700
    await store.close()
    assert not folder.exists()


async def test_milvus_lite_takes_away_the_sockets_folder_that_a_killed_process_left(tmp_path: Path) -> None:
    left, others = (Path(tempfile.mkdtemp(prefix=prefix)) for prefix in ("llmflow-milvus-", "somebody-elses-"))
    for noted in (others, left):
        (tmp_path / "milvus_lite.socket").write_text(str(noted))
        store = MilvusLiteVectorStore(tmp_path)
        assert (await store.health()).ok
        await store.close()
    assert (left.exists(), others.exists(), list(tmp_path.glob("*.socket"))) == (False, True, [])
    others.rmdir()


@pytest.mark.organs
@pytest.mark.parametrize("token", ["root:wrong", ""])
async def test_a_wrong_token_and_none_are_told_apart_from_a_server_that_is_down(milvus: str, token: str) -> None:
    store = MilvusVectorStore(milvus, token=token)
    health = await store.health()
    assert not health.ok
    assert "let nobody in" in health.detail
    assert "organs.vector_store.token" in health.hint
    assert "wrong" not in str(health)
    await store.close()


async def test_rows_are_found_in_partitions_by_document_also_when_they_moved(tmp_path: Path) -> None:
    store = MilvusLiteVectorStore(tmp_path)
    store._layout = replace(store._layout, partitions=16)
    vectors = unit(300)
    await store.upsert("kb", [row(n, "휴가") for n in range(300)], vectors)
    await store.upsert("kb", [IndexRow("c00007", "elsewhere", ("휴가",))], vectors[7:8])
    assert await store.chunk_ids("kb", document_id="elsewhere") == ["c00007"]
    assert len(await store.chunk_ids("kb", document_id="d0")) == 9
    await store.set_groups("kb", document_ids=["d1"], groups=["hr"])
    await store.delete("kb", document_ids=["d2"])
    assert len(await store.chunk_ids("kb")) == 290
    where = Filter(document_ids=("d0", "d1", "elsewhere"), groups=())
    wanted = {f"c{n:05}" for n in range(10)}
    assert set(ids(await store.dense("kb", vectors[0], top_k=50, where=where))) == wanted
    assert set(ids(await store.keyword("kb", ["휴가"], top_k=50, where=where))) == wanted
    await store.close()


@pytest.mark.organs
async def test_partitions_are_refused_where_the_server_would_lose_rows_in_them(milvus: str) -> None:
    store = MilvusVectorStore(milvus, token=milvus_server.TOKEN, partitions=2)
    health = await store.health()
    assert not health.ok
    assert "organs.vector_store.partitions" in health.hint
    with pytest.raises(OrganError):
        await store.upsert("kb", [row(0)], unit(1))
    await store.close()


@pytest.mark.organs
async def test_what_was_written_is_indexed_once_writing_pauses(milvus: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmflow.organs.vector_store.milvus._PAUSE_S", 0.1)
    store = MilvusVectorStore(milvus, token=milvus_server.TOKEN)
    await store.upsert("kb", [row(n) for n in range(5_000)], unit(5_000))
    found = await store._collection("kb")
    async with asyncio.timeout(60):
        while await found.indexed_rows() != (5_000, 5_000):
            await asyncio.sleep(0.2)
    await store.drop("kb")
    await store.close()


@pytest.mark.organs
async def test_a_database_that_is_not_there_is_told(milvus: str) -> None:
    store = MilvusVectorStore(milvus, token=milvus_server.TOKEN, database="nowhere")
    health = await store.health()
    assert not health.ok
    assert "organs.vector_store.database" in health.hint
    await store.close()


@pytest.mark.organs
@pytest.mark.parametrize(
    "options",
    [
        {"index": "FLAT", "metric": "ip"},
        {"index": "HNSW", "metric": "l2", "build": "M=8, efConstruction=64", "search": "ef=256"},
        {"index": "IVF_FLAT", "shards": 2, "build": "nlist=64", "search": "nprobe=64"},
        {"index": "IVF_SQ8", "build": "nlist=8", "search": "nprobe=8"},
        {"index": "AUTOINDEX", "consistency": "strong"},
    ],
    ids=lambda options: "-".join(map(str, options.values())),
)
async def test_every_layout_finds_what_there_is_with_its_cosines(milvus: str, options: dict[str, Any]) -> None:
    store = MilvusVectorStore(milvus, token=milvus_server.TOKEN, **options)
    vectors = unit(4_000)
    groups = [("in",) if number % 10 == 0 else ("out",) for number in range(4_000)]
    rows = [row(number, groups=groups[number]) for number in range(4_000)]
    await store.upsert("layout", rows, vectors)
    await store.settle("layout")
    right = 0
    for query in unit(10, seed=3):
        hits = await store.dense("layout", query, top_k=10, where=Filter(groups=("in",)))
        wanted = exact(vectors, query, list(range(0, 4_000, 10)), 10)
        right += len(set(ids(hits)) & set(wanted))
        for hit in hits:
            assert hit.score == pytest.approx(float(vectors[int(hit.chunk_id[1:])] @ query), abs=0.02)
    assert right >= 95
    await store.upsert("layout", [IndexRow("c00007", "elsewhere", (), ("in",))], vectors[7:8])
    await store.delete("layout", document_ids=["d3"])
    assert len(await store.chunk_ids("layout")) == 3_990
    assert await store.chunk_ids("layout", document_id="elsewhere") == ["c00007"]
    await store.drop("layout")
    await store.close()
