"""A form by its link: look at it, send files for it, answer it. The link is all the proof there is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmflow.access.rates import Rate, Rates
from llmflow.api import auth
from llmflow.api.routes.public.visit import answer, refused
from llmflow.apps.forms.types import Answering, HumanForm
from llmflow.errors import LLMFlowError, PreconditionFailed, UsageError
from llmflow.net.networks import network_of
from llmflow.wiring import Platform

_READS, _WRITES = Rate.each_minute(120), Rate.each_minute(30)  # of one address
Handler = Callable[[Platform, Request, HumanForm], Awaitable[Response]]


class _Answer(msgspec.Struct, frozen=True):
    action: str
    inputs: dict[str, Any]


def routes(platform: Platform, rates: Rates) -> list[Route]:
    def operation(path: str, method: str, handler: Handler) -> Route:
        rate = _READS if method == "GET" else _WRITES

        async def endpoint(request: Request) -> Response:
            try:
                rates.take([(f"form {method} {network_of(auth.address_of(request))}", rate)])
                form = await platform.apps.forms.by_token(request.path_params["token"])
                return await handler(platform, request, form)
            except LLMFlowError as error:
                return refused(request, error)

        return Route(f"/forms/{{token}}{path}", endpoint, methods=[method])

    return [operation("", "GET", _show), operation("", "POST", _submit), operation("/files", "POST", take_file)]


async def _show(platform: Platform, request: Request, form: HumanForm) -> Response:
    """What is asked; of a form that is over, only that it is."""
    try:
        platform.apps.forms.check_open(form)
    except PreconditionFailed as over:
        state = "submitted" if over.code == "human_input_form_submitted" else "expired"
        return answer({"state": state, "title": form.asked.title})
    asked = form.asked
    return answer(
        {
            "state": "waiting",
            "title": asked.title,
            "content": asked.content,
            "inputs": asked.inputs,
            "actions": asked.actions,
            "defaults": asked.defaults,
            "expires_at": form.expires_at,
        }
    )


async def _submit(platform: Platform, request: Request, form: HumanForm) -> Response:
    return await submit(platform, request, form, Answering("link", form.sent_to))


async def submit(platform: Platform, request: Request, form: HumanForm, who: Answering) -> Response:
    try:
        said = msgspec.json.decode(await request.body(), type=_Answer)
    except msgspec.ValidationError as error:
        raise UsageError(f"{error}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError("The body is not JSON.", code="invalid_json") from error
    await platform.apps.desk.submit(form, who, said.action, said.inputs)
    return answer({"state": "submitted"})


async def take_file(platform: Platform, request: Request, form: HumanForm) -> Response:
    """The bytes are the body."""

    async def pieces() -> AsyncIterator[bytes]:
        async for piece in request.stream():
            yield piece

    file = await platform.apps.forms.take_file(form, request.query_params.get("name", ""), pieces())
    return answer({"id": file.id, "name": file.name, "size": file.size, "media_type": file.media_type})
