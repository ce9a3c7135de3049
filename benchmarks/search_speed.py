"""Search among 100,000 passages by how much of them a caller may see: 1, 10, 50 % of the documents, or all.

`python -m benchmarks.search_speed [--quick] [--store lancedb|milvus_lite|milvus] [--url URL --token TOKEN]
[--passages N]`. Without a URL, `milvus` is the real server of the tests; that version has no keyword search, and none
of the lines with it.

Nothing is embedded. Hybrid runs both legs at once and fuses them, as the retriever does. Recall is of the ten nearest
that the caller may see, by looking at each. What SQL does before a search is measured over the same documents in
SQLite: what is switched off or closed, and which documents a condition on their metadata fits; those go into the
index's filter by their ids. CPU is that of this process and its children: on a busy machine it says more than time.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TypeVar

import numpy as np
import uvloop

from benchmarks.documents_in_sql import InSql, filled
from benchmarks.passages import DIMENSIONS, SHARES, Corpus, Question, corpus
from benchmarks.report import Line, show
from llmflow.knowledge.fuse import fuse
from llmflow.organs.vector_store.lancedb import LanceVectorStore
from llmflow.organs.vector_store.milvus import MilvusVectorStore
from llmflow.organs.vector_store.milvus_lite import MilvusLiteVectorStore
from llmflow.ports.vector_store import Filter, Hit
from llmflow.store.database import sqlite_url
from tests.organs import milvus_server

_BATCH = 1_000
_CANDIDATES = 50  # of each leg
_PEER = "Milvus Lite 405 ms, dense alone"
_KINDS = {"lancedb": "embedded", "milvus_lite": "embedded", "milvus": "a server"}
_LIMITS_MS = {"all": 40, "10 %": 90}  # of hybrid search in the default store

Store = LanceVectorStore | MilvusLiteVectorStore | MilvusVectorStore
Numbers = dict[str, float]
T = TypeVar("T")


def main(
    quick: bool = False,
    store: str = "lancedb",
    url: str = "",
    token: str = milvus_server.TOKEN,
    passages: int = 0,
) -> dict[str, object]:
    passages, questions = passages or (20_000 if quick else 100_000), 50 if quick else 200
    asked = corpus(passages, questions)
    serving = milvus_server.running() if store == "milvus" and not url else nullcontext(url)
    with tempfile.TemporaryDirectory() as folder, serving as at:
        found = uvloop.run(_measure(lambda: _opened(store, Path(folder), at, token), asked, Path(folder)))
    title = f"Search among {passages:,} passages x {DIMENSIONS}, {store} ({_KINDS[store]}), {questions} questions"
    show(title, _report(found, is_default=store == "lancedb"))
    return dict(found)


def _opened(store: str, folder: Path, url: str, token: str) -> Store:
    if store == "milvus":
        return MilvusVectorStore(url, token=token)
    return LanceVectorStore(folder) if store == "lancedb" else MilvusLiteVectorStore(folder)


def _report(found: dict[str, Numbers], *, is_default: bool) -> list[Line]:
    """The targets are the default store's."""
    lines = []
    for share in SHARES:
        for name in ("hybrid", "dense", "keyword"):
            if (numbers := found.get(f"{name}, {share} visible")) is not None:
                limit = _LIMITS_MS.get(share) if is_default and name == "hybrid" else None
                target = f"p50 <= {limit} ms" if limit else ""
                met = numbers["p50_ms"] <= limit if limit else None
                lines.append(Line(f"{name}, {share} visible: p50 / p95, CPU", _shown(numbers), target, _PEER, met))
    for share in SHARES:
        recall = found["recall"][share]
        lines.append(Line(f"recall@10 of what is visible, {share}", f"{recall:.3f}", ">= .95", "1", recall >= 0.95))
    for what in ("SQL before it, by groups", "SQL before it, by a condition", "search by a condition"):
        for share in SHARES:
            if (numbers := found.get(f"{what}, {share}")) is not None:
                lines.append(Line(f"{what}, {share}: p50 / p95, CPU", _shown(numbers)))
    written = found["insert"]
    rate = f"{written['per_s']:,.0f}, {written['cpu_ms']:.2f}"
    lines.append(Line("insert, indexes kept: rows/s, CPU-ms a row", rate))
    memory = f"{written['rss_mb']:.0f} MB"
    lines.append(Line("memory beside the benchmark's own data", memory, "", "Milvus Lite 2300 MB"))
    return lines


def _shown(numbers: Numbers) -> str:
    return f"{numbers['p50_ms']:.1f} / {numbers['p95_ms']:.1f} ms, {numbers['cpu_ms']:.1f} ms"


async def _measure(opened: Callable[[], Store], asked: Corpus, folder: Path) -> dict[str, Numbers]:
    store = opened()
    await store.chunk_ids("bench")
    before_mb = _rss_mb()
    found: dict[str, Numbers] = defaultdict(dict)
    found["insert"] = await _insert(store, asked)

    async def dense(question: Question, where: Filter | None) -> list[Hit]:
        return await store.dense("bench", question.vector, top_k=_CANDIDATES, where=where)

    async def keyword(question: Question, where: Filter | None) -> list[Hit]:
        return await store.keyword("bench", question.terms, top_k=_CANDIDATES, where=where)

    async def hybrid(question: Question, where: Filter | None) -> list[str]:
        legs = await asyncio.gather(dense(question, where), keyword(question, where))
        return [hit.chunk_id for hit in fuse(*legs)]

    searches: dict[str, Callable[[Question, Filter | None], Awaitable[object]]] = {"dense": dense}
    if "keyword" in store.abilities:
        searches |= {"keyword": keyword, "hybrid": hybrid}
    best = searches.get("hybrid", dense)
    for share in SHARES:
        where = None if share == "all" else Filter(groups=(share,))
        for name, search in searches.items():
            found[f"{name}, {share} visible"] = await _timed(_with(search, where), asked.questions)
    found["insert"]["rss_mb"] = _rss_mb() - before_mb
    for share in SHARES:
        where = None if share == "all" else Filter(groups=(share,))
        right = 0
        for question in asked.questions:
            hits = await store.dense("bench", question.vector, top_k=10, where=where)
            right += len({hit.chunk_id for hit in hits} & asked.nearest(question, share))
        found["recall"][share] = right / (10 * len(asked.questions))
    async with filled(sqlite_url(folder / "bench.db"), len(asked.vectors)) as in_sql:
        found |= await _with_sql(in_sql, best, asked.questions)
    await store.drop("bench")
    await store.close()
    return found


async def _with_sql(
    in_sql: InSql, search: Callable[[Question, Filter | None], Awaitable[object]], questions: Sequence[Question]
) -> dict[str, Numbers]:
    found = {}
    for share in SHARES:
        few = [share] * min(50, len(questions))
        found[f"SQL before it, by groups, {share}"] = await _timed(in_sql.by_groups, few)
        if share != "all":
            found[f"SQL before it, by a condition, {share}"] = await _timed(in_sql.by_condition, few)
            where = await in_sql.by_condition(share)
            found[f"search by a condition, {share}"] = await _timed(_with(search, where), questions[:50])
    return found


def _with(
    search: Callable[[Question, Filter | None], Awaitable[object]], where: Filter | None
) -> Callable[[Question], Awaitable[object]]:
    return lambda question: search(question, where)


async def _insert(store: Store, asked: Corpus) -> Numbers:
    wall, cpu, count = time.perf_counter(), _cpu_s(), len(asked.vectors)
    for start in range(0, count, _BATCH):
        rows = [asked.row(number) for number in range(start, min(count, start + _BATCH))]
        await store.upsert("bench", rows, asked.vectors[start : start + _BATCH])
    await (milvus_server.settled(store, "bench") if isinstance(store, MilvusVectorStore) else store.settle("bench"))
    spent = _cpu_s() - cpu
    return {"per_s": count / (time.perf_counter() - wall), "cpu_ms": 1000 * spent / count}


async def _timed(search: Callable[[T], Awaitable[object]], asked: Sequence[T]) -> Numbers:
    """One after another, after five to warm up; CPU: the mean."""
    for one in asked[:5]:
        await search(one)
    taken, cpu = [], _cpu_s()
    for one in asked:
        start = time.perf_counter()
        await search(one)
        taken.append(1000 * (time.perf_counter() - start))
    return {
        "p50_ms": float(np.percentile(taken, 50)),
        "p95_ms": float(np.percentile(taken, 95)),
        "cpu_ms": 1000 * (_cpu_s() - cpu) / len(asked),
    }


def _cpu_s() -> float:
    """Of this process and all that came of it and runs."""
    parents, spent = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(") ")[2].split()
        except OSError:  # it has just ended
            continue
        pid = int(stat.parent.name)
        parents[pid], spent[pid] = int(fields[1]), int(fields[11]) + int(fields[12])
    ours, before = {os.getpid()}, 0
    while len(ours) > before:
        before = len(ours)
        ours |= {pid for pid, parent in parents.items() if parent in ours}
    return sum(spent[pid] for pid in ours) / os.sysconf("SC_CLK_TCK")


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
    parser.add_argument("--passages", type=int, default=0)
    given = parser.parse_args()
    main(given.quick, given.store, given.url, given.token, given.passages)
