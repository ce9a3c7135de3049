"""A visitor's own conversations: found by the token in their browser, by nobody else."""

from __future__ import annotations

from typing import Literal

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from llmflow.access.rates import Rates
from llmflow.api.routes.public import shapes
from llmflow.api.routes.public.visit import Visit, answer, operation
from llmflow.errors import TooLarge
from llmflow.wiring import Platform

_PAGE = 30
_MOST_LETTERS = 5_000  # of a reason


class _Opinion(msgspec.Struct, frozen=True):
    rating: Literal["like", "dislike"]
    reason: str = ""


def routes(platform: Platform, rates: Rates) -> list[Route]:
    one, opinion = "/conversations/{conversation_id}", "/messages/{message_id}/feedback"
    return [
        operation(platform, rates, "", "GET", _page),
        operation(platform, rates, "/embedding", "GET", _embedding),
        operation(platform, rates, "/conversations", "GET", _list),
        operation(platform, rates, one, "GET", _conversation),
        operation(platform, rates, one, "DELETE", _delete),
        operation(platform, rates, opinion, "PUT", _rate),
        operation(platform, rates, opinion, "DELETE", _take_back),
    ]


async def _page(visit: Visit) -> Response:
    return answer(shapes.page(visit.site, visit.app))


async def _embedding(visit: Visit) -> Response:
    """Whether pages of `origin` may embed this one; any page may ask that of itself, the list is told to nobody."""
    told = answer({"allowed": visit.request.query_params.get("origin", "") in visit.site.settings.origins})
    told.headers["Access-Control-Allow-Origin"] = "*"
    return told


async def _list(visit: Visit) -> Response:
    user, room = await visit.known(), visit.platform.apps
    if user is None:
        return answer({"conversations": [], "has_more": False})
    query = visit.request.query_params
    hits, has_more = await room.conversations.search(
        user, query.get("search", "")[:200], last_id=query.get("after") or None, limit=_PAGE
    )
    found = [shapes.conversation(hit, is_running=bool(room.turns.running(hit.conversation.id))) for hit in hits]
    return answer({"conversations": found, "has_more": has_more})


async def _conversation(visit: Visit) -> Response:
    """Its messages of all branches, oldest first."""
    user, room = await visit.owner(), visit.platform.apps
    running = room.turns.running(visit.named("conversation_id"))  # first: one that ends meanwhile is read as ended
    conversation, messages = await room.conversations.tree(user, visit.named("conversation_id"))
    forms = await room.forms_in_chat.shown(messages)
    shown = [shapes.message(visit.site, visit.app, one, running.get(one.id), forms.get(one.id, [])) for one in messages]
    return answer(
        {
            "id": conversation.id,
            "app_id": visit.site.code,
            "name": conversation.name,
            "created_at": conversation.created_at,
            "updated_at": conversation.updated_at,
            "messages": shown,
        }
    )


async def _delete(visit: Visit) -> Response:
    """With what was said; an answer being written is stopped."""
    user, room = await visit.owner(), visit.platform.apps
    found = await room.conversations.get(user, visit.named("conversation_id"))
    for turn in room.turns.running(found.id).values():
        room.chat.stop(turn.id, user)
    await room.conversations.delete(user, found.id)
    return Response(status_code=204)


async def _rate(visit: Visit) -> Response:
    """One opinion for each answer, instead of the one before."""
    wanted = await visit.body(_Opinion)
    if len(wanted.reason) > _MOST_LETTERS:
        raise TooLarge(f"A reason may have {_MOST_LETTERS} characters.", hint="Say it in fewer words.", param="reason")
    user, feedback = await visit.owner(), visit.platform.apps.feedback
    reason = wanted.reason.strip()
    await feedback.rate(visit.app.workspace_id, user, visit.named("message_id"), wanted.rating, content=reason)
    return Response(status_code=204)


async def _take_back(visit: Visit) -> Response:
    user, feedback = await visit.owner(), visit.platform.apps.feedback
    await feedback.rate(visit.app.workspace_id, user, visit.named("message_id"), None)
    return Response(status_code=204)
