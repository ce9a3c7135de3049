"""The bytes behind documents: never missing while a row refers to them, never left when none does."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator

import pytest

from llmflow.errors import NotFound
from llmflow.knowledge import queries
from llmflow.knowledge.originals import Originals
from tests.knowledge.conftest import Room


async def kept(room: Room) -> set[str]:
    return {digest async for batch in room.blobs.digests() for digest in batch}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def test_bytes_replaced_during_another_upload_go_when_that_ends(room: Room) -> None:
    first = await room.add("a.txt", "old")
    await room.settled(first.document.id)
    release = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"begun "
        await release.wait()
        yield b"and done"

    slow = asyncio.create_task(room.documents.accept(room.base, "slow.bin", slowly()))
    await asyncio.sleep(0.05)
    await room.add("a.txt", "new")
    assert digest("old") in await kept(room)
    release.set()
    await slow
    assert await kept(room) == {digest("new"), digest("begun and done")}


async def test_an_upload_that_breaks_leaves_no_bytes(room: Room) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await room.documents.accept(room.base, "a.txt", broken())
    assert await kept(room) == set()


async def test_an_upload_to_a_base_deleted_meanwhile_is_refused_and_leaves_no_bytes(room: Room) -> None:
    await room.bases.delete("w", room.base.id)
    with pytest.raises(NotFound, match="handbook"):
        await room.add("a.txt", "too late")
    assert await kept(room) == set()


async def test_bytes_a_dead_process_left_without_a_row_are_removed_at_start(room: Room) -> None:
    accepted = await room.add("a.txt", "kept")
    await room.settled(accepted.document.id)

    async def orphan() -> AsyncIterator[bytes]:
        yield b"left behind"

    await room.blobs.put(orphan())
    successor = Originals(room.database, room.blobs)
    successor.start()
    while digest("left behind") in await kept(room):
        await asyncio.sleep(0.01)
    await successor.close()
    assert await kept(room) == {digest("kept")}


async def test_the_same_bytes_deleted_and_uploaded_at_once_are_never_missing(room: Room) -> None:
    for _ in range(10):
        first = await room.add("a.txt", "the same words")
        await asyncio.gather(room.documents.delete(room.base, first.document), room.add("b.txt", "the same words"))
        rows, total = await room.documents.page(room.base)
        assert total <= 1
        for row in rows:
            assert (await room.settled(row.id)).state == "ready"
            await room.documents.delete(await room.refreshed(), row)
    assert await kept(room) == set()


async def test_an_upload_under_the_name_of_a_document_being_deleted_takes_its_place(room: Room) -> None:
    first = await room.add("a.txt", "the first text")
    await room.settled(first.document.id)
    async with room.database.write() as connection:
        await queries.update_documents(connection, [first.document.id], state="deleting")
    second = await room.add("a.txt", "the second text")
    await room.documents.finish_deletion(room.base, [first.document])
    assert (await room.settled(second.document.id)).state == "ready"
    base = await room.refreshed()
    assert [hit.text for hit in await room.found("text", base)] == ["the second text"]


async def test_a_document_whose_bytes_went_fails_alone(room: Room) -> None:
    blocker = await room.add("slow.txt", "slow one")
    while not room.parser.parsed:
        await asyncio.sleep(0.01)
    names = [await room.add(f"{n}.txt", f"text number {n}") for n in range(6)]
    await room.blobs.delete(names[2].document.digest)
    room.parser.go.set()
    found = [await room.settled(one.document.id) for one in (blocker, *names)]
    assert [document.state for document in found].count("failed") == 1
    assert (found[3].state, found[3].error_hint) == ("failed", "Upload the document again.")


async def test_fifty_uploads_at_once_of_one_file_are_one_document(room: Room) -> None:
    same_name = await asyncio.gather(*(room.add("a.txt", "one text") for _ in range(50)))
    assert len({one.document.id for one in same_name}) == 1
    assert sorted(one.outcome for one in same_name) == ["accepted", *["unchanged"] * 49]
    many_names = await asyncio.gather(*(room.add(f"{n}.txt", "another text") for n in range(50)))
    assert sorted(one.outcome for one in many_names) == ["accepted", *["duplicate"] * 49]
    assert (await room.documents.page(room.base))[1] == 2
