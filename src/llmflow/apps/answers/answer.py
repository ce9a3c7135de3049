"""A question to an answer: retrieve, see whether anything is relevant, let the model speak where it can, else quote.

| the model | the answer |
| --- | --- |
| reads the language and is trusted with passages (`grounded`) | generated, streamed as it comes |
| reads the language, but is tiny | generated whole, sent when its passages support it, else quotations |
| does not read the language, or does not answer | quotations |

Where the passages may not answer at all (`relevance`), quotations say so, and a tiny model is not asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from llmflow.apps.answers import prompt, quote, relevance, support
from llmflow.apps.answers.bags import Bags, bags_of
from llmflow.apps.answers.compare import Compare, Comparer
from llmflow.apps.answers.followup import search_text
from llmflow.apps.answers.prompt import Prompt, Question
from llmflow.apps.answers.quote import Quotation
from llmflow.apps.answers.relevance import Verdict
from llmflow.apps.answers.sentences import units
from llmflow.apps.answers.words import Words, words
from llmflow.apps.types import Answer, App, Citation, Waiting
from llmflow.errors import OrganError
from llmflow.gateway.gateway import Gateway
from llmflow.knowledge.bases import Bases
from llmflow.knowledge.retrieve import Retriever
from llmflow.knowledge.types import Found
from llmflow.ports.llm import ChatRequest, ModelInfo, TokenUsage

_POOL = 30  # passages looked at, to judge whether the best stand out


class Draft(Protocol):
    """Where an answer is written to while it is made; what was said stays when the turn is stopped."""

    @property
    def text(self) -> str: ...

    def cite(self, citations: Sequence[Citation], model: str) -> None: ...

    def say(self, text: str) -> None: ...


ModelServer = Callable[[], Awaitable[str]]


class Answerer:
    """`top_k`: passages given to a model; `answer_tokens`: of a generated answer at most; `model_server`: names one
    that runs on this machine unused, "" when there is none."""

    def __init__(
        self,
        bases: Bases,
        retriever: Retriever,
        gateway: Gateway,
        *,
        top_k: int,
        answer_tokens: int,
        temperature: float,
        model_server: ModelServer,
    ) -> None:
        self._bases = bases
        self._retriever = retriever
        self._gateway = gateway
        self._comparer = Comparer(gateway)
        self._top_k = top_k
        self._answer_tokens = answer_tokens
        self._temperature = temperature
        self._model_server = model_server

    async def answer(self, app: App, question: Question, draft: Draft) -> Answer:
        """Writes the answer to `draft` piece by piece and gives it back whole. Raises what the model raises, unless
        the documents can be quoted instead."""
        if question.attached:
            return await self._with_files(app, question, draft)
        if not app.config.knowledge:
            return await self._chat(app, question, draft)
        found = await self.search(app, question)
        say = words(question.language)
        if not found:
            why = say.unknown_to_visitor if question.is_public else await self._why_nothing(app, say)
            return _spoken(draft, Answer(why, "unknown", hint=why))
        bags = await bags_of(found)
        if all(hit.scores.dense is None for hit in found):  # the embedding organ is down
            return await self._over(
                app, question, found, bags, False, draft, compare=_without_cosines, hint=say.by_words
            )
        evidence = await relevance.weigh(_searched(question), question.language, found, bags, self._comparer.cosines)
        if evidence.verdict is Verdict.NOTHING:
            unknown = say.unknown_to_visitor if question.is_public else say.unknown
            return _spoken(draft, Answer(unknown, "unknown", hint=unknown))
        is_certain = evidence.verdict is Verdict.CERTAIN
        cosines = self._comparer.cosines
        return await self._over(app, question, found, bags, is_certain, draft, compare=cosines)

    async def _with_files(self, app: App, question: Question, draft: Draft) -> Answer:
        """From the question's files, and from the app's passages where any stand out."""
        say = words(question.language)
        info = await self._gateway.info(app.config.model)
        if not info.grounded or not reads(info, question.language):
            hint = await self._way_up(say)
            return _spoken(draft, Answer(f"{say.no_reader} {hint}", "unknown", hint=hint, model=info.id))
        found = await self.search(app, question) if app.config.knowledge else []
        if found and any(hit.scores.dense is not None for hit in found):
            bags = await bags_of(found)
            evidence = await relevance.weigh(
                _searched(question), question.language, found, bags, self._comparer.cosines
            )
            if evidence.verdict is Verdict.NOTHING:
                found = []
        return await self._generated(app, question, found[: app.config.top_k or self._top_k], info, draft)

    async def search(self, app: App, question: Question, *, top_k: int = _POOL) -> list[Found]:
        """The passages nearest to the question, relevant or not, best first."""
        wanted = set(app.config.knowledge)
        bases = [base for base in await self._bases.all(app.workspace_id) if base.id in wanted]
        return await self._retriever.search(bases, _searched(question), top_k=top_k)

    async def reading(self, app: App) -> Waiting | None:
        """How far the app's documents are read; None when none is queued or running."""
        counts = [await self._bases.counts(base_id) for base_id in app.config.knowledge]
        busy = sum(count.get("queued", 0) + count.get("running", 0) for count in counts)
        total = sum(sum(count.values()) for count in counts)
        return Waiting(total - busy, total) if busy else None

    async def _why_nothing(self, app: App, say: Words) -> str:
        """What to say when a search found no passage at all."""
        counts = [await self._bases.counts(base_id) for base_id in app.config.knowledge]
        if any(count.get("queued") or count.get("running") for count in counts):
            return say.reading
        return say.unknown if any(count.get("ready") for count in counts) else say.no_documents

    async def _over(
        self,
        app: App,
        question: Question,
        found: Sequence[Found],
        bags: Bags,
        is_certain: bool,
        draft: Draft,
        *,
        compare: Compare,
        hint: str = "",
    ) -> Answer:
        """`hint`: said below quotations, unless the model turns out to be down; "": how to get generated answers."""
        try:
            info = await self._gateway.info(app.config.model)
            if reads(info, question.language) and info.grounded:
                passages = found[: app.config.top_k or self._top_k]
                return await self._generated(app, question, passages, info, draft)
            quotations = await quote.choose(_searched(question), found, bags, compare)
            if reads(info, question.language) and is_certain:
                answer = await self._checked(app, question, quotations, info)
                if answer is not None:
                    return _spoken(draft, answer)
        except OrganError as error:
            if draft.text:
                raise
            hint = words(question.language).model_down.format(error=f"{error.message} {error.hint}")
            quotations = await quote.choose(_searched(question), found, bags, compare)
        hint = "" if question.is_public else hint or await self._way_up(words(question.language))
        return self._quoted(question, quotations, is_certain, hint, draft)

    async def _way_up(self, say: Words) -> str:
        """How to get generated answers; a model server found on this machine comes first."""
        server = await self._model_server()
        return say.way_up_found.format(server=server) if server else say.way_up

    async def _generated(
        self, app: App, question: Question, passages: Sequence[Found], info: ModelInfo, draft: Draft
    ) -> Answer:
        asked = await prompt.grounded(
            question, passages, info, answer_tokens=self._answer_tokens, count=self._counter(app)
        )
        citations = tuple(cited(found, number) for number, found in enumerate(asked.passages, 1))
        draft.cite(citations, info.id)
        usage = TokenUsage()
        async for delta in self._gateway.stream(self._request(app, asked)):
            if delta.text:
                draft.say(delta.text)
            usage = delta.usage or usage
        for name, part in asked.cut:
            draft.say("\n\n_" + words(question.language).cut.format(name=name, percent=int(part * 100)) + "_")
        return Answer(
            draft.text,
            "generated",
            citations,
            model=info.id,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
        )

    async def _checked(
        self, app: App, question: Question, quotations: Sequence[Quotation], info: ModelInfo
    ) -> Answer | None:
        """A tiny model's answer, its first sentence, from the best excerpt; None when that does not support it, and
        for a table, which it cannot read. The packaged model fails more often than not, so it gets little time."""
        if not quotations or quotations[0].unit.table:
            return None
        excerpts = quote.excerpts(quotations, limit=1)
        asked = prompt.small(question, excerpts)
        text, usage = "", TokenUsage()
        async with aclosing(self._gateway.stream(self._request(app, asked, temperature=0.0))) as deltas:
            async for delta in deltas:
                text += delta.text
                usage = delta.usage or usage
                if len(units(text.strip())) > 1:
                    break
        text = next((unit.text for unit in units(text.strip())), "")
        sources = support.sources_of(text, excerpts, question.text)
        if not sources:
            return None
        citations = tuple(cited(found, number) for number, found in enumerate(sources, 1))
        marks = "".join(f"[{citation.position}]" for citation in citations)
        return Answer(
            f"{text} {marks}",
            "generated",
            citations,
            model=info.id,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
        )

    def _quoted(
        self, question: Question, quotations: Sequence[Quotation], is_certain: bool, hint: str, draft: Draft
    ) -> Answer:
        """Quotations, and in small how to get more than that, once in a conversation."""
        say = words(question.language)
        citations = tuple(
            cited(found, mark, quoted=quote.quoted_words(quotations, found))
            for mark, found in enumerate(quote.sources(quotations), 1)
        )
        text = quote.written(quotations, say.quoted if is_certain else say.unsure)
        if hint and not any(hint in earlier.answer for earlier in question.history):
            text += f"\n\n_{hint}_"
        return _spoken(draft, Answer(text, "quoted" if is_certain else "unknown", citations, hint=hint))

    async def _chat(self, app: App, question: Question, draft: Draft) -> Answer:
        """Without knowledge: the model alone."""
        say = words(question.language)
        info = await self._gateway.info(app.config.model)
        if not reads(info, question.language):
            hint = "" if question.is_public else await self._way_up(say)
            return _spoken(draft, Answer(f"{say.no_model} {hint}".strip(), "unknown", hint=hint, model=info.id))
        answer = await self._generated(app, question, (), info, draft)
        return answer if info.grounded or question.is_public else replace(answer, hint=await self._way_up(say))

    def _request(self, app: App, asked: Prompt, *, temperature: float | None = None) -> ChatRequest:
        return ChatRequest(
            asked.messages,
            model=app.config.model,
            temperature=self._temperature if temperature is None else temperature,
            max_tokens=asked.max_tokens,
        )

    def _counter(self, app: App) -> prompt.CountTokens:
        async def count(text: str) -> int:
            return await self._gateway.count_tokens(text, app.config.model)

        return count


async def _without_cosines(question: str, texts: Sequence[str]) -> list[float]:
    """Stands for cosines where there are none: only shared words count then."""
    return [0.0] * len(texts)


def reads(info: ModelInfo, language: str) -> bool:
    """Whether the model reads the language; "" (no letters) is read by all."""
    return info.languages is None or language in ("", *info.languages)


def cited(found: Found, position: int, *, quoted: str = "") -> Citation:
    return Citation(
        position=position,
        document=found.document,
        document_id=found.document_id,
        knowledge=found.knowledge,
        knowledge_id=found.knowledge_id,
        chunk_id=found.chunk_id,
        text=found.text,
        score=found.score,
        scores=found.scores,
        page=found.page,
        heading_path=list(found.heading_path),
        ordinal=found.ordinal,
        hit_count=found.hit_count,
        created_at=found.created_at,
        quote=quoted,
    )


def _searched(question: Question) -> str:
    previous = question.history[-1].query if question.history else None
    return search_text(question.text, previous)


def _spoken(draft: Draft, answer: Answer) -> Answer:
    draft.cite(answer.citations, answer.model)
    draft.say(answer.text)
    return answer
