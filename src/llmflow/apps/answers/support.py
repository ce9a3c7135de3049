"""Is an answer supported by its passages? For models too small to be trusted with them.

Each sentence of the answer needs one source sentence (or table row) that has most of its content terms, and every
number and name in it. That is strict on purpose: a tiny model that puts words of two sentences together makes things
up from true words. What passes is close to a quotation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from llmflow.apps.answers.sentences import units
from llmflow.knowledge.terms import query_terms, terms
from llmflow.knowledge.types import Found

LEAST_OVERLAP = 0.8  # of a sentence's content terms
_NUMBER = re.compile(r"\d[\d,.:/-]*")
_NAME = re.compile(r"(?<![.!?:\n] )(?<!^)\b[A-Z][A-Za-z0-9-]+")
_EVASION = re.compile(
    r"\b(?:as an ai|i (?:do not|don't|cannot|can't|am not|'m not)|sorry|not (?:mentioned|specified|provided))\b", re.I
)

#: Passages with the sentences that the model was given of each.
Excerpts = Sequence[tuple[Found, Sequence[str]]]


def sources_of(answer: str, excerpts: Excerpts, question: str) -> list[Found]:
    """The passages the answer rests on; empty when it is not supported, is empty, evades, or says nothing that the
    question does not say."""
    answer = answer.strip()
    if not answer or _EVASION.search(answer):
        return []
    asked = set(terms(question))
    chosen: list[Found] = []
    new: set[str] = set()
    for unit in units(answer):
        content = set(query_terms(unit.text))
        source = next(
            (f for f, sentences in excerpts for s in sentences if _carries(s, unit.text, content, asked)), None
        )
        if source is None:
            return []
        new |= content - asked
        if source not in chosen:
            chosen.append(source)
    return chosen if new else []


def _carries(source: str, sentence: str, content: set[str], asked: set[str]) -> bool:
    there = set(terms(source))
    names = {term for name in _NAME.findall(sentence) for term in terms(name)}
    return (
        bool(content)
        and len(content & there) >= LEAST_OVERLAP * len(content)
        and _numbers(sentence) <= _numbers(source)
        and names <= there | asked
    )


def _numbers(text: str) -> set[str]:
    return {found.rstrip(".,:/-").replace(",", "") for found in _NUMBER.findall(text)}
