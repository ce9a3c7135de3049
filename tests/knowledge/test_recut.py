"""A parent's parts follow its text: cut anew, embedded where they changed, kept when the document is read again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from llmflow.errors import Conflict
from llmflow.knowledge.drafts import Draft, Edit
from llmflow.knowledge.types import Document, Passage
from llmflow.organs.chunker.llamaindex import LlamaIndexChunker
from llmflow.ports.embedding import Vectors
from llmflow.store.database import Database
from tests.knowledge.conftest import Room, build_room, running

LINES = [f"{n}번 조항은 휴가와 출장에 대한 규정을 정하며 모두가 지킨다." for n in range(1, 7)]
RULE = {"method": "parent_child", "max_tokens": 400, "child": {"max_tokens": 16}}


def words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


async def embed(_: Sequence[str]) -> Vectors:
    raise AssertionError("nothing is cut by meaning here")


@pytest.fixture
async def parents(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    chunker = LlamaIndexChunker(count_tokens=words, embed_texts=embed)
    async with running(build_room(database, tmp_path, chunker)) as room:
        room.base = await room.bases.set_chunking(room.base, RULE)
        yield room
    await chunker.close()


async def parent_of(room: Room) -> tuple[Document, Passage, list[Passage]]:
    document = await room.settled((await room.add("규정.txt", " ".join(LINES))).document.id)
    ((parent,), _) = await room.passages.page(document)
    room.embedding.embedded = 0
    return document, parent, await parts_of(room, document, parent)


async def parts_of(room: Room, document: Document, parent: Passage) -> list[Passage]:
    return (await room.passages.page(document, parent=parent.id))[0]


async def indexed(room: Room) -> list[str]:
    return sorted(await room.vectors.chunk_ids((await room.refreshed()).collection))


async def read_again(room: Room, document: Document, text: str) -> Document:
    await room.add("규정.txt", text)
    return await room.settled(document.id)


async def test_only_the_changed_parts_of_an_edited_parent_are_embedded(parents: Room) -> None:
    document, parent, before = await parent_of(parents)
    assert len(before) == 6
    edited = parent.text.replace("3번 조항은", "셋째 조항은 이제")
    await parents.passages.edit(document, parent.id, Edit(text=edited))
    after = await parts_of(parents, document, parent)
    assert " ".join(part.text for part in after) == edited
    assert [part.ordinal for part in after] == list(range(len(after)))
    same = {part.text: part.id for part in before}.items() & {part.text: part.id for part in after}.items()
    assert len(same) == 5
    assert parents.embedding.embedded == 1
    assert await indexed(parents) == sorted(part.id for part in after)
    assert (await parents.found("셋째 조항"))[0].chunk_id == parent.id


async def test_a_parent_that_the_document_says_otherwise_is_the_documents_again(parents: Room) -> None:
    document, parent, _ = await parent_of(parents)
    await parents.passages.edit(document, parent.id, Edit(text="아주 다른 글이다. 그리고 짧다."))
    document = await read_again(parents, document, " ".join(LINES[:4]))
    ((now,), _) = await parents.passages.page(document)
    parts = await parts_of(parents, document, now)
    assert now.text == " ".join(part.text for part in parts) == " ".join(LINES[:4])
    assert await indexed(parents) == sorted(part.id for part in parts)


async def test_a_parent_that_the_document_still_says_keeps_its_edit_and_its_parts(parents: Room) -> None:
    document, parent, _ = await parent_of(parents)
    await parents.passages.edit(document, parent.id, Edit(text="아주 다른 글이다. 그리고 짧다."))
    parts = await parts_of(parents, document, parent)
    parents.embedding.embedded = 0
    document = await read_again(parents, document, " ".join(LINES) + "\n")
    ((again,), _) = await parents.passages.page(document)
    assert (again.id, again.text) == (parent.id, "아주 다른 글이다. 그리고 짧다.")
    assert [part.id for part in await parts_of(parents, document, again)] == [part.id for part in parts]
    assert parents.embedding.embedded == 0
    assert await indexed(parents) == sorted(part.id for part in parts)


async def test_people_keep_what_they_made_of_parts_that_are_still_said(parents: Room) -> None:
    document, parent, before = await parent_of(parents)
    mine = await parents.passages.edit(document, before[0].id, Edit(text="첫 부분을 고쳐 썼다."))
    (added,) = await parents.passages.add(document, [Draft("덧붙인 부분이다.")], parent=parent.id, after=before[0].id)
    await parents.passages.delete(document, [before[1].id])
    await parents.passages.edit(document, parent.id, Edit(text=parent.text + " 마지막 문장이 더 있다."))
    after = await parts_of(parents, document, parent)
    assert [part.id for part in after[:2]] == [mine.id, added.id]
    assert before[1].text not in [part.text for part in after]
    assert "마지막 문장이 더 있다." in after[-1].text
    assert await indexed(parents) == sorted(part.id for part in after)


async def test_parts_stay_where_one_asks_for_it(parents: Room) -> None:
    document, parent, before = await parent_of(parents)
    await parents.passages.edit(document, parent.id, Edit(text="다른 글.", recut=False))
    assert [part.id for part in await parts_of(parents, document, parent)] == [part.id for part in before]
    assert parents.embedding.embedded == 0


async def test_a_table_in_a_parent_is_cut_between_rows(parents: Room) -> None:
    parents.base = await parents.bases.set_chunking(parents.base, RULE | {"child": {"max_tokens": 40}})
    document, parent, _ = await parent_of(parents)
    table = "\n".join(["| 항목 | 금액 |", "| --- | --- |", *(f"| 식비 {n} | {n}만원 |" for n in range(12))])
    await parents.passages.edit(document, parent.id, Edit(text=f"앞 문단이다.\n\n{table}"))
    parts = [part for part in await parts_of(parents, document, parent) if part.kind == "table"]
    assert len(parts) > 1
    assert all(part.text.startswith("| 항목 | 금액 |\n| --- | --- |\n") for part in parts)


async def test_parts_that_changed_meanwhile_are_not_overwritten(parents: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    document, parent, before = await parent_of(parents)
    planned = parents.passages._recut

    async def late(*given: object, enabled: bool) -> object:
        plan = await planned(*given, enabled=enabled)  # type: ignore[arg-type]
        await parents.passages.add(document, [Draft("그 사이에 더한 부분이다.")], parent=parent.id)
        return plan

    monkeypatch.setattr(parents.passages, "_recut", late)
    with pytest.raises(Conflict):
        await parents.passages.edit(document, parent.id, Edit(text="다른 글이다."))
    assert len(await parts_of(parents, document, parent)) == len(before) + 1
    assert (await parents.passages.get(document, parent.id)).text == parent.text
