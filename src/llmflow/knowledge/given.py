"""Passages that somebody else has cut: a pipeline of knowledge reads and cuts a document instead of the ingest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from llmflow.errors import DocumentError
from llmflow.knowledge.places import Place, Places
from llmflow.knowledge.types import Document, KnowledgeBase
from llmflow.ports.chunker import Chunk, Chunker, ChunkRule
from llmflow.ports.parser import Element, ParsedDocument

_LEAST_TOKENS = 16


@dataclass(frozen=True, slots=True)
class Cut:
    """`answer`: where `text` is a question. `parts`: what is searched in its stead."""

    text: str
    answer: str | None = None
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """`parsed`: the document as it was read, where that is what the cuts are of; they are looked for in it."""

    cuts: Sequence[Cut]
    parsed: ParsedDocument | None = None


#: Reads and cuts a document of a base that has a pipeline. Raises DocumentError, and OrganError where it is to be tried
#: again.
Cutter = Callable[[KnowledgeBase, Document], Coroutine[Any, Any, Given]]


async def no_cutter(base: KnowledgeBase, document: Document) -> Given:
    raise DocumentError(f"Nobody here runs the pipeline of `{base.name}`.", code="not_yet")


async def chunks_of(given: Given, chunker: Chunker, *, most: int) -> list[Chunk]:
    """The passages with their tokens, and with the places where they stand in the document. One that the embedding
    model would not read whole is cut into several; questions and parents, which stand for their answers and parts, stay
    whole. `most`: tokens of a passage, with the headings above it."""
    places = await asyncio.to_thread(Places, given.parsed.elements if given.parsed else ())
    rule = ChunkRule(method="headings", max_tokens=max(most, _LEAST_TOKENS), overlap_tokens=0)

    async def pieces_of(text: str, place: Place | None) -> list[Chunk]:
        path = place.heading_path if place else ()
        pieces = await chunker.chunk([Element("NarrativeText", text, heading_path=path)], rule)
        if place is None or len(pieces) == 1:
            return [_put(piece, place) for piece in pieces]
        return [_put(piece, await asyncio.to_thread(places.of, piece.text, within=place)) for piece in pieces]

    async def parts_of(texts: Sequence[str], parent: Place | None) -> AsyncIterator[Chunk]:
        for text in texts:
            place = await asyncio.to_thread(places.of, text, within=parent) if parent else None
            for piece in await pieces_of(text, place):
                yield piece

    chunks: list[Chunk] = []
    for cut in given.cuts:
        place = await asyncio.to_thread(places.of, "\n".join((cut.text, cut.answer or "")))
        pieces = await pieces_of(cut.text, place)
        whole = _put(Chunk(cut.text, sum(piece.tokens for piece in pieces), answer=cut.answer), place)
        if cut.parts:
            parts = tuple([part async for part in parts_of(cut.parts, place)])
            chunks.append(msgspec.structs.replace(whole, parts=parts))
        elif cut.answer is not None:
            chunks.append(whole)
        else:
            chunks.extend(pieces)
    return chunks


def _put(chunk: Chunk, place: Place | None) -> Chunk:
    if place is None:
        return chunk
    return msgspec.structs.replace(
        chunk, page=place.page, page_end=place.page_end, heading_path=place.heading_path, boxes=place.boxes
    )
