"""What readers of a base hear, and how far its documents are."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from llmflow.knowledge.types import Choice
from tests.knowledge.conftest import Room


async def test_a_reader_hears_at_once_and_then_of_every_change(room: Room) -> None:
    async with aclosing(room.changes.follow(room.base.id)) as changes:
        await anext(changes)
        accepted = await room.add("휴가 규정.txt", "slow 연차는 15일입니다.")
        while not (reading := room.progress.of(room.base.id)):
            await asyncio.wait_for(anext(changes), 5)
        assert (reading[0].document_id, reading[0].stage) == (accepted.document.id, "parse")
        assert (reading[0].done, reading[0].total) == (1, 3)
        flow = await room.bases.flow(room.base.id)
        assert (flow.counts, flow.left_bytes) == ({"running": 1}, accepted.document.size)
        room.parser.go.set()
        while (flow := await room.bases.flow(room.base.id)).counts != {"ready": 1}:
            await asyncio.wait_for(anext(changes), 5)
    assert (flow.left_bytes, flow.recent, flow.recent_bytes) == (0, 1, accepted.document.size)


async def test_a_reader_does_not_hear_of_other_bases_and_leaves_nothing_behind(room: Room) -> None:
    other = await room.bases.create("w", "other")
    async with aclosing(room.changes.follow(other.id)) as changes:
        await anext(changes)
        await room.settled((await room.add("a.txt", "연차")).document.id)
        heard = asyncio.ensure_future(anext(changes))
        done, _ = await asyncio.wait([heard], timeout=0.6)
        assert not done
        heard.cancel()
        await asyncio.gather(heard, return_exceptions=True)
    assert room.changes._readers == {}


async def test_documents_come_in_the_order_that_is_asked_for(room: Room) -> None:
    for name, text in (("나.txt", "둘\n\n둘"), ("가.txt", "하나"), ("다.txt", "broken")):
        await room.settled((await room.add(name, text)).document.id)

    async def names(sort: str) -> str:
        found, _ = await room.documents.page(room.base, sort=sort)  # type: ignore[arg-type]
        return "".join(document.name[0] for document in found)

    assert await names("name") == "가나다"
    assert await names("-name") == "다나가"
    assert await names("-created") == "다가나"
    assert await names("size") == "가다나"
    assert await names("-passages") == "나가다"
    assert await names("state") == "다나가"


async def test_what_failed_is_queued_anew_all_at_once_and_the_rest_is_left(room: Room) -> None:
    for n in range(3):
        await room.settled((await room.add(f"{n}.txt", f"broken {n}")).document.id)
    ready = await room.settled((await room.add("휴가.txt", "연차")).document.id)
    assert await room.documents.retry(room.base, Choice()) == 3
    assert (await room.documents.get("w", ready.id)).indexed_at == ready.indexed_at
    assert await room.documents.retry(room.base, Choice(ids=(ready.id,))) == 0


async def test_many_documents_are_deleted_with_all_that_is_theirs(room: Room) -> None:
    ids = [(await room.add(f"휴가 {n}.txt", f"연차 {n}")).document.id for n in range(5)]
    kept = await room.settled((await room.add("경비.txt", "출장비")).document.id)
    for document_id in ids:
        await room.settled(document_id)
    assert await room.documents.delete_many(room.base, Choice(search="휴가")) == 5
    assert (await room.documents.page(room.base))[1] == 1
    while (await room.found("연차", mode="keyword")) or len(
        [digest async for digests in room.blobs.digests() for digest in digests]
    ) > 1:
        await asyncio.sleep(0.01)
    assert (await room.documents.get("w", kept.id)).state == "ready"


async def test_a_base_is_renamed_and_keeps_its_documents(room: Room) -> None:
    await room.settled((await room.add("휴가.txt", "연차")).document.id)
    changed = await room.bases.change("w", "handbook", name=" 인사 규정 ", description="모두의 것")
    assert (changed.id, changed.name, changed.description) == (room.base.id, "인사 규정", "모두의 것")
    assert await room.found("연차", changed)


async def test_passages_are_found_by_the_one_among_them(room: Room) -> None:
    document = await room.settled(
        (await room.add("긴 글.txt", "\n\n".join(f"문단 {n}" for n in range(25)))).document.id
    )
    everything, total = await room.passages.page(document)
    part, _ = await room.passages.page(document, holding=everything[17].id, limit=10)
    assert [passage.ordinal for passage in part] == list(range(10, 20))
    assert total == 25
    gone, _ = await room.passages.page(document, holding="gone", limit=10)
    assert [passage.ordinal for passage in gone] == list(range(10))
    assert (await room.passages.page(document, on_page=1))[1] == 25
    assert await room.passages.page(document, on_page=2) == ([], 0)
    assert [p.text for p in (await room.passages.page(document, search="문단 2"))[0]][:2] == ["문단 2", "문단 20"]
