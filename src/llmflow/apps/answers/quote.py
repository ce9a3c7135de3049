"""Quotations: the sentences and table rows of the best passages that answer a question, word for word."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from llmflow.apps.answers.bags import Bags
from llmflow.apps.answers.compare import Compare
from llmflow.apps.answers.sentences import Unit, units
from llmflow.knowledge.terms import query_terms, terms
from llmflow.knowledge.types import Found

_PASSAGES = 5
_SENTENCES = 40  # compared at most: each costs an embedding, 10 to 20 CPU-ms
_QUOTED = 3
_COSINE, _TERMS, _PASSAGE, _NUMBER = 1.0, 0.35, 0.35, 0.25  # weights of a sentence's scores, each 0..1
# Of the best score: what else is quoted. On TyDi 2.2 sentences are quoted and .81 have the answer (always one: .60,
# always three: .86), among questions whose passage is in the first five.
_NEAR = 0.65
_WHOLE_TABLE = 8  # rows; of a longer one only those that were chosen
_ASKS_A_NUMBER = re.compile(
    r"몇|얼마|며칠|언제|얼만|how (?:many|much|long|old|far|often|fast|big|tall|high|late|soon|large|early|quickly)"
    r"|\bwhen\b|what (?:year|time|date|percent|number|age)|\b(?:cost|price|fee)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Quotation:
    """`score`: comparable within one question only."""

    found: Found
    unit: Unit
    score: float


async def choose(question: str, passages: Sequence[Found], bags: Bags, compare: Compare) -> list[Quotation]:
    """One to three quotations, best first, from at most `_PASSAGES` passages; `bags`: the terms of all. Ranks sentences
    and rows by their nearness to the question, the question's terms in them and their headings, their passage's score,
    and by a number in them where one is asked for. A table, or the sentence that introduces it, brings the table's
    other rows."""
    candidates = _candidates(passages)
    if not candidates:
        return []
    cosines = _scaled(await compare(question, [unit.plain for _, unit in candidates]))
    return await asyncio.to_thread(_ranked, question, passages, bags, candidates, cosines)  # cuts them into morphemes


def _ranked(
    question: str,
    passages: Sequence[Found],
    bags: Bags,
    candidates: Sequence[tuple[Found, Unit]],
    cosines: Sequence[float],
) -> list[Quotation]:
    weights = _weights(question, bags)
    top = max((found.score for found in passages), default=0.0) or 1.0
    introductions = {unit for found in passages[:_PASSAGES] for unit in _introductions(_units(found))}
    number = _NUMBER if _ASKS_A_NUMBER.search(question) else 0.0
    ranked = [
        Quotation(
            found,
            unit,
            _COSINE * cosine
            + _TERMS * _coverage(weights, f"{' '.join(found.heading_path)} {unit.heading} {unit.plain}")
            + _PASSAGE * found.score / top
            + number * (unit in introductions or any(char.isdigit() for char in unit.text)),
        )
        for (found, unit), cosine in zip(candidates, cosines, strict=True)
    ]
    ranked.sort(key=lambda quotation: -quotation.score)
    near = [quotation for quotation in ranked if quotation.score >= _NEAR * ranked[0].score]
    return _distinct(near)


def _candidates(passages: Sequence[Found]) -> list[tuple[Found, Unit]]:
    """Sentences and rows of the best passages, the first passages first, none twice (passages overlap)."""
    seen: set[str] = set()
    found: list[tuple[Found, Unit]] = []
    for passage in passages[:_PASSAGES]:
        for unit in _units(passage):
            if unit.text not in seen and any(char.isalnum() for char in unit.text):
                seen.add(unit.text)
                found.append((passage, unit))
    return found[:_SENTENCES]


def _units(passage: Found) -> list[Unit]:
    return units(passage.text, heading=passage.heading_path[-1] if passage.heading_path else "")


def _weights(question: str, bags: Bags) -> dict[str, float]:
    """Rarity of the question's terms among the passages."""
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
    """The best few without sentences that say what a better one says: the same words but a few."""
    kept: list[tuple[Quotation, set[str]]] = []
    for quotation in ranked:
        bag = set(terms(quotation.unit.plain))
        if all(len(bag & other) < 0.8 * max(1, min(len(bag), len(other))) for _, other in kept):
            kept.append((quotation, bag))
        if len(kept) == _QUOTED:
            break
    return [quotation for quotation, _ in kept]


def sources(quotations: Sequence[Quotation]) -> list[Found]:
    """The passages quoted, each once, in the order of their marks."""
    return list({quotation.found.chunk_id: quotation.found for quotation in quotations}.values())


def written(quotations: Sequence[Quotation], label: str) -> str:
    """Markdown: the label, then each passage's quotations with its mark; rows of a table under their header."""
    blocks = [label]
    for mark, found in enumerate(sources(quotations), 1):
        shown = _shown(found, quotations)
        blocks += [f"> {unit.text} [{mark}]" for unit in shown if not unit.table]
        blocks += [_table([unit for unit in shown if unit.table == n], mark) for n in _tables(shown)]
    return "\n\n".join(blocks)


def _shown(found: Found, quotations: Sequence[Quotation]) -> list[Unit]:
    """What is quoted of a passage, in reading order: the chosen sentences and rows, and the tables they belong to or
    introduce, whole when they are small."""
    every = _units(found)
    chosen = {quotation.unit for quotation in quotations if quotation.found.chunk_id == found.chunk_id}
    introduced = {
        after.table
        for unit, after in pairwise(every)
        if unit in chosen and not unit.table and unit.heading == after.heading
    }
    tables = introduced | {unit.table for unit in chosen}
    small = {n for n in tables if n and sum(1 for unit in every if unit.table == n) <= _WHOLE_TABLE}
    return [unit for unit in every if unit in chosen or unit.table in small]


def _introductions(every: Sequence[Unit]) -> dict[Unit, int]:
    """Sentences just before a table, and which table it is."""
    return {
        unit: after.table
        for unit, after in pairwise(every)
        if after.table and not unit.table and unit.heading == after.heading
    }


def _tables(shown: Sequence[Unit]) -> list[int]:
    return list(dict.fromkeys(unit.table for unit in shown if unit.table))


def _table(rows: Sequence[Unit], mark: int) -> str:
    header = rows[0].header
    rule = "|" + " --- |" * max(1, header.strip("|").count("|") + 1)
    return "\n".join(f"> {line}".rstrip() for line in (header, rule, *(row.text for row in rows), "", f"[{mark}]"))


def quoted_words(quotations: Sequence[Quotation], found: Found) -> str:
    """All that is quoted of one passage."""
    return "\n".join(unit.text for unit in _shown(found, quotations))


def excerpts(quotations: Sequence[Quotation], *, limit: int) -> list[tuple[Found, list[str]]]:
    """Of the `limit` best passages what is quoted, as plain sentences, for a model that reads little."""
    return [(found, [unit.plain for unit in _shown(found, quotations)]) for found in sources(quotations)[:limit]]
