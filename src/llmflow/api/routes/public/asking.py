"""Visitors ask. The answer's events are the console's, with less in them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, assert_never

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from llmflow.api import errors, sse
from llmflow.api.routes.public.limits import Rates
from llmflow.api.routes.public.shapes import MOST_LETTERS, citations
from llmflow.api.routes.public.visit import Visit, answer, operation, shown
from llmflow.apps.chat import Ask
from llmflow.apps.turns import Turn
from llmflow.apps.types import Ended, Failed, Replaced, TextDelta, Waiting
from llmflow.errors import NotFound, TooLarge, TooMany
from llmflow.wiring import Platform

_PING = b": ping\n\n"


class _Question(msgspec.Struct, frozen=True):
    question: str
    conversation_id: str | None = None


class Asking:
    """The answers being written to visitors: at most `limit` at once, one for each visitor."""

    def __init__(self, platform: Platform, rates: Rates) -> None:
        self._platform = platform
        self._rates = rates
        self._limit = platform.settings.limits.public_concurrency
        self._running: dict[str, Turn | None] = {}  # by end user's id; None while the question is being kept
        self._watches: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route]:
        return [
            operation(self._platform, self._rates, "/ask", "POST", self._ask),
            operation(self._platform, self._rates, "/tasks/{task_id}", "GET", self._follow),
            operation(self._platform, self._rates, "/tasks/{task_id}/stop", "POST", self._stop),
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
        if user.id in self._running:
            raise TooMany("Your last question is still being answered.", hint="Wait for the answer, or stop it.")
        if len(self._running) >= self._limit:
            raise TooMany("Many people are asking just now.", hint="Try again in a moment.")
        self._running[user.id] = None
        try:
            ask = Ask(wanted.question, conversation_id=wanted.conversation_id)
            turn = await visit.platform.apps.chat.ask(visit.app, user, ask)
        except BaseException:
            self._running.pop(user.id, None)
            raise
        self._running[user.id] = turn
        watch = asyncio.create_task(self._until_over(user.id, turn))
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)
        return _stream(visit, turn)

    def _may_ask(self, visit: Visit) -> None:
        settings, page = visit.site.settings, visit.site.id
        self._rates.take(
            [
                (f"visitor {page} {visit.token_digest}", settings.visitor_per_minute),
                (f"address {page} {visit.address}", settings.address_per_minute),
                (f"page {page}", settings.page_per_minute),
            ]
        )

    async def _until_over(self, user_id: str, turn: Turn) -> None:
        await turn.finished()
        self._running.pop(user_id, None)

    async def _mine(self, visit: Visit) -> Turn:
        user = await visit.known()
        turn = self._running.get(user.id) if user else None
        if turn is None or turn.id != visit.request.path_params["task_id"]:
            raise NotFound("Nothing of that name is being written.", hint="Read the conversation instead.")
        return turn

    async def _follow(self, visit: Visit) -> Response:
        """A running answer from its start, for a page that was reloaded."""
        return _stream(visit, await self._mine(visit))

    async def _stop(self, visit: Visit) -> Response:
        turn = await self._mine(visit)
        user = await visit.user()
        return answer({"stopped": visit.platform.apps.chat.stop(turn.id, user)})

    def task_of(self, user_id: str) -> str | None:
        """The id of the visitor's answer being written."""
        turn = self._running.get(user_id)
        return turn.id if turn else None


def _stream(visit: Visit, turn: Turn) -> sse.EventStream:
    headers = {"cache-control": "no-store"}
    return sse.EventStream(_events(visit, turn), headers=headers, ping=_PING)


async def _events(visit: Visit, turn: Turn) -> AsyncGenerator[bytes]:
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
                case Ended():
                    yield _event("end", **_end(visit, turn, event))
                case Failed():
                    yield _event("error", **shown(event.error()).body(errors.request_id(visit.request)))
                case _:
                    assert_never(event)


def _end(visit: Visit, turn: Turn, ended: Ended) -> dict[str, Any]:
    return {
        "message_id": turn.message_id,
        "conversation_id": turn.conversation_id,
        "task_id": turn.id,
        "kind": ended.answer.kind,
        "stopped": ended.stopped,
        "citations": citations(visit.site, visit.app, ended.answer.citations),
    }


def _event(event: str, **fields: Any) -> bytes:
    return sse.event(msgspec.json.encode({"event": event, **fields}))
