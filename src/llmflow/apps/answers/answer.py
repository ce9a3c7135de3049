"""A question to an answer: retrieve, see whether anything is relevant, let the model speak where it can, else quote.

| the model | the answer |
| --- | --- |
| reads the language and is trusted with passages (`grounded`) | generated, streamed as it comes |
| reads the language, but is tiny | generated whole, sent when its passages support it, else quotations |
| does not read the language, or does not answer | quotations |

Where the passages may not answer at all (`relevance`), quotations say so, and a tiny model is not asked.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from llmflow.apps.answers import prompt, quote, relevance, support
from llmflow.apps.answers.bags import Bags, bags_of
from llmflow.apps.answers.compare import Compare, Comparer
from llmflow.apps.answers.followup import search_text
from llmflow.apps.answers.prompt import Prompt, Question
from llmflow.apps.answers.quote import Quotation
from llmflow.apps.answers.relevance import Verdict
from llmflow.apps.answers.sentences import units
from llmflow.apps.answers.words import Words, words
from llmflow.apps.types import Answer, Citation, Waiting
from llmflow.errors import OrganError
from llmflow.gateway.gateway import Gateway
from llmflow.knowledge.bases import Bases
from llmflow.knowledge.conditions import Conditions, Guess
from llmflow.knowledge.retrieve import Retriever
from llmflow.knowledge.rule import common_rule
from llmflow.knowledge.types import Found
from llmflow.ports.llm import ChatRequest, ModelInfo, TokenUsage

_POOL = 30  # passages looked at, to judge whether the best stand out


@dataclass(frozen=True, slots=True)
class Ground:
    """What an answer rests on. `knowledge`: ids of bases; `model` "": the default one; `top_k` None, `temperature`
    None, `max_tokens` None: the setting's. `options`: further parameters of the model. `wishes`: fields of
    SearchRule that are otherwise than the bases keep them; `conditions`: on documents; `one_of`: the model that chooses
    one of the bases."""

    workspace_id: str
    knowledge: tuple[str, ...] = ()
    model: str = ""
    top_k: int | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    wishes: Mapping[str, Any] = field(default_factory=dict)
    conditions: Conditions | Guess | None = None
    one_of: Guess | None = None


@dataclass(frozen=True, slots=True)
class Cited:
    """What the words to come rest on, and who says them."""

    citations: tuple[Citation, ...]
    model: str


Told = Cited | str | Answer
"""An answer while it is made: what it rests on, its words, and at last the whole."""

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

    def answer(self, ground: Ground, question: Question) -> AsyncGenerator[Told]:
        """Raises what the model raises, unless the documents can be quoted instead."""
        if question.attached:
            return self._with_files(ground, question)
        return self._from_knowledge(ground, question) if ground.knowledge else self._chat(ground, question)

    async def _from_knowledge(self, ground: Ground, question: Question) -> AsyncGenerator[Told]:
        found = await self.search(ground, question)
        say = words(question.language)
        if not found:
            why = say.unknown_to_visitor if question.is_public else await self._why_nothing(ground, say)
            for item in _spoken(Answer(why, "unknown", hint=why)):
                yield item
            return
        bags = await bags_of(found)
        is_certain, compare, hint = False, _without_cosines, say.by_words
        if any(hit.scores.dense is not None for hit in found):  # else the embedding organ is down
            compare, hint = self._comparer.cosines, ""
            evidence = await relevance.weigh(_searched(question), question.language, found, bags, compare)
            if evidence.verdict is Verdict.NOTHING:
                unknown = say.unknown_to_visitor if question.is_public else say.unknown
                for item in _spoken(Answer(unknown, "unknown", hint=unknown)):
                    yield item
                return
            is_certain = evidence.verdict is Verdict.CERTAIN
        over = self._over(ground, question, found, bags, is_certain, compare=compare, hint=hint)
        async with aclosing(over) as told:
            async for item in told:
                yield item

    async def _with_files(self, ground: Ground, question: Question) -> AsyncGenerator[Told]:
        """From the question's files, and from the passages where any stand out."""
        say = words(question.language)
        info = await self._gateway.info(ground.model)
        if not info.grounded or not reads(info, question.language):
            hint = await self._way_up(say)
            for item in _spoken(Answer(f"{say.no_reader} {hint}", "unknown", hint=hint, model=info.id)):
                yield item
            return
        found = await self.search(ground, question) if ground.knowledge else []
        if found and any(hit.scores.dense is not None for hit in found):
            bags = await bags_of(found)
            evidence = await relevance.weigh(
                _searched(question), question.language, found, bags, self._comparer.cosines
            )
            if evidence.verdict is Verdict.NOTHING:
                found = []
        async with aclosing(self._generated(ground, question, found[: ground.top_k or self._top_k], info)) as told:
            async for item in told:
                yield item

    async def search(self, ground: Ground, question: Question, *, top_k: int = _POOL) -> list[Found]:
        """The passages nearest to the question, relevant or not, best first."""
        wanted = set(ground.knowledge)
        bases = [base for base in await self._bases.all(ground.workspace_id, to_search=True) if base.id in wanted]
        query = _searched(question)
        if ground.one_of is not None:
            chooser = ground.one_of
            bases, _ = await self._retriever.choose(bases, query, model=chooser.model, options=chooser.options)
        rule = replace(common_rule(bases), **{**ground.wishes, "top_k": top_k})
        return (await self._retriever.search(bases, query, rule, conditions=ground.conditions)).found

    async def reading(self, ground: Ground) -> Waiting | None:
        """How far the documents are read; None when none is queued or running."""
        counts = [await self._bases.counts(base_id) for base_id in ground.knowledge]
        busy = sum(count.get("queued", 0) + count.get("running", 0) for count in counts)
        total = sum(sum(count.values()) for count in counts)
        return Waiting(total - busy, total) if busy else None

    async def _why_nothing(self, ground: Ground, say: Words) -> str:
        """What to say when a search found no passage at all."""
        counts = [await self._bases.counts(base_id) for base_id in ground.knowledge]
        if any(count.get("queued") or count.get("running") for count in counts):
            return say.reading
        return say.unknown if any(count.get("ready") for count in counts) else say.no_documents

    async def _over(
        self,
        ground: Ground,
        question: Question,
        found: Sequence[Found],
        bags: Bags,
        is_certain: bool,
        *,
        compare: Compare,
        hint: str = "",
    ) -> AsyncGenerator[Told]:
        """`hint`: said below quotations, unless the model turns out to be down; "": how to get generated answers."""
        has_spoken = False
        try:
            info = await self._gateway.info(ground.model)
            if reads(info, question.language) and info.grounded:
                passages = found[: ground.top_k or self._top_k]
                async with aclosing(self._generated(ground, question, passages, info)) as told:
                    async for item in told:
                        has_spoken = has_spoken or isinstance(item, str)
                        yield item
                return
            quotations = await quote.choose(_searched(question), found, bags, compare)
            if reads(info, question.language) and is_certain:
                answer = await self._checked(ground, question, quotations, info)
                if answer is not None:
                    for item in _spoken(answer):
                        yield item
                    return
        except OrganError as error:
            if has_spoken:
                raise
            hint = words(question.language).model_down.format(error=f"{error.message} {error.hint}")
            quotations = await quote.choose(_searched(question), found, bags, compare)
        hint = "" if question.is_public else hint or await self._way_up(words(question.language))
        for item in _spoken(_quoted(question, quotations, is_certain, hint)):
            yield item

    async def _way_up(self, say: Words) -> str:
        """How to get generated answers; a model server found on this machine comes first."""
        server = await self._model_server()
        return say.way_up_found.format(server=server) if server else say.way_up

    async def _generated(
        self, ground: Ground, question: Question, passages: Sequence[Found], info: ModelInfo
    ) -> AsyncGenerator[Told]:
        most = ground.max_tokens or self._answer_tokens
        asked = await prompt.grounded(question, passages, info, answer_tokens=most, count=self._counter(ground))
        citations = tuple(cited(found, number) for number, found in enumerate(asked.passages, 1))
        yield Cited(citations, info.id)
        usage = TokenUsage()
        pieces: list[str] = []
        async with aclosing(self._gateway.stream(self._request(ground, asked))) as deltas:
            async for delta in deltas:
                if delta.text:
                    pieces.append(delta.text)
                    yield delta.text
                usage = delta.usage or usage
        for name, part in asked.cut:
            cut = "\n\n_" + words(question.language).cut.format(name=name, percent=int(part * 100)) + "_"
            pieces.append(cut)
            yield cut
        yield Answer(
            "".join(pieces),
            "generated",
            citations,
            model=info.id,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
        )

    async def _checked(
        self, ground: Ground, question: Question, quotations: Sequence[Quotation], info: ModelInfo
    ) -> Answer | None:
        """A tiny model's answer, its first sentence, from the best excerpt; None when that does not support it, and
        for a table, which it cannot read. The packaged model fails more often than not, so it gets little time."""
        if not quotations or quotations[0].unit.table:
            return None
        excerpts = quote.excerpts(quotations, limit=1)
        asked = prompt.small(question, excerpts)
        text, usage = "", TokenUsage()
        async with aclosing(self._gateway.stream(self._request(ground, asked, temperature=0.0))) as deltas:
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

    async def _chat(self, ground: Ground, question: Question) -> AsyncGenerator[Told]:
        """Without knowledge: the model alone."""
        say = words(question.language)
        info = await self._gateway.info(ground.model)
        if not reads(info, question.language):
            hint = "" if question.is_public else await self._way_up(say)
            for item in _spoken(Answer(f"{say.no_model} {hint}".strip(), "unknown", hint=hint, model=info.id)):
                yield item
            return
        async with aclosing(self._generated(ground, question, (), info)) as told:
            async for item in told:
                if isinstance(item, Answer) and not info.grounded and not question.is_public:
                    item = replace(item, hint=await self._way_up(say))
                yield item

    def _request(self, ground: Ground, asked: Prompt, *, temperature: float | None = None) -> ChatRequest:
        wanted = self._temperature if ground.temperature is None else ground.temperature
        return ChatRequest(
            asked.messages,
            model=ground.model,
            temperature=wanted if temperature is None else temperature,
            max_tokens=asked.max_tokens,
            stop=ground.stop,
            options=dict(ground.options),
        )

    def _counter(self, ground: Ground) -> prompt.CountTokens:
        async def count(text: str) -> int:
            return await self._gateway.count_tokens(text, ground.model)

        return count


def _quoted(question: Question, quotations: Sequence[Quotation], is_certain: bool, hint: str) -> Answer:
    """Quotations, and in small how to get more than that, once in a conversation."""
    say = words(question.language)
    citations = tuple(
        cited(found, mark, quoted=quote.quoted_words(quotations, found))
        for mark, found in enumerate(quote.sources(quotations), 1)
    )
    text = quote.written(quotations, say.quoted if is_certain else say.unsure)
    if hint and not any(hint in earlier.answer for earlier in question.history):
        text += f"\n\n_{hint}_"
    return Answer(text, "quoted" if is_certain else "unknown", citations, hint=hint)


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


def _spoken(answer: Answer) -> Iterator[Told]:
    """An answer that was made whole."""
    yield Cited(answer.citations, answer.model)
    yield answer.text
    yield answer
