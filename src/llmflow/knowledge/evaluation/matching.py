"""Which hits of a search are right."""

from __future__ import annotations

from collections.abc import Sequence

from llmflow.knowledge.evaluation import measures
from llmflow.knowledge.evaluation.types import Judged, Place
from llmflow.knowledge.types import Found

_GRAM = 5  # characters
_PART = 0.5  # of a passage that a hit must have, as documents are cut anew
_PIECE = 0.25  # or this much, when the hit has hardly anything else
_ALL = 0.9


def place(question: Judged, found: Sequence[Found], ms: float) -> Place:
    """How well the hits, best first, answer the question; `ms` is what they took. What is ranked are documents, each
    where its best passage stands; of a question that names a passage they are passages, and what stands beside the
    right one in the same text does not count twice."""
    ids = {document.id for document in question.expected}
    if question.passage:
        wanted = _grams(question.passage)
        ranked = ["right" if hit.document_id in ids and _is_in(wanted, hit.text) else hit.chunk_id for hit in found]
        right = {"right"}
    else:
        ranked, right = [hit.document_id for hit in found], ids
    ranked = list(dict.fromkeys(ranked))
    return Place(
        rank=measures.rank(ranked, right),
        ndcg=measures.ndcg(ranked, right),
        recall=measures.recall(ranked, right),
        rr=measures.reciprocal_rank(ranked, right),
        ms=ms,
    )


def _is_in(wanted: set[str], text: str) -> bool:
    """Whether at least half of a passage stands in a text, or a quarter where the text is nothing but that."""
    has = _grams(text)
    both = len(wanted & has)
    return both >= _PART * len(wanted) or (both >= _PIECE * len(wanted) and both >= _ALL * len(has))


def _grams(text: str) -> set[str]:
    """Runs of five letters, without regard to case and to spaces, which readers of files break anywhere."""
    letters = "".join(letter for letter in text.casefold() if letter.isalnum())
    return {letters[at : at + _GRAM] for at in range(max(1, len(letters) - _GRAM + 1))}
