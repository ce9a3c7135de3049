"""A visitor's own conversations: found by the token in their browser, by nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from llmflow.api.routes.public import shapes
from llmflow.api.routes.public.limits import Rates
from llmflow.api.routes.public.visit import Visit, answer, operation
from llmflow.apps.types import EndUser
from llmflow.errors import NotFound
from llmflow.wiring import Platform

_CONVERSATIONS, _MESSAGES = 50, 100  # the newest of them


class _Opinion(msgspec.Struct, frozen=True):
    rating: Literal["like", "dislike"] | None
    content: str = ""


def routes(platform: Platform, rates: Rates, task_of: Callable[[str], str | None]) -> list[Route]:
    """`task_of`: the id of an end user's answer being written."""

    async def conversation(visit: Visit) -> Response:
        """The conversation's messages, oldest first, and the task of an answer being written in it."""
        user, found = await _conversation(visit)
        messages, has_more = await visit.platform.apps.conversations.messages(user, found, limit=_MESSAGES)
        is_running = bool(messages) and messages[-1].status == "running"
        return answer(
            {
                "messages": [shapes.message(visit.site, visit.app, message) for message in messages],
                "has_more": has_more,
                "task_id": task_of(user.id) if is_running else None,
            }
        )

    one = "/conversations/{conversation_id}"
    return [
        operation(platform, rates, "", "GET", _page),
        operation(platform, rates, "/embedding", "GET", _embedding),
        operation(platform, rates, "/conversations", "GET", _list),
        operation(platform, rates, one, "GET", conversation),
        operation(platform, rates, one, "DELETE", _delete),
        operation(platform, rates, "/messages/{message_id}/feedback", "POST", _rate),
    ]


async def _page(visit: Visit) -> Response:
    return answer(shapes.page(visit.site, visit.app))


async def _embedding(visit: Visit) -> Response:
    """Whether pages of `origin` may embed this one; any page may ask that of itself, the list is told to nobody."""
    told = answer({"allowed": visit.request.query_params.get("origin", "") in visit.site.settings.origins})
    told.headers["Access-Control-Allow-Origin"] = "*"
    return told


async def _list(visit: Visit) -> Response:
    user = await visit.known()
    if user is None:
        return answer({"conversations": []})
    found, _ = await visit.platform.apps.conversations.page(user, limit=_CONVERSATIONS)
    return answer({"conversations": [shapes.conversation(conversation) for conversation in found]})


async def _conversation(visit: Visit) -> tuple[EndUser, str]:
    user = await visit.known()
    if user is None:
        raise NotFound("Conversation Not Exists.", code="conversation_not_exists")
    return user, str(visit.request.path_params["conversation_id"])


async def _delete(visit: Visit) -> Response:
    user, conversation_id = await _conversation(visit)
    await visit.platform.apps.conversations.delete(user, conversation_id)
    return answer({"deleted": True})


async def _rate(visit: Visit) -> Response:
    """One opinion for each message; null takes it back."""
    wanted = await visit.body(_Opinion)
    user = await visit.known()
    if user is None:
        raise NotFound("Message Not Exists.", code="message_not_exists")
    message_id = str(visit.request.path_params["message_id"])
    await visit.platform.apps.feedback.rate(
        visit.app.workspace_id, user, message_id, wanted.rating, content=wanted.content[:4000] or None
    )
    return answer({"rating": wanted.rating})
