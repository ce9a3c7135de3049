"""Questions asked of a base in every way of searching, for whoever began it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from llmflow.errors import Conflict, NotFound, UsageError
from llmflow.gateway.asker import NOBODY, Asker, asker, speak_for
from llmflow.gateway.gateway import Gateway
from llmflow.knowledge.evaluation.evaluations import would_be
from llmflow.knowledge.evaluation.jobs import EvaluationJobs
from llmflow.knowledge.evaluation.types import Asked
from llmflow.knowledge.models import EmbeddingModels
from llmflow.knowledge.retrieve import Retriever
from llmflow.knowledge.rule import SearchRule
from llmflow.knowledge.types import Choice, KnowledgeBase, Searched
from llmflow.organs.jobs.memory import MemoryJobs
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.organs.rerank.none import NoRerank
from llmflow.store.tables import retrieval_evaluations, retrieval_questions
from tests.knowledge.conftest import Room
from tests.knowledge.evaluation.conftest import QUESTIONS, Bench, Known


async def test_every_question_is_asked_in_every_way_and_the_means_are_kept(bench: Bench) -> None:
    begun = await bench.evaluations.begin(await bench.base(), "질문.csv", QUESTIONS)
    assert (begun.state, begun.total, begun.name) == ("queued", 3, "질문.csv")
    found = await bench.over(begun)
    assert (found.state, found.done, found.error_message) == ("done", 3, "")
    assert [one.name for one in found.settings] == ["dense", "keyword", "hybrid", "rerank"]
    assert all(one.questions == 3 and one.p50_ms > 0 for one in found.settings)
    assert found.best in {one.name for one in found.settings}
    assert found.about["documents"] == 3
    assert found.about["passages"] == 4
    questions, hidden = await bench.evaluations.questions(await bench.base(), found.id)
    assert (len(questions), hidden) == (3, 0)
    for setting in found.settings:
        places = [one.places[setting.name] for one in questions]
        assert setting.ndcg_at_10 == pytest.approx(sum(place.ndcg for place in places) / 3)
        assert setting.recall_at_10 == pytest.approx(sum(place.recall for place in places) / 3)
    keyword = {one.question: one.places["keyword"] for one in questions}
    assert keyword[QUESTIONS[0].question].rank == 1
    assert keyword[QUESTIONS[1].question].rank != 1  # the right document, but not the passage that is meant


async def test_the_hardest_question_comes_first(bench: Bench) -> None:
    hard = Asked("연차 휴가는 해마다 열다섯 날", ("식대.txt",), "", 9)
    found = await bench.over(await bench.evaluations.begin(await bench.base(), "", [QUESTIONS[0], hard]))
    questions, _ = await bench.evaluations.questions(await bench.base(), found.id)
    assert [one.expected[0].name for one in questions] == ["식대.txt", "휴가.txt"]


async def test_documents_are_known_by_id_by_name_and_loosely_where_only_one_is_meant(bench: Bench) -> None:
    base = await bench.base()
    page, _ = await bench.room.documents.page(base, search="식대")
    await bench.room.settled((await bench.room.add("휴가.md", "휴가")).document.id)
    content = f"question,document\na,{page[0].id}\nb,여비.txt\nc,식대\nd,휴가\ne,없음.txt\n"
    found = await bench.evaluations.read(base, content.encode())
    assert [one.question for one in found.questions] == ["a", "b", "c"]
    assert [(one.line, one.fault, one.what) for one in found.problems] == [
        (5, "document_ambiguous", "휴가"),
        (6, "document_unknown", "없음.txt"),
    ]


async def test_a_document_that_no_search_finds_is_told_before_anything_is_asked(bench: Bench) -> None:
    base = await bench.base()
    page, _ = await bench.room.documents.page(base, search="식대")
    await bench.room.documents.disable(base, Choice(ids=(page[0].id,)))
    await bench.room.settled((await bench.room.add("깨진.txt", "broken")).document.id)
    found = await bench.evaluations.read(base, "question,document\na,식대.txt\nb,깨진.txt\n".encode())
    assert [one.fault for one in found.problems] == ["document_off", "document_unread"]


async def test_questions_that_cannot_be_asked_are_refused_by_line_or_left_out(bench: Bench) -> None:
    base = await bench.base()
    asked = [*QUESTIONS, Asked("어디?", ("없음.txt",), "", 17)]
    with pytest.raises(UsageError, match=r"line 17: .*없음\.txt") as refused:
        await bench.evaluations.begin(base, "", asked)
    assert refused.value.code == "questions_invalid"
    assert await bench.evaluations.all(base) == []
    found = await bench.over(await bench.evaluations.begin(base, "", asked, leave_out=True))
    assert (found.total, found.left_out) == (3, 1)
    with pytest.raises(UsageError):
        await bench.evaluations.begin(base, "", asked[3:], leave_out=True)


async def test_without_a_reranker_its_setting_is_said_to_be_unmeasured(bench: Bench) -> None:
    room = bench.room
    gateway = Gateway({"default": ScriptedLlm()}, room.embedding, NoRerank())
    retriever = Retriever(room.database, EmbeddingModels(room.embedding), room.vectors, gateway)
    EvaluationJobs(room.database, room.jobs, room.bases, retriever, room.changes, Known(room))
    found = await bench.over(await bench.evaluations.begin(await bench.base(), "", QUESTIONS))
    rerank = found.settings[3]
    assert (rerank.name, rerank.questions, rerank.notes) == ("rerank", 0, {"rerank_missing": 1})
    assert found.best != "rerank"


async def test_a_bases_own_rule_and_one_on_trial_are_measured_beside_the_usual_ones(bench: Bench) -> None:
    base = await bench.base()
    await bench.room.bases.set_retrieval(base, SearchRule(fusion="ranks", top_k=4, threshold=0.2))
    base = await bench.base()
    trial = SearchRule(dense_weight=0.1)
    found = await bench.over(await bench.evaluations.begin(base, "", QUESTIONS, trial=trial))
    assert [one.name for one in found.settings][4:] == ["now", "trial"]
    by_name = {one.name: one for one in found.settings}
    assert would_be(base, by_name["now"].rule) == SearchRule(fusion="ranks", top_k=4, threshold=0.2)
    assert would_be(base, by_name["dense"].rule) == SearchRule(mode="dense", top_k=4)  # its scores are others
    assert would_be(base, by_name["trial"].rule) == SearchRule(dense_weight=0.1, top_k=4)


async def test_questions_are_asked_as_whoever_began_and_seen_by_who_may_see_their_documents(bench: Bench) -> None:
    base = await bench.base()
    page, _ = await bench.room.documents.page(base, search="식대")
    await bench.room.permissions.open_documents(base, Choice(ids=(page[0].id,)), ["임원"])

    async def as_one(*groups: str) -> tuple[set[int | None], int]:
        """Ranks of the first question about the closed document, and how many questions are hidden."""
        speak_for(Asker("w", account_id="insider" if groups else "outsider", groups=groups))
        begun = await bench.evaluations.begin(base, "", [QUESTIONS[0], QUESTIONS[2]], leave_out=True)
        found = await bench.over(begun)
        questions, hidden = await bench.evaluations.questions(base, found.id)
        last = [one for one in questions if len(one.expected) == 2]
        return {place.rank for one in last for place in one.places.values()}, found.left_out + hidden

    insider, outsider = asyncio.create_task(as_one("임원")), asyncio.create_task(as_one())
    assert await insider == ({1}, 0)
    assert await outsider == (set(), 1)  # it is not even said that the document is there
    run = (await bench.evaluations.all(base))[0]
    speak_for(Asker("w", account_id="q"))
    for run in await bench.evaluations.all(base):
        shown, _ = await bench.evaluations.questions(base, run.id)
        assert [one.question for one in shown] == [QUESTIONS[0].question]


class Watching(Retriever):
    """Notes for whom it searches; stops at a question when told to."""

    def __init__(self, room: Room) -> None:
        super().__init__(
            room.database,
            EmbeddingModels(room.embedding),
            room.vectors,
            Gateway({"default": ScriptedLlm()}, room.embedding),
        )
        self.asked: list[tuple[str, str]] = []
        self.who: set[str | None] = set()
        self.stop_at = ""
        self.reached = asyncio.Event()

    async def search(
        self, bases: Sequence[KnowledgeBase], query: str, rule: SearchRule | None = None, **more: object
    ) -> Searched:
        self.who.add(asker().account_id)
        self.asked.append((query, (rule or SearchRule()).mode))
        if query == self.stop_at:
            self.reached.set()
            await asyncio.Event().wait()
        return await super().search(bases, query, rule)


async def test_a_killed_run_goes_on_with_the_question_it_was_at(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmflow.knowledge.evaluation.jobs._WRITE_EVERY_S", 0.0)
    room, base = bench.room, await bench.base()
    watching = Watching(room)
    watching.stop_at = QUESTIONS[2].question
    first = EvaluationJobs(room.database, room.jobs, room.bases, watching, room.changes, Known(room))
    speak_for(Asker("w", account_id="한사람"))
    begun = await bench.evaluations.begin(base, "", QUESTIONS)
    await watching.reached.wait()
    assert first.running(base.id) is not None
    speak_for(NOBODY)
    await room.jobs.close()  # as a killed process leaves it: the row says running, and no engine knows the job
    assert (await bench.evaluations.get(base, begun.id)).state == "running"

    engine, later = MemoryJobs(), Watching(room)
    second = EvaluationJobs(room.database, engine, room.bases, later, room.changes, Known(room))
    await engine.start()
    second.start()
    found = await bench.over(begun)
    await second.close()
    await engine.close()
    assert (found.state, found.done) == ("done", 3)
    assert {query for query, _ in later.asked} == {QUESTIONS[2].question}
    assert watching.who == later.who == {"한사람"}
    assert second.running(base.id) is None
    assert all(one.questions == 3 for one in found.settings if one.name != "rerank")


async def test_a_stopped_run_keeps_what_it_has_and_is_asked_again_whole(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmflow.knowledge.evaluation.jobs._WRITE_EVERY_S", 0.0)
    room, base = bench.room, await bench.base()
    watching = Watching(room)
    watching.stop_at = QUESTIONS[1].question
    EvaluationJobs(room.database, room.jobs, room.bases, watching, room.changes, Known(room))
    begun = await bench.evaluations.begin(base, "반.csv", QUESTIONS)
    await watching.reached.wait()
    stopped = await bench.evaluations.stop(base, begun.id)
    assert (stopped.state, stopped.done) == ("stopped", 1)
    watching.stop_at = ""
    anew = await bench.over(await bench.evaluations.again(base, begun.id))
    assert (anew.state, anew.done, anew.name, anew.digest) == ("done", 3, "반.csv", begun.digest)
    assert [one.id for one in await bench.evaluations.all(base)] == [anew.id, begun.id]


async def test_a_run_waits_for_an_organ_and_fails_when_it_stays_away(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmflow.knowledge.evaluation.jobs._TRIES_S", (0.0, 0.0))
    base = await bench.base()
    bench.room.embedding.failures = 2
    assert (await bench.over(await bench.evaluations.begin(base, "", QUESTIONS))).state == "done"
    bench.room.embedding.failures = 1000
    failed = await bench.over(await bench.evaluations.begin(base, "", QUESTIONS))
    bench.room.embedding.failures = 0
    assert (failed.state, failed.error_message) == ("failed", "The embedding server is away.")
    assert failed.error_hint


async def test_runs_go_with_their_base_and_old_ones_make_room(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmflow.knowledge.evaluation.evaluations._KEPT", 2)
    base = await bench.base()
    runs = [await bench.over(await bench.evaluations.begin(base, str(n), QUESTIONS)) for n in range(3)]
    assert [one.name for one in await bench.evaluations.all(base)] == ["2", "1"]
    with pytest.raises(NotFound):
        await bench.evaluations.get(base, runs[0].id)
    await bench.evaluations.delete(base, runs[2].id)
    assert [one.name for one in await bench.evaluations.all(base)] == ["1"]
    await bench.room.bases.delete("w", base.id)
    async with bench.room.database.read() as connection:
        for table in (retrieval_evaluations, retrieval_questions):
            assert await connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0


async def test_a_run_of_another_base_is_not_there(bench: Bench) -> None:
    run = await bench.over(await bench.evaluations.begin(await bench.base(), "", QUESTIONS))
    other = await bench.room.bases.create("w", "other")
    with pytest.raises(NotFound):
        await bench.evaluations.questions(other, run.id)
    with pytest.raises(Conflict):
        await bench.evaluations.begin(other, "", QUESTIONS)
