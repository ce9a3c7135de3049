"""Questions to passages by a rule: searched by meaning, by words or both, in one wording or several, ranked anew where
a reranker is wished for. Filters go into the search, not over its result."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from opentelemetry import trace

from llmflow.errors import LLMFlowError, OrganError
from llmflow.knowledge import counting, passage_queries, queries, reword
from llmflow.knowledge.choose import chosen
from llmflow.knowledge.compared import by_meaning, by_words, compared, only
from llmflow.knowledge.conditions import Conditions, Guess
from llmflow.knowledge.fuse import Fused, fuse_wordings
from llmflow.knowledge.guess import guessed
from llmflow.knowledge.legs import Legs
from llmflow.knowledge.models import EmbeddingModels
from llmflow.knowledge.reach import fields_of, reach
from llmflow.knowledge.rule import SearchRule, checked
from llmflow.knowledge.sight import may_ask, may_find
from llmflow.knowledge.types import Child, Choices, Compared, Found, KnowledgeBase, Note, Passage, Scores, Searched
from llmflow.knowledge.watch import Counted, Watch, tokens_of
from llmflow.ports.rerank import Ranked
from llmflow.ports.vector_store import Filter, VectorStore
from llmflow.store.database import Database

_CANDIDATES = 50  # of each search, before fusion
_RERANKED = 30  # of the fused ones, at least: a reranker reads each whole
_MERGED_FROM = 0.5  # of a parent's passages
_MAX_QUERY = 8_000  # characters; the embedding model reads far fewer

_tracer = trace.get_tracer("llmflow.knowledge")


class Models(reword.Models, Protocol):
    """What retrieval needs of the gateway."""

    async def rerank(self, query: str, texts: Sequence[str], *, top_n: int | None = None) -> list[Ranked]: ...

    async def rerank_model(self) -> str: ...


class Elsewhere(Protocol):
    """Knowledge of other servers."""

    async def search(
        self, bases: Sequence[KnowledgeBase], query: str, rule: SearchRule, conditions: Conditions | None
    ) -> tuple[list[Found], list[Note]]: ...


class Retriever:
    def __init__(
        self,
        database: Database,
        embeddings: EmbeddingModels,
        vectors: VectorStore,
        models: Models,
        *,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        """`elsewhere`: asked about bases that are another server's knowledge; None: they are passed over."""
        self._database = database
        self._elsewhere = elsewhere
        self._legs = Legs(embeddings, vectors)
        self._models = models

    async def search(
        self,
        bases: Sequence[KnowledgeBase],
        query: str,
        rule: SearchRule | None = None,
        *,
        conditions: Conditions | Guess | None = None,
        model: str = "",
    ) -> Searched:
        """The passages of all `bases` together that fit best by `rule` (None: `SearchRule()`). An empty query finds
        nothing. `conditions`: on documents, given or made by a model. `model`: makes further wordings, "" the default
        one.

        A reranker or a model that is not there or fails costs its step, not the search: `notes` say so. Raises
        UsageError for a rule that is none and a condition whose value does not fit its field, Conflict for a base
        whose model is not here any more, where the rule searches by meaning alone, and OrganError when an organ does
        not answer."""
        watch = Watch()
        work = self._search(bases, query, checked(rule or SearchRule()), conditions, model, watch)
        return await watch.timed("search", work)

    async def _search(
        self,
        bases: Sequence[KnowledgeBase],
        query: str,
        rule: SearchRule,
        conditions: Conditions | Guess | None,
        model: str,
        watch: Watch,
    ) -> Searched:
        query = query.strip()[:_MAX_QUERY]
        others = [base for base in bases if base.is_external and may_ask(base)]
        bases = [base for base in bases if base.embedding_model]  # the rest holds nothing yet
        if not query or not (bases or others):
            return Searched([], [], [])
        with _tracer.start_as_current_span("retrieve") as span:
            wordings, notes = await self._wordings(query, rule, model, watch)
            if isinstance(conditions, Guess):
                conditions, missed = await self._guessed(bases, query, conditions)
                notes += missed
            (found, missed), (theirs, failed) = await asyncio.gather(
                self._own(bases, wordings, rule, conditions, watch), self._others(others, query, rule, conditions)
            )
            notes += missed + failed
            if theirs:
                found = sorted(found + theirs, key=lambda hit: -hit.score)
            watch.candidates = found
            if rule.rerank:
                found, failed = await self._reranked(query, found, rule.top_k, watch)
                notes += failed
            watch.ranked = found
            found, watch.below, unused = _above(found, rule)
            notes += unused
            found = await self._with_parents(found, rule)
            found, watch.beyond = found[: rule.top_k], found[rule.top_k :]
            span.set_attributes(
                {
                    "llmflow.mode": rule.mode,
                    "llmflow.bases": len(bases) + len(others),
                    "llmflow.wordings": len(wordings),
                    "llmflow.hits": len(found),
                    "llmflow.notes": [note.code for note in notes],
                }
            )
            return Searched(found, list(dict.fromkeys(notes)), wordings, conditions)

    async def _own(
        self,
        bases: Sequence[KnowledgeBase],
        wordings: Sequence[str],
        rule: SearchRule,
        conditions: Conditions | None,
        watch: Watch,
    ) -> tuple[list[Found], list[Note]]:
        if not bases:
            return [], []
        async with self._database.read() as connection:
            where = await reach(connection, bases, conditions)
        fused, notes = await self._fused(bases, wordings, rule, where, watch)
        return await self._found(bases, fused), notes

    async def _others(
        self, bases: Sequence[KnowledgeBase], query: str, rule: SearchRule, conditions: Conditions | None
    ) -> tuple[list[Found], list[Note]]:
        if not bases or self._elsewhere is None:
            return [], []
        return await self._elsewhere.search(bases, query, rule, conditions)

    async def choose(
        self, bases: Sequence[KnowledgeBase], query: str, *, model: str = "", options: Mapping[str, Any] | None = None
    ) -> tuple[list[KnowledgeBase], list[Note]]:
        """The one of `bases` that a model thinks the question is for; all of them, and why, when it chooses none."""
        if len(bases) < 2:
            return list(bases), []
        try:
            return [await chosen(self._models, query, bases, model=model, options=options)], []
        except LLMFlowError as error:
            return list(bases), [Note("choice_failed", f"All knowledge bases were searched: {error.message}")]

    async def compare(
        self,
        base: KnowledgeBase,
        query: str,
        rule: SearchRule | None = None,
        *,
        conditions: Conditions | None = None,
    ) -> Compared:
        """The search by `rule` (None: `SearchRule()`), and beside it what the other ways find. Raises what `search`
        raises."""
        rule, watch, beside = checked(rule or SearchRule()), Watch(), Watch()
        searched = await watch.timed("search", self._search([base], query, rule, conditions, "", watch))
        if not searched.wordings or not base.embedding_model:
            return only(searched)
        query, notes = searched.wordings[0], list(searched.notes)
        own = fused = watch.by_wording[0]
        if rule.mode == "hybrid":
            fused = fuse_wordings(watch.by_wording)
        else:
            both = dataclasses.replace(rule, mode="hybrid")
            async with self._database.read() as connection:
                where = await reach(connection, [base], conditions)
            own, missed = await self._legs.by_rule([base], query, both, max(rule.top_k, _CANDIDATES), where, beside)
            fused, notes = own, notes + missed
        anew, missed = watch.ranked, []
        if not rule.rerank:
            anew, missed = await self._reranked(query, watch.candidates, rule.top_k, beside)
        dense, keyword, found = [await self._found([base], leg) for leg in (by_meaning(own), by_words(own), fused)]
        reranked = [hit for hit in anew if hit.scores.rerank is not None]
        return compared(
            searched, rule, watch, beside, notes + missed, dense=dense, keyword=keyword, fused=found, reranked=reranked
        )

    async def choices(self, base: KnowledgeBase) -> Choices:
        """What of a rule changes anything in the base."""
        async with self._database.read() as connection:
            has_parents = await counting.has_parents(connection, base.id)
        try:
            return Choices(await self._models.rerank_model(), has_parents)
        except OrganError:
            return Choices(None, has_parents)

    async def _wordings(self, query: str, rule: SearchRule, model: str, watch: Watch) -> tuple[list[str], list[Note]]:
        """The question, and others like it that the rule wishes for."""
        if not rule.multi_query:
            return [query], []
        try:
            models = Counted(self._models, watch, "reword")
            more = await watch.timed("reword", reword.reword(models, query, rule.multi_query, model=model))
            return [query, *more], []
        except LLMFlowError as error:
            text = f"Searched by the question's own words alone: {error.message}"
            return [query], [Note("reword_failed", text)]

    async def _guessed(
        self, bases: Sequence[KnowledgeBase], query: str, guess: Guess
    ) -> tuple[Conditions | None, list[Note]]:
        """The conditions that a model makes; none, and why, when it does not."""
        async with self._database.read() as connection:
            fields = await fields_of(connection, bases)
        try:
            options = dict(guess.options)
            return await guessed(self._models, query, fields, model=guess.model, options=options), []
        except LLMFlowError as error:
            return None, [Note("filter_failed", f"Searched without a filter: {error.message}")]

    async def _fused(
        self, bases: Sequence[KnowledgeBase], wordings: Sequence[str], rule: SearchRule, where: Filter, watch: Watch
    ) -> tuple[list[Fused], list[Note]]:
        depth = max(rule.top_k, _CANDIDATES)
        searches = (self._legs.by_rule(bases, words, rule, depth, where, watch) for words in wordings)
        found = await asyncio.gather(*searches)
        watch.by_wording = [hits for hits, _ in found]
        return fuse_wordings(watch.by_wording), [note for _, notes in found for note in notes]

    async def _reranked(
        self, query: str, found: list[Found], top_k: int, watch: Watch
    ) -> tuple[list[Found], list[Note]]:
        """The best of them ranked anew, the others left out; as they were when there is no reranker."""
        candidates = found[: max(top_k, _RERANKED)]
        if not candidates:
            return found, []
        texts = ["\n".join((" > ".join(hit.heading_path), hit.text)).strip() for hit in candidates]
        try:
            ranked = await watch.timed("rerank", self._models.rerank(query, texts))
        except OrganError as error:
            code = "rerank_missing" if error.code == "rerank_missing" else "rerank_failed"
            return found, [Note(code, f"Not ranked anew: {error.message}")]
        watch.tokens["rerank"] = tokens_of(candidates)
        anew = []
        for one in ranked:
            hit = candidates[one.index]
            scores = dataclasses.replace(hit.scores, rerank=one.score)
            anew.append(dataclasses.replace(hit, score=one.score, scores=scores))
        return anew, []

    async def _found(self, bases: Sequence[KnowledgeBase], fused: Sequence[Fused]) -> list[Found]:
        """Hits with their text. A vector whose passage is gone (a deletion under way) is passed over, and one whose
        document is open no more."""
        names = {base.id: base.name for base in bases}
        async with self._database.read() as connection:
            passages = await passage_queries.by_id(connection, [hit.chunk_id for hit in fused])
            owners = await queries.documents_by_id(connection, {p.document_id for p in passages.values()})
            groups = await queries.groups_of_bases(connection, names)
            says = any(document.metadata for document in owners.values())
            fields = {one.id: one.name for one in await fields_of(connection, bases)} if says else {}
        found = []
        for hit in fused:
            passage = passages.get(hit.chunk_id)
            document = owners.get(passage.document_id) if passage else None
            if passage is None or document is None or passage.knowledge_id not in names:
                continue
            if not may_find(document, groups.get(document.knowledge_id, [])):  # the index has yet to learn of it
                continue
            found.append(
                Found(
                    document=document.name,
                    document_id=document.id,
                    chunk_id=passage.id,
                    text=passage.text,
                    score=hit.score,
                    scores=Scores(dense=hit.dense, keyword=hit.keyword),
                    page=passage.page,
                    heading_path=passage.heading_path,
                    ordinal=passage.ordinal,
                    tokens=passage.tokens,
                    kind=passage.kind,
                    knowledge_id=passage.knowledge_id,
                    knowledge=names[passage.knowledge_id],
                    created_at=document.created_at,
                    hit_count=passage.hit_count,
                    answer=passage.answer,
                    parent_id=passage.parent_id,
                    metadata={fields[id]: value for id, value in document.metadata.items() if id in fields},
                )
            )
        return found

    async def _with_parents(self, found: list[Found], rule: SearchRule) -> list[Found]:
        """Passages that have a parent replaced by it; with `auto_merge` only where enough of it was found."""
        wanted = {hit.parent_id for hit in found if hit.parent_id is not None}
        if not wanted:
            return found
        async with self._database.read() as connection:
            parents = await passage_queries.by_id(connection, wanted)
            counts = await counting.children_counted(connection, list(wanted)) if rule.auto_merge else {}
        if rule.auto_merge:
            hits = Counter(hit.parent_id for hit in found)
            parents = {id: p for id, p in parents.items() if hits[id] >= _MERGED_FROM * counts.get(id, 1)}
        return merged(found, parents)


def merged(found: Sequence[Found], parents: Mapping[str, Passage]) -> list[Found]:
    """Each of `parents` (by id) at the place of its best child, with the children that were found; other hits as they
    are."""
    children: dict[str, list[Child]] = {}
    for hit in found:
        if hit.parent_id in parents:
            child = Child(hit.chunk_id, hit.text, hit.score, hit.ordinal)
            children.setdefault(str(hit.parent_id), []).append(child)
    shown, placed = [], set()
    for hit in found:
        parent = parents.get(hit.parent_id or "")
        if parent is None:
            shown.append(hit)
        elif parent.id not in placed:
            placed.add(parent.id)
            shown.append(
                dataclasses.replace(
                    hit,
                    chunk_id=parent.id,
                    text=parent.text,
                    page=parent.page,
                    heading_path=parent.heading_path,
                    ordinal=parent.ordinal,
                    tokens=parent.tokens,
                    kind=parent.kind,
                    hit_count=parent.hit_count,
                    parent_id=None,
                    children=children[parent.id],
                )
            )
    return shown


def _above(found: list[Found], rule: SearchRule) -> tuple[list[Found], list[Found], list[Note]]:
    """Those whose score reaches the rule's threshold, and those whose score does not."""
    if rule.threshold is None or not found:
        return found, [], []
    if rule.mode == "keyword" and found[0].scores.rerank is None:
        text = "Scores of words have no scale that a threshold could be held against."
        return found, [], [Note("threshold_unused", text)]
    above = [hit for hit in found if hit.score >= rule.threshold]
    return above, [hit for hit in found if hit.score < rule.threshold], []
