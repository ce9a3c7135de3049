"""Sensitive words of an app: what it answers in place of a question, or of an answer, in which one of them stands."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmflow.workflow.dsl.document import Tree, mapping, text

_LONGEST = 100  # words looked for; Dify takes as many


@dataclass(frozen=True, slots=True)
class Moderation:
    """`words`: folded. `asked`, `said`: what stands in place of a question and of an answer; None: not looked at."""

    words: tuple[str, ...]
    asked: str | None
    said: str | None

    @property
    def reach(self) -> int:
        """Characters of what was said before that a word may begin in; several may fold into one."""
        return 8 * max(map(len, self.words), default=0)

    def instead_of_question(self, query: str, inputs: Mapping[str, Any]) -> str | None:
        """None: it may be asked."""
        given = [query, *(value for value in inputs.values() if isinstance(value, str))]
        return self.asked if self.asked is not None and any(map(self._has, given)) else None

    def instead_of_answer(self, answer: str) -> str | None:
        """`answer`: as far as it is told. None: it may stand."""
        return self.said if self.said is not None and self._has(answer) else None

    def _has(self, words: str) -> bool:
        folded = _folded(words)
        return any(word in folded for word in self.words)


def moderation_of(features: Tree) -> Moderation | None:
    """None where none is on or no words are named, or one that other servers do: the report says so."""
    settings = mapping(features.get("sensitive_word_avoidance"))
    if settings.get("enabled") is not True or settings.get("type") != "keywords":
        return None
    config = mapping(settings.get("config"))
    lines = [_folded(line.strip()) for line in text(config.get("keywords")).splitlines()]
    words = tuple(dict.fromkeys(line for line in lines if line))[:_LONGEST]
    if not words:
        return None
    return Moderation(
        words,
        _preset(mapping(config.get("inputs_config"))),
        _preset(mapping(config.get("outputs_config"))),
    )


def _preset(config: Tree) -> str | None:
    return text(config.get("preset_response")) if config.get("enabled") is True else None


def _folded(words: str) -> str:
    return unicodedata.normalize("NFKC", words).casefold()
