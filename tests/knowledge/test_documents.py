"""From accepted to ready or failed, and everything that can happen in between."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from llmflow.errors import Conflict, NotFound, OrganError, TooLarge, UsageError
from llmflow.knowledge import queries
from llmflow.knowledge.names import clean_name
from llmflow.knowledge.types import Choice
from llmflow.store.tables import chunks, documents
from tests.knowledge.conftest import Room, build_room


async def test_an_accepted_document_becomes_searchable(room: Room) -> None:
    accepted = await room.add("규정.txt", "연차 휴가는 15일입니다.\n\n출장비는 하루 5만원입니다.")
    assert accepted.outcome == "accepted"
    document = await room.settled(accepted.document.id)
    assert (document.state, document.chunk_count, document.language, document.pages) == ("ready", 2, "ko", 1)
    hits = await room.found("연차 휴가", mode="hybrid")
    assert hits[0].text == "연차 휴가는 15일입니다."
    assert hits[0].document == "규정.txt"
    assert hits[0].scores.dense is not None
    assert hits[0].scores.keyword is not None
    assert hits[0].page == 1


@pytest.mark.parametrize("mode", ["dense", "keyword", "hybrid"])
async def test_each_mode_finds_and_shows_its_own_score(room: Room, mode: str) -> None:
    accepted = await room.add("a.txt", "the warranty lasts two years\n\nthe office closes at six")
    await room.settled(accepted.document.id)
    hits = await room.found("warranty years", mode=mode)
    assert hits[0].text.startswith("the warranty")
    assert (hits[0].scores.keyword is None) == (mode == "dense")
    assert (hits[0].scores.dense is None) == (mode == "keyword")


async def test_the_same_bytes_are_not_indexed_twice(room: Room) -> None:
    first = await room.add("a.txt", "one text")
    await room.settled(first.document.id)
    embedded = room.embedding.embedded
    again = await room.add("a.txt", "one text")
    copy = await room.add("copy of a.txt", "one text")
    assert (again.outcome, copy.outcome) == ("unchanged", "duplicate")
    assert again.document.id == copy.document.id == first.document.id
    assert room.embedding.embedded == embedded


async def test_uploading_again_replaces(room: Room) -> None:
    first = await room.add("a.txt", "the old text about cats")
    await room.settled(first.document.id)
    second = await room.add("a.txt", "the new text about dogs")
    assert (second.outcome, second.document.id) == ("replaced", first.document.id)
    await room.settled(second.document.id)
    base = await room.refreshed()
    assert [hit.text for hit in await room.found("cats dogs text", base)] == ["the new text about dogs"]
    assert len(await room.vectors.chunk_ids(base.collection)) == 1
    with pytest.raises(NotFound):
        async with room.blobs.local(first.document.digest):
            pass


async def test_replacing_while_it_is_read_ends_with_the_new_text_once(room: Room) -> None:
    first = await room.add("a.txt", "slow old text")
    while not room.parser.parsed:
        await asyncio.sleep(0.01)
    second = await room.add("a.txt", "quick new text")
    room.parser.go.set()
    document = await room.settled(second.document.id)
    assert document.id == first.document.id
    base = await room.refreshed()
    assert [hit.text for hit in await room.found("text", base)] == ["quick new text"]


async def test_deleting_removes_it_everywhere(room: Room) -> None:
    accepted = await room.add("a.txt", "soon gone")
    document = await room.settled(accepted.document.id)
    base = await room.refreshed()
    await room.documents.delete(base, document)
    assert await room.vectors.chunk_ids(base.collection) == []
    assert await room.found("soon gone", base) == []
    with pytest.raises(NotFound):
        await room.documents.get("w", document.id)
    with pytest.raises(NotFound):
        async with room.blobs.local(document.digest):
            pass


async def test_deleting_while_it_is_read_leaves_nothing(room: Room) -> None:
    accepted = await room.add("a.txt", "slow and gone")
    while not room.parser.parsed:
        await asyncio.sleep(0.01)
    await room.documents.delete(await room.refreshed(), accepted.document)
    room.parser.go.set()
    async with room.database.read() as connection:
        while (await room.jobs.status(str(accepted.document.job_id))) is None and room.progress._now:
            await asyncio.sleep(0.01)
        assert await queries.document(connection, accepted.document.id) is None
        assert (await connection.execute(chunks.select())).all() == []
    base = await room.refreshed()
    assert await room.vectors.chunk_ids(base.collection) == []


async def test_bytes_that_two_bases_share_stay_until_the_last_goes(room: Room) -> None:
    other = await room.bases.create("w", "second")
    first = await room.add("a.txt", "shared")
    await room.settled(first.document.id)
    room.base = other
    second = await room.add("a.txt", "shared")
    assert second.document.id != first.document.id
    await room.settled(second.document.id)
    await room.bases.delete("w", "handbook")
    async with room.blobs.local(second.document.digest) as path:
        assert path.read_bytes() == b"shared"
    await room.bases.delete("w", "second")
    with pytest.raises(NotFound):
        async with room.blobs.local(second.document.digest):
            pass


async def test_a_document_that_cannot_be_read_fails_alone_and_says_why(room: Room) -> None:
    results = [await room.add(f"{i}.txt", f"text number {i}") for i in range(5)]
    broken = await room.add("bad.txt", "broken bytes")
    document = await room.settled(broken.document.id)
    assert (document.state, document.error_code) == ("failed", "document_unreadable")
    assert document.error_hint
    assert [(await room.settled(r.document.id)).state for r in results] == ["ready"] * 5


async def test_a_fault_of_ours_marks_the_document_instead_of_losing_it(room: Room) -> None:
    accepted = await room.add("a.txt", "fault")
    document = await room.settled(accepted.document.id)
    assert (document.state, document.error_code) == ("failed", "internal_error")


async def test_a_failed_document_can_be_tried_again_or_uploaded_again(room: Room) -> None:
    room.embedding.failures = 100
    accepted = await room.add("a.txt", "some text")
    document = await room.settled(accepted.document.id)
    assert (document.state, document.error_code) == ("failed", "organ_unavailable")
    room.embedding.failures = 0
    await room.documents.retry(room.base, Choice(ids=(document.id,)))
    while (await room.documents.get("w", document.id)).state == "failed":
        await asyncio.sleep(0.01)
    assert (await room.settled(document.id)).state == "ready"
    assert (await room.add("a.txt", "some text")).outcome == "unchanged"


async def test_an_organ_that_comes_back_soon_is_waited_for(room: Room) -> None:
    room.embedding.failures = 2
    accepted = await room.add("a.txt", "some text")
    assert (await room.settled(accepted.document.id)).state == "ready"


async def test_many_small_documents_share_jobs(room: Room) -> None:
    results = await asyncio.gather(*(room.add(f"{i}.txt", f"document number {i}") for i in range(40)))
    for result in results:
        assert (await room.settled(result.document.id)).state == "ready"
    rows, total = await room.documents.page(room.base, limit=100)
    assert total == 40
    assert len({row.job_id for row in rows}) < 10


async def test_progress_is_seen_while_it_is_read(room: Room) -> None:
    accepted = await room.add("a.txt", "slow text")
    while not room.parser.parsed:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.02)
    document = room.progress.overlay(await room.documents.get("w", accepted.document.id))
    assert (document.state, document.stage, document.done, document.total) == ("running", "parse", 1, 3)
    room.parser.go.set()
    await room.settled(accepted.document.id)


async def test_what_a_dead_process_left_is_finished_at_start(room: Room, tmp_path: Path) -> None:
    """Rows in every state a crash can leave: queued without a job, named by a job nobody knows, running, deleting."""
    await room.knowledge_jobs.close()
    left = {}
    states: dict[str, dict[str, Any]] = {
        "queued": {"state": "queued", "job_id": None},
        "unknown job": {"state": "queued", "job_id": "lost"},
        "running": {"state": "running", "job_id": "lost too"},
        "deleting": {"state": "deleting", "job_id": None},
    }
    for name, values in states.items():
        accepted = await room.add(f"{name}.txt", f"text of {name}")
        left[name] = accepted.document.id
        async with room.database.write() as connection:
            await queries.update_documents(connection, [accepted.document.id], **values)
    successor = build_room(room.database, tmp_path)
    successor.base = room.base
    await successor.jobs.start()
    await successor.knowledge_jobs.start(successor.documents, successor.indexing)
    for name in ("queued", "unknown job", "running"):
        assert (await successor.settled(left[name])).state == "ready"
    async with room.database.read() as connection:
        remaining = await queries.document_ids(connection, documents.c.state == "deleting")
    assert remaining == []
    await successor.knowledge_jobs.close()
    await successor.jobs.close()


async def test_a_file_over_the_limit_is_refused_and_leaves_nothing(room: Room) -> None:
    with pytest.raises(TooLarge):
        await room.add("big.txt", b"x" * 200_000)
    assert (await room.documents.page(room.base))[1] == 0


async def test_a_full_disk_is_said_before_anything_is_kept(room: Room) -> None:
    room.documents._min_free_bytes = 1 << 60
    with pytest.raises(OrganError) as caught:
        await room.add("a.txt", "text")
    assert caught.value.code == "disk_full"


async def test_another_embedding_model_is_refused_by_name(room: Room) -> None:
    accepted = await room.add("a.txt", "some text")
    await room.settled(accepted.document.id)
    base = await room.refreshed()
    assert base.embedding_model == "hashing-384"
    room.embedding._dimensions = 64
    with pytest.raises(Conflict, match="hashing-384"):
        await room.found("text", base, mode="dense")


async def test_searching_an_empty_base_finds_nothing(room: Room) -> None:
    assert await room.found("anything", room.base) == []
    with pytest.raises(UsageError):
        await room.found("anything", room.base, top_k=0)


async def test_two_bases_of_one_name_are_refused(room: Room) -> None:
    with pytest.raises(Conflict):
        await room.bases.create("w", "handbook")
    with pytest.raises(NotFound, match="handbook"):
        await room.bases.get("w", "no such")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("규정 (최종) v2.pdf", "규정 (최종) v2.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\휴가 🏖️.docx", "휴가 🏖️.docx"),
        ("a\x00b\n.txt", "ab.txt"),
        ("x" * 300 + ".txt", "x" * 251 + ".txt"),
    ],
)
def test_names_lose_their_folders_and_nothing_else(given: str, kept: str) -> None:
    assert clean_name(given) == kept


@pytest.mark.parametrize("given", ["", "..", "/", "\n"])
def test_what_is_no_name_is_refused(given: str) -> None:
    with pytest.raises(UsageError):
        clean_name(given)


async def test_replacing_one_of_a_job_leaves_the_others_alone(room: Room) -> None:
    first = await room.add("a.txt", "slow old text")
    while not room.parser.parsed:
        await asyncio.sleep(0.01)
    others = [await room.add(f"{i}.txt", f"slow text number {i}") for i in range(3)]
    gone = await room.add("gone.txt", "slow and deleted")
    while len(room.parser.parsed) < 5:
        await asyncio.sleep(0.01)
    await room.documents.delete(await room.refreshed(), gone.document)
    second = await room.add("a.txt", "the new text")
    room.parser.go.set()
    for accepted in (*others, second):
        assert (await room.settled(accepted.document.id)).state == "ready"
    assert second.document.id == first.document.id


async def test_a_failed_replacement_leaves_nothing_of_the_old_text(room: Room) -> None:
    accepted = await room.add("a.txt", "the old text")
    await room.settled(accepted.document.id)
    await room.add("a.txt", "broken now")
    document = await room.settled(accepted.document.id)
    assert (document.state, document.chunk_count) == ("failed", 0)
    base = await room.refreshed()
    assert await room.vectors.chunk_ids(base.collection) == []
    assert await room.found("old text", base) == []


async def test_hybrid_search_goes_on_by_keywords_when_the_embedding_is_down(room: Room) -> None:
    accepted = await room.add("a.txt", "the warranty lasts two years")
    await room.settled(accepted.document.id)
    room.embedding.failures = 1
    hits = await room.found("warranty")
    assert [(hit.text, hit.scores.dense) for hit in hits] == [("the warranty lasts two years", None)]
    room.embedding.failures = 1
    with pytest.raises(OrganError):
        await room.found("warranty", mode="dense")
