"""Documents that are open to some: found, listed and shown by their groups, whatever interrupts a change."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from types import SimpleNamespace
from typing import cast

import pytest

from llmflow.api.routes.console.knowledge import _news
from llmflow.errors import Conflict, NotFound, OrganError, UsageError
from llmflow.gateway.asker import NOBODY, Asker, speak_for
from llmflow.gateway.gateway import Gateway
from llmflow.knowledge.drafts import Draft
from llmflow.knowledge.indexing import Known
from llmflow.knowledge.models import EmbeddingModels
from llmflow.knowledge.retrieve import Retriever
from llmflow.knowledge.rule import SearchRule
from llmflow.knowledge.sight import looking_as
from llmflow.knowledge.types import Choice, Document, Found, KnowledgeBase, Note
from llmflow.wiring import Platform
from tests.knowledge.conftest import Room

PAY, CANTEEN = "임원 보수 규정", "구내식당 보수 공사 안내"


@contextmanager
def asked_by(*groups: str, sees_all: bool = False) -> Iterator[None]:
    speak_for(Asker("w", user="who the caller says they are", groups=groups, sees_all=sees_all))
    try:
        yield
    finally:
        speak_for(NOBODY)


async def two(room: Room) -> tuple[Document, Document]:
    """One that will be open to the board, and one that stays open to everybody."""
    first, second = await room.add("pay.txt", PAY), await room.add("canteen.txt", CANTEEN)
    return await room.settled(first.document.id), await room.settled(second.document.id)


async def close(room: Room, document: Document, *groups: str) -> None:
    await room.permissions.open_documents(await room.refreshed(), Choice(ids=(document.id,)), groups)


async def found(room: Room, **rule: object) -> set[str]:
    base = await room.bases.get("w", room.base.id, to_search=True)
    rules = SearchRule(**rule)  # type: ignore[arg-type]
    return {hit.document for hit in (await room.retriever.search([base], "보수 규정", rules)).found}


async def compared(room: Room) -> set[str]:
    base = await room.bases.get("w", room.base.id, to_search=True)
    all_legs = await room.retriever.compare(base, "보수 규정")
    hits = [*all_legs.dense, *all_legs.keyword, *all_legs.fused, *all_legs.reranked]
    return {hit.document for hit in hits}


@pytest.mark.parametrize("mode", ["dense", "keyword", "hybrid"])
async def test_only_who_is_in_a_documents_groups_finds_it(room: Room, mode: str) -> None:
    pay, _ = await two(room)
    await close(room, pay, "이사회", "감사's")
    for groups, seen in [
        ((), {"canteen.txt"}),
        (("staff",), {"canteen.txt"}),
        (("이사회",), {"pay.txt", "canteen.txt"}),
        (("감사's", "staff"), {"pay.txt", "canteen.txt"}),
    ]:
        with asked_by(*groups):
            assert await found(room, mode=mode) == seen
            assert await compared(room) == seen
    with asked_by(sees_all=True):
        assert await found(room, mode=mode) == {"pay.txt", "canteen.txt"}
    assert await found(room, mode=mode) == {"canteen.txt"}  # nobody in particular


async def test_who_looks_as_somebody_counts_and_finds_what_they_would(room: Room) -> None:
    pay, _ = await two(room)
    await close(room, pay, "이사회", "감사")
    base = await room.refreshed()
    with asked_by(sees_all=True):
        assert sorted(await room.permissions.named(base)) == [([], 1), (["이사회", "감사"], 1)]
        for groups, seen in [((), {"canteen.txt"}), (("감사",), {"pay.txt", "canteen.txt"})]:
            with looking_as(groups, sees_all=False):
                assert await room.permissions.seen(base) == (len(seen), 2)
                assert await found(room) == seen
        assert await room.permissions.seen(base) == (2, 2)
    with asked_by("직원"):
        assert await room.permissions.named(base) == [([], 1)]


async def test_a_documents_groups_go_before_its_bases(room: Room) -> None:
    pay, _ = await two(room)
    await room.permissions.open_base(room.base, ["staff"])
    await close(room, pay, "board")
    with asked_by("staff"):
        assert await found(room) == {"canteen.txt"}
    with asked_by("board"):
        assert await found(room) == {"pay.txt"}
    with asked_by():
        assert await found(room) == set()
    await close(room, pay)
    with asked_by("staff"):
        assert await found(room) == {"pay.txt", "canteen.txt"}
    await room.permissions.open_base(room.base, [])
    with asked_by():
        assert await found(room) == {"pay.txt", "canteen.txt"}


async def test_what_one_may_not_see_is_not_there(room: Room) -> None:
    pay, canteen = await two(room)
    await close(room, pay, "board")
    base = await room.refreshed()
    with asked_by("staff"):
        with pytest.raises(NotFound):
            await room.documents.get("w", pay.id)
        assert [d.name for d in (await room.documents.page(base))[0]] == ["canteen.txt"]
        assert (await room.documents.page(base))[1] == 1
        assert await room.documents.disable(base, Choice()) == 1
        assert await room.documents.enable(base, Choice()) == 1
        assert await room.permissions.open_documents(base, Choice(), ["staff"]) == 1
        assert await room.documents.delete_many(base, Choice()) == 1
    with asked_by("board"):
        assert (await room.documents.get("w", pay.id)).name == "pay.txt"
        with pytest.raises(NotFound):
            await room.documents.get("w", canteen.id)
    await room.permissions.open_base(room.base, ["hr"])
    with asked_by("board"):
        assert await room.bases.all("w") == []
        with pytest.raises(NotFound):
            await room.bases.get("w", "handbook")
        assert await found(room) == {"pay.txt"}


async def test_a_document_read_while_its_groups_change_ends_with_the_new_ones(room: Room) -> None:
    accepted = await room.add("pay.txt", f"slow {PAY}")
    while not room.parser.parsed:
        await asyncio.sleep(0.01)
    await close(room, accepted.document, "board")
    room.parser.go.set()
    await room.settled(accepted.document.id)
    with asked_by("staff"):
        assert await found(room) == set()
    base = await room.refreshed()
    rows = [row for row, _ in room.vectors._collections[base.collection].values()]
    assert [row.groups for row in rows] == [("board",)]


async def test_a_change_that_the_index_does_not_take_opens_nothing_and_is_finished_later(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    pay, _ = await two(room)

    async def full(*_: object, **__: object) -> None:
        raise OrganError("No space left for the vector store.", code="disk_full")

    with monkeypatch.context() as broken:
        broken.setattr(room.vectors, "set_groups", full)
        with pytest.raises(OrganError):
            await close(room, pay, "board")
        with asked_by("staff"):
            assert await found(room) == {"canteen.txt"}  # the index still says that everybody may
            assert await compared(room) == {"canteen.txt"}
            with pytest.raises(NotFound):
                await room.documents.get("w", pay.id)
    await room.permissions.finish()
    with asked_by("board"):
        assert await found(room) == {"pay.txt", "canteen.txt"}
    with monkeypatch.context() as broken:
        broken.setattr(room.vectors, "set_groups", full)
        with pytest.raises(OrganError):
            await close(room, pay)
    await room.permissions.finish()
    with asked_by("staff"):
        assert await found(room) == {"pay.txt", "canteen.txt"}


@pytest.mark.parametrize("groups", [[""], ["  "], ["a\nb"], ["x" * 101], [str(n) for n in range(201)]])
async def test_names_that_are_none_are_refused(room: Room, groups: list[str]) -> None:
    with pytest.raises(UsageError):
        await room.permissions.open_base(room.base, groups)
    assert (await room.refreshed()).groups == []


@pytest.mark.parametrize(
    ("group", "other"), [('y"x', "x"), ("hr", "HR"), ('팀 "가', "가"), ('y"x\\', "x\\"), ("a, b", "b")]
)
async def test_a_groups_name_opens_nothing_of_one_that_looks_like_it(room: Room, group: str, other: str) -> None:
    pay, _ = await two(room)
    await close(room, pay, "first", group, "last")
    base = await room.refreshed()
    for groups, seen in [((other,), {"canteen.txt"}), ((group,), {"pay.txt", "canteen.txt"})]:
        with asked_by(*groups):
            assert {d.name for d in (await room.documents.page(base))[0]} == seen
            assert await found(room) == seen


async def test_documents_asked_for_by_ids_are_those_one_may_see(room: Room) -> None:
    pay, canteen = await two(room)
    await close(room, pay, "board")
    base = await room.refreshed()
    for groups, seen in [(("staff",), [canteen.id]), (("board",), [pay.id, canteen.id])]:
        with asked_by(*groups):
            assert [d.id for d in await room.documents.by_ids(base, [pay.id, canteen.id])] == seen


async def test_an_upload_neither_shows_nor_replaces_a_document_one_may_not_see(room: Room) -> None:
    pay, _ = await two(room)
    await close(room, pay, "board")
    with asked_by("staff"):
        mine = await room.add("mine.txt", PAY)
        assert (mine.outcome, mine.document.name) == ("accepted", "mine.txt")
        for text in (PAY, "다른 말"):
            with pytest.raises(Conflict):
                await room.add("pay.txt", text)
    with asked_by("board"):
        assert (await room.documents.get("w", pay.id)).digest == pay.digest
        assert (await room.add("pay.txt", "새 보수 규정")).outcome == "replaced"
    await room.settled(mine.document.id)


class OtherServer:
    """Knowledge elsewhere: remembers which bases it was asked about."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def search(self, bases: Sequence[KnowledgeBase], *_: object) -> tuple[list[Found], list[Note]]:
        self.asked += [base.name for base in bases]
        return [], []


async def test_another_servers_knowledge_is_asked_only_for_those_it_is_open_to(room: Room) -> None:
    base = await room.bases.create("w", "elsewhere", external_api_id="api", external_id="one")
    await room.permissions.open_base(base, ["board"])
    other = OtherServer()
    retriever = Retriever(
        room.database, EmbeddingModels(room.embedding), room.vectors, Gateway({}, room.embedding), elsewhere=other
    )
    for groups, asked in [(("staff",), []), (("board",), ["elsewhere"])]:
        with asked_by(*groups):
            await retriever.search([await room.bases.get("w", base.id, to_search=True)], "보수 규정")
            assert other.asked == asked


async def test_a_passage_changed_while_its_base_is_opened_is_found_by_all(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, canteen = await two(room)
    await room.permissions.open_base(room.base, ["board"])
    embed = room.indexing.embed

    async def opened_meanwhile(base: KnowledgeBase, texts: Iterable[str]) -> Known:
        monkeypatch.undo()
        await room.permissions.open_base(base, [])
        return await embed(base, texts)

    monkeypatch.setattr(room.indexing, "embed", opened_meanwhile)
    await room.passages.add(canteen, [Draft("보수 규정은 게시판에 있다.")])
    base = await room.refreshed()
    rows = [row for row, _ in room.vectors._collections[base.collection].values()]
    assert [row.groups for row in rows] == [(), (), ()]


class NothingAsked:
    def running(self, knowledge_id: str) -> None: ...


class NothingAnew:
    """No base is being embedded anew."""

    async def anew(self, base_id: str) -> None:
        return None


async def test_progress_tells_of_the_documents_one_may_see(room: Room) -> None:
    pay, canteen = await two(room)
    await close(room, pay, "board")
    for document in (pay, canteen):
        room.progress.report(document, "parse", 1, 2)
    knowledge = SimpleNamespace(
        bases=room.bases,
        documents=room.documents,
        progress=room.progress,
        changes=room.changes,
        reembeddings=NothingAnew(),
        evaluating=NothingAsked(),
    )
    for groups, seen in [(("staff",), {canteen.id}), (("board",), {pay.id, canteen.id})]:
        with asked_by(*groups):
            news = _news(cast(Platform, SimpleNamespace(knowledge=knowledge)), await room.refreshed())
            async with aclosing(news):
                told = json.loads((await anext(news)).decode().split("data: ", 1)[1])
            assert {one["document_id"] for one in told["reading"]} == seen
