"""A document that a run reads is parsed once, from its extractor to its passages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from llmflow.apps.pipelines.readings import Readings
from llmflow.knowledge.fresh import Coming, new_document
from llmflow.knowledge.types import Document, KnowledgeBase, Origin
from llmflow.organs.blobs.folder import FolderBlobs
from tests.knowledge.conftest import PlainParser

BASE = KnowledgeBase("b", "w", "규정", "", "", 320, 40, {}, {}, [], {}, None, None, "", 0, 0)


async def _document(blobs: FolderBlobs, name: str, text: str) -> Document:
    async def content() -> AsyncIterator[bytes]:
        yield text.encode()

    return new_document(BASE, name, await blobs.put(content()), Coming(Origin()))


async def test_it_is_parsed_once_and_forgotten_at_the_end(tmp_path: Path) -> None:
    blobs, parser = FolderBlobs(tmp_path), PlainParser()
    readings = Readings(blobs, parser)
    document = await _document(blobs, "규정.txt", "연차는 열다섯 날")
    first = await readings.read(document)
    assert await readings.take(document) is first
    assert len(parser.parsed) == 1
    assert (await readings.take(document)).elements == first.elements  # a run that a crash interrupted
    assert len(parser.parsed) == 2


async def test_only_the_latest_are_kept(tmp_path: Path) -> None:
    blobs, parser = FolderBlobs(tmp_path), PlainParser()
    readings = Readings(blobs, parser)
    documents = [await _document(blobs, f"{number}.txt", f"글 {number}") for number in range(17)]
    for document in documents:
        await readings.read(document)
    await readings.read(documents[-1])
    assert len(parser.parsed) == 17
    await readings.read(documents[0])
    assert len(parser.parsed) == 18
