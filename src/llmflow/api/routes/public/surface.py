"""The whole of /api/public/v1, ready to be mounted."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from llmflow.access.rates import Rates
from llmflow.api.routes.public import chat_forms, forms, history
from llmflow.api.routes.public.asking import Asking
from llmflow.api.routes.public.visit import failed
from llmflow.wiring import Platform


def public(platform: Platform) -> ASGIApp:
    """What visitors of public pages may ask. It reads no key and no cookie."""
    rates = Rates()
    starlette = Starlette(
        routes=[
            Route("/healthz", _healthz),
            *Asking(platform, rates).routes(),
            *history.routes(platform, rates),
            *chat_forms.routes(platform, rates),
            *forms.routes(platform, rates),
        ],
        exception_handlers={HTTPException: failed, ClientDisconnect: failed, Exception: failed},
    )
    starlette.router.redirect_slashes = False
    return starlette


async def _healthz(request: Request) -> Response:
    """/healthz where the page's own policy lets its scripts look."""
    return Response(b'{"status":"ok"}', media_type="application/json", headers={"Cache-Control": "no-store"})
