"""Quotations: the sentences and table rows of the best passages that answer a question, word for word."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from llmflow.apps.sentences import Unit, units
from llmflow.apps.words import words
from llmflow.knowledge.terms import query_terms, terms
from llmflow.knowledge.types import Found

#: Cosine of each sentence to the question.
Compare = Callable[[str, Sequence[str]], Awaitable[Sequence[float]]]

_PASSAGES = 5
_SENTENCES = 40  # compared at most: each costs an embedding
_QUOTED = 3
_COSINE, _TERMS, _PASSAGE = 1.0, 0.35, 0.35  # weights of a sentence's scores, each scaled to 0..1
_NEAR = 0.85  # of the best score: what else is quoted


@dataclass(frozen=True, slots=True)
class Quotation:
    """`score`: comparable within one question only."""

    found: Found
    unit: Unit
    score: float


async def choose(question: str, passages: Sequence[Found], compare: Compare) -> list[Quotation]:
    """One to three quotations, best first, from at most `_PASSAGES` passages. Ranks sentences by their own nearness
    to the question, the question's terms in them or in their headings, and their passage's score."""
    candidates = _candidates(passages)
    if not candidates:
        return []
    cosines = _scaled(await compare(question, [unit.plain for _, unit in candidates]))
    weights = _weights(question, passages)
    top = max((found.score for found in passages), default=0.0) or 1.0
    ranked = [
        Quotation(
            found,
            unit,
            _COSINE * cosine
            + _TERMS * _coverage(weights, f"{' '.join(found.heading_path)} {unit.plain}")
            + _PASSAGE * found.score / top,
        )
        for (found, unit), cosine in zip(candidates, cosines, strict=True)
    ]
    ranked.sort(key=lambda quotation: -quotation.score)
    return [quotation for quotation in _distinct(ranked) if quotation.score >= _NEAR * ranked[0].score][:_QUOTED]


def _candidates(passages: Sequence[Found]) -> list[tuple[Found, Unit]]:
    """Sentences and rows of the best passages, the first passages first, none twice (passages overlap)."""
    seen: set[str] = set()
    found: list[tuple[Found, Unit]] = []
    for passage in passages[:_PASSAGES]:
        for unit in units(passage.text):
            if unit.text not in seen and any(char.isalnum() for char in unit.text):
                seen.add(unit.text)
                found.append((passage, unit))
    return found[:_SENTENCES]


def _weights(question: str, passages: Sequence[Found]) -> dict[str, float]:
    """Rarity of the question's terms among the passages."""
    bags = [set(terms(found.text)) for found in passages]
    return {
        term: math.log(1 + (len(bags) + 1) / (1 + sum(1 for bag in bags if term in bag)))
        for term in query_terms(question)
    }


def _coverage(weights: dict[str, float], text: str) -> float:
    whole = sum(weights.values())
    there = set(terms(text))
    return sum(weight for term, weight in weights.items() if term in there) / whole if whole else 0.0


def _scaled(values: Sequence[float]) -> list[float]:
    low, high = min(values), max(values)
    return [(value - low) / (high - low) if high > low else 1.0 for value in values]


def _distinct(ranked: Sequence[Quotation]) -> list[Quotation]:
    """Without sentences that say what a better one says: the same words but a few."""
    kept: list[tuple[Quotation, set[str]]] = []
    for quotation in ranked:
        bag = set(terms(quotation.unit.plain))
        if all(len(bag & other) < 0.8 * max(1, min(len(bag), len(other))) for _, other in kept):
            kept.append((quotation, bag))
    return [quotation for quotation, _ in kept]


def sources(quotations: Sequence[Quotation]) -> list[Found]:
    """The passages quoted, each once, in the order of their marks."""
    return list({quotation.found.chunk_id: quotation.found for quotation in quotations}.values())


def written(quotations: Sequence[Quotation], language: str) -> str:
    """Markdown: a label, then each passage's quotations with its mark; rows of a table under their header."""
    blocks = [words(language).quoted]
    for mark, found in enumerate(sources(quotations), 1):
        mine = [quotation.unit for quotation in quotations if quotation.found.chunk_id == found.chunk_id]
        blocks += [f"> {line}" for line in _lines(mine, mark)]
    return "\n\n".join(blocks)


def _lines(quoted: Sequence[Unit], mark: int) -> list[str]:
    """Block quotes, ready but for the `> ` of their first line."""
    found: list[str] = []
    for header in dict.fromkeys(unit.header for unit in quoted):
        mine = [unit for unit in quoted if unit.header == header]
        if header:
            rule = "|" + " --- |" * max(1, header.strip("|").count("|") + 1)
            table = "\n> ".join([header, rule, *(unit.text for unit in mine)])
            found.append(f"{table}\n>\n> [{mark}]")
        else:
            found += [f"{unit.text} [{mark}]" for unit in mine]
    return found


def quoted_words(quotations: Sequence[Quotation], found: Found) -> str:
    """All that is quoted of one passage."""
    return "\n".join(q.unit.text for q in quotations if q.found.chunk_id == found.chunk_id)


def excerpts(quotations: Sequence[Quotation], *, limit: int) -> list[tuple[Found, str]]:
    """Of the `limit` best passages: each chosen sentence with its neighbours, for a model that reads little."""
    found: list[tuple[Found, str]] = []
    for source in sources(quotations)[:limit]:
        every = units(source.text)
        chosen = {quotation.unit for quotation in quotations if quotation.found.chunk_id == source.chunk_id}
        near = [
            unit.plain
            for at, unit in enumerate(every)
            if unit in chosen or (not unit.header and chosen & set(every[max(0, at - 1) : at + 2]))
        ]
        found.append((source, " ".join(near)))
    return found
