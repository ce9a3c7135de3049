"""Does LLMFlow know when it does not know? The relevance gate and the quotations on TyDi, whose passages are judged.

`python -m benchmarks.honest_answers [--quick]` reads ../shared/data/retrieval. Each question is asked of four bases:
its own subject (the 60 passages nearest to the right one) with the right passage, another question's subject, and a
tiny base (four passages) with and without it. Where the right passage was there, the quotations are searched for the
judged answer.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.report import Line, show
from benchmarks.retrieval_quality import DATA, SETS, load
from llmflow.apps.answers import quote, relevance
from llmflow.apps.answers.bags import bags_of
from llmflow.apps.answers.compare import Comparer
from llmflow.apps.answers.relevance import Verdict
from llmflow.gateway.gateway import Gateway
from llmflow.knowledge.types import Found, Scores
from llmflow.organs.embedding.e5 import E5Embedding
from llmflow.ports.embedding import Vectors

_SUBJECT = 60  # passages of a base about one subject
_POOL = 30  # candidates of a search
_NAMES = {"ko": "Korean", "en": "English"}


@dataclass(frozen=True, slots=True)
class Sample:
    """Questions with their vectors, answers and right passages (places in `passages`)."""

    passages: list[str]
    vectors: Vectors
    questions: list[str]
    asked: Vectors
    right: list[int]
    answers: list[list[str]]


def main(quick: bool = False) -> dict[str, object]:
    if not DATA.is_dir():
        print("skipped: no shared data")
        return {}
    found = {name: asyncio.run(_measure(name, *((60, 500) if quick else (250, 1500)))) for name in SETS}
    show("Honest answers: CERTAIN when the passage is there, and when it is not (TyDi)", _report(found))
    return dict(found)


async def _measure(name: str, questions: int, passages: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as cache:
        embedding = E5Embedding(Path(cache))
        comparer = Comparer(Gateway({}, embedding))
        sample = await _sample(name, embedding, questions, passages)
        certain = dict.fromkeys(("subject", "elsewhere", "tiny", "tiny elsewhere"), 0)
        quoted = 0
        draw = random.Random(3)
        for place, question in enumerate(sample.questions):
            near = _nearest(sample, sample.right[place])
            other = _nearest(sample, sample.right[draw.choice([n for n in range(len(sample.right)) if n != place])])
            other = [n for n in other if n != sample.right[place]]
            own = [*near, sample.right[place]]
            bases = {
                "subject": own,
                "elsewhere": other,
                "tiny": [*near[:3], sample.right[place]],
                "tiny elsewhere": other[:4],
            }
            for kind, base in bases.items():
                found = _search(sample, place, base)
                bags = await bags_of(found)
                evidence = await relevance.weigh(question, name, found, bags, comparer.cosines)
                certain[kind] += evidence.verdict is Verdict.CERTAIN
                if kind == "subject":
                    quotations = await quote.choose(question, found, bags, comparer.cosines)
                    words = "\n".join(quote.quoted_words(quotations, source) for source in quote.sources(quotations))
                    quoted += any(answer in words for answer in sample.answers[place])
        await embedding.close()
    shares = {kind: count / len(sample.questions) for kind, count in certain.items()}
    right, wrong = shares["subject"] + shares["tiny"], shares["elsewhere"] + shares["tiny elsewhere"]
    return {
        **shares,
        "precision": right / (right + wrong),
        "recall": right / 2,
        "answer quoted": quoted / len(sample.questions),
    }


async def _sample(name: str, embedding: E5Embedding, questions: int, passages: int) -> Sample:
    """The same draw each time: questions with their right passages, and others around them."""
    judged = load(name)
    draw = random.Random(7)
    keys = draw.sample(sorted(judged.queries), questions)
    right = [min(judged.right[key]) for key in keys]
    others = sorted(judged.passages.keys() - set(right))
    ids = list(dict.fromkeys([*right, *draw.sample(others, min(len(others), passages - len(set(right))))]))
    places = {key: place for place, key in enumerate(ids)}
    texts = [judged.passages[key] for key in ids]
    answers = {}
    for line in (DATA / SETS[name] / "queries.jsonl").read_text("utf-8").splitlines():
        row = msgspec.json.decode(line)
        answers[row["_id"]] = row["answers"]
    return Sample(
        passages=texts,
        vectors=await embedding.embed(texts, "passage"),
        questions=[judged.queries[key] for key in keys],
        asked=await embedding.embed([judged.queries[key] for key in keys], "query"),
        right=[places[key] for key in right],
        answers=[answers[key] for key in keys],
    )


def _nearest(sample: Sample, place: int) -> list[int]:
    order = np.argsort(-(sample.vectors @ sample.vectors[place]), kind="stable")
    return [int(n) for n in order if n != place][:_SUBJECT]


def _search(sample: Sample, question: int, base: list[int]) -> list[Found]:
    """By cosine alone, best first."""
    cosines = {n: float(sample.vectors[n] @ sample.asked[question]) for n in base}
    best = sorted(base, key=lambda n: -cosines[n])[:_POOL]
    low, high = min(cosines.values()), max(cosines.values())
    return [_found(n, sample.passages[n], cosines[n], (cosines[n] - low) / (high - low or 1.0)) for n in best]


def _found(place: int, text: str, cosine: float, score: float) -> Found:
    return Found(
        document=f"{place}",
        document_id=f"{place}",
        chunk_id=f"{place}",
        text=text,
        score=score,
        scores=Scores(dense=cosine),
        page=None,
        heading_path=[],
        ordinal=0,
        tokens=len(text) // 3,
        kind="text",
        knowledge_id="",
        knowledge="",
        created_at=0,
        hit_count=0,
    )


def _report(found: dict[str, dict[str, float]]) -> list[Line]:
    lines = []
    for name, shares in found.items():
        language = _NAMES[name]
        lines += [
            Line(f"{language}: passage among its subject", f"{shares['subject']:.2f}"),
            Line(f"{language}: asked of another subject", f"{shares['elsewhere']:.2f}"),
            Line(f"{language}: passage in a tiny base", f"{shares['tiny']:.2f}"),
            Line(f"{language}: asked of another tiny base", f"{shares['tiny elsewhere']:.2f}"),
            Line(f"{language}: precision, recall", f"{shares['precision']:.2f}, {shares['recall']:.2f}"),
            Line(f"{language}: the answer is in the quotations", f"{shares['answer quoted']:.2f}"),
        ]
    return lines


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
