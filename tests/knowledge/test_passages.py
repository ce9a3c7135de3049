"""People's work on passages, and that the index says what the database says whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from llmflow.errors import Conflict, Forbidden, NotFound, OrganError, UsageError
from llmflow.knowledge import passage_queries
from llmflow.knowledge.drafts import Draft, Edit
from llmflow.knowledge.indexing import Known
from llmflow.knowledge.types import Document, KnowledgeBase, Passage
from llmflow.store.tables import chunks, documents, unsettled_chunks
from tests.knowledge.conftest import Room

LEAVE = "연차 휴가는 15일이다.\n\n출장비는 하루 5만원이다.\n\n재택 근무는 주 2일이다."


async def ready(room: Room, text: str = LEAVE, name: str = "규정.txt") -> Document:
    return await room.settled((await room.add(name, text)).document.id)


async def texts(room: Room, document: Document) -> list[str]:
    found, total = await room.passages.page(document)
    assert [p.ordinal for p in found] == list(range(total))
    current = await room.documents.get("w", document.id)
    assert (current.chunk_count, current.token_count) == (total, sum(p.tokens for p in found))
    assert current.word_count == sum(len(p.text) for p in found)
    return [p.text for p in found]


async def first(room: Room, document: Document, n: int = 0) -> Passage:
    return (await room.passages.page(document))[0][n]


async def found(room: Room, query: str) -> list[str]:
    """The passages that are found by a word that no other has."""
    return [hit.text for hit in await room.found(query, mode="keyword")]


async def assert_in_step(room: Room) -> None:
    """Exactly what is searched stands in the index, with the vector of its text, and nothing is left to do."""
    base = await room.refreshed()
    async with room.database.read() as connection:
        rows = (await connection.execute(sa.select(chunks))).all()
        assert (await connection.execute(sa.select(unsettled_chunks))).all() == []
    shown = {row.id: row for row in rows if row.enabled and row.made != "removed" and row.kind != "parent"}
    assert sorted(await room.vectors.chunk_ids(base.collection)) == sorted(shown)
    for row in shown.values():
        vector = (await room.embedding.embed([row.text], "query"))[0]
        hits = await room.vectors.dense(base.collection, vector, top_k=100)
        score = next(hit.score for hit in hits if hit.chunk_id == row.id)
        assert score == pytest.approx(1, abs=1e-5), row.text


async def test_a_passage_is_added_where_one_wishes_and_found_at_once(room: Room) -> None:
    document = await ready(room)
    made = await room.passages.add(
        document, [Draft("경조사 휴가는 3일이다.", keywords=("결혼",))], after=(await first(room, document)).id
    )
    assert (made[0].made, made[0].ordinal, made[0].page) == ("added", 1, 1)
    assert (await texts(room, document))[1] == "경조사 휴가는 3일이다."
    assert await found(room, "결혼") == ["경조사 휴가는 3일이다."]
    await room.passages.add(document, [Draft("끝에서 둘째"), Draft("끝")])
    assert (await texts(room, document))[-2:] == ["끝에서 둘째", "끝"]
    await assert_in_step(room)


async def test_a_question_is_found_by_its_answer(room: Room) -> None:
    document = await ready(room)
    made = await room.passages.add(document, [Draft("언제 쉬나요?", answer="founding day")])
    assert made[0].answer == "founding day"
    assert await found(room, "founding") == ["언제 쉬나요?"]
    assert [p.id for p in (await room.passages.page(document, search="founding"))[0]] == [made[0].id]


async def test_an_edit_embeds_that_passage_alone(room: Room) -> None:
    document = await ready(room)
    passage = await first(room, document)
    before = room.embedding.embedded
    edited = await room.passages.edit(document, passage.id, Edit(text="연차 휴가는 스무 날이다."))
    assert room.embedding.embedded == before + 1
    assert (edited.id, edited.made, edited.tokens) == (passage.id, "edited", 4)
    assert edited.edited_at is not None
    assert await found(room, "스무") == ["연차 휴가는 스무 날이다."]
    assert await found(room, "15") == []
    await assert_in_step(room)


async def test_keywords_alone_leave_a_passage_as_it_was_cut(room: Room) -> None:
    document = await ready(room)
    passage = await first(room, document)
    changed = await room.passages.edit(document, passage.id, Edit(keywords=("leave", "휴일")))
    assert (changed.made, changed.edited_at, changed.keywords) == ("cut", None, ["leave", "휴일"])
    assert await found(room, "leave") == [passage.text]


async def test_a_passage_switched_off_is_not_found_until_it_is_on_again(room: Room) -> None:
    document = await ready(room)
    passage = await first(room, document)
    assert await room.passages.switch(document, [passage.id], enabled=False) == 1
    assert await found(room, "연차") == []
    assert [p.enabled for p in (await room.passages.page(document))[0]] == [False, True, True]
    assert (await room.passages.page(document, enabled=False))[1] == 1
    await assert_in_step(room)
    await room.passages.edit(document, passage.id, Edit(text="연차 휴가는 스무 날이다."))
    assert await found(room, "연차") == []
    assert await room.passages.switch(document, [passage.id, "gone"], enabled=True) == 1
    assert await room.passages.switch(document, [passage.id], enabled=True) == 0
    assert await found(room, "연차") == ["연차 휴가는 스무 날이다."]
    await assert_in_step(room)


async def test_what_is_removed_is_in_no_list_and_not_found(room: Room) -> None:
    document = await ready(room)
    passages, _ = await room.passages.page(document)
    assert await room.passages.delete(document, [passages[1].id, "gone"]) == 1
    assert await texts(room, document) == [passages[0].text, passages[2].text]
    assert await found(room, "출장비") == []
    with pytest.raises(NotFound):
        await room.passages.get(document, passages[1].id)
    await assert_in_step(room)


async def test_neighbours_become_one_and_come_apart_again(room: Room) -> None:
    document = await ready(room)
    one, two, three = (await room.passages.page(document))[0]
    with pytest.raises(UsageError, match="between them"):
        await room.passages.merge(document, [one.id, three.id])
    with pytest.raises(UsageError, match="two or more"):
        await room.passages.merge(document, [one.id, one.id])
    merged = await room.passages.merge(document, [two.id, one.id])
    assert (merged.id, merged.text) == (one.id, f"{one.text}\n\n{two.text}")
    assert await texts(room, document) == [merged.text, three.text]
    await assert_in_step(room)
    halves = await room.passages.split(document, merged.id, merged.text.index("출장비"))
    assert [p.text for p in halves] == [one.text, two.text]
    assert await texts(room, document) == [one.text, two.text, three.text]
    assert halves[0].id == one.id
    await assert_in_step(room)
    again = await room.passages.merge(document, [p.id for p in halves])
    assert again.text == merged.text
    await assert_in_step(room)


@pytest.mark.parametrize("at", [0, 10_000])
async def test_a_split_needs_text_on_both_sides(room: Room, at: int) -> None:
    document = await ready(room)
    with pytest.raises(UsageError, match="both parts"):
        await room.passages.split(document, (await first(room, document)).id, at)


async def test_passages_too_long_to_be_read_whole_are_not_merged(room: Room) -> None:
    half = room.embedding.max_tokens // 2 + 1
    document = await ready(room, f"{'낱말 ' * half}\n\n{'말 ' * half}")
    with pytest.raises(UsageError, match="the embedding model reads"):
        await room.passages.merge(document, [p.id for p in (await room.passages.page(document))[0]])


@pytest.mark.parametrize("text", ["", " \n ", "가" * 40_001])
async def test_a_passage_needs_text_of_a_bearable_length(room: Room, text: str) -> None:
    document = await ready(room)
    with pytest.raises(UsageError):
        await room.passages.add(document, [Draft(text)])
    with pytest.raises(UsageError):
        await room.passages.edit(document, (await first(room, document)).id, Edit(text=text))
    assert len(await texts(room, document)) == 3


async def test_only_a_ready_document_is_changed(room: Room) -> None:
    document = await ready(room)
    passage = await first(room, document)
    refused = (({"archived": True}, Forbidden), ({"state": "queued"}, Conflict), ({"state": "deleting"}, NotFound))
    for values, error in refused:
        async with room.database.write() as connection:
            await connection.execute(sa.update(documents).values(**values))
        with pytest.raises(error):
            await room.passages.edit(document, passage.id, Edit(text="other"))
    with pytest.raises(NotFound):
        await room.passages.edit(document, "no such", Edit(text="other"))


async def test_without_the_embedding_nothing_is_changed(room: Room) -> None:
    document = await ready(room)
    before = await texts(room, document)
    passage = await first(room, document)
    for change in (
        lambda: room.passages.edit(document, passage.id, Edit(text="anders")),
        lambda: room.passages.add(document, [Draft("neu")]),
        lambda: room.passages.split(document, passage.id, 3),
    ):
        room.embedding.failures = 1
        with pytest.raises(OrganError):
            await change()
    assert await texts(room, document) == before
    await assert_in_step(room)


class Killed(BaseException):
    """The process ends here."""


def end_before(room: Room, monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException) -> None:
    async def end(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(room.vectors, name, end)


async def changes(room: Room, document: Document, kind: str) -> None:
    passages, _ = await room.passages.page(document)
    if kind == "add":
        await room.passages.add(document, [Draft("새 문단이다.")])
    elif kind == "edit":
        await room.passages.edit(document, passages[0].id, Edit(text="바뀐 문단이다."))
    elif kind == "merge":
        await room.passages.merge(document, [passages[0].id, passages[1].id])
    elif kind == "split":
        await room.passages.split(document, passages[0].id, 3)
    elif kind == "off":
        await room.passages.switch(document, [passages[0].id], enabled=False)
    else:
        await room.passages.delete(document, [passages[0].id, passages[1].id])


@pytest.mark.parametrize(
    ("kind", "step"),
    [
        ("add", "upsert"),
        ("edit", "upsert"),
        ("merge", "delete"),
        ("merge", "upsert"),
        ("split", "upsert"),
        ("off", "delete"),
        ("delete", "delete"),
    ],
)
async def test_a_process_that_dies_between_database_and_index_is_made_good(
    room: Room, monkeypatch: pytest.MonkeyPatch, kind: str, step: str
) -> None:
    document = await ready(room)
    with monkeypatch.context() as dying:
        end_before(room, dying, step, Killed())
        with pytest.raises(Killed):
            await changes(room, document, kind)
    async with room.database.read() as connection:
        assert (await connection.execute(sa.select(unsettled_chunks))).all() != []
    assert await room.indexing.settle_left()
    await assert_in_step(room)
    await texts(room, document)


async def unsettled(room: Room) -> set[str]:
    """Documents of what the index has still to follow."""
    async with room.database.read() as connection:
        return set(await connection.scalars(sa.select(unsettled_chunks.c.document_id)))


async def test_a_change_that_the_index_cannot_follow_yet_stands_and_is_followed_later(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = await ready(room)
    monkeypatch.setattr("llmflow.knowledge.jobs._STORE_WAIT_S", 0.01)
    with monkeypatch.context() as down:
        end_before(room, down, "upsert", OrganError("The vector store is away."))
        made = await room.passages.add(document, [Draft("A new one.")])
        assert not await room.indexing.settle_left()
    assert made[0].text == "A new one."
    while not await found(room, "new") or await unsettled(room):  # the jobs' dispatcher does it by itself
        await asyncio.sleep(0.01)
    await assert_in_step(room)


async def test_what_is_unsettled_goes_with_its_document_and_its_base(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, kept = await ready(room), await ready(room, "남는 문서다.", "남는.txt")
    with monkeypatch.context() as down:
        end_before(room, down, "upsert", OrganError("The vector store is away."))
        for document in (gone, kept):
            await room.passages.edit(document, (await first(room, document)).id, Edit(text="바뀐 문단이다."))
    await room.documents.delete(await room.refreshed(), gone)
    assert await unsettled(room) <= {kept.id}
    await room.bases.delete("w", room.base.id)
    assert await unsettled(room) == set()


async def test_a_replaced_document_forgets_what_was_removed_from_it(room: Room) -> None:
    document = await ready(room)
    await room.passages.delete(document, [p.id for p in (await room.passages.page(document))[0]])
    assert await texts(room, document) == []
    document = await ready(room, "새 판이다.\n\n둘째 문단이다.")
    assert await texts(room, document) == ["새 판이다.", "둘째 문단이다."]
    await assert_in_step(room)


async def test_many_passages_are_embedded_in_few_calls(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    document = await ready(room)
    calls: list[int] = []
    embed = room.embedding.embed

    async def counting(given: Sequence[str], role: Any) -> Any:
        calls.append(len(given))
        return await embed(given, role)

    monkeypatch.setattr(room.embedding, "embed", counting)
    made = await room.passages.add(document, [Draft(f"문단 {n}") for n in range(100)])
    assert (len(made), len(calls)) == (100, 4)
    assert np.isfinite(calls).all()


async def with_parts(room: Room, document: Document) -> tuple[Passage, list[Passage]]:
    """The first passage as a parent, with two parts; both of the others stay whole."""
    parent = await first(room, document)
    async with room.database.write() as connection:
        await connection.execute(sa.update(chunks).where(chunks.c.id == parent.id).values(kind="parent"))
        await passage_queries.note_unsettled(connection, document, [parent.id])
    await room.indexing.settle_left()
    return parent, await room.passages.add(
        document, [Draft("연차 신청은 메일로"), Draft("연차 승인은 팀장이")], parent=parent.id
    )


async def test_a_parent_is_switched_off_with_its_parts(room: Room) -> None:
    document = await ready(room)
    parent, _ = await with_parts(room, document)
    assert parent.text in await found(room, "연차")
    for is_on in (False, True, False):
        changed = await room.passages.edit(document, parent.id, Edit(enabled=is_on))
        assert changed.enabled is is_on
        assert (parent.text in await found(room, "연차")) is is_on
        await assert_in_step(room)
    (further,) = await room.passages.add(document, [Draft("연차 취소는 하루 전에")], parent=parent.id)
    assert not further.enabled
    assert parent.text not in await found(room, "연차")
    await assert_in_step(room)


async def test_behind_what_is_not_there_nothing_is_added(room: Room) -> None:
    document = await ready(room)
    parent, parts = await with_parts(room, document)
    other = await first(room, document, 1)
    for of, after in [(None, parts[0].id), (parent.id, other.id), (parent.id, "none"), (None, "none"), ("none", None)]:
        with pytest.raises(NotFound):
            await room.passages.add(document, [Draft("새 문단이다.")], parent=of, after=after)


@pytest.mark.parametrize("kind", ["edit", "merge", "split"])
async def test_what_somebody_else_wrote_meanwhile_is_not_lost(
    room: Room, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    document = await ready(room)
    passage = await first(room, document)
    embed = room.indexing.embed

    async def edited_meanwhile(base: KnowledgeBase, words: Iterable[str]) -> Known:
        monkeypatch.undo()
        await room.passages.edit(document, passage.id, Edit(text="동료가 고친 문단이다."))
        return await embed(base, words)

    monkeypatch.setattr(room.indexing, "embed", edited_meanwhile)
    with pytest.raises(Conflict):
        await changes(room, document, kind)
    assert await texts(room, document) == ["동료가 고친 문단이다.", *LEAVE.split("\n\n")[1:]]
    await assert_in_step(room)


async def test_more_passages_than_a_statement_takes_are_changed(room: Room) -> None:
    ids = [str(n) for n in range(70_000)]  # PostgreSQL takes 65,535 values
    async with room.database.write() as connection:
        await passage_queries.change(connection, ids, enabled=False)
        await passage_queries.forget_unsettled(connection, ids)
        assert await passage_queries.searched(connection, ids) == {}
