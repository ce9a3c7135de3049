"""What people do with documents that are there: switch them off, archive them, rename, rewrite and describe them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from llmflow.errors import Conflict, Forbidden, NotFound, UsageError
from llmflow.knowledge.types import Choice, Document, Origin
from tests.knowledge.conftest import Room


async def _bytes(text: str) -> AsyncIterator[bytes]:
    yield text.encode()


async def _ready(room: Room, name: str, text: str) -> Document:
    return await room.settled((await room.add(name, text)).document.id)


async def test_documents_are_switched_off_and_on_again(room: Room) -> None:
    first, second = await _ready(room, "a.txt", "하나"), await _ready(room, "b.txt", "둘")
    chosen = Choice(ids=(first.id,))
    assert await room.documents.disable(room.base, chosen) == 1
    assert await room.documents.disable(room.base, chosen) == 0
    assert (await room.documents.get("w", first.id)).enabled is False
    assert (await room.documents.get("w", second.id)).enabled is True
    assert await room.documents.enable(room.base, chosen) == 1
    assert (await room.documents.get("w", first.id)).enabled is True


async def test_documents_show_themselves_by_what_became_of_them(room: Room) -> None:
    shown = {"available": "a.txt", "disabled": "b.txt", "archived": "c.txt", "error": "d.txt"}
    for name in shown.values():
        await _ready(room, name, f"broken {name}" if name == "d.txt" else f"text of {name}")
    page, _ = await room.documents.page(room.base)
    ids = {document.name: document.id for document in page}
    await room.documents.disable(room.base, Choice(ids=(ids["b.txt"], ids["c.txt"])))
    await room.documents.archive(room.base, Choice(ids=(ids["c.txt"],)))
    for display, name in shown.items():
        page, total = await room.documents.page(room.base, display=display)  # type: ignore[arg-type]
        assert ([document.name for document in page], total) == ([name], 1)
    for display in ("queuing", "indexing"):
        assert await room.documents.page(room.base, display=display) == ([], 0)  # type: ignore[arg-type]


async def test_an_archived_document_is_not_changed_until_it_is_taken_back(room: Room) -> None:
    document = await _ready(room, "a.txt", "옛 규정")
    assert await room.documents.archive(room.base, Choice(ids=(document.id,))) == 1
    document = await room.documents.get("w", document.id)
    for change in (
        room.documents.rename(document, "b.txt"),
        room.documents.set_metadata(document, {"f": "x"}),
        room.documents.rewrite(room.base, document, content=_bytes("neu")),
    ):
        with pytest.raises(Forbidden) as raised:
            await change
        assert raised.value.code == "archived_document_immutable"
    assert await room.documents.unarchive(room.base, Choice(ids=(document.id,))) == 1
    document = await room.documents.get("w", document.id)
    assert (await room.documents.rename(document, "b.txt")).name == "b.txt"


async def test_a_document_is_renamed_to_what_is_a_free_name(room: Room) -> None:
    document, other = await _ready(room, "a.txt", "하나"), await _ready(room, "휴가.txt", "둘")
    with pytest.raises(Conflict):
        await room.documents.rename(document, "휴가.txt")
    with pytest.raises(UsageError):
        await room.documents.rename(document, "..")
    assert (await room.documents.rename(document, "folder/새 이름.txt")).name == "새 이름.txt"
    assert (await room.documents.rename(other, "휴가.txt")).name == "휴가.txt"
    await room.documents.delete(room.base, other)
    with pytest.raises(NotFound):
        await room.documents.rename(other, "c.txt")


async def test_a_rewritten_document_keeps_its_id_and_its_old_text_goes(room: Room) -> None:
    document = await _ready(room, "a.txt", "the old text about cats")
    rewritten = await room.documents.rewrite(room.base, document, content=_bytes("the new text about dogs"))
    assert (rewritten.id, rewritten.state) == (document.id, "queued")
    await room.settled(document.id)
    base = await room.refreshed()
    assert [hit.text for hit in await room.found("cats dogs text", base)] == ["the new text about dogs"]
    with pytest.raises(NotFound):
        async with room.blobs.local(document.digest):
            pass


async def test_a_document_cut_in_another_way_is_read_anew_from_the_same_bytes(room: Room) -> None:
    document = await _ready(room, "a.txt", "한 문장.")
    again = await room.documents.rewrite(room.base, document, chunking={"method": "fixed"})
    assert (again.digest, again.chunking, again.state) == (document.digest, {"method": "fixed"}, "queued")
    assert (await room.settled(document.id)).state == "ready"


async def test_a_new_document_is_one_whatever_there_is(room: Room) -> None:
    names = []
    for _ in range(3):
        accepted = await room.documents.accept(
            room.base, "휴가.txt", _bytes("같은 글"), as_new=True, origin=Origin("text", by="someone")
        )
        assert accepted.outcome == "accepted"
        names.append(accepted.document.name)
        assert (accepted.document.source, accepted.document.created_by) == ("text", "someone")
    assert names == ["휴가.txt", "휴가 (2).txt", "휴가 (3).txt"]
    page, _ = await room.documents.page(room.base)
    await room.documents.delete(room.base, next(d for d in page if d.name == "휴가 (2).txt"))
    accepted = await room.documents.accept(room.base, "휴가.txt", _bytes("또"), as_new=True)
    assert accepted.document.name in ("휴가 (2).txt", "휴가 (3).txt", "휴가 (4).txt")
    without_ending = [
        (await room.documents.accept(room.base, "글", _bytes("x"), as_new=True)).document.name for _ in range(2)
    ]
    assert without_ending == ["글", "글 (2)"]


async def test_a_documents_words_are_counted(room: Room) -> None:
    document = await _ready(room, "a.txt", "안녕하세요\n\nhello")
    assert document.word_count == 10


async def test_what_a_document_says_of_itself_is_replaced_or_added_to(room: Room) -> None:
    document = await _ready(room, "a.txt", "글")
    document = await room.documents.set_metadata(document, {"f1": "한국어", "f2": 3})
    document = await room.documents.set_metadata(document, {"f2": 4}, keep_others=True)
    assert document.metadata == {"f1": "한국어", "f2": 4}
    document = await room.documents.set_metadata(document, {"f2": 5})
    assert document.metadata == {"f2": 5}
    await room.documents.delete(room.base, document)
    with pytest.raises(NotFound):
        await room.documents.set_metadata(document, {"f2": 6})
