"""Lanes of documents: what pipelines read and what is uploaded elsewhere do not wait for each other."""

from __future__ import annotations

import asyncio

from llmflow.knowledge.given import Cut, Given
from llmflow.knowledge.types import Document, KnowledgeBase
from tests.knowledge.conftest import Room, stream

_AT_ONCE = 8


class Slow:
    """Reads a document whose name begins with `느린` once it may; how many are being read, and were at most."""

    def __init__(self) -> None:
        self.may_go = asyncio.Event()
        self.now = self.most = 0

    async def __call__(self, base: KnowledgeBase, document: Document) -> Given:
        self.now += 1
        self.most = max(self.most, self.now)
        if document.name.startswith("느린"):
            await self.may_go.wait()
        self.now -= 1
        return Given([Cut(f"{document.name}의 글")])


async def _fill(room: Room, base: KnowledgeBase, *names: str) -> list[str]:
    return [(await room.documents.accept(base, name, stream(name.encode()))).document.id for name in names]


async def test_uploads_do_not_wait_for_slow_pipelines(room: Room) -> None:
    room.reader.cutter = slow = Slow()
    base = await room.bases.create("w", "파이프라인", pipeline_id="p")
    waiting = await _fill(room, base, *(f"느린 {number}.txt" for number in range(_AT_ONCE + 4)))
    while slow.now < _AT_ONCE:
        await asyncio.sleep(0.01)
    added = await room.add("규정.txt", "연차 휴가는 15일")
    assert (await room.settled(added.document.id)).state == "ready"
    assert slow.most == _AT_ONCE
    slow.may_go.set()
    assert [(await room.settled(one)).state for one in waiting] == ["ready"] * len(waiting)
    assert slow.most == _AT_ONCE


async def test_a_document_does_not_wait_for_a_slow_one_of_its_pipeline(room: Room) -> None:
    room.reader.cutter = slow = Slow()
    base = await room.bases.create("w", "파이프라인", pipeline_id="p")
    first, second = await _fill(room, base, "느린.txt", "빠른.txt")
    assert (await room.settled(second)).state == "ready"
    assert (await room.documents.get("w", first)).state == "running"
    slow.may_go.set()
    assert (await room.settled(first)).state == "ready"
