"""Visitors ask. The answer's events are the console's, with less in them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmflow.access.rates import Rate, Rates
from llmflow.api import errors, sse
from llmflow.api.answer_events import answer_events, cut_off, turn_events
from llmflow.api.routes.public.shapes import MOST_LETTERS, citations
from llmflow.api.routes.public.visit import Visit, answer, broken, operation, shown, token_digest
from llmflow.apps.chat.ask import Ask
from llmflow.apps.chat.turns import Turn
from llmflow.apps.types import ChatMessage, Citation
from llmflow.errors import LLMFlowError, TooLarge, TooMany
from llmflow.wiring import Platform


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
        return _stream(turn_events(turn, _Visitor(visit)))

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
    find = partial(room.following.find, user, kept.id, through_pause=through_pause)
    return _stream(answer_events(find, _Visitor(visit)))


def _stream(events: AsyncGenerator[bytes]) -> sse.EventStream:
    return sse.EventStream(events, headers={"cache-control": "no-store"}, ping=sse.PING)


@dataclass(frozen=True, slots=True)
class _Visitor:
    """A stranger: what an agent does, and which model answers, is for those who look after the app."""

    visit: Visit
    sees_all = False

    def citations(self, found: Sequence[Citation]) -> list[dict[str, Any]]:
        return citations(self.visit.site, self.visit.app, found)

    def failed(self, error: LLMFlowError) -> dict[str, Any]:
        return broken(error).body(errors.request_id(self.visit.request))

    def kept_failure(self, message: ChatMessage) -> dict[str, Any] | None:
        if message.status not in ("error", "running"):
            return None
        return shown(cut_off()).body(errors.request_id(self.visit.request))
