"""Passages that somebody else has cut: a pipeline of knowledge reads and cuts a document instead of the ingest."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from llmflow.errors import DocumentError
from llmflow.knowledge.types import Document, KnowledgeBase
from llmflow.ports.chunker import Chunk, Chunker, ChunkRule
from llmflow.ports.parser import Element

_LEAST_TOKENS = 16


@dataclass(frozen=True, slots=True)
class Cut:
    """`answer`: where `text` is a question. `parts`: what is searched in its stead."""

    text: str
    answer: str | None = None
    parts: tuple[str, ...] = ()


#: Reads and cuts a document of a base that has a pipeline. Raises DocumentError, and OrganError where it is to be tried
#: again.
Cutter = Callable[[KnowledgeBase, Document], Coroutine[Any, Any, Sequence[Cut]]]


async def no_cutter(base: KnowledgeBase, document: Document) -> Sequence[Cut]:
    raise DocumentError(f"Nobody here runs the pipeline of `{base.name}`.", code="not_yet")


async def chunks_of(cuts: Sequence[Cut], chunker: Chunker, *, most: int) -> list[Chunk]:
    """The passages with their tokens. One that the embedding model would not read whole is cut into several; questions
    and parents, which stand for their answers and parts, stay whole. `most`: tokens of a passage."""
    rule = ChunkRule(method="sentence", max_tokens=max(most, _LEAST_TOKENS), overlap_tokens=0)
    chunks: list[Chunk] = []
    for cut in cuts:
        pieces = await chunker.chunk([Element("NarrativeText", cut.text)], rule)
        tokens = sum(piece.tokens for piece in pieces)
        if cut.parts:
            parts = [part for text in cut.parts for part in await chunker.chunk([Element("NarrativeText", text)], rule)]
            chunks.append(Chunk(cut.text, tokens, parts=tuple(parts)))
        elif cut.answer is not None:
            chunks.append(Chunk(cut.text, tokens, answer=cut.answer))
        else:
            chunks.extend(pieces)
    return chunks
