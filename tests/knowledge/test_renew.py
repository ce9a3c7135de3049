"""A document that is read again: what did not change stays as it is, also what people made of it."""

from __future__ import annotations

import dataclasses

import pytest
import sqlalchemy as sa

from llmflow.knowledge.drafts import Draft, Edit
from llmflow.knowledge.renew import Cut, Had, renew
from llmflow.knowledge.types import Document, Passage
from llmflow.store.content import Content
from llmflow.store.tables import chunks, unsettled_chunks
from tests.knowledge.conftest import Room
from tests.knowledge.test_passages import Killed, assert_in_step, end_before, texts


def said(n: int) -> str:
    return f"문단 {n}은 규정 {n}의 본문이다."


PARAGRAPHS = [said(n) for n in range(8)]


async def put(room: Room, paragraphs: list[str]) -> Document:
    return await room.settled((await room.add("규정.txt", "\n\n".join(paragraphs))).document.id)


async def passages(room: Room, document: Document) -> dict[str, Passage]:
    return {p.text: p for p in (await room.passages.page(document, limit=500))[0]}


async def test_one_changed_paragraph_of_a_hundred_embeds_one_passage(room: Room) -> None:
    old = [said(n) for n in range(100)]
    document = await put(room, old)
    before = await passages(room, document)
    async with room.database.write() as connection:
        await connection.execute(sa.update(chunks).values(hit_count=7))
    room.embedding.embedded = 0
    document = await put(room, [*old[:40], "바뀐 문단이다.", *old[41:]])
    assert room.embedding.embedded == 1
    after = await passages(room, document)
    assert list(after) == [*old[:40], "바뀐 문단이다.", *old[41:]]
    for text in after.keys() & before.keys():
        assert (after[text].id, after[text].hit_count) == (before[text].id, 7)
    assert after["바뀐 문단이다."].hit_count == 0
    await assert_in_step(room)


async def test_a_paragraph_that_moves_or_stands_twice_is_not_embedded_again(room: Room) -> None:
    document = await put(room, [*PARAGRAPHS, PARAGRAPHS[0]])
    before = await passages(room, document)
    room.embedding.embedded = 0
    document = await put(room, [*reversed(PARAGRAPHS), PARAGRAPHS[7]])
    assert room.embedding.embedded == 1
    assert await texts(room, document) == [*reversed(PARAGRAPHS), PARAGRAPHS[7]]
    assert {(await passages(room, document))[text].id for text in PARAGRAPHS[1:7]} == {
        before[text].id for text in PARAGRAPHS[1:7]
    }
    await assert_in_step(room)


async def test_what_people_did_stays_where_the_document_says_the_same(room: Room) -> None:
    document = await put(room, PARAGRAPHS)
    old = await passages(room, document)
    ids = [old[text].id for text in PARAGRAPHS]
    await room.passages.edit(document, ids[0], Edit(text="고친 문단이다.", keywords=("leave",)))
    await room.passages.delete(document, [ids[1]])
    await room.passages.merge(document, [ids[2], ids[3]])
    await room.passages.split(document, ids[4], 6)
    await room.passages.switch(document, [ids[5]], enabled=False)
    await room.passages.add(document, [Draft("덧붙인 문단이다.")], after=ids[5])
    before = await texts(room, document)
    room.embedding.embedded = 0
    document = await put(room, ["앞에 온 문단이다.", *PARAGRAPHS[:7], "마지막이 바뀐 문단이다."])
    assert room.embedding.embedded == 2
    assert await texts(room, document) == ["앞에 온 문단이다.", *before[:-1], "마지막이 바뀐 문단이다."]
    after = await passages(room, document)
    assert after["고친 문단이다."].keywords == ["leave"]
    assert not after[PARAGRAPHS[5]].enabled
    await assert_in_step(room)


async def test_an_edit_goes_with_what_it_was_an_edit_of(room: Room) -> None:
    document = await put(room, PARAGRAPHS)
    old = await passages(room, document)
    ids = [old[text].id for text in PARAGRAPHS]
    await room.passages.edit(document, ids[0], Edit(text="고친 문단이다."))
    await room.passages.delete(document, [ids[1]])
    await room.passages.merge(document, [ids[2], ids[3]])
    await room.passages.split(document, ids[4], 6)
    new = [f"{PARAGRAPHS[0]} 새 판.", f"{PARAGRAPHS[1]} 새 판.", PARAGRAPHS[2], f"{PARAGRAPHS[3]} 새 판."]
    new += [f"{PARAGRAPHS[4]} 새 판.", *PARAGRAPHS[5:]]
    document = await put(room, new)
    assert await texts(room, document) == new
    await assert_in_step(room)
    async with room.database.read() as connection:
        assert set(await connection.scalars(sa.select(chunks.c.made))) == {"cut"}


@pytest.mark.parametrize("step", ["upsert", "delete"])
async def test_a_replacement_that_dies_between_database_and_index_is_read_to_its_end(
    room: Room, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    document = await put(room, PARAGRAPHS)
    old = await passages(room, document)
    await room.passages.edit(document, old[PARAGRAPHS[0]].id, Edit(text="고친 문단이다."))
    new = [*PARAGRAPHS[:3], "바뀐 문단이다.", *PARAGRAPHS[4:]]
    with monkeypatch.context() as dying:
        end_before(room, dying, step, Killed())
        again = await room.add("규정.txt", "\n\n".join(new))
        base = await room.refreshed()
        await room.knowledge_jobs.close()
        async with room.database.write() as connection:
            await connection.execute(sa.text("UPDATE documents SET state = 'running'"))
        running = await room.documents.get("w", again.document.id)
        with pytest.raises(Killed):
            await room.ingest.run(base, [running])
    room.embedding.embedded = 0
    await room.ingest.run(base, [running])
    assert room.embedding.embedded == 1
    document = await room.settled(document.id)
    assert await texts(room, document) == ["고친 문단이다.", *new[1:]]
    await assert_in_step(room)


async def test_a_new_document_that_dies_between_database_and_index_is_embedded_whole_again(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    await room.knowledge_jobs.close()
    accepted = await room.add("규정.txt", "\n\n".join(PARAGRAPHS))
    async with room.database.write() as connection:
        await connection.execute(sa.text("UPDATE documents SET state = 'running'"))
    running = await room.documents.get("w", accepted.document.id)
    base = await room.bases.get("w", room.base.id)
    with monkeypatch.context() as dying:
        end_before(room, dying, "upsert", Killed())
        with pytest.raises(Killed):
            await room.ingest.run(base, [running])
    async with room.database.read() as connection:
        assert len((await connection.execute(sa.select(chunks.c.id))).all()) == len(PARAGRAPHS)
        assert list(await connection.scalars(sa.select(unsettled_chunks.c.id))) == [running.id]
    room.embedding.embedded = 0
    await room.ingest.run(await room.refreshed(), [running])
    assert room.embedding.embedded == len(PARAGRAPHS)
    assert await texts(room, await room.settled(running.id)) == PARAGRAPHS
    await assert_in_step(room)


async def test_passages_of_before_digests_were_kept_keep_their_ids(room: Room) -> None:
    document = await put(room, PARAGRAPHS)
    before = await passages(room, document)
    async with room.database.write() as connection:
        await connection.execute(sa.update(chunks).values(digest=""))
    document = await put(room, [*PARAGRAPHS[:7], "바뀐 문단이다."])
    after = await passages(room, document)
    assert all(after[text].id == before[text].id for text in PARAGRAPHS[:7])
    await assert_in_step(room)
    room.embedding.embedded = 0
    await put(room, PARAGRAPHS[:7])
    assert room.embedding.embedded == 0


async def test_hits_that_are_counted_meanwhile_are_not_lost(room: Room) -> None:
    document = await put(room, PARAGRAPHS)
    passage = (await passages(room, document))[PARAGRAPHS[0]]
    again = await room.add("규정.txt", "slow\n\n" + "\n\n".join(PARAGRAPHS))
    async with room.database.write() as connection:
        await connection.execute(sa.update(chunks).values(hit_count=chunks.c.hit_count + 1))
    room.parser.go.set()
    document = await room.settled(again.document.id)
    assert (await passages(room, document))[PARAGRAPHS[0]].hit_count == 1
    assert passage.id == (await passages(room, document))[PARAGRAPHS[0]].id


async def test_parts_that_are_cut_anew_stay_off_with_their_parent(room: Room) -> None:
    document = await put(room, PARAGRAPHS[:1])
    (parent,) = (await passages(room, document)).values()

    def cut(text: str, parent: int | None) -> Cut:
        words = Content(text)
        return Cut(words, None, 3, 1, 1, [], "text" if parent is not None else "parent", [], parent)

    old = [cut(parent.text, None), cut("문단 0은", 0)]
    off = dataclasses.replace(parent, kind="parent", enabled=False)
    renewal = renew(document, [old[0], cut("규정 0의 본문이다.", 0)], [Had(off, old[0].digest, None, True)])
    assert [(row["text"], row["enabled"]) for row in renewal.new] == [("규정 0의 본문이다.", False)]
    assert renewal.searched == []
