"""Chunker: a parsed document's elements to chunks of bounded size."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Literal, Protocol

import msgspec

from llmflow.ports.embedding import Vectors
from llmflow.ports.health import Health
from llmflow.ports.parser import Element, Progress

#: Where on a page: page from 1, then x0, top, x1, bottom in points, origin top left.
PageBox = tuple[int, float, float, float, float]

CountTokens = Callable[[Sequence[str]], list[int]]  # tokens of each text, by the embedding model's vocabulary
EmbedTexts = Callable[[Sequence[str]], Awaitable[Vectors]]  # unit vectors of passages, a row for each text

Method = Literal["headings", "sentence", "fixed", "semantic", "parent_child", "qa"]
Cleaning = Literal["remove_extra_spaces", "remove_urls_emails"]


class Sizes(msgspec.Struct, frozen=True):
    """Counted with the embedding model's vocabulary, headings included. `separator`: text is cut there first; "" where
    the method itself would."""

    max_tokens: int = 320
    overlap_tokens: int = 40
    separator: str = ""


class ChunkRule(Sizes, frozen=True):
    """`method`: "headings", sections as large as they may be; "sentence", sentences whatever the headings; "fixed",
    what stands between two separators; "semantic", what is about one thing under a heading; "parent_child", by headings
    or separators, each with parts of the sizes of `child`, which are searched; "qa", questions with answers: those of
    tables, by their columns' names or, where a document is nothing but tables, the first two; other text by headings or
    separators as what a model is asked about, with parts of the sizes of `child`, which are taken where it is not.

    `breakpoint_percentile`, `buffer_sentences`: of "semantic". It cuts where neighbouring sentences, each read with so
    many on both sides, are farther apart than this percentile of all in the document; a lower one cuts more often.
    `parent`: what a parent is, a paragraph, or the whole document up to 10,000 tokens.
    `question`, `answer`: the columns of "qa"; `model`, `language`: of whoever writes them ("": the default, and the
    text's own), which no chunker asks."""

    method: Method = "headings"
    clean: tuple[Cleaning, ...] = ()
    breakpoint_percentile: Annotated[int, msgspec.Meta(ge=50, le=99)] = 95
    buffer_sentences: Annotated[int, msgspec.Meta(ge=0, le=5)] = 1
    parent: Literal["paragraph", "full-doc"] = "paragraph"
    child: Sizes = Sizes(max_tokens=120, overlap_tokens=0)
    question: str = ""
    answer: str = ""
    model: Annotated[str, msgspec.Meta(max_length=200)] = ""
    language: Annotated[str, msgspec.Meta(max_length=50)] = ""


class Chunk(msgspec.Struct, frozen=True, omit_defaults=True):
    """One passage. `text` is what is embedded, searched and quoted; `heading_path` stands beside it, not in it."""

    text: str
    tokens: int
    page: int | None = None  # where it begins
    page_end: int | None = None
    heading_path: tuple[str, ...] = ()
    kind: str = "text"  # "text" or "table"
    boxes: tuple[PageBox, ...] = ()  # in reading order, where the reader knows places
    ocr: bool = False
    answer: str | None = None  # where `text` is a question
    parts: tuple[Chunk, ...] = ()  # searched in its stead; then the chunk is what their hits give


class Chunker(Protocol):
    async def chunk(
        self, elements: Sequence[Element], rule: ChunkRule, *, progress: Progress | None = None
    ) -> list[Chunk]:
        """Chunks in reading order, none empty, none over `max_tokens`; a table is cut between rows only and each
        part repeats its header row. Deterministic: equal input, equal output. No text is lost but page headers and
        footers, which readers have marked. `progress`: told by methods that take long. Raises OrganError where a rule
        needs the embedding and it does not answer."""

    async def health(self) -> Health: ...

    async def close(self) -> None: ...
