"""A base embedded anew with another model: the old index serves meanwhile, nothing is lost, then the new one serves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from llmflow.errors import Conflict, NotFound, OrganError
from llmflow.knowledge.index import Index
from llmflow.knowledge.models import EmbeddingModels
from llmflow.knowledge.reembed import Reembeddings
from llmflow.organs.embedding.hashing import HashingEmbedding
from llmflow.organs.jobs.memory import MemoryJobs
from llmflow.ports.embedding import Role, Vectors
from tests.knowledge.conftest import Room

OLD, NEW = "hashing-384", "hashing-128"


class Slow(HashingEmbedding):
    """The new model. Passages wait for `go`; `failures` as often it does not answer."""

    def __init__(self) -> None:
        super().__init__(128)
        self.go = asyncio.Event()
        self.asked = asyncio.Event()
        self.passages = 0
        self.failures = 0

    async def embed(self, texts: Sequence[str], role: Role) -> Vectors:
        if texts and role == "passage":
            self.asked.set()
            await self.go.wait()
            if self.failures:
                self.failures -= 1
                raise OrganError("The new embedding server is away.")
            self.passages += len(texts)
        return await super().embed(texts, role)


class Change:
    """The room after its embedding organ became `new`; `keep`: llmflow.yaml still names the old one."""

    def __init__(self, room: Room, new: Slow, *, keep: bool = True, by_itself: bool = False) -> None:
        self.room, self.new = room, new
        self.models: EmbeddingModels = room.knowledge_jobs._ingest._models
        self.models._organ = new
        self.models._named = {"old": room.embedding} if keep else {}
        self.models._known.clear()
        index = room.documents._vectors
        assert isinstance(index, Index)
        self.jobs = MemoryJobs()
        self.reembeddings = Reembeddings(
            room.database,
            self.jobs,
            room.bases,
            self.models,
            index,
            room.vectors,
            room.changes,
            by_itself=by_itself,
        )

    async def start(self) -> None:
        await self.reembeddings.load()
        await self.jobs.start()
        self.reembeddings.start()

    async def stop(self) -> None:
        await self.reembeddings.close()
        await self.jobs.close()

    async def ended(self) -> None:
        """The new index serves, and the old one is gone."""
        while await self.reembeddings.anew(self.room.base.id) is not None:
            await asyncio.sleep(0.01)

    async def ids(self) -> tuple[list[str], list[str]]:
        """Passages in the index that serves, and in the database."""
        base = await self.room.refreshed()
        documents, _ = await self.room.documents.page(base, limit=500)
        kept = [p.id for d in documents for p in (await self.room.passages.page(d, limit=500))[0]]
        return sorted(await self.room.vectors.chunk_ids(base.collection)), sorted(kept)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmflow.knowledge.reembed._SEARCHES_END_S", 0.05)
    monkeypatch.setattr("llmflow.knowledge.reembed._TRIES_S", (0.01,))


@pytest.fixture
async def filled(room: Room) -> AsyncIterator[Room]:
    texts = {f"규정 {n}.txt": f"연차는 {n}일이다.\n\nMeals cost {n} euros." for n in range(5)}
    for accepted in [await room.add(name, text) for name, text in texts.items()]:
        await room.settled(accepted.document.id)
    yield room


async def test_every_passage_gets_a_vector_of_the_new_model_and_the_old_index_goes(filled: Room) -> None:
    change = Change(filled, Slow())
    await change.start()
    old = (await filled.refreshed()).collection
    await change.reembeddings.begin(await filled.refreshed())
    await change.new.asked.wait()
    base = await filled.refreshed()
    assert (base.embedding_model, base.next_model) == (OLD, NEW)
    told = await change.reembeddings.of(base)
    assert told.anew is not None
    assert (told.model, told.is_here, told.wanted) == (OLD, True, NEW)
    assert (told.anew.state, told.anew.done, told.anew.total) == ("running", 0, 10)
    hits = await filled.found("연차는 3일", base, mode="dense")
    assert hits[0].text == "연차는 3일이다."
    change.new.go.set()
    await change.ended()
    base = await filled.refreshed()
    assert (base.embedding_model, base.next_model) == (NEW, "")
    indexed, kept = await change.ids()
    assert indexed == kept
    assert len(kept) == 10
    assert await filled.vectors.chunk_ids(old) == []
    assert (await filled.found("연차는 3일", base, mode="dense"))[0].text == "연차는 3일이다."
    assert filled.parser.parsed.count("규정 3.txt") == 1
    await change.stop()


async def test_what_comes_changes_or_goes_meanwhile_is_right_in_the_new_index(filled: Room) -> None:
    change = Change(filled, Slow())
    await change.start()
    await change.reembeddings.begin(await filled.refreshed())
    await change.new.asked.wait()
    documents, _ = await filled.documents.page(filled.base)
    by_name = {document.name: document for document in documents}
    await filled.documents.delete(await filled.refreshed(), by_name["규정 0.txt"])
    replaced = await filled.add("규정 1.txt", "연차는 이제 없다.")
    added = await filled.add("새 규정.txt", "새 문서이다.\n\nA new one.")
    for accepted in (replaced, added):
        await filled.settled(accepted.document.id)
    assert (await filled.found("새 문서", await filled.refreshed(), mode="dense"))[0].text == "새 문서이다."
    change.new.go.set()
    await change.ended()
    indexed, kept = await change.ids()
    assert indexed == kept
    assert len(kept) == 3 * 2 + 1 + 2
    for words, text in (("이제 없다", "연차는 이제 없다."), ("새 문서이다", "새 문서이다.")):
        assert (await filled.found(words, await filled.refreshed(), mode="dense"))[0].text == text
    await change.stop()


async def test_a_killed_process_goes_on_where_it_was(filled: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmflow.knowledge.reembed_queries._DOCUMENTS_AT_ONCE", 1)
    dead = Change(filled, Slow())
    await dead.start()
    dead.new.go.set()
    await dead.reembeddings.begin(await filled.refreshed())
    while dead.new.passages < 4:
        await asyncio.sleep(0)
    dead.new.go.clear()
    await dead.stop()
    anew = await dead.reembeddings.anew(filled.base.id)
    assert anew is not None
    left = anew.total - anew.done
    assert 0 < left < 10
    change = Change(filled, Slow())
    change.new.go.set()
    await change.start()
    await change.ended()
    assert change.new.passages == left
    indexed, kept = await change.ids()
    assert indexed == kept
    await change.stop()


async def test_without_the_old_model_words_find_what_is_old_and_new_and_new_documents_become_ready(
    filled: Room,
) -> None:
    change = Change(filled, Slow(), keep=False, by_itself=True)
    await change.start()
    while not (base := await filled.refreshed()).next_model:
        await asyncio.sleep(0.01)
    with pytest.raises(Conflict) as caught:
        await filled.found("연차는 3일", base, mode="dense")
    assert caught.value.code == "embedding_changed"
    assert (await filled.found("연차는 3일", base))[0].text == "연차는 3일이다."
    adding = asyncio.create_task(filled.add("새 규정.txt", "회식비는 없다."))
    await asyncio.sleep(0.05)
    change.new.go.set()
    await filled.settled((await adding).document.id)
    await change.ended()
    base = await filled.refreshed()
    assert base.embedding_model == NEW
    assert (await filled.found("회식비는 없다", base, mode="dense"))[0].text == "회식비는 없다."
    indexed, kept = await change.ids()
    assert indexed == kept
    await change.stop()


async def test_new_documents_are_found_by_words_while_only_the_new_model_is_here(filled: Room) -> None:
    change = Change(filled, Slow(), keep=False)
    change.new.go.set()
    base = await filled.refreshed()
    await change.reembeddings.begin(base)  # no job is taken up: nothing is embedded anew yet
    await filled.settled((await filled.add("새 규정.txt", "회식비는 없다.")).document.id)
    base = await filled.refreshed()
    assert base.embedding_model == OLD
    assert (await filled.found("회식비", base))[0].text == "회식비는 없다."
    assert (await filled.found("연차는 3일", base))[0].text == "연차는 3일이다."
    await change.stop()


async def test_a_server_that_is_away_is_waited_for_and_told(filled: Room) -> None:
    change = Change(filled, Slow())
    change.new.failures = 2
    await change.start()
    await change.reembeddings.begin(await filled.refreshed())
    await change.new.asked.wait()
    change.new.go.set()
    await change.ended()
    assert change.new.failures == 0
    assert (await filled.refreshed()).embedding_model == NEW
    await change.stop()


async def test_what_was_begun_can_be_given_up_and_loses_nothing(filled: Room) -> None:
    change = Change(filled, Slow())
    await change.start()
    await change.reembeddings.begin(await filled.refreshed())
    await change.new.asked.wait()
    await filled.settled((await filled.add("새 규정.txt", "회식비는 없다.")).document.id)
    new = (await filled.refreshed()).next_collection
    await change.reembeddings.stop(await filled.refreshed())
    await change.ended()
    base = await filled.refreshed()
    assert (base.embedding_model, base.next_model) == (OLD, "")
    indexed, kept = await change.ids()
    assert indexed == kept
    assert len(kept) == 11
    assert await filled.vectors.chunk_ids(new) == []
    with pytest.raises(Conflict):
        await change.reembeddings.stop(base)
    await change.stop()


async def test_without_the_old_model_it_is_not_given_up(filled: Room) -> None:
    change = Change(filled, Slow(), keep=False)
    await change.start()
    await change.reembeddings.begin(await filled.refreshed())
    with pytest.raises(Conflict, match=OLD):
        await change.reembeddings.stop(await filled.refreshed())
    await change.stop()


async def test_a_base_of_a_model_that_is_named_stays_as_it_is(filled: Room) -> None:
    change = Change(filled, Slow(), keep=True, by_itself=True)
    await change.reembeddings._look()
    assert (await filled.refreshed()).next_model == ""
    with pytest.raises(NotFound, match="no-such"):
        await change.reembeddings.begin(await filled.refreshed(), "no-such")
    with pytest.raises(Conflict):
        await change.reembeddings.begin(await filled.refreshed(), OLD)
    await change.stop()


async def test_a_base_that_is_deleted_meanwhile_leaves_nothing(filled: Room) -> None:
    change = Change(filled, Slow())
    await change.start()
    await change.reembeddings.begin(await filled.refreshed())
    await change.new.asked.wait()
    base = await filled.refreshed()
    await filled.bases.delete("w", base.id)
    change.new.go.set()
    await change.ended()
    while any(status.state in ("queued", "running") for status in change.jobs._statuses.values()):
        await asyncio.sleep(0.01)
    assert await filled.vectors.chunk_ids(base.collection) == []
    assert await filled.vectors.chunk_ids(base.next_collection) == []
    await change.stop()


async def test_vectors_made_before_the_switch_are_made_again(filled: Room) -> None:
    """An ingest that embedded with the old model comes to write after the new index serves."""
    change = Change(filled, Slow())
    change.new.go.set()
    await change.start()
    stale = await filled.refreshed()
    await change.reembeddings.begin(stale)
    await change.ended()
    with pytest.raises(OrganError):
        await filled.bases.written(stale, OLD)
    row = (await filled.documents.page(filled.base))[0][0]
    with pytest.raises(OrganError):
        await filled.knowledge_jobs._ingest._vectors.upsert(stale.collection, [], [])  # type: ignore[arg-type]
    await filled.documents.delete(stale, row)
    indexed, kept = await change.ids()
    assert indexed == kept
    assert len(kept) == 8
    await change.stop()
