"""The gateway: finds the deployments of a model, tries them until one answers, counts what was used, notes a span.

Limits are asked before a call and told after it; what people say crosses the border, if there is one.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import TypeVar, cast

import msgspec

from llmflow.errors import LLMFlowError, OrganError
from llmflow.gateway.answers import Answers, Recording, key_of
from llmflow.gateway.asker import asker
from llmflow.gateway.attempts import Attempts, Begun
from llmflow.gateway.ledger import Entry, OnSpan, no_spans
from llmflow.gateway.no_limits import NoLimits
from llmflow.gateway.servers import DEFAULT, Resolved, Servers, unknown
from llmflow.gateway.shadows import Shadows
from llmflow.gateway.types import Border, Call, Deployment, Leg, Limits, Operation
from llmflow.ports.embedding import Embedding, Role, Vectors
from llmflow.ports.llm import ChatDelta, ChatRequest, Llm, ModelInfo, TokenUsage
from llmflow.ports.rerank import Ranked, Rerank

__all__ = ["DEFAULT", "Gateway"]
_CHARACTERS_A_TOKEN = 4  # where nobody counted
_DELTA_BYTES = 200  # what a delta takes in memory beside its text
T = TypeVar("T")


class Gateway:
    """`llms`: our model servers by name; the preferred one, else "default", else the first, answers requests that name
    no model. Servers and routes come and go while it runs, by `servers`.

    `limits` are asked before each call and told after it, for whom `asker` says. `border` None: nothing is masked.
    `on_span` gets each finished call's span; it must not block. `draw`: chance, 0..1. `is_whole`: as `Servers`.
    """

    def __init__(
        self,
        llms: Mapping[str, Llm],
        embedding: Embedding,
        reranker: Rerank | None = None,
        *,
        limits: Limits | None = None,
        border: Border | None = None,
        on_span: OnSpan = no_spans,
        draw: Callable[[], float] = random.random,
        is_whole: bool = True,
    ) -> None:
        self.servers = Servers(llms, is_whole=is_whole)
        self.limits = limits or NoLimits()
        self.border = border
        self.on_span = on_span
        self.attempts = Attempts(self.servers, draw=draw)
        self.shadows = Shadows(on_span, draw=draw)
        self.answers = Answers()
        self._embedding = embedding
        self._reranker = reranker

    async def models(self) -> list[ModelInfo]:
        """What the servers serve now, the default first. A server that fails is left out; raises when all fail."""
        return [deployment.info for deployment in await self.deployments()]

    async def deployments(self) -> list[Deployment]:
        """As `models`, each with its server."""
        return await self.servers.deployments()

    async def info(self, model: str = "") -> ModelInfo:
        """What is known of a model ("": the default). Raises NotFound (model_unknown) and OrganError."""
        return (await self.servers.resolve(model)).info

    async def count_tokens(self, text: str, model: str = "") -> int:
        """Tokens of `text` for a model's server; an upper estimate where the server cannot say."""
        return await (await self.servers.resolve(model)).legs[0].deployment.llm.count_tokens(text)

    async def admit(
        self, operation: Operation, resolved: Resolved, model: str, prompt_tokens: int, max_tokens: int | None
    ) -> tuple[Call, Entry]:
        """The limits' consent, and the entry that must be ended. Raises TooMany and Forbidden."""
        name = model if model not in ("", DEFAULT) else resolved.name
        call = Call(operation, name, asker(), prompt_tokens, max_tokens, resolved.models)
        return call, Entry(call, await self.limits.ask(call), self.on_span)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        """The answer of a deployment of `request.model`; closing the iterator stops it there. What fails before its
        first piece is tried elsewhere.

        Raises, from the first `anext` on, NotFound (model_unknown), TooMany, Forbidden and what adapters raise.
        """
        resolved = await self.servers.resolve(request.model)
        if rule := resolved.route.cache:
            said = msgspec.json.encode(msgspec.structs.replace(request, model=resolved.name))
            if key := key_of(rule, asker(), request.temperature, b"deltas", said):
                fresh = partial(self._stream, resolved, request)
                async with aclosing(self.share(resolved, "chat", request.model, key, fresh, _delta_size)) as deltas:
                    async for delta in deltas:
                        yield delta
                return
        async with aclosing(self._stream(resolved, request)) as deltas:
            async for delta in deltas:
                yield delta

    async def _stream(self, resolved: Resolved, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        tokens = _characters(request) // _CHARACTERS_A_TOKEN
        call, entry = await self.admit("chat", resolved, request.model, tokens, request.max_tokens)
        try:
            async with aclosing(self.answer(resolved, call, entry, request)) as deltas:
                async for delta in deltas:
                    yield delta
        finally:
            entry.end()

    async def share(
        self,
        resolved: Resolved,
        operation: Operation,
        model: str,
        key: bytes,
        fresh: Callable[[], AsyncGenerator[T]],
        size_of: Callable[[T], int],
    ) -> AsyncGenerator[T]:
        """An answer that is kept or on its way, else a `fresh` one, which others may share from now on. Whoever shares
        is let through by the limits and counted, with no tokens; whom another's failure meets asks afresh."""
        rule = resolved.route.cache
        assert rule is not None
        found = cast("Recording[T] | None", self.answers.find(key))
        if found is None:
            recording = self.answers.record(key, fresh(), size_of, seconds=rule.seconds)
            async with aclosing(recording.read()) as pieces:
                async for piece in pieces:
                    yield piece
            return
        _, entry = await self.admit(operation, resolved, model, 0, None)
        entry.usage, entry.organ, entry.attributes["llmflow.cached"] = TokenUsage(), "cache", True
        try:
            async with aclosing(found.read()) as pieces:
                async for piece in pieces:
                    entry.first()
                    yield piece
            entry.outcome = "ok"
            return
        except LLMFlowError as error:
            entry.outcome = error.code
            if entry.has_begun:
                raise
        finally:
            entry.end()
        async with aclosing(fresh()) as pieces:
            async for piece in pieces:
                yield piece

    async def answer(
        self, resolved: Resolved, call: Call, entry: Entry, request: ChatRequest
    ) -> AsyncGenerator[ChatDelta]:
        """As `stream`, for a call that was admitted; whoever admitted it ends the entry."""
        if request.temperature is not None:
            entry.attributes["gen_ai.request.temperature"] = request.temperature
        begun: Begun[tuple[ChatDelta | None, AsyncIterator[ChatDelta]]] | None = None
        try:
            crossing = await self.border.cross(call, request) if self.border else None
            sent = crossing.request if crossing else request
            self.shadows.copy(resolved, sent, call)
            begun = await self.attempts.begin(
                resolved, lambda leg: first_of(leg, sent, resolved.route.timeouts.first_s), sticky=sticky_of(call)
            )
            entry.leg, entry.tries = begun.tried.leg, begun.tries
            begun.tried.first()
            delta, deltas = begun.result
            between_s = resolved.route.timeouts.between_s
            while delta is not None:
                _note(entry, delta)
                shown = crossing.back(delta) if crossing else delta
                if shown is not None:
                    yield shown
                delta = await _within(between_s, deltas)
            if crossing and (rest := crossing.rest()) is not None:
                yield rest
            begun.tried.done()
            entry.outcome = "ok"
        except LLMFlowError as error:
            entry.outcome = error.code
            if begun is not None:
                begun.tried.failed(error)
            raise
        finally:
            if begun is not None:
                begun.tried.left()
                await close(begun.result[1])

    async def embed(self, model: str, texts: Sequence[str], role: Role) -> Vectors:
        """Unit vectors, one row for each text. Raises NotFound (model_unknown) and what the embedding organ raises."""
        name = await self.embedding_model()
        if model not in ("", name):
            raise unknown(model, [name])
        async with self._organ("embeddings", "embedding", name, sum(map(len, texts))) as call:
            hidden = await self.border.hide(call, texts) if self.border else texts
            return await self._embedding.embed(hidden, role)

    async def rerank(self, query: str, texts: Sequence[str], *, top_n: int | None = None) -> list[Ranked]:
        """The best texts first, by the rerank organ. Raises OrganError (rerank_missing) and what the organ raises."""
        name = await self.rerank_model()
        if self._reranker is None or not name:
            raise OrganError("No reranker is set up.", code="rerank_missing")
        characters = sum(map(len, texts)) + len(query) * len(texts)
        async with self._organ("rerank", "rerank", name, characters) as call:
            if self.border:
                query, *texts = await self.border.hide(call, (query, *texts))
            return await self._reranker.rerank(query, texts, top_n=top_n)

    async def rerank_model(self) -> str:
        """The name of the rerank organ's weights, "" where there is none."""
        return await self._reranker.model() if self._reranker else ""

    @asynccontextmanager
    async def _organ(self, operation: Operation, organ: str, model: str, characters: int) -> AsyncIterator[Call]:
        """A call of an organ that is no model server: asked about, counted and noted like any other."""
        call = Call(operation, model, asker(), characters // _CHARACTERS_A_TOKEN)
        entry = Entry(call, await self.limits.ask(call), self.on_span)
        entry.organ = organ
        try:
            yield call
            entry.outcome = "ok"
        except LLMFlowError as error:
            entry.outcome = error.code
            raise
        finally:
            entry.end()

    async def embedding_model(self) -> str:
        """The name of the embedding organ's weights; loads the organ, which alone knows it."""
        await self._embedding.embed([], "query")
        return self._embedding.model


def _delta_size(delta: ChatDelta) -> int:
    return _DELTA_BYTES + 4 * (len(delta.text) + len(delta.reasoning) + len(str(delta.tool_calls or "")))


def sticky_of(call: Call) -> str:
    """What keeps a conversation at its deployment."""
    who = call.asker
    return who.conversation_id or who.user or who.end_user_id or who.account_id or who.key_id or ""


async def first_of(leg: Leg, request: ChatRequest, first_s: float) -> tuple[ChatDelta | None, AsyncIterator[ChatDelta]]:
    """Asks a deployment and waits for the first piece. Raises what the adapter raises, and OrganError
    (model_timeout)."""
    deltas = leg.deployment.llm.stream(msgspec.structs.replace(request, model=leg.model))
    try:
        return await _within(first_s, deltas), deltas
    except BaseException:
        await close(deltas)
        raise


async def _within(seconds: float, deltas: AsyncIterator[ChatDelta]) -> ChatDelta | None:
    if not seconds:
        return await anext(deltas, None)
    try:
        async with asyncio.timeout(seconds):
            return await anext(deltas, None)
    except TimeoutError as error:
        raise OrganError(f"Nothing came from the model for {seconds:g} s.", code="model_timeout") from error


def _note(entry: Entry, delta: ChatDelta) -> None:
    entry.first()
    entry.pieces += bool(delta.text or delta.reasoning or delta.tool_calls)
    entry.usage = delta.usage or entry.usage
    entry.reason = delta.finish_reason or entry.reason


def _characters(request: ChatRequest) -> int:
    """Of all messages' text; images and the like count nothing."""
    contents = (message.content for message in request.messages)
    return sum(
        len(content) if isinstance(content, str) else sum(len(str(part.get("text") or "")) for part in content or ())
        for content in contents
    )


async def close(deltas: AsyncIterator[ChatDelta]) -> None:
    if isinstance(deltas, AsyncGenerator):
        await deltas.aclose()
