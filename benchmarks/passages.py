"""Passages as text gives them: vectors in clusters, words by Zipf's law, documents that few or many may see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmflow.ports.embedding import Vectors
from llmflow.ports.vector_store import IndexRow

DIMENSIONS = 384
IN_A_DOCUMENT = 5
#: One document in so many is open to the group of this name; "all": everybody may see them.
SHARES = {"1 %": 100, "10 %": 10, "50 %": 2, "all": 1}
_WORDS = 60  # in a passage
_VOCABULARY = 50_000


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
        document = number // IN_A_DOCUMENT
        return IndexRow(chunk_id(number), document_id(document), terms, groups_of(document))

    def nearest(self, question: Question, share: str) -> set[str]:
        """The ten that a caller of this share should find."""
        open_to = np.flatnonzero(np.arange(len(self.vectors)) // IN_A_DOCUMENT % SHARES[share] == 0)
        cosines = self.vectors[open_to] @ question.vector
        return {chunk_id(int(open_to[place])) for place in np.argpartition(-cosines, 10)[:10]}


def chunk_id(number: int) -> str:
    return f"c{number:07}"


def document_id(number: int) -> str:
    return f"d{number:06}"


def groups_of(document: int) -> tuple[str, ...]:
    """Every document names some."""
    return ("nobody here", *(share for share, every in SHARES.items() if share != "all" and document % every == 0))


def corpus(passages: int, questions: int) -> Corpus:
    random = np.random.default_rng(7)
    total = passages + questions
    centres = random.standard_normal((max(10, passages // 100), DIMENSIONS)) / np.sqrt(DIMENSIONS)
    common = random.standard_normal(DIMENSIONS) / np.sqrt(DIMENSIONS)  # text vectors share a direction
    vectors = (centres[random.integers(0, len(centres), total)] + common).astype(np.float32)
    vectors += 0.5 * random.standard_normal((total, DIMENSIONS), dtype=np.float32) / np.sqrt(DIMENSIONS)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    words = random.zipf(1.2, (total, _WORDS)) % _VOCABULARY
    asked = [
        Question(vectors[number], [f"w{word}" for word in random.choice(words[number], 6, replace=False)])
        for number in range(passages, total)
    ]
    return Corpus(vectors[:passages], words[:passages], asked)
