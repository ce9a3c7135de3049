"""Who makes this request: a key in the Authorization header, or a session cookie."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.requests import Request

from llmflow.access.types import Account, Caller
from llmflow.errors import Forbidden, Unauthorized
from llmflow.wiring import Platform

COOKIE = "llmflow_session"
_SAFE = ("GET", "HEAD", "OPTIONS")


def platform_of(request: Request) -> Platform:
    found: Platform = request.app.state.platform
    return found


def bearer(request: Request) -> str | None:
    """The key of the Authorization header."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


async def caller(request: Request, kinds: Sequence[str], *, platform: Platform | None = None) -> Caller:
    """Who the request's key stands for. Raises Unauthorized without a good key and Forbidden for another kind."""
    token = bearer(request)
    if token is None:
        raise Unauthorized("Authorization header must be provided and start with 'Bearer'")
    found = await (platform or platform_of(request)).keys.check(token)
    if found.kind not in kinds:
        raise Forbidden(f"A key of kind {found.kind} may not do this; one of kind {' or '.join(kinds)} may.")
    return found


async def console_caller(request: Request) -> Caller:
    """An admin key, or a signed-in person's cookie. A cookie's changes must come from our own pages."""
    if bearer(request) is not None:
        return await caller(request, ("admin",))
    account, found = await signed_in(request)
    if account.must_change_password:
        raise Forbidden("The password that was printed must be changed first.", code="password_change_required")
    return found


async def signed_in(request: Request) -> tuple[Account, Caller]:
    """The person behind the cookie. Raises Unauthorized, and Forbidden for a change asked from another site."""
    token = request.cookies.get(COOKIE)
    if not token:
        raise Unauthorized("Sign in, or send 'Authorization: Bearer adm-...'.")
    origin = request.headers.get("origin")
    ours = (request.headers.get("host"), urlsplit(platform_of(request).settings.server.public_url).netloc)
    if request.method not in _SAFE and origin and urlsplit(origin).netloc not in ours:
        raise Forbidden("This change was asked for by a page of another site.")
    return await platform_of(request).people.session(token)
