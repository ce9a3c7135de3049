"""Archives as uploads: documents of what is in them, kept as the archive is."""

from __future__ import annotations

from llmflow.knowledge.types import Choice, Document
from tests.knowledge.archives_made import link, locked, tarred, zipped
from tests.knowledge.conftest import Room


async def unpacked(room: Room, name: str, data: bytes) -> Document:
    """The archive's document once it is ready or failed, and all that came out of it too."""
    accepted = await room.add(name, data)
    archive = await room.settled(accepted.document.id)
    for document in await inside(room, archive):
        await room.settled(document.id)
    return archive


async def inside(room: Room, archive: Document) -> list[Document]:
    documents, _ = await room.documents.page(await room.refreshed(), sort="name", limit=1000)
    return [document for document in documents if document.archive_id == archive.id]


async def test_every_file_becomes_a_document_that_is_found(room: Room) -> None:
    data = zipped({"인사/휴가.txt": "연차는 열다섯 날".encode(), "b.txt": b"second"}, encoding="cp949", says_utf8=False)
    archive = await unpacked(room, "규정.zip", data)
    assert (archive.state, archive.media_type, archive.chunk_count) == ("ready", "application/zip", 0)
    assert archive.warnings == []
    documents = await inside(room, archive)
    assert [(d.name, d.state) for d in documents] == [
        ("규정.zip › b.txt", "ready"),
        ("규정.zip › 인사 › 휴가.txt", "ready"),
    ]
    assert [hit.document for hit in await room.found("연차", mode="keyword")] == ["규정.zip › 인사 › 휴가.txt"]


async def test_the_same_archive_again_changes_nothing(room: Room) -> None:
    data = tarred({"a.txt": b"one", "b.txt": b"two"}, way="gz")
    archive = await unpacked(room, "a.tgz", data)
    embedded = room.embedding.embedded
    again = await room.add("a.tgz", data)
    assert (again.outcome, again.document.id) == ("unchanged", archive.id)
    assert room.embedding.embedded == embedded


async def test_a_changed_archive_changes_only_what_changed(room: Room) -> None:
    archive = await unpacked(room, "a.zip", zipped({"stays.txt": b"one", "changes.txt": b"two", "goes.txt": b"three"}))
    before = {d.name: d.id for d in await inside(room, archive)}
    embedded = room.embedding.embedded
    new = zipped({"stays.txt": b"one", "changes.txt": b"other", "comes.txt": b"four"})
    again = await unpacked(room, "a.zip", new)
    assert again.id == archive.id
    after = {d.name: d.id for d in await inside(room, archive)}
    assert set(after) == {"a.zip › stays.txt", "a.zip › changes.txt", "a.zip › comes.txt"}
    assert after["a.zip › stays.txt"] == before["a.zip › stays.txt"]
    assert after["a.zip › changes.txt"] == before["a.zip › changes.txt"]
    assert room.embedding.embedded - embedded == 2
    assert await room.found("three", mode="keyword") == []


async def test_a_file_that_was_renamed_in_the_archive_is_there_under_its_new_name(room: Room) -> None:
    archive = await unpacked(room, "a.zip", zipped({"old.txt": b"words"}))
    await unpacked(room, "a.zip", zipped({"new.txt": b"words"}))
    assert [(d.name, d.state) for d in await inside(room, archive)] == [("a.zip › new.txt", "ready")]


async def test_a_document_that_people_renamed_is_known_again(room: Room) -> None:
    archive = await unpacked(room, "a.zip", zipped({"a.txt": b"one"}))
    (document,) = await inside(room, archive)
    await room.documents.rename(document, "Mine.txt")
    await unpacked(room, "a.zip", zipped({"a.txt": b"other"}))
    (after,) = await inside(room, archive)
    assert (after.id, after.name, after.size) == (document.id, "Mine.txt", 5)


async def test_one_file_that_cannot_be_read_fails_by_itself(room: Room) -> None:
    archive = await unpacked(room, "a.zip", zipped({"good.txt": b"good", "bad.txt": b"broken"}))
    assert archive.state == "ready"
    told = {d.name: (d.state, d.error_code) for d in await inside(room, archive)}
    assert told == {"a.zip › good.txt": ("ready", ""), "a.zip › bad.txt": ("failed", "document_unreadable")}


async def test_what_was_not_kept_is_said_on_the_archive(room: Room) -> None:
    files = {"a.txt": b"same", "b.txt": b"same", "../c.txt": b"evil", "large.txt": b"x" * 100_001}
    archive = await unpacked(room, "a.zip", zipped(files))
    assert [d.name for d in await inside(room, archive)] == ["a.zip › a.txt"]
    out, same, large = archive.warnings
    assert out == "../c.txt: Its path leads out of the archive."
    assert same == "b.txt: It is the same as `a.zip › a.txt`."
    assert large.startswith("large.txt: ")


async def test_many_sentences_are_counted_and_not_all_kept(room: Room) -> None:
    files = {f"../{n}.txt": b"x" for n in range(60)}
    archive = await unpacked(room, "a.zip", zipped({**files, "a.txt": b"one"}))
    assert len(archive.warnings) == 51
    assert archive.warnings[-1] == "And 10 more files were left out."


async def test_an_archive_without_anything_fails_with_words(room: Room) -> None:
    for name, data, code in (
        ("link.zip", link("a.txt", "/etc/passwd"), "document_empty"),
        ("locked.zip", locked({"a.txt": b"1"}), "document_locked"),
        ("many.zip", zipped({f"{n}.txt": b"x" for n in range(60)}), "document_too_large"),
        ("bomb.zip", zipped({"a.txt": bytes(60_000_000)}), "document_too_large"),
    ):
        archive = await unpacked(room, name, data)
        assert (archive.state, archive.error_code) == ("failed", code)
        assert await inside(room, archive) == []


async def test_what_another_document_is_called_is_not_overwritten(room: Room) -> None:
    await room.settled((await room.add("a.zip › a.txt", "mine")).document.id)
    archive = await unpacked(room, "a.zip", zipped({"a.txt": b"theirs"}))
    assert archive.warnings == ["a.txt: A document `a.zip › a.txt` is there already, from elsewhere."]
    assert len(await room.found("mine", mode="keyword")) == 1


async def test_the_same_files_in_two_archives_are_documents_of_each(room: Room) -> None:
    first = await unpacked(room, "1.zip", zipped({"a.txt": b"words"}))
    second = await unpacked(room, "2.zip", zipped({"a.txt": b"words", "b.txt": b"more"}))
    await room.documents.delete(await room.refreshed(), first)
    assert [hit.document for hit in await room.found("words", mode="keyword")] == ["2.zip › a.txt"]
    assert len(await inside(room, second)) == 2


async def test_deleting_the_archive_deletes_what_came_out_of_it(room: Room) -> None:
    archive = await unpacked(room, "a.zip", zipped({"a.txt": b"one", "b.txt": b"two"}))
    other = (await room.add("c.txt", "one")).document
    await room.settled(other.id)
    base = await room.refreshed()
    await room.documents.delete(base, archive)
    documents, _ = await room.documents.page(base)
    assert [d.id for d in documents] == [other.id]


async def test_deleting_one_document_leaves_the_others(room: Room) -> None:
    archive = await unpacked(room, "a.zip", zipped({"a.txt": b"one", "b.txt": b"two"}))
    first, _ = await inside(room, archive)
    await room.documents.delete(await room.refreshed(), first)
    assert [d.name for d in await inside(room, archive)] == ["a.zip › b.txt"]


async def test_an_archive_deleted_and_sent_again_comes_whole(room: Room) -> None:
    data = zipped({"a.txt": b"one", "b.txt": b"two"})
    archive = await unpacked(room, "a.zip", data)
    await room.documents.delete_many(await room.refreshed(), Choice(ids=(archive.id,)))
    again = await unpacked(room, "a.zip", data)
    assert (again.state, again.warnings) == ("ready", [])
    assert [(d.name, d.state) for d in await inside(room, again)] == [
        ("a.zip › a.txt", "ready"),
        ("a.zip › b.txt", "ready"),
    ]


async def test_what_comes_out_is_open_to_whom_the_archive_is(room: Room) -> None:
    archive = await unpacked(room, "a.zip", zipped({"a.txt": b"one"}))
    base = await room.refreshed()
    assert await room.permissions.open_documents(base, Choice(ids=(archive.id,)), ["hr"]) == 2
    await unpacked(room, "a.zip", zipped({"a.txt": b"one", "b.txt": b"two"}))
    assert [d.groups for d in await inside(room, archive)] == [["hr"], ["hr"]]


async def test_switching_the_archive_off_hides_what_came_out_of_it(room: Room) -> None:
    archive = await unpacked(room, "a.zip", zipped({"a.txt": b"one"}))
    await room.documents.disable(await room.refreshed(), Choice(ids=(archive.id,)))
    assert await room.found("one", mode="keyword") == []


async def test_cutting_all_again_does_not_open_archives_anew(room: Room) -> None:
    archive = await unpacked(room, "a.zip", zipped({"a.txt": b"one", "b.txt": b"two"}))
    first, second = await inside(room, archive)
    await room.documents.delete(await room.refreshed(), first)
    assert await room.documents.cut_again(await room.refreshed(), Choice()) == 1
    await room.settled(second.id)
    assert len(await inside(room, archive)) == 1


async def test_what_is_no_archive_after_all_goes_to_its_reader(room: Room) -> None:
    data = zipped({"[Content_Types].xml": b"<Types/>"})
    document = await room.settled((await room.add("word", data)).document.id)
    assert document.state == "failed"
    assert room.parser.parsed == ["word"]
