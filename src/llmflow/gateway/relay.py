"""Bytes handed on: a request in OpenAI's words goes to its deployment as it came, and so does the answer.

A deployment whose server speaks otherwise gets the request parsed; its answer is written in OpenAI's words. Both kinds
can stand behind one route. With a border every call is parsed; surfaces then ask for chats only, and for what no answer
brings back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TypeVar

import msgspec

from llmflow.errors import LLMFlowError, OrganError, UsageError
from llmflow.gateway.answers import key_of
from llmflow.gateway.asked import Asked, chat_of
from llmflow.gateway.asker import asker
from llmflow.gateway.attempts import Begun
from llmflow.gateway.chunks import Head, chunks_of, encode, whole_of
from llmflow.gateway.gateway import Gateway, close, first_of, sticky_of
from llmflow.gateway.ledger import Entry
from llmflow.gateway.passing import Passing, usage_in, whole_in
from llmflow.gateway.servers import Resolved
from llmflow.gateway.types import Call, Leg, Operation
from llmflow.ports.llm import ChatDelta, Wire, WireAnswer
from llmflow.store.ids import new_id

CHAT = "/chat/completions"
#: The fields of an operation's body that carry people's words, where no answer brings them back.
_TEXTS: dict[Operation, tuple[str, ...]] = {"embeddings": ("input",), "rerank": ("query", "documents")}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sent:
    """An answer as it goes to the client."""

    body: bytes
    media_type: str = "application/json"


class Relay:
    """OpenAI's operations over a gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def chat(self, asked: Asked) -> bytes:
        """A chat completion, whole. Raises as `Gateway.stream`."""
        shared = await self.shared("chat", asked, lambda: self._chat_in_one(asked))
        if shared is None:
            return await self._chat(asked)
        async with aclosing(shared) as pieces:
            return b"".join([piece async for piece in pieces])

    async def _chat_in_one(self, asked: Asked) -> AsyncGenerator[bytes]:
        yield await self._chat(asked)

    async def _chat(self, asked: Asked) -> bytes:
        if self._gateway.border is None:
            return await self.answered("chat", asked, lambda leg, entry: self.chat_at(leg, asked, entry), lambda: asked)
        resolved, call, entry = await self._admitted("chat", asked)
        try:
            deltas = self._gateway.answer(resolved, call, entry, chat_of(asked.fields))
            return encode(await whole_of(deltas, await anext(deltas, None), _head(asked, resolved)))
        finally:
            entry.end()

    async def chat_stream(self, asked: Asked) -> AsyncGenerator[bytes]:
        """A chat completion in server-sent events; the first piece comes with the model's first word, so that what
        fails before it can be tried elsewhere, and then raises. What fails later raises too, after whole events."""
        shared = await self.shared("chat", asked, lambda: self._chat_stream(asked))
        async with aclosing(shared or self._chat_stream(asked)) as pieces:
            async for piece in pieces:
                yield piece

    async def shared(
        self, operation: Operation, asked: Asked, fresh: Callable[[], AsyncGenerator[bytes]]
    ) -> AsyncGenerator[bytes] | None:
        """None: the route keeps no answers, or not to such requests."""
        resolved = await self._gateway.servers.resolve(asked.model)
        rule = resolved.route.cache
        if rule is None:
            return None
        said = [part for name in sorted(asked.fields) for part in (name.encode(), bytes(asked.fields[name]))]
        key = key_of(rule, asker(), asked.temperature, b"bytes", operation.encode(), *said)
        if key is None:
            return None
        return self._gateway.share(resolved, operation, asked.model, key, fresh, len)

    def _chat_stream(self, asked: Asked) -> AsyncGenerator[bytes]:
        if self._gateway.border is not None:
            return self._crossing(asked)

        def begin(leg: Leg, entry: Entry, first_s: float) -> AsyncGenerator[bytes]:
            return self.chat_pieces(leg, asked, entry, first_s)

        return self.streamed("chat", asked, begin, lambda: asked)

    async def _crossing(self, asked: Asked) -> AsyncGenerator[bytes]:
        resolved, call, entry = await self._admitted("chat", asked)
        try:
            deltas = self._gateway.answer(resolved, call, entry, chat_of(asked.fields))
            head, start = _head(asked, resolved), await anext(deltas, None)
            async with aclosing(chunks_of(deltas, start, head, include_usage=asked.include_usage)) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            entry.end()

    async def streamed(
        self,
        operation: Operation,
        asked: Asked,
        open: Callable[[Leg, Entry, float], AsyncGenerator[bytes]],
        as_chat: Callable[[], Asked],
    ) -> AsyncGenerator[bytes]:
        """An answer's events, by deployments that `open` asks: its first piece is the model's first word. `as_chat`:
        the request for a shadow."""
        resolved, call, entry = await self._admitted(operation, asked)
        try:
            self._shadow(resolved, as_chat, call)
            first_s, between_s = resolved.route.timeouts.first_s, resolved.route.timeouts.between_s

            async def begin(leg: Leg) -> tuple[bytes | None, AsyncGenerator[bytes]]:
                pieces = open(leg, entry, first_s)
                try:
                    return await anext(pieces, None), pieces
                except BaseException:
                    await pieces.aclose()
                    raise

            begun = await self._begin(resolved, call, entry, begin)
            piece, pieces = begun.result
            begun.tried.first()
            entry.first()
            try:
                while piece is not None:
                    yield piece
                    piece = await within(between_s, anext(pieces, None))
                _succeed(begun, entry)
            except LLMFlowError as error:
                _fail(begun, entry, error)
                raise
            finally:
                begun.tried.left()
                await pieces.aclose()
        finally:
            entry.end()

    async def answered(
        self,
        operation: Operation,
        asked: Asked,
        ask: Callable[[Leg, Entry], Awaitable[bytes]],
        as_chat: Callable[[], Asked],
    ) -> bytes:
        """As `streamed`, whole."""
        resolved, call, entry = await self._admitted(operation, asked)
        try:
            self._shadow(resolved, as_chat, call)
            return await self._whole(resolved, call, entry, lambda leg: ask(leg, entry))
        finally:
            entry.end()

    async def pass_on(self, operation: Operation, path: str, asked: Asked) -> bytes:
        """An operation that only servers with OpenAI's protocol know; a body of JSON, answered whole."""
        resolved, call, entry = await self._admitted(operation, asked)
        try:
            sent = await self._hidden(call, asked)
            return await self._whole(resolved, call, entry, lambda leg: wired_whole(leg, path, sent, entry))
        finally:
            entry.end()

    async def pass_stream(self, operation: Operation, path: str, asked: Asked) -> AsyncGenerator[bytes]:
        """As `pass_on`, answered with bytes as they come."""
        resolved, call, entry = await self._admitted(operation, asked)
        try:

            async def begin(leg: Leg) -> tuple[bytes | None, WireAnswer]:
                answer = await _wire(leg).post(path, asked.fields_for(leg.model))
                try:
                    return await answer.piece(), answer
                except BaseException:
                    answer.close()
                    raise

            begun = await self._begin(resolved, call, entry, begin)
            piece, answer = begun.result
            entry.first()
            try:
                while piece is not None:
                    entry.pieces += piece.count(b"data:")
                    entry.usage = usage_in(piece) or entry.usage
                    yield piece
                    piece = await answer.piece()
                _succeed(begun, entry)
            except LLMFlowError as error:
                _fail(begun, entry, error)
                raise
            finally:
                begun.tried.left()
                answer.close()
        finally:
            entry.end()

    async def send(
        self,
        operation: Operation,
        path: str,
        model: str,
        texts: Sequence[str],
        body_for: Callable[[str, Sequence[str]], bytes],
        *,
        media_type: str,
    ) -> Sent:
        """A body that is no JSON (a form with sound in it), or an answer that is none (speech). `body_for`: the body
        for a server that calls the model so, with `texts` as the model may have them."""
        resolved = await self._gateway.servers.resolve(model)
        call, entry = await self._gateway.admit(operation, resolved, model, 0, None)

        async def begin(leg: Leg) -> Sent:
            answer = await _wire(leg).send(path, body_for(leg.model, texts), media_type=media_type)
            try:
                body = await answer.read()
            finally:
                answer.close()
            return Sent(body, answer.headers.get("content-type", "application/octet-stream"))

        try:
            if texts and self._gateway.border is not None:
                texts = await self._gateway.border.hide(call, texts)
            begun = await self._begin(resolved, call, entry, begin)
            _succeed(begun, entry)
            return begun.result
        finally:
            entry.end()

    async def _hidden(self, call: Call, asked: Asked) -> Asked:
        """As the border lets it over: what stands in the fields that carry people's words. Raises UsageError for what
        cannot be read there, such as tokens: it might be anything."""
        border = self._gateway.border
        if border is None:
            return asked
        fields = dict(asked.fields)
        for name in _TEXTS.get(call.operation, ()):
            if name in fields:
                given = msgspec.json.decode(fields[name])
                items = given if isinstance(given, list) else [given]
                texts = [item.get("text") if isinstance(item, dict) else item for item in items]
                words = [text for text in texts if isinstance(text, str)]
                if len(words) < len(texts):
                    raise UsageError(f"`{name}` must be texts: nothing else may leave for a model here.", param=name)
                hidden = await border.hide(call, words)
                put = [
                    {**item, "text": text} if isinstance(item, dict) else text
                    for item, text in zip(items, hidden, strict=True)
                ]
                fields[name] = msgspec.Raw(encode(put if isinstance(given, list) else put[0]))
        return replace(asked, fields=fields)

    async def _admitted(self, operation: Operation, asked: Asked) -> tuple[Resolved, Call, Entry]:
        resolved = await self._gateway.servers.resolve(asked.model)
        call, entry = await self._gateway.admit(operation, resolved, asked.model, asked.prompt_tokens, asked.max_tokens)
        return resolved, call, entry

    async def _begin(
        self, resolved: Resolved, call: Call, entry: Entry, begin: Callable[[Leg], Awaitable[T]]
    ) -> Begun[T]:
        try:
            begun = await self._gateway.attempts.begin(resolved, begin, sticky=sticky_of(call))
        except LLMFlowError as error:
            entry.outcome = error.code
            raise
        entry.leg, entry.tries = begun.tried.leg, begun.tries
        return begun

    async def _whole(
        self, resolved: Resolved, call: Call, entry: Entry, begin: Callable[[Leg], Awaitable[bytes]]
    ) -> bytes:
        first_s = resolved.route.timeouts.first_s
        bounded = begin if not first_s else lambda leg: within(first_s, begin(leg))
        begun = await self._begin(resolved, call, entry, bounded)
        _succeed(begun, entry)
        return begun.result

    async def chat_at(self, leg: Leg, asked: Asked, entry: Entry) -> bytes:
        """One deployment's chat completion, whole. Raises what it raises."""
        if leg.deployment.wire is not None:
            return await wired_whole(leg, CHAT, asked, entry)
        first, deltas = await first_of(leg, chat_of(asked.fields), 0)
        noted = _noted(deltas, entry)
        _note(entry, first)
        return encode(await whole_of(noted, first, _head_of(leg, asked)))

    async def chat_pieces(self, leg: Leg, asked: Asked, entry: Entry, first_s: float) -> AsyncGenerator[bytes]:
        """One deployment's stream from its first word on. Raises what it raises."""
        if leg.deployment.wire is None:
            first, deltas = await first_of(leg, chat_of(asked.fields), first_s)
            _note(entry, first)
            noted = _noted(deltas, entry)
            head = _head_of(leg, asked)
            async with aclosing(chunks_of(noted, first, head, include_usage=asked.include_usage)) as chunks:
                async for chunk in chunks:
                    yield chunk
            return
        passing = Passing(entry, include_usage=asked.include_usage)
        answer = await within(first_s, leg.deployment.wire.post(CHAT, asked.fields_for(leg.model)))
        try:
            if answer.headers.get("content-type", "").startswith("application/json"):  # it does not stream
                async for chunk in passing.unstreamed(await answer.read(), _head_of(leg, asked)):
                    yield chunk
                return
            while (piece := await within(first_s, answer.piece())) is not None:
                if held := passing.begin(piece):
                    yield held
                    break
            else:
                yield passing.end()
                return
            while (piece := await answer.piece()) is not None:
                if shown := passing.piece(piece):
                    yield shown
            yield passing.end()
        except OrganError as error:
            if error.code == "organ_unavailable" and passing.has_begun:
                if passing.is_finished:  # only a clean end was missing
                    yield passing.end()
                    return
                message = f"The model server's stream ended early: {error.message}"
                raise OrganError(message, code="model_failed") from error
            raise
        finally:
            answer.close()

    def _shadow(self, resolved: Resolved, as_chat: Callable[[], Asked], call: Call) -> None:
        """Only where there is one is the request parsed."""
        if resolved.shadow is not None:
            self._gateway.shadows.copy(resolved, chat_of(as_chat().fields), call)


def _wire(leg: Leg) -> Wire:
    if leg.deployment.wire is None:
        name = leg.deployment.name
        raise OrganError(f"The server {name} does not know this operation.", code="model_address_wrong")
    return leg.deployment.wire


async def wired_whole(leg: Leg, path: str, asked: Asked, entry: Entry) -> bytes:
    """A server's answer as it came. Raises OrganError for one that is none, and where it knows no such path."""
    answer = await _wire(leg).post(path, asked.fields_for(leg.model))
    try:
        body = await answer.read()
    finally:
        answer.close()
    read = whole_in(body)
    entry.usage, entry.reason = read.usage, read.reason
    return body


async def _noted(deltas: AsyncIterator[ChatDelta], entry: Entry) -> AsyncGenerator[ChatDelta]:
    try:
        async for delta in deltas:
            _note(entry, delta)
            yield delta
    finally:  # also when it was never begun
        await close(deltas)


def _note(entry: Entry, delta: ChatDelta | None) -> None:
    if delta is not None:
        entry.pieces += bool(delta.text or delta.reasoning or delta.tool_calls)
        entry.usage = delta.usage or entry.usage
        entry.reason = delta.finish_reason or entry.reason


async def within(seconds: float, work: Awaitable[T]) -> T:
    if not seconds:
        return await work
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError as error:
        raise OrganError(f"Nothing came from the model for {seconds:g} s.", code="model_timeout") from error


def _head(asked: Asked, resolved: Resolved) -> Head:
    return Head(f"chatcmpl-{new_id()}", int(time.time()), asked.model or resolved.name)


def _head_of(leg: Leg, asked: Asked) -> Head:
    return Head(f"chatcmpl-{new_id()}", int(time.time()), asked.model or leg.deployment.info.id)


def _succeed(begun: Begun[T], entry: Entry) -> None:
    begun.tried.done()
    entry.outcome = "ok"


def _fail(begun: Begun[T], entry: Entry, error: LLMFlowError) -> None:
    begun.tried.failed(error)
    entry.outcome = error.code
