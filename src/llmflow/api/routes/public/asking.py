"""Visitors ask. The answer's events are the console's, with less in them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, assert_never

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmflow.access.rates import Rate, Rates
from llmflow.api import errors, sse
from llmflow.api.routes.public.shapes import MOST_LETTERS, citations
from llmflow.api.routes.public.visit import Visit, answer, broken, operation, shown, token_digest
from llmflow.apps.chat.ask import Ask
from llmflow.apps.chat.turns import Turn
from llmflow.apps.types import ChatMessage, Ended, EndUser, Failed, MadeFile, Replaced, TextDelta, Thought, Waiting
from llmflow.errors import LLMFlowError, TooLarge, TooMany
from llmflow.wiring import Platform

_PING = b": ping\n\n"


class _Question(msgspec.Struct, frozen=True):
    question: str
    conversation_id: str | None = None
    parent_id: str | None = None  # the message it follows; None: the newest; "": none, a new beginning


class Asking:
    """The answers being written to visitors: at most `limit` at once, one for each visitor."""

    def __init__(self, platform: Platform, rates: Rates) -> None:
        self._platform = platform
        self._rates = rates
        self._limit = platform.settings.limits.public_concurrency
        self._busy: set[str] = set()  # ids of end users
        self._watches: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route]:
        return [
            operation(self._platform, self._rates, "/ask", "POST", self._ask),
            operation(self._platform, self._rates, "/messages/{message_id}/events", "GET", _follow),
            Route("/tasks/{task_id}/stop", self._stop, methods=["POST"]),
        ]

    async def _ask(self, visit: Visit) -> Response:
        """Once the answer's head is sent the question is kept: who leaves finds the whole answer later."""
        wanted = await visit.body(_Question)
        if len(wanted.question) > MOST_LETTERS:
            raise TooLarge(
                f"A question may have {MOST_LETTERS} characters.", hint="Ask in fewer words.", param="question"
            )
        self._may_ask(visit)
        user = await visit.user()
        if user.id in self._busy:
            raise TooMany("Your last question is still being answered.", hint="Wait for the answer, or stop it.")
        if len(self._busy) >= self._limit:
            raise TooMany("Many people are asking just now.", hint="Try again in a moment.")
        self._busy.add(user.id)
        try:
            ask = Ask(wanted.question, conversation_id=wanted.conversation_id, parent_id=wanted.parent_id)
            turn = await visit.platform.apps.chat.ask(visit.app, user, ask)
            await turn.kept()
        except BaseException:
            self._busy.discard(user.id)
            raise
        watch = asyncio.create_task(self._until_over(user.id, turn))
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)
        return _stream(_of_turn(visit, turn))

    def _may_ask(self, visit: Visit) -> None:
        settings, page = visit.site.settings, visit.site.id
        self._rates.take(
            [
                (f"visitor {page} {visit.token_digest}", Rate.each_minute(settings.visitor_per_minute)),
                (f"address {page} {visit.address}", Rate.each_minute(settings.address_per_minute)),
                (f"page {page}", Rate.each_minute(settings.page_per_minute)),
            ]
        )

    async def _until_over(self, user_id: str, turn: Turn) -> None:
        await turn.finished()
        self._busy.discard(user_id)

    async def _stop(self, request: Request) -> Response:
        """Ends the visitor's answer; what was said is kept. Also of a page that was taken down meanwhile."""
        turn = self._platform.apps.turns.find(request.path_params["task_id"])
        token = token_digest(request)
        if turn is None or not token:
            return answer({"stopped": False})
        user = await self._platform.apps.conversations.known_user(turn.app_id, token, source="public")
        return answer({"stopped": user is not None and self._platform.apps.chat.stop(turn.id, user)})


async def _follow(visit: Visit) -> Response:
    """The events of an answer from its start: as it is written, or, when it is over, what it came to."""
    user, room = await visit.owner(), visit.platform.apps
    kept = await room.conversations.message(user, visit.named("message_id"))  # or 404
    through_pause = visit.request.query_params.get("through_pause") == "true"
    return _stream(_of_message(visit, user, kept.id, through_pause))


def _stream(events: AsyncGenerator[bytes]) -> sse.EventStream:
    return sse.EventStream(events, headers={"cache-control": "no-store"}, ping=_PING)


async def _of_message(visit: Visit, user: EndUser, message_id: str, through_pause: bool) -> AsyncGenerator[bytes]:
    found = await visit.platform.apps.following.find(user, message_id, through_pause=through_pause)
    async with aclosing(_of_turn(visit, found) if isinstance(found, Turn) else _of_kept(visit, found)) as events:
        async for event in events:
            yield event


async def _of_turn(visit: Visit, turn: Turn) -> AsyncGenerator[bytes]:
    yield _event("begin", task_id=turn.id, conversation_id=turn.conversation_id, message_id=turn.message_id)
    async for batch in turn.follow():
        for event in batch:
            match event:
                case Waiting(ready, total):
                    yield _event("waiting", ready=ready, total=total)
                case TextDelta(text):
                    yield _event("delta", text=text)
                case Replaced(text):
                    yield _event("replace", text=text)
                case Thought() | MadeFile():
                    pass  # what an agent does is for those who look after it
                case Ended():
                    yield _event("end", **_end(visit, turn, event))
                case Failed():
                    yield _event("error", **broken(event.error()).body(errors.request_id(visit.request)))
                case _:
                    assert_never(event)


async def _of_kept(visit: Visit, message: ChatMessage) -> AsyncGenerator[bytes]:
    place = {"task_id": "", "conversation_id": message.conversation_id, "message_id": message.id}
    yield _event("begin", **place)
    if message.answer:
        yield _event("delta", text=message.answer)
    if message.status in ("error", "running"):  # running: its process died, and this one could not go on with it
        error = LLMFlowError("The answer was cut off.", code="interrupted")
        yield _event("error", **shown(error).body(errors.request_id(visit.request)))
    else:
        told = {"kind": message.kind, "hint": "", "model": ""}
        ways = {"stopped": message.status == "stopped", "paused": message.status == "paused"}
        yield _event("end", **place, **told, **ways, citations=citations(visit.site, visit.app, message.citations))


def _end(visit: Visit, turn: Turn, ended: Ended) -> dict[str, Any]:
    return {
        "message_id": turn.message_id,
        "conversation_id": turn.conversation_id,
        "task_id": turn.id,
        "kind": ended.answer.kind,
        "hint": "",
        "model": "",
        "stopped": ended.stopped,
        "paused": ended.paused,
        "citations": citations(visit.site, visit.app, ended.answer.citations),
    }


def _event(event: str, **fields: Any) -> bytes:
    return sse.event(msgspec.json.encode({"event": event, **fields}))
