"""Who makes this request: a key in the Authorization header, or a session cookie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from llmflow.access.types import Account, Caller, Role, reaches
from llmflow.api.sse import UNTIL
from llmflow.errors import Forbidden, LLMFlowError, NotFound, Unauthorized
from llmflow.gateway.asker import Asker, speak_for
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
    _speak_for(found)
    _watch(request, platform or platform_of(request), found.key_id)
    return found


async def console_caller(request: Request, *, needs: Role | None = None) -> Caller:
    """An admin key, or a signed-in person's cookie, whose role reaches `needs`; None: member to read, editor to change.
    A cookie's changes must come from our own pages. Raises Unauthorized, Forbidden (role_insufficient)."""
    if bearer(request) is not None:
        found = await caller(request, ("admin",))
    else:
        account, found = await signed_in(request)
        if account.must_change_password:
            raise Forbidden("The password that was printed must be changed first.", code="password_change_required")
    needed = needs or ("member" if request.method in _SAFE else "editor")
    if not reaches(found.role, needed):
        raise Forbidden(f"This needs the role {needed}; yours is {found.role}.", code="role_insufficient")
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
    account, found = await platform_of(request).people.session(token)
    _speak_for(found)
    _watch(request, platform_of(request), account.id)
    return account, found


def _watch(request: Request, platform: Platform, id: str | None) -> None:
    """A stream that answers this request ends when what its caller may do has changed: it may ask again."""
    if id is not None:
        request.scope[UNTIL] = platform.standing.of(id)


def _speak_for(caller: Caller) -> None:
    """What this request's models cost is this caller's."""
    speak_for(
        Asker(
            caller.workspace_id,
            key_id=caller.key_id,
            account_id=caller.account_id,
            app_id=caller.app_id,
            groups=caller.groups,
            sees_all=caller.sees_all,
        )
    )


def address_of(request: Request) -> str:
    """The client's address; behind a proxy that server.trusted_proxies names, the one it tells."""
    return request.client.host if request.client else ""


@contextmanager
def attempt(request: Request) -> Iterator[None]:
    """Around the check of a secret that might be guessed: a wrong one (Unauthorized, NotFound) counts for the client's
    address. Raises TooMany (sign_in_paused) before it is checked when there were too many."""
    attempts, address = platform_of(request).attempts, address_of(request)
    attempts.begin(address)
    try:
        yield
    except (Unauthorized, NotFound):
        raise
    except LLMFlowError:
        attempts.forgive(address)
        raise
    attempts.forgive(address)


def set_cookie(request: Request, response: Response, token: str) -> None:
    """Hands the session to the browser, out of reach of scripts and of other sites."""
    settings = platform_of(request).settings.server
    response.set_cookie(
        COOKIE,
        token,
        max_age=settings.session_hours * 3600,
        httponly=True,
        secure=request.url.scheme == "https" or settings.public_url.startswith("https:"),
        samesite="strict",
        path="/",
    )
