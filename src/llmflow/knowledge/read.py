"""A document's bytes to chunks: parsed and cut as it says or its base does, or by its base's pipeline instead."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from llmflow.access.rights import Rights
from llmflow.errors import DocumentError, LLMFlowError
from llmflow.gateway.asker import Asker, speak_for
from llmflow.knowledge.cutting import checked, rule_from, rule_of
from llmflow.knowledge.given import Cutter, chunks_of, no_cutter
from llmflow.knowledge.indexing import ROOM_TOKENS
from llmflow.knowledge.models import EmbeddingModels
from llmflow.knowledge.pairs.writer import PairWriter, Written
from llmflow.knowledge.progress import Progress
from llmflow.knowledge.types import Document, KnowledgeBase
from llmflow.ports.blobs import Blobs
from llmflow.ports.chunker import Chunk, Chunker, ChunkRule
from llmflow.ports.parser import Element, ParsedDocument, Parser
from llmflow.store.content import Scope
from llmflow.store.database import Database


@dataclass(frozen=True, slots=True)
class Preview:
    """`written`: where a model writes; `fault`: why none can."""

    chunks: list[Chunk]
    written: Written | None = None
    fault: LLMFlowError | None = None


class Reader:
    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        parser: Parser,
        chunker: Chunker,
        models: EmbeddingModels,
        writer: PairWriter,
        progress: Progress,
        rights: Rights,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._parser = parser
        self._chunker = chunker
        self._models = models
        self._writer = writer
        self._progress = progress
        self._rights = rights
        self.cutter: Cutter = no_cutter  # of bases that have a pipeline

    async def read(self, base: KnowledgeBase, document: Document, most: int) -> tuple[ParsedDocument, list[Chunk]]:
        """`most`: tokens that the embedding model reads of a passage. Progress is told meanwhile.

        Raises DocumentError, Unsupported, OrganError where it is to be tried again, and NotFound or FileNotFoundError
        when the bytes are gone."""
        if base.pipeline_id is None:
            parsed, chunks = await self._read(base, document, most)
        else:
            parsed, chunks = await self._given(base, document, most)
        if not chunks:
            raise DocumentError(f"{document.name} has no text.", code="document_empty")
        return parsed, chunks

    async def _read(self, base: KnowledgeBase, document: Document, most: int) -> tuple[ParsedDocument, list[Chunk]]:
        parsed = await self._parse(document)
        self._progress.report(document, "chunk", 0, 0)
        elements = await self._admit(base, parsed.elements)
        rule = rule_of(base, document, most=most)
        cutting = self._chunker.chunk(elements, rule, progress=partial(self._progress.report, document, "chunk"))
        chunks = await self._progress.told(cutting)
        if rule.method != "qa":
            return parsed, chunks
        written = await self._progress.told(self._write(document, chunks, rule))
        return msgspec.structs.replace(parsed, warnings=(*parsed.warnings, *written.notes)), written.chunks

    async def _write(self, document: Document, chunks: Sequence[Chunk], rule: ChunkRule) -> Written:
        """A task of its own: whom it works for must not stay with whoever reads."""
        key_id, account_id = await self._rights.which(document.workspace_id, document.created_by)
        right = await self._rights.of(document.workspace_id, key_id=key_id, account_id=account_id)
        speak_for(Asker(document.workspace_id, key_id=key_id, account_id=account_id, groups=right.groups))
        report = partial(self._progress.report, document, "ask")
        return await self._writer.write(document, chunks, rule, progress=report)

    async def _given(self, base: KnowledgeBase, document: Document, most: int) -> tuple[ParsedDocument, list[Chunk]]:
        """By the base's pipeline instead."""
        self._progress.report(document, "parse", 0, 0)
        given = await self._progress.told(self.cutter(base, document))
        self._progress.report(document, "chunk", 0, 0)
        chunks = await chunks_of(given, self._chunker, most=most)
        if given.parsed is not None:
            return given.parsed, chunks
        media_type = document.media_type or mimetypes.guess_type(document.file_name)[0] or ""
        return ParsedDocument((), media_type), chunks

    async def preview(
        self, base: KnowledgeBase, document: Document, said: Mapping[str, Any], *, ask: int = 0
    ) -> Preview:
        """What a document would be under a rule of cutting. No passage is stored; of parts that a model writes from, at
        most `ask` are asked about that were not yet, for whoever previews, and its answers are kept. Raises UsageError,
        what reading raises and, where the model is asked, what that raises."""
        embedding = await self._models.for_writing(base)
        await embedding.embed([], "passage")  # loads the model, which alone knows its limit
        rule = rule_from(base, checked(said), most=embedding.max_tokens - ROOM_TOKENS)
        async with self._blobs.local(document.digest) as path:
            parsed = await self._parser.parse(path, name=document.file_name)
        chunks = await self._chunker.chunk(await self._admit(base, parsed.elements), rule)
        if rule.method != "qa":
            return Preview(chunks)
        try:
            written = await self._writer.write(document, chunks, rule, most=ask)
        except LLMFlowError as error:
            if ask:
                raise
            due = tuple(chunk for chunk in chunks if chunk.parts)
            return Preview(chunks, Written(chunks, (), rule.model, len(due), due), error)
        return Preview(written.chunks, written)

    async def _parse(self, document: Document) -> ParsedDocument:
        report = partial(self._progress.report, document, "parse")
        async with self._blobs.local(document.digest) as path:
            return await self._progress.told(self._parser.parse(path, name=document.file_name, progress=report))

    async def _admit(self, base: KnowledgeBase, elements: Sequence[Element]) -> Sequence[Element]:
        """The elements with their words past the boundary, before anything is cut, asked about or embedded."""
        texts = await self._database.boundary.admit(Scope("knowledge", base.id), [e.text for e in elements])
        if all(text == element.text for text, element in zip(texts, elements, strict=True)):
            return elements
        return [msgspec.structs.replace(element, text=text) for element, text in zip(elements, texts, strict=True)]
