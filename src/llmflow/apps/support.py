"""Is an answer supported by its passages? For models too small to be trusted with them.

A sentence counts as supported when most of its content terms stand in the passages, and every number and every name in
it does. That finds what small models do wrong most: numbers, names and whole clauses that no passage has. It cannot
find a wrong combination of right words; so it is a check for tiny models, not a proof.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from llmflow.apps.sentences import units
from llmflow.knowledge.terms import query_terms, terms
from llmflow.knowledge.types import Found

LEAST_OVERLAP = 0.75  # of a sentence's content terms
_NUMBER = re.compile(r"\d[\d,.:/-]*")
_NAME = re.compile(r"(?<![.!?:\n] )(?<!^)\b[A-Z][A-Za-z0-9-]+")
_EVASION = re.compile(
    r"\b(?:as an ai|i (?:do not|don't|cannot|can't|am not|'m not)|sorry|not (?:mentioned|specified|provided))\b", re.I
)


def is_supported(answer: str, passages: Sequence[str], question: str) -> bool:
    """False also for an empty answer, an evasion, and one that only repeats the question."""
    answer = answer.strip()
    if not answer or _EVASION.search(answer):
        return False
    known = {term for passage in passages for term in terms(passage)}
    asked = set(terms(question))
    numbers = {number for passage in passages for number in _numbers(passage)}
    if not _numbers(answer) <= numbers:
        return False
    said: set[str] = set()
    for unit in units(answer):
        content = query_terms(unit.text)
        said.update(content)
        names = {term for name in _NAME.findall(unit.text) for term in terms(name)}
        found = sum(1 for term in content if term in known)
        if not content or found < LEAST_OVERLAP * len(content) or not names <= known | asked:
            return False
    return bool((said & known) - asked)


def sources(answer: str, excerpts: Sequence[tuple[Found, str]]) -> list[Found]:
    """The passages an answer rests on: the one that shares most of its terms, and others that add to it."""
    left = set(query_terms(answer))
    shared = [(found, left & set(terms(text))) for found, text in excerpts]
    chosen: list[Found] = []
    while shared:
        found, common = max(shared, key=lambda pair: len(pair[1] & left))
        if chosen and not common & left:
            break
        chosen.append(found)
        left -= common
        shared = [pair for pair in shared if pair[0] is not found]
    return chosen


def _numbers(text: str) -> set[str]:
    return {found.rstrip(".,:/-").replace(",", "") for found in _NUMBER.findall(text)}
