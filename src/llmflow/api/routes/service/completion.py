"""Completion messages: the app's form filled in (blocking or streaming), and stop."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from llmflow.api.routes.service import turn_events
from llmflow.api.routes.service.chat import files_of
from llmflow.api.routes.service.dify import COMPLETIONS, HEADERS, PING, Call, answer, checked, operation
from llmflow.api.sse import EventStream
from llmflow.apps.chat.ask import Ask
from llmflow.wiring import Platform


class CompletionRequestPayload(msgspec.Struct, frozen=True):
    """Dify's CompletionRequest; unknown fields are passed over, as there."""

    inputs: dict[str, Any]
    query: str | None = None
    response_mode: Literal["blocking", "streaming"] | None = None
    files: list[dict[str, Any]] | None = None


def routes(platform: Platform) -> list[Route]:
    return [
        operation(platform, "/completion-messages", "POST", _complete, only=COMPLETIONS),
        operation(platform, "/completion-messages/{task_id}/stop", "POST", _stop, only=COMPLETIONS),
    ]


async def _complete(call: Call) -> Response:
    body = await call.body()
    user = await call.user(body.get("user"), required=True)
    wanted = checked(body, CompletionRequestPayload)
    ask = Ask(wanted.query or "", inputs=wanted.inputs, files=await files_of(call, user, wanted.files))
    turn = await call.platform.apps.chat.ask(call.app, user, ask)
    await turn.kept()
    with_sources = call.app.config.retriever_resource
    if wanted.response_mode == "streaming":
        told = turn_events.stream(turn, call.app.mode, with_sources=with_sources)
        return EventStream(told, headers=HEADERS, ping=PING)
    return await turn_events.whole(turn, call.app.mode, with_sources=with_sources)


async def _stop(call: Call) -> Response:
    user = await call.user((await call.body()).get("user"), required=True)
    call.platform.apps.chat.stop(str(call.request.path_params["task_id"]), user)
    return answer({"result": "success"})
