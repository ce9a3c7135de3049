"""Search among 100,000 passages in a vector store: dense, keyword and both fused, without embedding.

`python -m benchmarks.search_speed [--quick] [--store lancedb|milvus_lite|milvus] [--url URL --token TOKEN]`. Without a
URL, `milvus` is the real server of the tests; that version has no keyword search, and none of the lines with it.

Vectors are random but clustered like those of text (384 dimensions), words are drawn by Zipf's law, and each passage
belongs to one of ten groups, so that a caller with one group sees a tenth. Hybrid runs both legs at once and fuses
them, as the retriever does.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import uvloop
from numpy.typing import NDArray

from benchmarks.report import Line, show
from llmflow.knowledge.fuse import fuse
from llmflow.organs.vector_store.lancedb import LanceVectorStore
from llmflow.organs.vector_store.milvus import MilvusVectorStore
from llmflow.organs.vector_store.milvus_lite import MilvusLiteVectorStore
from llmflow.ports.embedding import Vectors
from llmflow.ports.vector_store import Filter, Hit, IndexRow
from tests.organs import milvus_server

_DIMENSIONS = 384
_GROUPS = 10
_WORDS = 60  # in a passage
_VOCABULARY = 50_000
_BATCH = 1_000
_CANDIDATES = 50  # of each leg
_PEER = "Milvus Lite 405 ms, dense alone"
_KINDS = {"lancedb": "embedded", "milvus_lite": "embedded", "milvus": "a server"}
_VISIBLE = Filter(groups=("g3",))


@dataclass(frozen=True, slots=True)
class Question:
    vector: Vectors
    terms: list[str]


@dataclass(frozen=True, slots=True)
class Corpus:
    vectors: Vectors  # (passages, 384)
    words: NDArray[np.int64]  # (passages, 60), ranks in the vocabulary
    questions: list[Question]

    def row(self, number: int) -> IndexRow:
        terms = tuple(f"w{word}" for word in self.words[number])
        return IndexRow(f"c{number:07}", f"d{number // 5}", terms, (f"g{number % _GROUPS}",))


Store = LanceVectorStore | MilvusLiteVectorStore | MilvusVectorStore


def main(
    quick: bool = False, store: str = "lancedb", url: str = "", token: str = milvus_server.TOKEN
) -> dict[str, object]:
    passages, questions = (20_000, 50) if quick else (100_000, 200)
    corpus = _corpus(passages, questions)
    serving = milvus_server.running() if store == "milvus" and not url else nullcontext(url)
    with tempfile.TemporaryDirectory() as folder, serving as at:
        found = uvloop.run(_measure(lambda: _opened(store, Path(folder), at, token), corpus))
    title = f"Search among {passages:,} passages x {_DIMENSIONS}, {store} ({_KINDS[store]}), {questions} questions"
    show(title, _report(found, is_default=store == "lancedb"))
    return dict(found)


def _opened(store: str, folder: Path, url: str, token: str) -> Store:
    if store == "milvus":
        return MilvusVectorStore(url, token=token)
    return LanceVectorStore(folder) if store == "lancedb" else MilvusLiteVectorStore(folder)


def _report(found: dict[str, float], *, is_default: bool) -> list[Line]:
    """The targets are the default store's."""
    lines = []
    for key, what, limit_ms in (
        ("hybrid", "hybrid", 40),
        ("hybrid_filtered", "hybrid, a tenth visible", 90),
        ("dense", "dense", None),
        ("dense_filtered", "dense, a tenth visible", None),
        ("keyword", "keyword", None),
        ("keyword_filtered", "keyword, a tenth visible", None),
    ):
        if f"{key}_p50_ms" not in found:
            continue
        p50 = found[f"{key}_p50_ms"]
        measured = f"{p50:.1f} / {found[f'{key}_p95_ms']:.1f} ms"
        limit = limit_ms if is_default else None
        target = f"p50 <= {limit} ms" if limit else ""
        lines.append(Line(f"{what}: p50 / p95", measured, target, _PEER, p50 <= limit if limit else None))
    for key, what in (("recall", "recall@10"), ("recall_filtered", "recall@10, a tenth visible")):
        lines.append(Line(what, f"{found[key]:.3f}", ">= .95", "exact search 1", found[key] >= 0.95))
    rate, cpu = found["insert_per_s"], found["insert_cpu_ms"]
    lines.append(Line("insert, indexes kept: rows/s, CPU-ms a row", f"{rate:,.0f}, {cpu:.2f}"))
    lines.append(Line("memory beside the benchmark's own data", f"{found['rss_mb']:.0f} MB", "", "Milvus Lite 2300 MB"))
    return lines


async def _measure(opened: Callable[[], Store], corpus: Corpus) -> dict[str, float]:
    store = opened()
    await store.chunk_ids("bench")
    before_mb = _rss_mb()
    found = await _insert(store, corpus)

    async def dense(question: Question, where: Filter | None) -> list[Hit]:
        return await store.dense("bench", question.vector, top_k=_CANDIDATES, where=where)

    async def keyword(question: Question, where: Filter | None) -> list[Hit]:
        return await store.keyword("bench", question.terms, top_k=_CANDIDATES, where=where)

    async def hybrid(question: Question, where: Filter | None) -> list[str]:
        legs = await asyncio.gather(dense(question, where), keyword(question, where))
        return [hit.chunk_id for hit in fuse(*legs)]

    searches = (("dense", dense), ("keyword", keyword), ("hybrid", hybrid))
    for name, search in searches if "keyword" in store.abilities else searches[:1]:
        for ending, where in (("", None), ("_filtered", _VISIBLE)):
            p50, p95 = await _timed(search, corpus.questions, where)
            found |= {f"{name}{ending}_p50_ms": p50, f"{name}{ending}_p95_ms": p95}
    found["rss_mb"] = _rss_mb() - before_mb
    for key, where in (("recall", None), ("recall_filtered", _VISIBLE)):
        right = 0
        for question in corpus.questions:
            hits = await store.dense("bench", question.vector, top_k=10, where=where)
            right += len({hit.chunk_id for hit in hits} & _exact(corpus, question, where))
        found[key] = right / (10 * len(corpus.questions))
    await store.drop("bench")
    await store.close()
    return found


async def _insert(store: Store, corpus: Corpus) -> dict[str, float]:
    wall, cpu, count = time.perf_counter(), time.process_time(), len(corpus.vectors)
    for start in range(0, count, _BATCH):
        rows = [corpus.row(number) for number in range(start, min(count, start + _BATCH))]
        await store.upsert("bench", rows, corpus.vectors[start : start + _BATCH])
    await (milvus_server.settled(store, "bench") if isinstance(store, MilvusVectorStore) else store.settle("bench"))
    spent = time.process_time() - cpu
    return {"insert_per_s": count / (time.perf_counter() - wall), "insert_cpu_ms": 1000 * spent / count}


async def _timed(
    search: Callable[[Question, Filter | None], Awaitable[object]], questions: list[Question], where: Filter | None
) -> tuple[float, float]:
    """p50 and p95 in ms, one question after another, after five to warm up."""
    for question in questions[:5]:
        await search(question, where)
    taken = []
    for question in questions:
        start = time.perf_counter()
        await search(question, where)
        taken.append(1000 * (time.perf_counter() - start))
    return float(np.percentile(taken, 50)), float(np.percentile(taken, 95))


def _exact(corpus: Corpus, question: Question, where: Filter | None) -> set[str]:
    cosines = corpus.vectors @ question.vector
    if where is not None:
        cosines[np.arange(len(cosines)) % _GROUPS != 3] = -2
    return {f"c{number:07}" for number in np.argpartition(-cosines, 10)[:10]}


def _corpus(passages: int, questions: int) -> Corpus:
    random = np.random.default_rng(7)
    total = passages + questions
    centres = random.standard_normal((max(10, passages // 100), _DIMENSIONS)) / np.sqrt(_DIMENSIONS)
    common = random.standard_normal(_DIMENSIONS) / np.sqrt(_DIMENSIONS)  # text vectors share a direction
    vectors = (centres[random.integers(0, len(centres), total)] + common).astype(np.float32)
    vectors += 0.5 * random.standard_normal((total, _DIMENSIONS), dtype=np.float32) / np.sqrt(_DIMENSIONS)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    words = random.zipf(1.2, (total, _WORDS)) % _VOCABULARY
    asked = [
        Question(vectors[number], [f"w{word}" for word in random.choice(words[number], 6, replace=False)])
        for number in range(passages, total)
    ]
    return Corpus(vectors[:passages], words[:passages], asked)


def _rss_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return float("nan")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search_speed")
    parser.add_argument("--quick", action="store_true", help="20,000 passages")
    parser.add_argument("--store", choices=_KINDS, default="lancedb")
    parser.add_argument("--url", default="", help="a Milvus server; what is made there is removed again")
    parser.add_argument("--token", default=milvus_server.TOKEN)
    given = parser.parse_args()
    main(given.quick, given.store, given.url, given.token)
