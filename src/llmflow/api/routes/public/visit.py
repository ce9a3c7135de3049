"""A request to a public page: which page, which visitor, and errors that tell strangers no insides."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmflow.access.rates import Rate, Rates
from llmflow.api import auth, errors
from llmflow.apps.sites import is_open
from llmflow.apps.types import App, EndUser, Site
from llmflow.errors import CODES, InternalError, LLMFlowError, NotFound, TooMany, UsageError
from llmflow.gateway.asker import Asker, speak_for
from llmflow.net.networks import network_of
from llmflow.store.crypto import digest
from llmflow.wiring import Platform

_TOKEN = re.compile(r"[A-Za-z0-9_-]{32,128}")
_READS = Rate.each_minute(300)  # of one address: pages, histories, all that asks no model
_HEADERS = {"Cache-Control": "no-store"}
Body = TypeVar("Body")


@dataclass(slots=True)
class Visit:
    """One request of a visitor. `token_digest`: of the random token their browser keeps, "" without one."""

    request: Request
    platform: Platform
    site: Site
    app: App
    token_digest: str
    address: str

    def _named(self) -> str:
        if not self.token_digest:
            raise UsageError(
                "The visitor's token is missing.", hint="Send a random one in X-Visitor.", param="X-Visitor"
            )
        return self.token_digest

    async def user(self) -> EndUser:
        """The visitor as an end user, made when they first ask. Raises UsageError without a token."""
        conversations = self.platform.apps.conversations
        return await conversations.user(self.app.workspace_id, self.app.id, self._named(), source="public")

    async def known(self) -> EndUser | None:
        """The visitor, where they have asked before. Raises UsageError without a token."""
        return await self.platform.apps.conversations.known_user(self.app.id, self._named(), source="public")

    async def owner(self) -> EndUser:
        """The visitor who has something here. Raises NotFound for one who never asked."""
        user = await self.known()
        if user is None:
            raise NotFound("Conversation Not Exists.", code="conversation_not_exists")
        return user

    def named(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    async def body(self, kind: type[Body]) -> Body:
        """Raises UsageError for what is not JSON or not a `kind`."""
        try:
            return msgspec.json.decode(await self.request.body(), type=kind)
        except msgspec.ValidationError as error:
            raise UsageError(f"{error}.") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UsageError("The body is not JSON.", code="invalid_json") from error


Handler = Callable[[Visit], Awaitable[Response]]


def operation(platform: Platform, rates: Rates, path: str, method: str, handler: Handler) -> Route:
    """A route of the pages that are open."""

    async def endpoint(request: Request) -> Response:
        try:
            address = network_of(auth.address_of(request))
            rates.take([(f"read {address}", _READS)])
            site = await platform.apps.sites.by_code(request.path_params["code"])
            if site is None or not is_open(site):
                raise NotFound("This page is not there any more, or never was.", code="page_not_found")
            app = await platform.apps.catalogue.get(site.workspace_id, site.app_id)
            speak_for(Asker(app.workspace_id, app_id=app.id))
            return await handler(Visit(request, platform, site, app, token_digest(request), address))
        except LLMFlowError as error:
            return refused(request, error)

    return Route(f"/apps/{{code}}{path}", endpoint, methods=[method])


def token_digest(request: Request) -> str:
    """Of the visitor's token; "" without a good one."""
    token = request.headers.get("x-visitor", "")
    return digest(token) if _TOKEN.fullmatch(token) else ""


def answer(content: object) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json", headers=_HEADERS)


def refused(request: Request, error: LLMFlowError) -> Response:
    told = shown(error)
    waits = {"Retry-After": str(error.wait_s)} if isinstance(error, TooMany) and error.wait_s is not None else {}
    body = msgspec.json.encode(told.body(errors.request_id(request)))
    return Response(body, status_code=told.status, media_type="application/json", headers={**_HEADERS, **waits})


def shown(error: LLMFlowError) -> LLMFlowError:
    """The error as strangers may see it: what they did wrong is told, what is wrong here is not."""
    return error if error.status < 500 else broken(error)


def broken(error: LLMFlowError) -> LLMFlowError:
    """Of an answer that failed while it was written, whatever the reason: it may name models and addresses."""
    told = InternalError("The page cannot answer now.", code="page_failed", hint=CODES["page_failed"])
    told.status = error.status  # type: ignore[misc]
    return told


async def failed(request: Request, error: Exception) -> Response:
    """The surface's exception handler: wrong paths and methods, and faults of ours, which are logged."""
    return refused(request, errors.known(error, request))
